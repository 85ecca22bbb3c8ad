"""Rich text for small print; no Qt."""

from __future__ import annotations

from html import escape

LINK_COLOR = "#5a9be8"
"""Can be read on napari's light and dark themes."""
WARNING_COLOR = "#c8591e"
"""Signs and lines in it stand out on napari's light and dark themes alike (3.4 to 1 and 3.6 to 1); words
need more than that (4.5 to 1), and have the theme's own colour."""
WARNING_SIGN = "\N{WARNING SIGN}"


def link(text: str, address: str) -> str:
    """A link to a web page; the plain text where the address is none."""
    if not address.startswith(("https://", "http://")):
        return escape(text)
    return f"<a href='{escape(address)}' style='color: {LINK_COLOR};'>{escape(text)}</a>"


def warning(text: str) -> str:
    """Text after a sign that warns; nothing for no text."""
    return f"{sign()} {escape(text)}" if text else ""


def sign() -> str:
    """The sign, in its colour."""
    return f"<span style='color: {WARNING_COLOR};'>{WARNING_SIGN}</span>"
