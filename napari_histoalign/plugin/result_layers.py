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
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.plugin.result_plan import CLASSES, LayerKey, LayerPlan, planned

if TYPE_CHECKING:
    from napari_histoalign.results import ProbabilityMap

CLASSES_LAYER = CLASSES.title
OPACITY = 0.6
MAKING_SECONDS = 0.15
LINKED = ("opacity", "blending", "gamma", "contrast_limits", "colormap", "interpolation2d")
"""What is kept alike in a class's layer and in the same class's layer by the other alignment: looks, and not
visibility, since of two that lie over each other one is looked at."""

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
        if key is not None and self.layer(key) is None:
            self._make(key)
        for other, layer in self._layers.items():
            if layer.visible != (other == key):
                layer.visible = other == key

    def only_visible(self, name: str | None) -> None:
        """Show the result layer of this title and hide the others; None hides all."""
        self.choose(next((key for key in self._plans if key.title == name), None))

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of all result layers, and of those to come."""
        self._opacity = opacity
        for layer in self._layers.values():
            layer.opacity = opacity

    def reposition(self) -> None:
        """Follow the slide layer after its scale, units or place changed."""
        if self._rasters is not None:
            for layer in self._layers.values():
                _place(layer, map_transform(self._rasters.shown, self._slide_layer))

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
            _place(layer, map_transform(self._rasters.shown, self._slide_layer))

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
        from napari.layers import Image, Labels

        assert self._rasters is not None
        plan = self._plans[key]
        common = {
            "name": key.title,
            "opacity": self._opacity,
            "blending": "translucent",
            "visible": key == self._chosen,
            "axis_labels": ("y", "x"),
            "metadata": {METADATA_KEY: {"result": key.title, "slide": self._slide_layer.name}},
            "colormap": plan.colormap(),
            **map_transform(self._rasters.shown, self._slide_layer),
        }
        if plan.ramp is None:
            layer: Any = Labels(plan.data.copy(), **common)
            layer.editable = False
        else:
            limits = plan.ramp.limits
            layer = Image(plan.data.copy(), contrast_limits=limits, interpolation2d="nearest", **common)
        self._insert(layer)
        self._layers[key], self._styles[key] = layer, plan.style
        self._link(key.class_name)

    def _insert(self, layer: Any) -> None:
        """Put a layer right over the slide, without taking the selection."""
        selected = set(self._viewer.layers.selection)
        active = self._viewer.layers.selection.active
        self._viewer.layers.insert(self._viewer.layers.index(self._slide_layer) + 1, layer)
        self._viewer.layers.selection = selected
        self._viewer.layers.selection.active = active

    def _link(self, class_name: str) -> None:
        """Keep the looks of a class alike in both alignments."""
        pair = [self.layer(LayerKey("probability", class_name)), self.layer(LayerKey("other", class_name))]
        if None not in pair:
            for name in LINKED:  # one made later takes the looks of the one that is there
                if not np.array_equal(getattr(pair[0], name), getattr(pair[1], name)):
                    setattr(pair[1], name, getattr(pair[0], name))
            self._viewer.layers.link_layers(pair, LINKED)

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


def _place(layer: Any, transform: dict[str, Any]) -> None:
    for key in ("scale", "translate", "affine", "units"):
        setattr(layer, key, transform[key])
