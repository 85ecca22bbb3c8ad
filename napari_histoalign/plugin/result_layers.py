"""The one class that adds result layers to the viewer and keeps them up to date."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.geometry import map_transform
from napari_histoalign.plugin.rasters import Rasters
from napari_histoalign.plugin.result_making import insert_over, link_looks, new_layer, place
from napari_histoalign.plugin.result_plan import CLASSES, LayerKey, LayerPlan, planned

if TYPE_CHECKING:
    from napari_histoalign.results import ProbabilityMap

CLASSES_LAYER = CLASSES.title
OPACITY = 0.6
MAKING_SECONDS = 0.15
Later = Callable[[Callable[[], None]], None]


class ResultLayers:
    """A layer for each thing there is to see of one slide's results.

    Layers are found by themselves and not by name, so a person may rename, hide,
    restyle or delete them; only data, position, and a class's new colour are
    written after they were made. What is hidden is written too, but drawn only
    when it is shown.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    slide_layer
        Image layer of the slide the results belong to.
    later
        Calls what it is given when the window has caught up. With it, layers are made one
        at a time, since each new one holds up the window for up to a sixth of a second.
    """

    def __init__(self, viewer: Any, slide_layer: Any, later: Later | None = None) -> None:
        self._viewer = viewer
        self._slide_layer = slide_layer
        self._later = later
        self._waiting = False
        self._rasters: Rasters | None = None
        self._plans: dict[LayerKey, LayerPlan] = {}
        self._layers: dict[LayerKey, Any] = {}
        self._styles: dict[LayerKey, object] = {}
        self._chosen: LayerKey | None = None
        self._opacity = OPACITY
        self._twin: Any | None = None

    @property
    def slide_layer(self) -> Any:
        """Image layer of the slide."""
        return self._slide_layer

    @property
    def names(self) -> tuple[str, ...]:
        """Titles of the layers that were made; empty before the first `show`."""
        return tuple(key.title for key in self._layers)

    @property
    def keys(self) -> tuple[LayerKey, ...]:
        """All that can be shown, made or not, the most wanted first."""
        return tuple(self._plans)

    @property
    def chosen(self) -> LayerKey | None:
        """What was chosen to be seen."""
        return self._chosen

    @property
    def opacity(self) -> float:
        """What `set_opacity` set last."""
        return self._opacity

    @property
    def rasters(self) -> Rasters | None:
        """What is shown."""
        return self._rasters

    def layer(self, key: LayerKey) -> Any | None:
        """The layer of a key, or None where it was not made, or deleted."""
        layer = self._layers.get(key)
        return layer if layer is not None and layer in self._viewer.layers else None

    def show(
        self,
        shown: Rasters | ProbabilityMap,
        *,
        background: tuple[bool, ...],
        overlay: str,
        threshold: float,
        finished: bool = True,
    ) -> None:
        """Show results; layers are made, updated in place, or removed with what they showed.

        Parameters
        ----------
        shown
            What to show; NaN is left transparent.
        background
            Whether each class is background: scored, but not drawn in the class layer.
        overlay
            Class whose layer is visible when the layers are made.
        threshold
            Tiles whose highest probability is below it get no class.
        finished
            False while more will follow: thumbnails are then left alone and, without `later`,
            layers are made a few at a time.
        """
        rasters = shown if isinstance(shown, Rasters) else Rasters.of_map(shown)
        old, self._rasters = self._rasters, rasters
        moved = old is None or (old.shown.origin, old.shown.step) != (
            rasters.shown.origin,
            rasters.shown.step,
        )
        self._plans = planned(rasters, background, overlay, threshold)
        for key in [k for k in self._layers if k not in self._plans]:
            self._remove(key)
        fresh = not self._layers
        for key in self._layers:
            self._update(key, moved, finished)
        if self._chosen not in self._plans and (fresh or self._chosen is not None):
            self.choose(LayerKey("probability", overlay))
        self._make_missing(finished)

    def forget_deleted(self) -> None:
        """Layers that the person deleted are made anew by the next `show`."""
        self._layers = {key: layer for key, layer in self._layers.items() if layer in self._viewer.layers}

    def apply_threshold(self, threshold: float) -> None:
        """Redraw the class layer with another threshold."""
        if self._rasters is None:
            return
        plan = self._plans[CLASSES]
        labels = self._rasters.classes(threshold)
        self._plans[CLASSES] = LayerPlan(labels, None, plan.colors, plan.background)
        if CLASSES in self._layers:
            self._update(CLASSES, moved=False, finished=True)

    def choose(self, key: LayerKey | None) -> None:
        """Show this and hide the other result layers; None hides all. What was deleted is made anew."""
        if key is not None and key not in self._plans:
            return
        self._chosen = key
        if key is not None and self.layer(key) is None and self._slide_layer in self._viewer.layers:
            self._make(key)
        for other, layer in self._layers.items():
            if layer.visible != self._seen(other):
                layer.visible = self._seen(other)

    def only_visible(self, name: str | None) -> None:
        """Show the result layer of this title and hide the others; None hides all."""
        self.choose(next((key for key in self._plans if key.title == name), None))

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of all result layers, and of those to come."""
        self._opacity = opacity
        for layer in self._layers.values():
            layer.opacity = opacity

    def stand_on(self, twin: Any | None) -> None:
        """Put the other alignment's layers over a second layer of the slide, or back over the slide.

        Parameters
        ----------
        twin
            A layer in the viewer's list, or None.
        """
        self._twin = twin
        layers = self._viewer.layers
        if self._slide_layer in layers:
            for key in [k for k in self._layers if k.kind == "other" and self.layer(k) is not None]:
                layers.move(layers.index(self._layers[key]), layers.index(self._base(key)) + 1)
        self.choose(self._chosen)

    def reposition(self) -> None:
        """Follow the slide layer after its scale, units or place changed."""
        if self._rasters is not None:
            for layer in self._layers.values():
                place(layer, map_transform(self._rasters.shown, self._slide_layer))

    def _update(self, key: LayerKey, moved: bool, finished: bool) -> None:
        layer, plan = self._layers[key], self._plans[key]
        if layer not in self._viewer.layers:  # the person deleted it: leave it so
            return
        if self._styles[key] != plan.style:
            self._styles[key] = plan.style
            layer.colormap = plan.colormap()
        if layer.data.shape != plan.data.shape:
            layer.data = plan.data.copy()
        else:
            np.copyto(layer.data, plan.data)
            if layer.visible:  # napari draws the others anew when they are shown
                layer.refresh(extent=False, highlight=False, thumbnail=finished)
        if moved and self._rasters is not None:
            place(layer, map_transform(self._rasters.shown, self._slide_layer))

    def _make_missing(self, finished: bool) -> None:
        """Make what is not there yet: now, or one at a time."""
        started = time.monotonic()
        for key in [k for k in self._plans if k not in self._layers]:
            if self._later is not None:
                if not self._waiting:
                    self._waiting = True
                    self._later(self._make_one)
                return
            if finished or time.monotonic() < started + MAKING_SECONDS:
                self._make(key)

    def _make_one(self) -> None:
        self._waiting = False
        missing = [k for k in self._plans if k not in self._layers]
        if missing and self._slide_layer in self._viewer.layers:
            self._make(missing[0])
            self._make_missing(finished=True)

    def _make(self, key: LayerKey) -> None:
        assert self._rasters is not None
        plan = self._plans[key]
        layer = new_layer(key, plan, self._slide_layer, map_transform(self._rasters.shown, self._slide_layer))
        layer.opacity, layer.visible = self._opacity, self._seen(key)
        insert_over(self._viewer.layers, layer, self._base(key))
        self._layers[key], self._styles[key] = layer, plan.style
        pair = [self.layer(LayerKey(kind, key.class_name)) for kind in ("probability", "other")]
        if key.class_name and None not in pair:
            link_looks(self._viewer.layers, *pair)

    def _seen(self, key: LayerKey) -> bool:
        """Whether a layer is to be visible: what was chosen and, side by side, what the other says of it."""
        chosen = self._chosen
        if self._twin is not None and key.kind == "other" and chosen is not None:
            return chosen.class_name == key.class_name
        return key == chosen

    def _base(self, key: LayerKey) -> Any:
        """The layer over which a result lies."""
        return self._twin if self._twin is not None and key.kind == "other" else self._slide_layer

    def _remove(self, key: LayerKey) -> None:
        layer = self._layers.pop(key)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def warm_up() -> None:
    """Import what napari's first Labels layer needs; in a worker thread, so that the window does not wait."""
    with contextlib.suppress(ImportError):
        importlib.import_module("pandas")


def _place_of(rasters: Rasters) -> tuple[tuple[float, float], float]:
    return rasters.shown.origin, rasters.shown.step
