"""Drawing an area by hand: what is drawn is handed over, and does not stay."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_histoalign.plugin.geometry import RegionError, shapes_geometry
from napari_histoalign.plugin.marking_layer import over
from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

DRAWING = "drawing"
LAYER_NAME = "histoalign: draw"
EDGE_SCREEN_PX = 3


class DrawLayer:
    """A layer to draw areas in with a lasso, there only while somebody draws.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None
        self._slide: Any = None
        self._before: Any = None
        self._on_drawn: Callable[[BaseGeometry], Any] = _nothing
        self._on_end: Callable[[], Any] = _nothing
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layer(self) -> Any:
        """The layer, or None while nobody draws."""
        return self._layer if self._layer in self._viewer.layers else None

    def start(
        self,
        slide_layer: Any,
        color: str,
        on_drawn: Callable[[BaseGeometry], Any],
        on_end: Callable[[], Any] = lambda: None,
    ) -> None:
        """Let the person draw.

        Parameters
        ----------
        slide_layer
            Image layer of the slide.
        color
            ``#rrggbb`` of the line.
        on_drawn
            Is handed each area, in level-0 pixels.
        on_end
            Is called when nothing is drawn for this purpose any more: drawing was stopped, is wanted for
            something else, or the person took the layer away.
        """
        self.stop()
        self._before = self._viewer.layers.selection.active
        self._slide = slide_layer
        self._layer = self._make(color)
        self._on_drawn, self._on_end = on_drawn, on_end
        self.set_color(color)
        self._viewer.layers.selection.active = self._layer
        self._layer.mode = "add_polygon_lasso"

    def set_color(self, color: str) -> None:
        """Draw in another colour from now on."""
        if self.layer is not None:
            self._layer.current_edge_color = color
            zoom = self._viewer.scene.camera.zoom * abs(float(self._slide.scale[-1]))
            self._layer.current_edge_width = max(1, round(EDGE_SCREEN_PX / zoom))

    def stop(self) -> None:
        """Take the layer away, and select what was selected before."""
        if self.layer is not None:
            self._viewer.layers.remove(self._layer)

    def close(self) -> None:
        """Let go of the viewer."""
        self.stop()
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _on_removed(self, event: Any) -> None:
        if self._layer is None or event.value is not self._layer:
            return
        self._layer.events.data.disconnect(self._on_data)
        self._layer.events.set_data.disconnect(self._on_settled)
        self._layer = None
        if self._before in self._viewer.layers:
            self._viewer.layers.selection.active = self._before
        ended, self._on_end, self._on_drawn = self._on_end, _nothing, _nothing
        ended()

    def _make(self, color: str) -> Any:
        from napari.layers import Shapes

        layer = Shapes(
            ndim=2,
            name=LAYER_NAME,
            face_color="transparent",
            edge_color=color,
            metadata={METADATA_KEY: {DRAWING: True, "slide": self._slide.name}},
            axis_labels=("y", "x"),
            **over(self._slide),
        )
        self._viewer.add_layer(layer)
        layer.events.data.connect(self._on_data)
        return layer

    def _on_data(self, event: Any) -> None:
        """An area is finished, but napari is not through with it: wait until it draws the layer anew."""
        if getattr(event, "action", None) == "added" and self._layer is not None:
            self._layer.events.set_data.connect(self._on_settled)

    def _on_settled(self, event: Any = None) -> None:
        """Take the finished area off and hand it over."""
        layer, area = self._layer, None
        if layer is None:
            return
        layer.events.set_data.disconnect(self._on_settled)
        if layer.selected_data:  # what was too small to be an area was taken away by napari
            with contextlib.suppress(RegionError):
                area = shapes_geometry(layer, self._slide)
            with layer.events.data.blocker(self._on_data):
                layer.remove_selected()
        if area is not None:
            self._on_drawn(area)


def _nothing(*_: Any) -> None:
    """What happens while nobody draws."""
