"""How long results take to be shown: arrays in the scoring worker, layers on the window's own thread.

    python benchmarks/layers.py [--tiles 20000 100000] [--classes 5] [--repeats 20] [--window]

``rasters`` is what the worker spends on arrays; all other rows are spent where the window waits. Each figure
is the median of milliseconds, beside it the ratio to putting the probabilities alone on their raster, which
is the least that has to be done. ``show`` is an update with everything there is to show (classes,
uncertainty, disagreement, another alignment and the difference), of which one layer is visible. With
``--window`` the layers are in a real napari window (under Xvfb if need be), and the drawing that follows is
measured by itself; without, in a viewer model.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from napari_histoalign.alignment import disagreement
from napari_histoalign.plugin.legend import legend
from napari_histoalign.plugin.rasters import Rasters, rasters
from napari_histoalign.plugin.result_layers import ResultLayers
from napari_histoalign.plugin.result_plan import CLASSES, LayerKey
from napari_histoalign.results import ProbabilityMap, TileScores
from napari_histoalign.slides import TileGrid

TILE_PX = 224
PAIRS = 4
COLORS = ("#d55e00", "#009e73", "#cc79a7", "#f0e442", "#56b4e9", "#0072b2", "#e69f00", "#999999")


def scored(grid: TileGrid, tiles: int, classes: int, rng: np.random.Generator) -> Any:
    """What a scoring returns, as far as layers look at it."""
    indices = np.sort(rng.choice(grid.count, tiles, replace=False))
    logits = [rng.normal(size=(tiles, classes)).astype(np.float32) * 2 for _ in range(PAIRS)]
    mean = np.exp(sum(logits) / PAIRS)
    names = tuple(f"class {i}" for i in range(classes))
    scores = TileScores(
        grid.xy(indices),
        TILE_PX,
        TILE_PX,
        names,
        COLORS[:classes],
        ("tissue",) * classes,
        mean / mean.sum(axis=1, keepdims=True),
    )
    return SimpleNamespace(
        indices=indices,
        tiles=scores,
        scores=SimpleNamespace(parts=(None,) * PAIRS),
        disagreement=lambda: disagreement(logits),
    )


def fresh(one: Any) -> Any:
    """The same scores, none of whose sums were kept."""
    t = one.tiles
    again = TileScores(t.xy, t.tile_px, t.stride_px, t.class_names, t.colors, t.roles, t.probabilities)
    return SimpleNamespace(**{**vars(one), "tiles": again})


def median_ms(
    call: Callable[[int], object], repeats: int, after: Callable[[], object] = lambda: None
) -> float:
    """Median milliseconds of a call with the number of its turn; `after` it, unmeasured, something else."""
    took = []
    for turn in range(repeats + 1):
        started = time.perf_counter()
        call(turn)
        took.append((time.perf_counter() - started) * 1000)
        after()
    return statistics.median(took[1:])


def measure(tiles: int, classes: int, repeats: int, viewer: Any, pump: Callable[[], None]) -> None:
    """Print a table for one number of tiles."""
    from napari.layers import Image

    rng = np.random.default_rng(0)
    side = math.ceil(math.sqrt(tiles * 1.6))  # tissue covers some 60 % of a slide
    grid = TileGrid((0, 0), TILE_PX, TILE_PX, side, side, TILE_PX, 0.5)
    shown, changed, other = (scored(grid, tiles, classes, rng) for _ in range(3))
    both: list[Rasters] = [rasters(grid, one, one, other) for one in (shown, changed)]
    place = (grid.origin, grid.columns, grid.rows)
    least = median_ms(lambda _: ProbabilityMap.from_tiles(shown.tiles, *place), repeats)
    size = side * TILE_PX
    scale = size / 512
    slide = Image(np.full((512, 512, 3), 230, np.uint8), rgb=True, name="slide", scale=(scale, scale))
    viewer.layers.append(slide)
    results = ResultLayers(viewer, slide)
    options = {"background": (False,) * classes, "overlay": "class 0", "threshold": 0.5}
    print(f"\n{tiles:,} tiles of {grid.count:,} on the grid, {classes} classes")

    def row(name: str, ms: float) -> None:
        print(f"  {name:46}{ms:9.2f} ms   ratio {ms / least:8.1f}", flush=True)

    row("the probabilities on their raster", least)
    row("rasters, in the worker", median_ms(lambda _: rasters(grid, fresh(shown), fresh(shown)), repeats))
    row(
        "rasters with another alignment, in the worker",
        median_ms(lambda _: rasters(grid, fresh(shown), fresh(shown), fresh(other)), repeats),
    )
    started = time.perf_counter()
    results.show(both[0], **options)
    made = (time.perf_counter() - started) * 1000 / len(results.keys)
    pump()
    row("making a layer, once each", made)
    for key, what in ((LayerKey("probability", "class 0"), "a class"), (CLASSES, "the classes")):
        results.choose(key)
        pump()
        row(
            f"show, {what} visible",
            median_ms(lambda turn: results.show(both[turn % 2], **options), repeats, pump),
        )
    row(
        "threshold, the classes visible",
        median_ms(lambda turn: results.apply_threshold(0.3 + turn % 2 * 0.3), repeats, pump),
    )
    row(
        "legend at a threshold",
        median_ms(lambda turn: legend(both[0], 0.3 + turn % 2 * 0.3, (size, size), (0.5, 0.5)), repeats),
    )
    row("opacity", median_ms(lambda turn: results.set_opacity(0.4 + turn % 2 * 0.2), repeats, pump))
    results.choose(LayerKey("probability", "class 0"))
    row(
        "choosing another layer",
        median_ms(
            lambda turn: results.choose(LayerKey(("uncertainty", "disagreement")[turn % 2])), repeats, pump
        ),
    )
    drawn = []
    for turn in range(repeats):
        results.show(both[turn % 2], **options)
        started = time.perf_counter()
        pump()
        drawn.append((time.perf_counter() - started) * 1000)
    row("drawing after show (napari's own)", statistics.median(drawn))
    viewer.layers.clear()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--window", action="store_true")
    chosen = parser.parse_args()
    if chosen.window:
        import napari
        from qtpy.QtWidgets import QApplication

        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        viewer.window.resize(1400, 900)
        pump = QApplication.processEvents
    else:
        from napari.components import ViewerModel

        viewer, pump = ViewerModel(), lambda: None
    for tiles in chosen.tiles:
        measure(tiles, chosen.classes, chosen.repeats, viewer, pump)
    if chosen.window:
        viewer.close()


if __name__ == "__main__":
    main()
