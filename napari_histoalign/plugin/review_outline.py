"""The outline of what is being reviewed, on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.marking_layer import add_aside, over
from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

OUTLINE = "outline"
LAYER_NAME = "histoalign: review"
SCREEN_PX = 3.0


class OutlineLayer:
    """Shows one outline over a slide: a layer of lines, since a filled polygon takes long to prepare.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None

    @property
    def layer(self) -> Any:
        """The layer, or None while nothing is outlined."""
        return self._layer if self._layer in self._viewer.layers else None

    def show(self, geometry: BaseGeometry, color: str, slide_layer: Any) -> None:
        """Outline this and nothing else.

        Parameters
        ----------
        geometry
            In level-0 pixels.
        color
            ``#rrggbb``.
        slide_layer
            Image layer of the slide.
        """
        if self.layer is None:
            self._layer = self._make(slide_layer)
        layer = self._layer
        for name, value in over(slide_layer).items():
            setattr(layer, name, value)
        layer.data = segments(geometry)
        layer.edge_color = color
        layer.visible = True
        self.thicken()

    def thicken(self) -> None:
        """Let the line be as wide on the screen at any zoom."""
        if self.layer is not None:
            scale = abs(float(self._layer.scale[-1]))
            self._layer.edge_width = SCREEN_PX / (self._viewer.scene.camera.zoom * scale)

    def hide(self) -> None:
        """Outline nothing."""
        if self.layer is not None:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _make(self, slide_layer: Any) -> Any:
        from napari.layers import Vectors

        layer = Vectors(
            np.zeros((0, 2, 2)),
            ndim=2,
            name=LAYER_NAME,
            vector_style="line",
            metadata={METADATA_KEY: {OUTLINE: True, "slide": slide_layer.name}},
            axis_labels=("y", "x"),
            **over(slide_layer),
        )
        add_aside(self._viewer, layer)
        return layer


def segments(geometry: BaseGeometry) -> NDArray[np.float64]:
    """All edges of a polygon as napari's vectors.

    Parameters
    ----------
    geometry
        In level-0 pixels.

    Returns
    -------
    ndarray
        Start and step of each edge as (y, x), shape (n, 2, 2).
    """
    import shapely

    points, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(geometry)), return_index=True)
    # napari puts integers on the middles of pixels
    points = points[:, ::-1] - 0.5
    inside = ring[1:] == ring[:-1]
    found: NDArray[np.float64] = np.stack([points[:-1], np.diff(points, axis=0)], axis=1)[inside]
    return found
