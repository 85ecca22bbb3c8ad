"""Draw a whole synthetic H&E slide with its ground truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

from napari_histoalign.files import cache_dir, whole_file
from napari_histoalign.sample.noise import wrapped
from napari_histoalign.sample.paint import Painted, paint
from napari_histoalign.sample.plan import CLASSES, Plan, plan_slide
from napari_histoalign.sample.pyramid import write_pyramid
from napari_histoalign.sample.stain import Stain
from napari_histoalign.sample.zones import CELL_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWING_VERSION = 3
"""Raise it when a change alters the sample slide's pixels."""

BLOCK_PX = 1024
MARGIN_PX = 4

Report = Callable[[int, int], None]
"""Called as ``report(done, total)`` after each block."""


@dataclass(frozen=True)
class SampleSlide:
    """A drawn slide: the TIFF, its label map (PNG) and the JSON that names the labels."""

    slide: Path
    labels: Path
    legend: Path
    size_px: int
    mpp: float
    label_downsample: int


def draw_slide(
    path: Path,
    *,
    seed: int = 0,
    size: int = 8192,
    mpp: float = 0.5,
    stain: Stain | None = None,
    progress: Report | None = None,
) -> SampleSlide:
    """Draw a slide; the same arguments give the same bytes.

    Parameters
    ----------
    path
        The TIFF to write; ``<stem>-labels.png`` and ``<stem>-labels.json`` are written beside it.
    seed
        Decides everything but the colours.
    size
        Side in pixels, a multiple of 8, at least 512.
    mpp
        Micrometres per pixel.
    stain
        Colours; ordinary H&E if not given.
    progress
        Called as ``progress(done, total)`` after each block.

    Raises
    ------
    ValueError
        If `size` or `mpp` cannot be drawn.
    """
    if size < 512 or size % CELL_PX:
        raise ValueError(
            f"The side of a drawn slide is a multiple of {CELL_PX} from 512 pixels up, not {size}."
        )
    if not 0.2 <= mpp <= 2.0:
        raise ValueError(f"A drawn slide has 0.2 to 2 micrometres per pixel, not {mpp}.")
    path = Path(path)
    plan = plan_slide(seed, size, mpp)
    image, labels = _pixels(plan, stain or Stain(), seed, progress)
    result = SampleSlide(
        path,
        path.with_name(f"{path.stem}-labels.png"),
        path.with_name(f"{path.stem}-labels.json"),
        size,
        mpp,
        CELL_PX,
    )
    with whole_file(result.labels) as temporary:
        Image.fromarray(labels).save(temporary)
    names = {str(index): name for index, name in enumerate(CLASSES)}
    truth = {"slide": path.name, "downsample": CELL_PX, "mpp": mpp, "seed": seed, "classes": names}
    with whole_file(result.legend) as temporary:
        temporary.write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    # the slide comes last: where it is, its labels are
    with whole_file(path) as temporary:
        write_pyramid(temporary, image, mpp)
    return result


def sample_slide(progress: Report | None = None) -> Path:
    """The package's sample slide, drawn on the first call and kept in the cache.

    Parameters
    ----------
    progress
        Called as ``progress(done, total)`` while it is drawn.
    """
    path = cache_dir("sample") / f"histoalign-sample-v{DRAWING_VERSION}.tiff"
    if not path.is_file():
        draw_slide(path, seed=0, progress=progress)
    return path


def blurred(painted: Painted, sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The two dyes as the microscope's optics see them."""
    hematoxylin = ndimage.gaussian_filter(painted.hematoxylin, sigma, truncate=3)
    return hematoxylin, ndimage.gaussian_filter(painted.eosin, sigma, truncate=3)


def _pixels(
    plan: Plan, stain: Stain, seed: int, progress: Report | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Paint block by block: RGB uint8 (size, size, 3), labels uint8 (size / 8, size / 8)."""
    size = plan.size_px
    image = np.empty((size, size, 3), dtype=np.uint8)
    labels = np.empty((size // CELL_PX, size // CELL_PX), dtype=np.uint8)
    sensor = np.random.default_rng([7, seed]).standard_normal((617, 617), dtype=np.float32)
    starts = range(0, size, BLOCK_PX)
    total, done = len(starts) ** 2, 0
    for y in starts:
        for x in starts:
            w, h = min(BLOCK_PX, size - x), min(BLOCK_PX, size - y)
            painted = paint(plan, x - MARGIN_PX, y - MARGIN_PX, w + 2 * MARGIN_PX, h + 2 * MARGIN_PX)
            inner = slice(MARGIN_PX, -MARGIN_PX)
            dyes = [dye[inner, inner] for dye in blurred(painted, 0.3 / plan.mpp)]
            rgb = stain.to_rgb(dyes[0], dyes[1])
            rgb += 1.2 * wrapped(sensor, x, y, w, h)[..., None]
            image[y : y + h, x : x + w] = np.clip(rgb + 0.5, 0, 255).astype(np.uint8)
            centre = painted.labels[inner, inner][CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]
            labels[y // CELL_PX : (y + h) // CELL_PX, x // CELL_PX : (x + w) // CELL_PX] = centre
            done += 1
            if progress is not None:
                progress(done, total)
    return image, labels
