"""Which layers are slides, what is known of them, and what a person adds to that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.plugin.reader import METADATA_KEY, slide_metadata

if TYPE_CHECKING:
    from napari_histoalign.plugin.jobs import Setup

REGION_COLOR = "#ffd400"


def slide_path(layer: Any) -> Path | None:
    """File of a slide layer, or None if the layer is no slide.

    Slides opened by this plugin say so in their metadata. Colour images that
    another reader opened from a file count too.
    """
    from napari.layers import Image

    known = layer.metadata.get(METADATA_KEY, {})
    if "path" in known:
        return Path(known["path"])
    source = getattr(layer.source, "path", None)
    return Path(source) if isinstance(layer, Image) and layer.rgb and source else None


def slide_layers(viewer: Any) -> list[Any]:
    """Slide layers of a viewer, from the bottom up."""
    return [layer for layer in viewer.layers if slide_path(layer) is not None]


def slide_mpp(layer: Any) -> tuple[float, float] | None:
    """Micrometres per level-0 pixel in x and y, or None if unknown."""
    mpp: tuple[float, float] | None = layer.metadata.get(METADATA_KEY, {}).get("mpp")
    return mpp


def given_mpp(layer: Any) -> float | None:
    """The pixel size that the person gave for this slide, or None."""
    known = layer.metadata.get(METADATA_KEY, {})
    return known["mpp"][0] if known.get("mpp_source") == "given" else None


def give_mpp(layer: Any, mpp: float) -> None:
    """Use a pixel size that the slide does not tell: rescale its layer to micrometres.

    Parameters
    ----------
    layer
        The slide's image layer.
    mpp
        Micrometres per level-0 pixel.
    """
    path = slide_path(layer)
    assert path is not None
    factor = mpp / float(layer.scale[-1])
    layer.translate = layer.translate * factor
    layer.scale = (mpp, mpp)
    layer.units = ("um", "um")
    layer.metadata = {**layer.metadata, METADATA_KEY: slide_metadata(path, (mpp, mpp), "given")}


def describe(layer: Any, setup: Setup) -> str:
    """Facts about a slide in a line or two: size, pixel size, and what tiles are cut at."""
    height, width = layer.level_shapes[0][:2] if layer.multiscale else layer.data.shape[:2]
    mpp = slide_mpp(layer)
    if mpp is None:
        return (
            f"{width:,} x {height:,} px, no physical size: tiles are cut at level 0 "
            f"({setup.tile} x {setup.tile} px). Give the pixel size if you know it."
        )
    given = ", as given" if given_mpp(layer) is not None else ""
    return (
        f"{width:,} x {height:,} px, {mpp[0]:.4g} µm/px{given} "
        f"({width * mpp[0] / 1000:.1f} x {height * mpp[1] / 1000:.1f} mm)"
    )


def show_scale_bar(viewer: Any) -> None:
    """Show the scale bar."""
    viewer.canvas.overlays.scale_bar.visible = True


def draw_region(viewer: Any, layer: Any) -> Any:
    """Add a shapes layer that fits the slide, or take the selected one, and start drawing a polygon.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    layer
        The slide's image layer.

    Returns
    -------
    Shapes
        The layer, selected and in drawing mode.
    """
    from napari.layers import Shapes

    shapes = viewer.layers.selection.active
    if not isinstance(shapes, Shapes) or METADATA_KEY in shapes.metadata:  # ours are not to be drawn in
        shapes = Shapes(
            ndim=2,
            name="region",
            scale=layer.scale,
            translate=layer.translate,
            affine=layer.affine.affine_matrix,
            units=layer.units,
            axis_labels=("y", "x"),
            edge_color=REGION_COLOR,
            face_color="transparent",
            edge_width=4,
        )
        viewer.add_layer(shapes)
    viewer.layers.selection.active = shapes
    shapes.mode = "add_polygon"
    return shapes
