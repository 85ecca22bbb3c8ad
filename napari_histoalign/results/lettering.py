"""Letters for pictures: a font that has them all, lines that fit."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import ImageFont

FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "segoeui.ttf",
    "Arial.ttf",
    "Helvetica.ttc",
    "NotoSansCJK-Regular.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Arial Unicode.ttf",
)
"""Asked for in turn; what is not on this machine is passed over."""
NO_LETTER = "\uffff"
"""A code point that no font has (Unicode, 23.7): it shows how a font draws what it lacks."""


@dataclass(frozen=True)
class Lettering:
    """One font in one size.

    Attributes
    ----------
    font
        For `PIL.ImageDraw`.
    size
        Pixels.
    plain
        True where only ASCII letters can be drawn.
    """

    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    size: int
    plain: bool

    @classmethod
    def for_text(cls, text: str, size: int) -> Lettering:
        """Choose a font that can draw a text; failing that, any; failing that, Pillow's own (ASCII)."""
        from PIL import ImageFont

        found = []
        for name in FONTS:
            try:
                found.append(ImageFont.truetype(name, size))
            except OSError:  # not on this machine
                continue
            if _has(found[-1], text):
                return cls(found[-1], size, False)
        return cls(found[0], size, False) if found else cls(ImageFont.load_default(size), size, True)

    @property
    def line(self) -> int:
        """Distance between lines in pixels."""
        return round(self.size * 1.45)

    def text(self, text: str) -> str:
        """The text as this font can draw it: accents are dropped where it has no more than ASCII."""
        if not self.plain:
            return text
        return unicodedata.normalize("NFKD", text.replace("µ", "u")).encode("ascii", "ignore").decode()

    def width(self, text: str) -> float:
        """Width of a text in pixels."""
        return float(self.font.getlength(self.text(text)))

    def shortened(self, text: str, width: float) -> str:
        """Text that fits, its end cut off if need be."""
        text = self.text(text)
        if self.width(text) <= width:
            return text
        while text and self.width(text + "...") > width:
            text = text[:-1]
        return text.rstrip() + "..."

    def wrapped(self, text: str, width: float) -> list[str]:
        """Words in lines that fit; a word that is too long for a line is cut."""
        lines: list[str] = []
        for word in self.text(text).split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(self.shortened(word, width))
        return lines


def _has(font: Any, text: str) -> bool:
    """Whether a font draws every letter of a text as something else than a missing one."""
    missing = bytes(font.getmask(NO_LETTER))
    return all(bytes(font.getmask(letter)) != missing for letter in set(text) if not letter.isspace())
