"""Whether QuPath can be used from here, and what to do if not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qupath_bridge.projects.client import Helper
from qupath_bridge.projects.errors import HelperError, NoQuPathError
from qupath_bridge.projects.finding import GEOJSON_WORKS, FoundQuPath, find_qupath

LIMIT_S = 90.0


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes
    ----------
    works
        Whether projects can be read and written.
    folder, source
        Where QuPath is, and what named it; empty where there is none.
    qupath, paquo, java
        Versions; empty where they are not known.
    openslide
        Whether QuPath's OpenSlide loads.
    advice
        What the person should know or do, as sentences.
    """

    works: bool
    folder: str = ""
    source: str = ""
    qupath: str = ""
    paquo: str = ""
    java: str = ""
    openslide: bool = False
    advice: tuple[str, ...] = ()


def diagnose(
    named: Path | None = None,
    *,
    setting: str | None = None,
    helper: Callable[[FoundQuPath], Helper] = lambda found: Helper(found, limit_s=LIMIT_S),
) -> Diagnosis:
    """Find QuPath, and have its classes say their version.

    Parameters
    ----------
    named, setting
        As for `find_qupath`.
    helper
        Makes the process that is asked.
    """
    try:
        found = find_qupath(named, setting=setting)
    except NoQuPathError as err:
        return Diagnosis(False, advice=(str(err),))
    folder = str(found.folder)
    try:
        with helper(found) as process:
            told = process.ask("hello")
    except HelperError as err:
        return Diagnosis(False, folder, found.source, qupath=found.version, advice=(str(err), GEOJSON_WORKS))
    advice = []
    if not told["openslide"]:
        advice.append(
            "OpenSlide cannot be loaded by this QuPath: slides that are added to a project would be read by "
            "another reader, more slowly, and with other coordinates where a slide has bounds."
        )
    return Diagnosis(
        True,
        folder,
        found.source,
        qupath=told["qupath"],
        paquo=told["paquo"],
        java=told["java"],
        openslide=bool(told["openslide"]),
        advice=tuple(advice),
    )
