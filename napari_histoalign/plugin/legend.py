"""What the colours of the result layers mean, and how much of the slide each class covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.plugin.coloring import DIFFERENCE, DISAGREEMENT, UNCERTAINTY, Ramp, class_ramp
from napari_histoalign.results.areas import UM2_PER_MM2

if TYPE_CHECKING:
    from napari_histoalign.plugin.rasters import Rasters
    from napari_histoalign.plugin.result_plan import LayerKey

UNSURE = "below the threshold"


@dataclass(frozen=True)
class LegendRow:
    """One class.

    Attributes
    ----------
    name
        The class, or `UNSURE`.
    color
        ``#rrggbb``, empty where it has none.
    tiles
        Tiles of which it is the most probable class, at the threshold or above.
    area_mm2
        What they cover in square millimetres, each tile counted as its stride cell; None without a
        physical pixel size.
    share
        Their part of the scored area, 0 to 1.
    """

    name: str
    color: str
    tiles: int
    area_mm2: float | None
    share: float


def legend(
    rasters: Rasters,
    threshold: float,
    slide_size: tuple[int, int],
    mpp: tuple[float, float] | None,
) -> tuple[LegendRow, ...]:
    """Tiles and area of each class at a threshold.

    As `napari_histoalign.results.area_by_class` counts them, fast enough to follow a slider.

    Parameters
    ----------
    rasters
        What is shown.
    threshold
        Tiles whose highest probability is below it are of no class.
    slide_size
        (width, height) in level-0 pixels.
    mpp
        Micrometres per level-0 pixel in x and y, if known.

    Returns
    -------
    tuple of LegendRow
        In the order of the classes; the last row is what is below the threshold.
    """
    shown = rasters.shown
    x, y = shown.edges(slide_size)
    widths, heights = np.diff(x), np.diff(y)
    scored = rasters.best > 0
    sure = rasters.classes(threshold)[scored].astype(np.intp)  # 0 is what is below the threshold
    cells = np.broadcast_to(np.multiply.outer(heights, widths), scored.shape)[scored]
    classes = len(shown.class_names)
    tiles = np.bincount(sure, minlength=classes + 1)
    areas = np.bincount(sure, cells, minlength=classes + 1)
    whole = float(areas.sum())
    um2 = None if mpp is None else mpp[0] * mpp[1]
    names, colors = (*shown.class_names, UNSURE), (*shown.colors, "")
    return tuple(
        LegendRow(
            name,
            color,
            int(tiles[i]),
            None if um2 is None else float(areas[i]) * um2 / UM2_PER_MM2,
            float(areas[i]) / whole if whole else 0.0,
        )
        for name, color, i in zip(names, colors, (*range(1, classes + 1), 0), strict=True)
    )


@dataclass(frozen=True)
class ColorBar:
    """What the colours of one layer mean.

    Attributes
    ----------
    title
        What is shown.
    ramp
        Its colours.
    low, high
        What the ends mean.
    """

    title: str
    ramp: Ramp
    low: str
    high: str


def color_bar(key: LayerKey | None, colors: dict[str, str]) -> ColorBar | None:
    """The colour bar of a layer; None where single colours say it all.

    Parameters
    ----------
    key
        The layer, or None.
    colors
        ``#rrggbb`` of each class.
    """
    if key is None or key.kind == "classes":
        return None
    name = key.class_name
    if key.kind == "uncertainty":
        return ColorBar("Uncertainty (entropy)", UNCERTAINTY, "0 sure", "1 all classes alike")
    if key.kind == "disagreement":
        return ColorBar("Disagreement of encoder pairs", DISAGREEMENT, "0 agree", "1 contradict")
    if key.kind == "difference":
        return ColorBar(f"{name}: shown minus other", DIFFERENCE, "-1 less than other", "more +1")
    title = f"Probability of {name}" + (", by the other alignment" if key.kind == "other" else "")
    return ColorBar(title, class_ramp(name, colors[name]), "0", "1")


def area_text(area_mm2: float | None) -> str:
    """Square millimetres with three digits that count; empty where unknown.

    >>> area_text(12.3456), area_text(0.012345), area_text(1234.5), area_text(0.0)
    ('12.3 mm²', '0.0123 mm²', '1,234 mm²', '0 mm²')
    """
    if area_mm2 is None:
        return ""
    if area_mm2 >= 100 or area_mm2 == 0:
        return f"{area_mm2:,.0f} mm²"
    digits = max(0, 2 - int(np.floor(np.log10(area_mm2))))
    return f"{area_mm2:.{min(digits, 6)}f} mm²"
