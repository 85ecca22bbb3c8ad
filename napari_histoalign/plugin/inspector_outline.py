"""The frame around the tile that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.geometry import map_transform
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.results import ProbabilityMap

if TYPE_CHECKING:
    from napari_histoalign.slides import TileGrid

NAME = "histoalign: tile"
COLOR = "#00e5ff"
"""Found in no stain; stands out on pink, blue, brown and white."""
THICKNESS_PX = 3


class TileOutline:
    """Frames one tile of a slide, as thick at every zoom.

    It is the bounding box of a layer of one transparent pixel: no shape, which "run on shapes" would take for
    a region. The layer is there only while a tile is framed.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any | None = None

    def show(self, slide_layer: Any, grid: TileGrid, index: int) -> None:
        """Frame a tile of a slide."""
        x, y = grid.xy([index])[0].tolist()
        nothing = np.full((1, 1, 1), np.nan, np.float32)
        place = map_transform(ProbabilityMap(nothing, (x, y), grid.tile_px, ("tile",), (COLOR,)), slide_layer)
        if self._layer is None or self._layer not in self._viewer.layers:
            self._layer = self._make(slide_layer, place)
            return
        for key in ("scale", "translate", "affine", "units"):
            if not np.array_equal(getattr(self._layer, key), place[key]):
                setattr(self._layer, key, place[key])

    def hide(self) -> None:
        """Frame nothing."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _make(self, slide_layer: Any, place: dict[str, Any]) -> Any:
        from napari.layers import Image

        layer = Image(
            np.full((1, 1), np.nan, np.float32),
            name=NAME,
            contrast_limits=(0, 1),
            axis_labels=("y", "x"),
            metadata={METADATA_KEY: {"outline": True, "slide": slide_layer.name}},
            **place,
        )
        box = layer.bounding_box
        box.points, box.line_color, box.line_thickness = False, COLOR, THICKNESS_PX
        box.visible = True
        selected = set(self._viewer.layers.selection)
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection = selected  # a new layer takes the selection: give it back
        self._viewer.layers.selection.active = active
        return layer
