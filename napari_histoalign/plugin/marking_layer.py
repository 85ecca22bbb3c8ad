"""Marks on the canvas: one outline a tile, in the colour of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.results.review import Label, TileMark

MARKS = "marks"
LAYER_NAME = "histoalign: marks"
SYMBOLS = {"class": "square", "unsure": "disc", "artefact": "x"}
"""Told by shape as well as by colour."""
OTHER_COLORS = {"class": "#808080", "unsure": "#ffd400", "artefact": "#303030"}
"""A class that the prompts do not have is grey."""
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
        layer = self._layer
        corners = np.array([m.target.xy for m in marks], float).reshape(-1, 2)
        sides = np.array([m.target.tile_px for m in marks], float)
        # napari puts integers on the middles of pixels
        centres = corners[:, ::-1] + (sides[:, None] - 1) / 2
        with layer.events.blocker_all():
            layer.data = centres
            if marks:
                layer.size = sides * INSET
                layer.symbol = _symbols([m.label.kind for m in marks])
                layer.border_color = _colors([m.label for m in marks], colors)
                layer.face_color = "transparent"
            layer.selected_data = set()
        layer.events.data(value=layer.data)
        layer.refresh(extent=False, thumbnail=False)

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


def _symbols(kinds: Sequence[str]) -> str | list[str]:
    """One symbol a kind; a single one where all are alike, which napari takes far faster."""
    return [SYMBOLS[kind] for kind in kinds] if len(set(kinds)) > 1 else SYMBOLS[kinds[0]]


def _colors(labels: Sequence[Label], colors: Mapping[str, str]) -> NDArray[np.float32]:
    """RGBA of each label, shape (n, 4)."""
    order: dict[tuple[str, str], int] = {}
    which = [order.setdefault((label.kind, label.name), len(order)) for label in labels]
    table = [_rgba(colors.get(name, OTHER_COLORS[kind])) for kind, name in order]
    found: NDArray[np.float32] = np.array(table, np.float32)[which]
    return found


def _rgba(color: str) -> tuple[float, ...]:
    value = int(color.removeprefix("#"), 16)
    return (*((value >> shift & 255) / 255 for shift in (16, 8, 0)), 1.0)
