"""Pictures of the report, each as a data URI."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.results.legend import INK, with_legend
from napari_histoalign.results.overlay import OPACITY, rgb, wash

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from shapely import MultiPolygon, Polygon

    from napari_histoalign.results import ProbabilityMap
    from napari_histoalign.slides import Slide
    from napari_histoalign.workflow.review_report.regions import RegionLine

MAP_PX = 720
"""Longer side of a picture of the whole slide."""
CROP_PX = 280
"""Longer side of a picture of a region."""
LEAST_PX = 300
"""Shortest side of a region's picture on the slide, in level-0 pixels."""
AROUND = 0.12
"""What is shown around a region, as a share of its size."""


def class_map(thumbnail: NDArray[np.uint8], map: ProbabilityMap, class_index: int, slide: Slide) -> str:
    """The slide with one class's probability washed over it, with legend and scale, as PNG."""
    from PIL import Image as images

    size, mpp = slide.dimensions, slide.mpp
    return png(
        with_legend(
            images.fromarray(wash(thumbnail, map, class_index, slide_size=size)),
            name=map.class_names[class_index],
            color=rgb(map.colors[class_index]),
            opacity=OPACITY,
            pixel=(size[0] / thumbnail.shape[1] * (mpp[0] if mpp else 1.0), "um" if mpp else "px"),
            notice=None,
        )
    )


def region_map(thumbnail: NDArray[np.uint8], lines: Sequence[RegionLine], slide: Slide) -> str:
    """The slide with outlines and numbers of the regions, those rejected dashed, as PNG."""
    from PIL import Image as images
    from PIL import ImageDraw as drawing

    picture = images.fromarray(thumbnail)
    draw = drawing.Draw(picture)
    scale = thumbnail.shape[1] / slide.dimensions[0]
    for line in reversed(lines):
        dashed = line.decision == "rejected"
        outline(draw, line.polygon, (0.0, 0.0), scale, line.color, dashed=dashed, width=4)
    for line in reversed(lines):
        if line.polygon.is_empty:
            continue
        inside = line.polygon.representative_point()
        at = (inside.x * scale, inside.y * scale)
        # a halo keeps the number legible on any stain
        label = str(line.number)
        draw.text(at, label, INK, anchor="mm", stroke_width=4, stroke_fill="white", font_size=24)
    return png(picture)


def crop(slide: Slide, line: RegionLine) -> str:
    """A region with what lies around it and its outline, as JPEG.

    Raises
    ------
    SlideError
        The slide cannot be read there.
    """
    from PIL import Image as images
    from PIL import ImageDraw as drawing

    left, top, right, bottom = line.polygon.bounds
    sides = [max((b - a) * (1 + 2 * AROUND), LEAST_PX) for a, b in ((left, right), (top, bottom))]
    # no strip: where a region is long and thin, more of what lies beside it is shown
    width, height = (max(side, max(sides) / 2) for side in sides)
    x, y = (left + right - width) / 2, (top + bottom - height) / 2
    scale = CROP_PX / max(width, height)
    out = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = images.fromarray(slide.read_area(x, y, width, height, out))
    dashed = line.decision == "rejected"
    outline(drawing.Draw(picture), line.polygon, (x, y), scale, line.color, dashed=dashed)
    return jpeg(picture)


def outline(
    draw: ImageDraw,
    polygon: Polygon | MultiPolygon,
    origin: tuple[float, float],
    scale: float,
    color: str,
    *,
    dashed: bool,
    width: int = 3,
) -> None:
    """Draw rings in a colour over white, so that they show on any stain."""
    from shapely import get_parts, segmentize

    for part in get_parts(polygon):
        for ring in () if part.is_empty else (part.exterior, *part.interiors):
            dash = 3 * width / scale
            corners = np.asarray((segmentize(ring, dash) if dashed else ring).coords)[:, :2]
            points = [(float(x), float(y)) for x, y in (corners - origin) * scale]
            pieces = [points[i : i + 2] for i in range(0, len(points) - 1, 2)] if dashed else [points]
            for ink, thick in (("#ffffff", 2 * width), (color, width)):
                for piece in pieces:
                    draw.line(piece, fill=ink, width=thick, joint="curve")


def png(picture: Image) -> str:
    """A picture as a data URI, without loss."""
    return _uri(picture, "PNG", "image/png")


def jpeg(picture: Image) -> str:
    """A photograph as a data URI, small."""
    return _uri(picture, "JPEG", "image/jpeg")


def _uri(picture: Image, kind: str, name: str) -> str:
    file = io.BytesIO()
    picture.save(file, kind, quality=86, optimize=True)
    return f"data:{name};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
