"""A small pen for inline SVG: elements are built, never pasted, so that no name can break out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from napari_histoalign.evaluation.report.texts import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup


class Drawing:
    """An SVG drawing in pixels; colours come from the page's style sheet, by class.

    Parameters
    ----------
    width, height
        Pixels.
    label
        What a screen reader says; nothing where it is empty.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        spoken = {"role": "img", "aria-label": shown(label)} if label else {"aria-hidden": "true"}
        size = {"width": _px(width), "height": _px(height)}
        self._root = ET.Element("svg", {"viewBox": f"0 0 {_px(width)} {_px(height)}", **size, **spoken})

    def line(self, points: Iterable[tuple[float, float]], look: str) -> None:
        """A line through points."""
        path = " ".join(f"{_px(x)},{_px(y)}" for x, y in points)
        ET.SubElement(self._root, "polyline", {"points": path, "class": look})

    def rectangle(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """A rectangle by its upper left corner."""
        at = {"x": _px(x), "y": _px(y), "width": _px(width), "height": _px(height)}
        ET.SubElement(self._root, "rect", {**at, "class": look})

    def dot(self, x: float, y: float, radius: float, look: str) -> None:
        """A disc."""
        at = {"cx": _px(x), "cy": _px(y), "r": _px(radius)}
        ET.SubElement(self._root, "circle", {**at, "class": look})

    def text(self, x: float, y: float, text: str, look: str, *, upwards: bool = False) -> None:
        """A text; its class says where it is anchored."""
        at = {"x": _px(x), "y": _px(y), "class": look}
        if upwards:
            at["transform"] = f"rotate(-90 {_px(x)} {_px(y)})"
        ET.SubElement(self._root, "text", at).text = text

    def markup(self) -> Markup:
        """The drawing, to stand in a page."""
        from markupsafe import Markup

        return Markup(ET.tostring(self._root, encoding="unicode"))


def _px(value: float) -> str:
    """One decimal at most: a tenth of a pixel."""
    return f"{round(float(value), 1) + 0.0:g}"
