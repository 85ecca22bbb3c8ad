"""The strip below an overlay: what the colour means, how long a millimetre is, what to bear in mind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.results.lettering import Lettering

if TYPE_CHECKING:
    from PIL.Image import Image

PAPER = (255, 255, 255)
INK = (33, 37, 41)
FAINT = (108, 117, 125)


def with_legend(
    picture: Image,
    *,
    name: str,
    color: tuple[int, int, int],
    opacity: float,
    pixel: tuple[float, str],
    notice: str | None,
) -> Image:
    """Put a legend below a picture.

    Parameters
    ----------
    picture
        RGB.
    name, color
        The class.
    opacity
        Of the colour where the probability is 1.
    pixel
        Width of a pixel of the picture and its unit, ``um`` or ``px``.
    notice
        A line below, wrapped as needed.

    Returns
    -------
    PIL.Image.Image
        The picture, unchanged, at the top left of a larger one (in the middle of it
        where the picture is too narrow for its legend).
    """
    from PIL import Image, ImageDraw

    text = round(min(max(max(picture.size) / 64, 12), 40))
    margin, line = text, round(text * 1.45)
    width = max(picture.width, 24 * text)
    inner = width - 2 * margin
    length, label = scale_bar(pixel, min(picture.width, inner) / 4)
    title = f"{name}: probability"
    large = Lettering.for_text(title + label, text)
    small = Lettering.for_text(notice or "", max(11, round(text * 0.8)))
    lines = small.wrapped(notice or "", inner)
    strip = margin + line + text + line + margin // 2
    height = picture.height + strip + len(lines) * small.line + (margin // 2 if lines else 0)
    sheet = Image.new("RGB", (width, height), PAPER)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)

    top = picture.height + margin
    bar = min(max(inner // 3, 10 * text), 22 * text)
    right, thick = width - margin, max(2, text // 5)
    room = inner - max(length, large.width(label)) - margin
    draw.text((margin, top), large.shortened(title, room), INK, large.font)
    _draw_colors(sheet, (margin, top + line, bar, text), color, opacity, small)
    draw.text((right - max(length, large.width(label)) / 2, top), large.text(label), INK, large.font, "ma")
    middle = top + line + text // 2
    draw.rectangle((right - length, middle - thick // 2, right - 1, middle - thick // 2 + thick - 1), INK)
    for x in (right - length, right - thick):
        draw.rectangle((x, middle - text // 2, x + thick - 1, middle + text // 2), INK)

    top = picture.height + strip
    for i, words in enumerate(lines):
        draw.text((margin, top + i * small.line), words, FAINT, small.font)
    return sheet


def scale_bar(pixel: tuple[float, str], longest: float) -> tuple[int, str]:
    """A scale bar of a round length.

    Parameters
    ----------
    pixel
        Width of a pixel and its unit, ``um`` or ``px``.
    longest
        Pixels it may take.

    Returns
    -------
    length, label
        In pixels, and what it stands for: 1, 2 or 5 times a power of ten.
    """
    size, unit = pixel
    most = max(longest, 1.0) * size
    power = 10.0 ** math.floor(math.log10(most))
    value = max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9))
    length = max(1, round(value / size))
    if unit == "um" and value >= 1000:
        return length, f"{value / 1000:,g} mm"
    return length, f"{value:,g} {'µm' if unit == 'um' else unit}"


def _draw_colors(
    sheet: Image,
    box: tuple[int, int, int, int],
    color: tuple[int, int, int],
    opacity: float,
    small: Lettering,
) -> None:
    """Draw the colour bar from 0 to 1 into (left, top, width, height), with its numbers below."""
    from PIL import Image, ImageDraw

    left, top, width, height = box
    alpha = np.linspace(0, opacity, width)[None, :, None]
    ramp = np.asarray(PAPER) * (1 - alpha) + np.asarray(color) * alpha
    sheet.paste(
        Image.fromarray(np.repeat(np.rint(ramp), height, axis=0).astype(np.uint8)),
        (left, top),
    )
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((left, top, left + width - 1, top + height - 1), outline=FAINT)
    for share, label, anchor in ((0.0, "0", "la"), (0.5, "0.5", "ma"), (1.0, "1", "ra")):
        at = (left + share * width, top + height + small.size * 0.3)
        draw.text(at, label, FAINT, small.font, anchor=anchor)
