"""Between napari's world and a slide's level-0 pixels: the only place where (y, x) becomes (x, y)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from napari_histoalign.results import ProbabilityMap

ELLIPSE_POINTS = 64
SHARE_OF_VIEW = 0.5
"""Part of the view's shorter side that a square takes which is gone to."""


class RegionError(HistoalignError):
    """The viewer shows or selects nothing that could be analysed."""


def visible_rect(viewer: Any, layer: Any) -> tuple[int, int, int, int]:
    """Level-0 rectangle of `layer` that the canvas shows.

    From the camera and not from ``layer.corner_pixels``, which is widened to
    whole chunks and lags behind the camera.

    Parameters
    ----------
    viewer
        A viewer or viewer model (napari >= 0.9).
    layer
        A slide's image layer.

    Returns
    -------
    x, y, width, height
        Level-0 pixels, within the slide.

    Raises
    ------
    RegionError
        If no part of the slide is in view.
    """
    centre = np.asarray(viewer.scene.camera.center[-2:])
    half = _view_size(viewer) / (2 * viewer.scene.camera.zoom)
    corners = [centre + half * sign for sign in ((-1, -1), (-1, 1), (1, -1), (1, 1))]
    factor = _unit_factor(viewer.layers.extent.units, layer)
    # napari puts integers on pixel centres; a rectangle is made of pixel edges
    points = np.array([layer.world_to_data(corner * factor)[-2:] for corner in corners]) + 0.5
    bottom_right = np.minimum(np.ceil(points.max(axis=0)), layer.level_shapes[0][:2]).astype(int)
    top_left = np.maximum(np.floor(points.min(axis=0)), 0).astype(int)
    height, width = bottom_right - top_left
    if height <= 0 or width <= 0:
        raise RegionError(
            f"The view shows no part of {layer.name}. Pan back to it or run on the whole slide."
        )
    return int(top_left[1]), int(top_left[0]), int(width), int(height)


def look_at(viewer: Any, layer: Any, x: float, y: float, side_px: float) -> None:
    """Move the camera so that a square fills about half of the view.

    Parameters
    ----------
    viewer
        A viewer or viewer model (napari >= 0.9).
    layer
        A slide's image layer.
    x, y, side_px
        Middle and side of the square in level-0 pixels.
    """
    factor = _unit_factor(viewer.layers.extent.units, layer)
    # a rectangle is made of pixel edges, napari's integers are pixel centres
    middle, half = np.array([y, x]) - 0.5, side_px / 2
    corners = [middle - half, middle + half]
    edge = [np.asarray(layer.data_to_world((*c, 0)[: layer.ndim]))[-2:] / factor for c in corners]
    size = float(np.abs(edge[1] - edge[0]).max())
    viewer.scene.camera.center = (0.0, *((edge[0] + edge[1]) / 2).tolist())
    viewer.scene.camera.zoom = SHARE_OF_VIEW * float(_view_size(viewer).min()) / max(size, 1e-9)


def shapes_geometry(shapes: Any, layer: Any) -> BaseGeometry:
    """Union of the selected shapes of a Shapes layer (of all of them if none is selected).

    Parameters
    ----------
    shapes
        A napari Shapes layer. Lines and paths enclose nothing and are left out.
    layer
        The slide's image layer whose pixels the geometry is wanted in.

    Returns
    -------
    shapely geometry
        (x, y) in level-0 pixels.

    Raises
    ------
    RegionError
        If there is no shape with an area.
    """
    from shapely import unary_union

    chosen = sorted(shapes.selected_data) or range(len(shapes.data))
    polygons = [_polygon(_outline(shapes.data[i], shapes.shape_type[i]), shapes, layer) for i in chosen]
    union = unary_union([p for p in polygons if p is not None])
    if union.is_empty:
        raise RegionError(
            f"{shapes.name} holds no region: draw a rectangle, an ellipse or a polygon over the tissue first."
        )
    return union


def map_transform(probability_map: ProbabilityMap, layer: Any) -> dict[str, Any]:
    """How to place a probability map over its slide: keyword arguments of a layer.

    Pixel (0, 0) of the map covers ``origin ... origin + step`` in level-0 pixels,
    so that its centre lies at ``origin + (step - 1) / 2`` in napari's coordinates,
    where integers are pixel centres.

    Parameters
    ----------
    probability_map
        Gives `origin` (x, y) and `step`.
    layer
        The slide's image layer, moved or scaled as it may be.

    Returns
    -------
    dict
        ``scale``, ``translate``, ``affine``, ``units``.
    """
    origin = np.asarray(probability_map.origin[::-1], float)
    centre = origin + (probability_map.step - 1) / 2
    scale = np.asarray(layer.scale[-2:], float)
    return {
        "scale": scale * probability_map.step,
        "translate": np.asarray(layer.translate[-2:], float) + scale * centre,
        "affine": np.asarray(layer.affine.affine_matrix),
        "units": tuple(layer.units[-2:]),
    }


def _view_size(viewer: Any) -> NDArray[np.float64]:
    """Height and width of what one view has of the canvas: side by side, a box of napari's grid."""
    size = np.asarray(viewer.canvas.size, float)
    grid = viewer.canvas.grid
    return size / np.asarray(grid.actual_shape(viewer.layers)) if grid.enabled else size


def _unit_factor(world_units: Any, layer: Any) -> NDArray[np.float64]:
    """Factor from the viewer's world unit (the smallest of all layers) to the layer's own."""
    if world_units is None:  # the layers disagree: napari uses the numbers as they are
        return np.ones(2)
    pairs = zip(world_units[-2:], layer.units[-2:], strict=True)
    return np.array([(1 * world).to(own).magnitude for world, own in pairs], float)


def _outline(vertices: NDArray[np.float64], kind: str) -> NDArray[np.float64] | None:
    """Outline of one shape, or None for one without an area; an ellipse comes as its bounding corners."""
    if kind in ("line", "path"):
        return None
    points = np.asarray(vertices, float)[:, -2:]
    if kind != "ellipse":
        return points
    centre, u, v = points.mean(axis=0), (points[1] - points[0]) / 2, (points[3] - points[0]) / 2
    angle = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS, endpoint=False)[:, None]
    ellipse: NDArray[np.float64] = centre + np.cos(angle) * u + np.sin(angle) * v
    return ellipse


def _polygon(outline: NDArray[np.float64] | None, shapes: Any, layer: Any) -> BaseGeometry | None:
    """A shape's outline as a valid polygon in level-0 pixels."""
    from shapely import Polygon, make_valid

    if outline is None:
        return None
    factor = _unit_factor(shapes.units, layer)
    points = [layer.world_to_data(np.asarray(shapes.data_to_world(p))[-2:] * factor)[-2:] for p in outline]
    return make_valid(Polygon(np.asarray(points)[:, ::-1] + 0.5))
