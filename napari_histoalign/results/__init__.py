"""What a run leaves: probability maps, regions, tables, provenance."""

from __future__ import annotations

from napari_histoalign.results.probability_map import ProbabilityMap
from napari_histoalign.results.regions import Region, regions_from_map
from napari_histoalign.results.scores import TileScores

__all__ = ["ProbabilityMap", "Region", "TileScores", "regions_from_map"]
