"""The page: one HTML file that needs no other file, no network and no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_histoalign.pages import page_templates
from napari_histoalign.workflow.review_report import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment


def page(content: Mapping[str, Any]) -> str:
    """The report as HTML.

    Everything that files or people named is escaped; the page allows no script and no address outside itself.

    Parameters
    ----------
    content
        What ``review.html.j2`` prints.
    """
    return _environment().get_template("review.html.j2").render(**content, notice=texts.NOTICE)


def _environment() -> Environment:
    names = ("number", "share", "interval", "area", "moment", "setting", "counted", "flat")
    return page_templates(texts.shown, {name: getattr(texts, name) for name in names})
