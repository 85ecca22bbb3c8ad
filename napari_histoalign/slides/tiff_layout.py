"""Which images of a TIFF are the slide, how large its pixels are and what its samples mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.physical import length_in_um, stated_mpp
from napari_histoalign.slides.pixels import PixelKind

RGB, MINISWHITE, MINISBLACK, PALETTE, SEPARATED, YCBCR = 2, 0, 1, 3, 5, 6
JPEG = (6, 7, 34892, 33007)
JPEG2000 = (33003, 33004, 33005, 34712)


@dataclass(frozen=True)
class TiffLayout:
    """The slide among the images of a TIFF.

    Attributes
    ----------
    series
        Its number among tifffile's series.
    levels
        The TIFF pages of each level, finest first: one, or one for each colour.
    """

    series: int
    levels: list[list[Any]]


def find_layout(tiff: Any, what: str) -> TiffLayout:
    """Choose the largest image and collect the levels of its pyramid.

    Levels are what tifffile finds (SubIFDs, OME, the scanners' own formats), and
    beyond that all reduced images of the same shape.

    Raises
    ------
    SlideError
        There is no image that is one flat picture in colour or grey.
    """
    found = [(i, _levels(series)) for i, series in enumerate(tiff.series)]
    usable = [(i, levels) for i, levels in found if levels]
    if not usable:
        axes = ", ".join(f"{s.axes} {s.shape} {s.dtype}" for s in tiff.series)
        if not axes:
            raise SlideError(
                f"{what} is a TIFF without an image. It is damaged: copy it again from its source."
            )
        raise SlideError(
            f"{what} holds no flat colour image but {axes}. Export one plane as an 8-bit RGB image."
        )
    number, levels = max(usable, key=lambda item: _area(item[1][0]))
    for other, candidates in usable:
        if other != number:
            levels += [c for c in candidates if _reduces(c, levels[0])]
    levels.sort(key=_area, reverse=True)
    distinct = [levels[0]]
    for level in levels[1:]:
        if _size(level)[0] < _size(distinct[-1])[0] and _size(level)[1] <= _size(distinct[-1])[1]:
            distinct.append(level)
    return TiffLayout(number, distinct)


def pixel_kind(page: Any, pages: int, bits: int, what: str) -> PixelKind:
    """What the samples of a level mean.

    Parameters
    ----------
    page
        Its first page (a key frame).
    pages
        Number of its pages: 3 are red, green and blue.
    bits
        Significant bits of a sample.
    what
        Name of the file, for errors.
    """
    photometric, samples = int(page.photometric), int(page.samplesperpixel)
    extra = [int(e) for e in page.extrasamples]
    alpha: Any = "premultiplied" if 1 in extra[:1] else "straight" if 2 in extra[:1] else None
    if pages in (3, 4) or photometric == RGB:
        return PixelKind("rgb", bits, alpha)
    if photometric == YCBCR and int(page.compression) in (*JPEG, *JPEG2000):
        return PixelKind("rgb", bits)  # the decoder has turned it into RGB
    if photometric in (MINISBLACK, MINISWHITE):
        if samples >= 3:
            return PixelKind("rgb", bits, alpha)
        return PixelKind("grey", bits, alpha, inverted=photometric == MINISWHITE)
    if photometric == PALETTE and page.colormap is not None:
        return PixelKind("palette", bits, palette=(page.colormap.T >> 8).astype(np.uint8))
    if photometric == SEPARATED and samples >= 4:
        return PixelKind("cmyk", bits, alpha)
    raise SlideError(
        f"{what} has colours of a kind that is not supported ({page.photometric!s}). Export as RGB."
    )


def tiff_mpp(tiff: Any, layout: TiffLayout) -> tuple[float, float] | None:
    """Micrometres per pixel as the file states them, from OME, ImageJ or the resolution tags."""
    if tiff.is_ome:
        return ome_mpp(tiff.ome_metadata, layout.series)
    tags = layout.levels[0][0].tags
    unit = int(tags.valueof(296, 2))
    per_unit = [_ratio(tags.valueof(code)) for code in (282, 283)]
    um: float | None = {2: 25_400.0, 3: 10_000.0}.get(unit)
    if unit == 1 and tiff.is_imagej:
        um = length_in_um(1, (tiff.imagej_metadata or {}).get("unit"))
    if um is None or not all(per_unit):
        return None
    return stated_mpp(um / per_unit[0], um / per_unit[1])


def ome_mpp(xml: str, series: int) -> tuple[float, float] | None:
    """Micrometres per pixel from OME-XML's PhysicalSizeX and -Y, whose unit is µm unless given."""
    pixels = _ome_pixels(xml, series)
    if pixels is None:
        return None
    sizes = [
        length_in_um(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        for axis in "XY"
    ]
    return stated_mpp(*sizes)


def stated_bits(tiff: Any, layout: TiffLayout) -> int | None:
    """Significant bits if the file states them (OME SignificantBits or MaxSampleValue)."""
    stored = int(layout.levels[0][0].bitspersample)
    if tiff.is_ome:
        pixels = _ome_pixels(tiff.ome_metadata, layout.series)
        text = "" if pixels is None else pixels.get("SignificantBits", "")
        return int(text) if text.isdigit() and 8 <= int(text) <= stored else None
    top = layout.levels[0][0].tags.valueof(281)
    highest = max(top) if isinstance(top, tuple) else top
    return int(highest).bit_length() if highest and 255 <= highest < 2**stored else None


def _ome_pixels(xml: str, series: int) -> ElementTree.Element | None:
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    images = root.findall("{*}Image")
    return images[series].find("{*}Pixels") if series < len(images) else None


def _levels(series: Any) -> list[list[Any]]:
    """Pages of each level of a series, or nothing if it is no flat picture."""
    if series.dtype is None or series.dtype.kind not in "ub" or series.dtype.itemsize > 2:
        return []
    levels = []
    for level in series.levels:
        axes, pages = level.axes, list(level.pages)
        flat = axes in ("YX", "YXS", "SYX") and len(pages) == 1
        planes = axes in ("CYX", "SYX") and len(pages) == level.shape[0] == 3
        if not (flat or planes) or any(page is None for page in pages):
            break
        levels.append([page if hasattr(page, "tags") else page.aspage() for page in pages])
    return levels


def _reduces(level: list[Any], base: list[Any]) -> bool:
    """Whether `level` is a smaller version of `base`, by its tag and by its shape."""
    (w, h), (width, height) = _size(level), _size(base)
    if not level[0].is_reduced or len(level) != len(base) or w >= width:
        return False
    factor = width / w
    return (
        math.isclose(height / factor, h, abs_tol=1.5) and level[0].samplesperpixel == base[0].samplesperpixel
    )


def _size(level: list[Any]) -> tuple[int, int]:
    return int(level[0].imagewidth), int(level[0].imagelength)


def _area(level: list[Any]) -> int:
    width, height = _size(level)
    return width * height


def _ratio(value: Any) -> float:
    """A TIFF rational as a number; 0 if it is missing or makes no sense."""
    if isinstance(value, tuple) and len(value) == 2:
        return value[0] / value[1] if value[1] else 0.0
    return float(value) if isinstance(value, int | float) else 0.0
