"""How a result layer is made, placed over its slide, and kept like another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from napari_histoalign.plugin.result_plan import LayerKey, LayerPlan

LINKED = ("opacity", "blending", "gamma", "contrast_limits", "colormap", "interpolation2d")
"""What is kept alike in a class's layer and in the same class's layer by the other alignment: looks, and not
visibility, since of two that lie over each other one is looked at."""


def new_layer(key: LayerKey, plan: LayerPlan, slide_layer: Any, transform: dict[str, Any]) -> Any:
    """A layer with a copy of the planned data.

    Parameters
    ----------
    key, plan
        What it shows.
    slide_layer
        The slide it belongs to.
    transform
        See `napari_histoalign.plugin.geometry.map_transform`.
    """
    from napari.layers import Image, Labels

    common = {
        "name": key.title,
        "blending": "translucent",
        "axis_labels": ("y", "x"),
        "metadata": {METADATA_KEY: {"result": key.title, "slide": slide_layer.name}},
        "colormap": plan.colormap(),
        **transform,
    }
    if plan.ramp is None:
        labels = Labels(plan.data.copy(), **common)
        labels.editable = False
        return labels
    return Image(plan.data.copy(), contrast_limits=plan.ramp.limits, interpolation2d="nearest", **common)


def insert_over(layers: Any, layer: Any, base: Any) -> None:
    """Put a layer right over another one of the list, without taking the selection."""
    selected, active = set(layers.selection), layers.selection.active
    layers.insert(layers.index(base) + 1, layer)
    layers.selection = selected
    layers.selection.active = active


def link_looks(layers: Any, first: Any, second: Any) -> None:
    """Give two layers the looks of the first, and keep them alike from now on."""
    for name in LINKED:
        if not np.array_equal(getattr(first, name), getattr(second, name)):
            setattr(second, name, getattr(first, name))
    layers.link_layers([first, second], LINKED)


def place(layer: Any, transform: dict[str, Any]) -> None:
    """Move a layer to where its raster is."""
    for key in ("scale", "translate", "affine", "units"):
        setattr(layer, key, transform[key])
