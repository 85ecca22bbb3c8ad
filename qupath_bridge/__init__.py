"""Results to QuPath and back: GeoJSON without Java."""

from qupath_bridge.geojson_read import Annotation, ReadResult, read_geojson, roi_geometry
from qupath_bridge.geojson_write import write_regions, write_tiles
from qupath_bridge.measures import mean_in_regions
from qupath_bridge.reviewed import Reviewed, reviewed_regions

__all__ = [
    "Annotation",
    "ReadResult",
    "Reviewed",
    "mean_in_regions",
    "read_geojson",
    "reviewed_regions",
    "roi_geometry",
    "write_regions",
    "write_tiles",
]
