"""Marks on the canvas: one outline a tile, in the colour of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.marking_seams import OTHER_COLORS
from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.results.review import TileMark

MARKS = "marks"
LAYER_NAME = "histoalign: marks"
SYMBOLS = {"class": "square", "unsure": "disc", "artefact": "x"}
"""Told by shape as well as by colour."""
INSET = 0.92
"""Side of an outline as a share of its tile's, so that neighbours can be told apart."""
LINE = 0.09
"""Width of an outline as a share of its side."""
LEAST_PX = 5
"""No outline is drawn smaller on the screen: marks can be found from far away."""


class MarkLayer:
    """Shows marks of tiles over one slide.

    All marks are points of one layer, which is drawn in one go; a Shapes layer would get slow with some
    thousands. The layer is made with the first mark, and anew if the person deleted it.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    slide_layer
        Image layer of the slide.
    """

    def __init__(self, viewer: Any, slide_layer: Any) -> None:
        self._viewer = viewer
        self._slide = slide_layer
        self._layer: Any = None
        self._kinds: list[str] = []
        for name in ("scale", "translate", "affine", "units"):
            getattr(slide_layer.events, name).connect(self._place)

    @property
    def layer(self) -> Any:
        """The layer, or None while there is none."""
        return self._layer if self._layer in self._viewer.layers else None

    def show(self, marks: Sequence[TileMark], colors: Mapping[str, str]) -> None:
        """Show these marks and no others.

        Parameters
        ----------
        marks
            Of tiles.
        colors
            ``#rrggbb`` of each class.
        """
        if self.layer is None:
            if not marks:
                return
            self._layer = self._make()
            self._kinds = []
        layer = self._layer
        corners = np.array([m.target.xy for m in marks], float).reshape(-1, 2)
        sides = np.array([m.target.tile_px for m in marks], float)
        # napari puts integers on the middles of pixels
        centres = corners[:, ::-1] + (sides[:, None] - 1) / 2
        kinds = [m.label.kind for m in marks]
        with layer.events.blocker_all():
            layer.data = centres
            if marks:
                layer.size = sides * INSET
                if kinds != self._expected(len(kinds)):
                    layer.symbol = [SYMBOLS[kind] for kind in kinds]
                layer.border_color = _colors(marks, colors)
                layer.face_color = "transparent"
            layer.selected_data = set()
        self._kinds = kinds
        layer.refresh(extent=False, thumbnail=False)

    def _expected(self, number: int) -> list[str]:
        """What napari makes of the symbols when points are added or taken off at the end.

        Setting a symbol a point takes longer than all the rest.
        """
        return [*self._kinds, *["class"] * (number - len(self._kinds))][:number]

    def close(self) -> None:
        """Take the layer away."""
        for name in ("scale", "translate", "affine", "units"):
            getattr(self._slide.events, name).disconnect(self._place)
        if self.layer is not None:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _place(self, event: Any = None) -> None:
        if self.layer is not None:
            for name, value in over(self._slide).items():
                setattr(self._layer, name, value)

    def _make(self) -> Any:
        from napari.layers import Points

        layer = Points(
            ndim=2,
            name=LAYER_NAME,
            border_width=LINE,
            border_width_is_relative=True,
            face_color="transparent",
            symbol=SYMBOLS["class"],
            canvas_size_limits=(LEAST_PX, 10_000),
            metadata={METADATA_KEY: {MARKS: True, "slide": self._slide.name}},
            axis_labels=("y", "x"),
            **over(self._slide),
        )
        add_aside(self._viewer, layer)
        layer.editable = False
        return layer


def over(slide_layer: Any) -> dict[str, Any]:
    """Keyword arguments that give a layer the level-0 pixels of a slide as its coordinates."""
    return {
        "scale": np.asarray(slide_layer.scale[-2:]),
        "translate": np.asarray(slide_layer.translate[-2:]),
        "affine": np.asarray(slide_layer.affine.affine_matrix),
        "units": tuple(slide_layer.units[-2:]),
    }


def add_aside(viewer: Any, layer: Any) -> None:
    """Add a layer without letting it take the selection."""
    selected, active = set(viewer.layers.selection), viewer.layers.selection.active
    viewer.add_layer(layer)
    viewer.layers.selection = selected
    viewer.layers.selection.active = active


def _colors(marks: Sequence[TileMark], colors: Mapping[str, str]) -> NDArray[np.float32]:
    """RGBA of each mark, shape (n, 4)."""
    order: dict[str, int] = {}
    names = [m.label.name or f" {m.label.kind}" for m in marks]  # no name of a class begins with a space
    which = [order.setdefault(name, len(order)) for name in names]
    table = [_rgba(colors.get(name) or OTHER_COLORS.get(name[1:], OTHER_COLORS["class"])) for name in order]
    found: NDArray[np.float32] = np.array(table, np.float32)[which]
    return found


def _rgba(color: str) -> tuple[float, ...]:
    value = int(color.removeprefix("#"), 16)
    return (*((value >> shift & 255) / 255 for shift in (16, 8, 0)), 1.0)
