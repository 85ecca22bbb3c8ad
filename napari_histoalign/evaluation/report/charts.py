"""The report's charts: intervals of all rows, curves, reliability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.report.curves import precision_recall, reliability, roc, simplified
from napari_histoalign.evaluation.report.drawing import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.outcome import Estimate

COLOURS = 8
"""Colours of series in the style sheet; after them come the same ones with other dashes."""
SIDE = 250.0
LEFT, TOP, RIGHT, BOTTOM = 52.0, 12.0, 12.0, 40.0
STRIP = 320.0


@dataclass(frozen=True, eq=False)
class Series:
    """Something that curves are drawn of.

    Attributes
    ----------
    name
        For the legend.
    truth
        Whether an image is of the class, shape (n,).
    score
        Its probability of it, shape (n,).
    """

    name: str
    truth: NDArray[np.bool_]
    score: NDArray[np.floating]


def look(index: int) -> str:
    """Classes of a series' line: one of the colours, and another dash after each round of them."""
    return f"series c{index % COLOURS} d{index // COLOURS % 4}"


def key(index: int) -> Markup:
    """A short piece of a series' line for the legend."""
    drawing = Drawing(30, 10, "")
    drawing.line([(1, 5), (29, 5)], look(index))
    return drawing.markup()


def roc_chart(series: Sequence[Series]) -> Markup:
    """Receiver operating characteristic of each series, with the line of chance."""
    chart = _Square("ROC curves", "False positive rate", "True positive rate")
    chart.line([(0, 0), (1, 1)], "guide")
    for i, one in enumerate(series):
        points = roc(one.truth, one.score)
        if points is not None:
            chart.line(simplified(points), look(i))
    return chart.drawing.markup()


def precision_recall_chart(series: Sequence[Series]) -> Markup:
    """Precision against recall of each series; the guide is the share of the class (of the first series)."""
    chart = _Square("Precision-recall curves", "Recall", "Precision")
    if len({float(one.truth.mean()) for one in series if len(one.truth)}) == 1:
        share = next(float(one.truth.mean()) for one in series if len(one.truth))
        chart.line([(0, share), (1, share)], "guide")
    for i, one in enumerate(series):
        points = precision_recall(one.truth, one.score)
        if points is not None:
            chart.line(simplified(points), look(i))
    return chart.drawing.markup()


def reliability_chart(rows: Sequence[tuple[NDArray[np.int64], NDArray[np.floating]]]) -> Markup:
    """Accuracy against confidence, for pairs of labels and probabilities; a large dot is many images."""
    chart = _Square("Reliability", "Probability of the predicted class", "Share judged rightly")
    chart.line([(0, 0), (1, 1)], "guide")
    for i, (labels, probabilities) in enumerate(rows):
        if not len(labels):
            continue
        found = reliability(labels, probabilities)
        points = np.column_stack([found.confidence, found.accuracy])
        chart.line(points, look(i))
        for point, images in zip(points, found.images, strict=True):
            chart.dot(point, 1.5 + 4.5 * math.sqrt(images / found.images.sum()), f"point c{i % COLOURS}")
    return chart.drawing.markup()


@dataclass(frozen=True)
class Scale:
    """The axis that estimates are drawn along.

    Attributes
    ----------
    low, high
        Its ends.
    ticks
        Where it is marked.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def x(self, value: float) -> float:
        """Pixels from the left of a strip; beyond the ends is at them."""
        share = (value - self.low) / (self.high - self.low)
        return 8 + (STRIP - 16) * min(max(share, 0.0), 1.0)


def scale_for(estimates: Sequence[Estimate]) -> Scale:
    """An axis that all estimates and their intervals fit on, with round ticks."""
    ends = [end for e in estimates for end in (e.value, e.low, e.high) if math.isfinite(end)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
    step = next((s for s in steps if (high - low) / s <= 6), 10 ** math.ceil(math.log10(high - low or 1)))
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    ticks = tuple(round(i * step, 10) for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def strip_axis(scale: Scale) -> Markup:
    """The ticks above strips."""
    digits = 1 if all(round(tick, 1) == tick for tick in scale.ticks) else 2
    drawing = Drawing(STRIP, 18, "")
    for tick in scale.ticks:
        drawing.text(scale.x(tick), 12, f"{tick:.{digits}f}", "tick middle")
    return drawing.markup()


def strip(estimate: Estimate | None, scale: Scale, guide: float | None, label: str) -> Markup:
    """An estimate as a dot with its interval, between the ticks; `guide` is a line to compare it with."""
    drawing = Drawing(STRIP, 22, label)
    for tick in scale.ticks:
        drawing.line([(scale.x(tick), 0), (scale.x(tick), 22)], "grid")
    if guide is not None and math.isfinite(guide):
        drawing.line([(scale.x(guide), 0), (scale.x(guide), 22)], "guide")
    if estimate is not None and math.isfinite(estimate.value):
        if math.isfinite(estimate.low) and math.isfinite(estimate.high):
            drawing.line([(scale.x(estimate.low), 11), (scale.x(estimate.high), 11)], "whisker")
        drawing.dot(scale.x(estimate.value), 11, 4.5, "estimate")
    return drawing.markup()


class _Square:
    """Axes from 0 to 1 both ways."""

    def __init__(self, label: str, across: str, up: str) -> None:
        self.drawing = Drawing(LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, label)
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            self.line([(tick, 0), (tick, 1)], "grid")
            self.line([(0, tick), (1, tick)], "grid")
            x, y = self._at(tick, tick)
            self.drawing.text(x, TOP + SIDE + 15, f"{tick:g}", "tick middle")
            self.drawing.text(LEFT - 6, y + 4, f"{tick:g}", "tick end")
        self.drawing.text(LEFT + SIDE / 2, TOP + SIDE + 33, across, "axis middle")
        self.drawing.text(12, TOP + SIDE / 2, up, "axis middle", upwards=True)

    def line(self, points: Sequence[tuple[float, float]] | NDArray[np.floating], look: str) -> None:
        self.drawing.line([self._at(x, y) for x, y in points], look)

    def dot(self, point: NDArray[np.floating], radius: float, look: str) -> None:
        self.drawing.dot(*self._at(point[0], point[1]), radius, look)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return LEFT + SIDE * x, TOP + SIDE * (1 - y)
