"""Which part of the slide a person means: what is in view, what is drawn, or everything."""

from __future__ import annotations

from typing import Any, Literal

from napari_histoalign.plugin.geometry import RegionError, shapes_geometry, visible_rect
from napari_histoalign.plugin.jobs import Area
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.workflow.place import Place

Where = Literal["view", "shapes", "slide"]


def chosen_area(viewer: Any, where: Where, slide_layer: Any) -> Area:
    """Translate what is seen or drawn into level-0 pixels.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    where
        "view": the rectangle in view; "shapes": the selected shapes; "slide": everything,
        from the middle of the view outwards.
    slide_layer
        Image layer of the slide.

    Returns
    -------
    Area
        In level-0 pixels of the slide.

    Raises
    ------
    RegionError
        If there is nothing in view or nothing drawn.
    """
    if where == "shapes":
        return Area(Place(roi=shapes_geometry(_shapes_layer(viewer), slide_layer)))
    try:
        x, y, width, height = visible_rect(viewer, slide_layer)
    except RegionError:
        if where == "view":
            raise
        return Area(Place())  # the whole slide while looking elsewhere: any order will do
    centre = (x + width / 2, y + height / 2)
    return Area(Place(region=(x, y, width, height)) if where == "view" else Place(), centre)


def _shapes_layer(viewer: Any) -> Any:
    """The Shapes layer meant: the selected one, or the only one."""
    from napari.layers import Shapes

    shapes = [x for x in viewer.layers if isinstance(x, Shapes) and METADATA_KEY not in x.metadata]
    chosen = [layer for layer in shapes if layer in viewer.layers.selection] or shapes
    if not chosen:
        raise RegionError("Draw a region over the tissue first: press Draw a region.")
    if len(chosen) > 1:
        raise RegionError("There are several Shapes layers: select the one to run on in the layer list.")
    return chosen[0]
