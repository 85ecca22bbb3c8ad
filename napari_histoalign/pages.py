"""Pages of HTML from the templates that ship; nothing in them can act, whatever people or files named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_histoalign.files import resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Environment


def page_templates(shown: Callable[[str], str], filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """The templates in ``resources/report``, ready to be printed.

    Everything is escaped; an unknown name in a template is an error.

    Parameters
    ----------
    shown
        Makes a text fit to be seen: without characters that hide or turn it round.
    filters
        What templates may call.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def readable(value: object) -> object:
        return value if isinstance(value, Markup) else shown(str(value))

    environment = Environment(
        loader=FileSystemLoader(resource("report")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=readable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= dict(filters)
    return environment
