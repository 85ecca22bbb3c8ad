"""The run: read, embed, store, score; resumable and cancellable, without Qt."""

from napari_histoalign.engine.analysis import Analysis
from napari_histoalign.engine.progress import Progress, Stopwatch, duration
from napari_histoalign.engine.queue import TileQueue
from napari_histoalign.engine.scored import MarkedTiles, Scored
from napari_histoalign.engine.store import EmbeddingStore, StoreKey
from napari_histoalign.engine.views import DEFAULT_VIEWS, VIEWS

__all__ = [
    "DEFAULT_VIEWS",
    "VIEWS",
    "Analysis",
    "EmbeddingStore",
    "MarkedTiles",
    "Progress",
    "Scored",
    "Stopwatch",
    "StoreKey",
    "TileQueue",
    "duration",
]
