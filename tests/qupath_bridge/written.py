"""Regions and tiles to write."""

from __future__ import annotations

import numpy as np
from shapely import MultiPolygon, Polygon, box

from napari_histoalign.results import Region, TileScores

RUN = {"run_id": "11111111-2222-5333-8444-555555555555", "slide_fingerprint": "ab" * 32}


def region(polygon: Polygon | MultiPolygon, **changes: object) -> Region:
    values = {
        "class_name": "malignant",
        "color": "#d62728",
        "probability": 0.8125,
        "area_px": polygon.area,
        "area_um2": polygon.area / 4,
        "tiles": 3,
        "margin": 0.6,
    }
    return Region(polygon=polygon, **{**values, **changes})


def scores(n: int, tile: int = 224, seed: int = 0) -> TileScores:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), n).astype(np.float32)
    side = int(np.ceil(np.sqrt(n)))
    xy = np.stack([np.arange(n) % side, np.arange(n) // side], axis=1).astype(np.int64) * tile
    return TileScores(
        xy=xy,
        tile_px=tile,
        stride_px=tile,
        class_names=("malignant", "benign", "glass"),
        colors=("#d62728", "#2ca02c", "#ffffff"),
        roles=("lesion", "tissue", "background"),
        probabilities=p,
    )


WITH_HOLE = Polygon(box(0, 0, 900, 900).exterior.coords, [box(300, 300, 600, 600).exterior.coords])
SHAPES = [box(10, 20, 250, 260), WITH_HOLE, MultiPolygon([box(0, 0, 10, 10), box(20.5, 20.25, 30, 30)])]
