"""What a run leaves: probability maps, regions, tables, provenance."""

from __future__ import annotations

from napari_histoalign.results.areas import ClassArea, area_by_class
from napari_histoalign.results.overlay import write_overlay
from napari_histoalign.results.probability_map import ProbabilityMap
from napari_histoalign.results.provenance import Run, run_identity
from napari_histoalign.results.regions import Region, regions_from_map
from napari_histoalign.results.scores import TileScores
from napari_histoalign.results.tables import read_tiles_table, write_tiles_table
from napari_histoalign.results.zarr_map import read_probability_zarr, write_probability_zarr

__all__ = [
    "ClassArea",
    "ProbabilityMap",
    "Region",
    "Run",
    "TileScores",
    "area_by_class",
    "read_probability_zarr",
    "read_tiles_table",
    "regions_from_map",
    "run_identity",
    "write_overlay",
    "write_probability_zarr",
    "write_tiles_table",
]
