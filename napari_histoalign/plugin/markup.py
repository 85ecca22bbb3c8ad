"""Rich text for small print; no Qt."""

from __future__ import annotations

from html import escape

LINK_COLOR = "#5a9be8"
WARNING_COLOR = "#d08000"
"""Both can be read on napari's light and dark themes."""


def link(text: str, address: str) -> str:
    """A link to a web page; the plain text where the address is none."""
    if not address.startswith(("https://", "http://")):
        return escape(text)
    return f"<a href='{escape(address)}' style='color: {LINK_COLOR};'>{escape(text)}</a>"


def warning(text: str) -> str:
    """Text in a colour that warns."""
    return f"<span style='color: {WARNING_COLOR};'>{escape(text)}</span>"
