"""Results to QuPath and back: GeoJSON without Java."""

from qupath_bridge.geojson_read import Annotation, ReadResult, read_geojson, roi_geometry
from qupath_bridge.geojson_write import write_regions, write_tiles

__all__ = ["Annotation", "ReadResult", "read_geojson", "roi_geometry", "write_regions", "write_tiles"]
