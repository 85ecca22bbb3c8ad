"""Colours of painted widgets, from the theme they stand in."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtGui import QColor, QPalette

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

TROUGH = 45
"""How much of the text's colour an empty bar shows, of 255."""
QUIET = 150
"""And a number or a bar that is not the point."""


def wrapped(text: str) -> str:
    """A tooltip in lines of a sensible length: Qt breaks those of rich text alone."""
    return f"<qt>{escape(text).replace(chr(10), '<br>')}</qt>" if text else ""


def ink(widget: QWidget, alpha: int = 255) -> QColor:
    """The theme's colour of text, see-through as wanted."""
    color = QColor(widget.palette().color(QPalette.ColorRole.WindowText))
    color.setAlpha(alpha)
    return color
