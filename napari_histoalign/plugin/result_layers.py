"""The one class that adds result layers to the viewer and keeps them up to date."""

from __future__ import annotations

import contextlib
import importlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.coloring import class_colormap, class_labels, label_colors
from napari_histoalign.plugin.geometry import map_transform
from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.results import ProbabilityMap

CLASSES_LAYER = "classes"
OPACITY = 0.6
MAKING_SECONDS = 0.15


class ResultLayers:
    """A probability layer for each class and a layer of classes, over one slide.

    Layers are found by what their metadata say and not by name, so a person may
    rename, hide, restyle or delete them; only data and position are written after
    they were made.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    slide_layer
        Image layer of the slide the results belong to.
    """

    def __init__(self, viewer: Any, slide_layer: Any) -> None:
        self._viewer = viewer
        self._slide_layer = slide_layer
        self._map: ProbabilityMap | None = None
        self._layers: dict[str, Any] = {}

    @property
    def slide_layer(self) -> Any:
        """Image layer of the slide."""
        return self._slide_layer

    @property
    def names(self) -> tuple[str, ...]:
        """Classes shown, and `CLASSES_LAYER`; empty before the first `show`."""
        return tuple(self._layers)

    def show(
        self,
        probability_map: ProbabilityMap,
        *,
        background: tuple[bool, ...],
        overlay: str,
        threshold: float,
        finished: bool = True,
    ) -> None:
        """Show a probability map; layers are made, updated in place, or removed with their class.

        Parameters
        ----------
        probability_map
            What to show; NaN is left transparent.
        background
            Whether each class is background: scored, but not drawn in the class layer.
        overlay
            Class whose layer is visible when the layers are made.
        threshold
            Tiles whose highest probability is below it get no class.
        finished
            False while more will follow: thumbnails are then left alone, and layers
            are made a few at a time (the overlay first), since each new layer holds
            up the window for a tenth of a second.
        """
        old, self._map = self._map, probability_map
        moved = old is None or (old.origin, old.step) != (probability_map.origin, probability_map.step)
        transform = map_transform(probability_map, self._slide_layer)
        classes = {
            CLASSES_LAYER: (
                class_labels(probability_map.data, threshold),
                {"colormap": label_colors(probability_map.colors, background), "visible": False},
            )
        }
        maps = {
            name: (
                probability_map.data[i],
                {"colormap": class_colormap(name, color), "visible": name == overlay},
            )
            for i, (name, color) in enumerate(
                zip(probability_map.class_names, probability_map.colors, strict=True)
            )
        }
        wanted = {overlay: maps[overlay]} | classes | maps
        for name in [n for n in self._layers if n not in wanted]:
            self._remove(name)
        started = time.monotonic()
        for name, (data, style) in wanted.items():
            if name in self._layers:
                self._update(name, data, style, transform, moved, finished)
            elif finished or not self._layers or time.monotonic() < started + MAKING_SECONDS:
                self._layers[name] = self._make(name, data, style, transform)

    def forget_deleted(self) -> None:
        """Layers that the person deleted are made anew by the next `show`."""
        self._layers = {n: layer for n, layer in self._layers.items() if layer in self._viewer.layers}

    def apply_threshold(self, threshold: float) -> None:
        """Redraw the class layer with another threshold."""
        layer = self._layers.get(CLASSES_LAYER)
        if layer is not None and self._map is not None:
            layer.data[...] = class_labels(self._map.data, threshold)
            layer.refresh(extent=False)

    def only_visible(self, name: str | None) -> None:
        """Show this result layer and hide the others; None hides all."""
        for key, layer in self._layers.items():
            layer.visible = key == name

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of all result layers."""
        for layer in self._layers.values():
            layer.opacity = opacity

    def reposition(self) -> None:
        """Follow the slide layer after its scale, units or place changed."""
        if self._map is not None:
            for layer in self._layers.values():
                _place(layer, map_transform(self._map, self._slide_layer))

    def _update(
        self,
        name: str,
        data: NDArray[Any],
        style: dict[str, Any],
        transform: dict[str, Any],
        moved: bool,
        finished: bool,
    ) -> None:
        layer = self._layers[name]
        if layer not in self._viewer.layers:  # the person deleted it: leave it so
            return
        if not _same_colors(layer.colormap, style["colormap"]):
            layer.colormap = style["colormap"]
        if layer.data.shape == data.shape:
            layer.data[...] = data
            layer.refresh(extent=False, thumbnail=finished)
        else:
            layer.data = data.copy()
        if moved:
            _place(layer, transform)

    def _make(self, name: str, data: NDArray[Any], style: dict[str, Any], transform: dict[str, Any]) -> Any:
        from napari.layers import Image, Labels

        common = {
            "name": name,
            "opacity": OPACITY,
            "blending": "translucent",
            "axis_labels": ("y", "x"),
            "metadata": {METADATA_KEY: {"result": name, "slide": self._slide_layer.name}},
            **style,
            **transform,
        }
        if name == CLASSES_LAYER:
            layer: Any = Labels(data.copy(), **common)
            layer.editable = False
        else:
            layer = Image(data.copy(), contrast_limits=(0, 1), interpolation2d="nearest", **common)
        selected = set(self._viewer.layers.selection)
        active = self._viewer.layers.selection.active
        self._viewer.layers.insert(self._viewer.layers.index(self._slide_layer) + 1, layer)
        self._viewer.layers.selection = selected  # a new layer takes the selection: give it back
        self._viewer.layers.selection.active = active
        return layer

    def _remove(self, name: str) -> None:
        layer = self._layers.pop(name)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def warm_up() -> None:
    """Import what napari's first Labels layer needs; in a worker thread, so that the window does not wait."""
    with contextlib.suppress(ImportError):
        importlib.import_module("pandas")


def _place(layer: Any, transform: dict[str, Any]) -> None:
    for key in ("scale", "translate", "affine", "units"):
        setattr(layer, key, transform[key])


def _same_colors(one: Any, other: Any) -> bool:
    if hasattr(one, "color_dict"):
        return bool(
            {k: tuple(v) for k, v in one.color_dict.items()}
            == {k: tuple(v) for k, v in other.color_dict.items()}
        )
    return one.colors.shape == other.colors.shape and bool(np.allclose(one.colors, other.colors))
