"""Resampling a rectangle of a level, with every pixel in its exact place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.slides.levels import Block, Level

DIRECT_PX = 16 * 2**20
"""Pixels of a level that are decoded at once; more are read block by block."""
BLOCK_PX = 2048
"""Side of such a block."""
GAP = 3.0
"""Whole blocks are averaged first until so many pixels are left for each wanted one (Pillow's
documentation calls 3 nearly indistinguishable from resampling in one step)."""


def sample(
    level: Level,
    rectangle: tuple[float, float, float, float],
    out: tuple[int, int],
    dimensions: tuple[int, int],
) -> NDArray[np.uint8]:
    """Resample a rectangle with an antialiased cubic kernel (Keys 1981, a = -0.5).

    The kernel sees the pixels around the rectangle as well, so that neighbouring
    rectangles fit together. At the slide's edge the last pixel is repeated for
    the kernel, and white is mixed in by the share of each pixel that lies outside.

    Parameters
    ----------
    level
        Where to read.
    rectangle
        (x, y, width, height) in level-0 pixels; it overlaps the slide.
    out
        (width, height) wanted.
    dimensions
        (width, height) of the slide in level-0 pixels.

    Returns
    -------
    uint8 array, shape (out height, out width, 3)
    """
    starts, counts, steps, spans = [], [], [], []
    for axis in (0, 1):
        start = rectangle[axis] / level.factor[axis]
        stop = (rectangle[axis] + rectangle[axis + 2]) / level.factor[axis]
        scale = (stop - start) / out[axis]
        step = max(1, int(scale / GAP))
        margin = 2 * math.ceil(max(scale, step)) + step + 1  # the kernel reaches 2 wanted pixels
        # a block far outside the level holds nothing: leave it out
        first = max(math.floor(start) - margin, -margin)
        last = min(math.ceil(stop) + margin, level.dimensions[axis] + margin)
        starts.append(first)
        counts.append(max(1, math.ceil((last - first) / step)))
        steps.append(step)
        spans.append((start, stop))
    pixels, corner = reduced(level, starts[0], starts[1], counts[0], counts[1], (steps[0], steps[1]))
    box = [(spans[i % 2][i // 2] - corner[i % 2]) / steps[i % 2] for i in range(4)]
    return _resize_box(pixels, box, out, rectangle, dimensions)


def reduced(level: Level, x: int, y: int, columns: int, rows: int, step: tuple[int, int]) -> Block:
    """Average whole blocks of ``step`` pixels of a level, reading large areas block by block.

    Parameters
    ----------
    level
        Where to read.
    x, y
        Top-left corner in pixels of the level; beyond its edges the last pixel is repeated.
    columns, rows
        Number of blocks.
    step
        (width, height) of a block in pixels of the level.

    Returns
    -------
    pixels, corner
        uint8 array (rows, columns, 3), and where its corner is in pixels of the level.
    """
    across, down = columns, rows  # averaged pixels read at once
    if columns * rows * step[0] * step[1] > DIRECT_PX:
        across, down = (max(1, BLOCK_PX // n) for n in step)
    pixels = np.empty((rows, columns, 3), np.uint8)
    corner = (float(x), float(y))
    for row in range(0, rows, down):
        for column in range(0, columns, across):
            w, h = min(across, columns - column), min(down, rows - row)
            place = (x + column * step[0], y + row * step[1])
            block, at = _read_clamped(level, *place, w * step[0], h * step[1])
            if row == column == 0:  # of the others the place differs by less than half a level-0 pixel
                corner = at
            if step != (1, 1):
                block = np.asarray(Image.fromarray(block).reduce(step))
            pixels[row : row + h, column : column + w] = block
    return pixels, corner


def _read_clamped(level: Level, x: int, y: int, width: int, height: int) -> Block:
    """Read a block of which parts may lie outside the level; the edge is repeated there."""
    w, h = level.dimensions
    x0, y0 = min(max(x, 0), w - 1), min(max(y, 0), h - 1)
    x1, y1 = max(min(x + width, w), x0 + 1), max(min(y + height, h), y0 + 1)
    block, (left, top) = level.read(x0, y0, x1 - x0, y1 - y0)
    if block.shape[:2] != (height, width):
        columns = np.clip(np.arange(x, x + width), x0, x1 - 1) - x0
        rows = np.clip(np.arange(y, y + height), y0, y1 - 1) - y0
        block = block[rows[:, None], columns[None, :]]
    return block, (left - x0 + x, top - y0 + y)


def _resize_box(
    pixels: NDArray[np.uint8],
    box: list[float],
    out: tuple[int, int],
    rectangle: tuple[float, float, float, float],
    dimensions: tuple[int, int],
) -> NDArray[np.uint8]:
    """Resample `box` (left, top, right, bottom in pixels of `pixels`), white outside the slide."""
    inside = []
    for axis in (0, 1):
        edges = rectangle[axis] + np.arange(out[axis] + 1) * (rectangle[axis + 2] / out[axis])
        covered = np.diff(np.clip(edges, 0.0, dimensions[axis]))
        inside.append(np.clip(covered / (rectangle[axis + 2] / out[axis]), 0.0, 1.0))
    # only the wanted pixels that touch the slide are resampled: the box must lie in the image
    c0, c1 = _touched(inside[0])
    r0, r1 = _touched(inside[1])
    px, py = (box[2] - box[0]) / out[0], (box[3] - box[1]) / out[1]
    part = (box[0] + c0 * px, box[1] + r0 * py, box[0] + c1 * px, box[1] + r1 * py)
    image = Image.fromarray(pixels).resize((c1 - c0, r1 - r0), Image.Resampling.BICUBIC, box=part)
    result = np.full((out[1], out[0], 3), 255, np.uint8)
    result[r0:r1, c0:c1] = np.asarray(image)
    if inside[0].min() < 1.0 - 1e-9 or inside[1].min() < 1.0 - 1e-9:
        share = (inside[1][:, None] * inside[0][None, :])[..., None]
        result = np.rint(255.0 - share * (255.0 - result)).astype(np.uint8)
    return result


def _touched(share: NDArray[np.float64]) -> tuple[int, int]:
    """First and one past the last pixel with a share above zero."""
    where = np.flatnonzero(share > 0)
    return (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 1)
