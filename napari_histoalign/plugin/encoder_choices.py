"""Which encoders the dock offers, whatever state the library is in; no Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_histoalign.encoders import EncoderLibrary, Listing, list_encoders, registry
from napari_histoalign.encoders.registry import ROLES
from napari_histoalign.errors import HistoalignError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncoderChoice:
    """One encoder as the picker shows it.

    Attributes
    ----------
    name, title
        Name in the registry, and for people.
    role
        "pathology", "general" or "control".
    licence, licence_url
        Terms it may be used under.
    demo
        Whether it is there to try the plugin out, not to judge tissue.
    notice
        What a person should know before using it.
    input_size, mpp
        Pixels a side that it sees; micrometres per pixel it was meant for, None where any will do.
    """

    name: str
    title: str
    role: str
    licence: str
    licence_url: str
    demo: bool
    notice: str
    input_size: int
    mpp: float | None


BSD = ("BSD-3-Clause", "https://opensource.org/license/bsd-3-clause")
EMBEDDED = (
    EncoderChoice("demo-path", "Demo pathology encoder", "pathology", *BSD, True, "", 224, 0.5),
    EncoderChoice("demo-general", "Demo general encoder", "general", *BSD, True, "", 224, 0.5),
)
"""The pair that ships, for when not even the list of encoders can be read."""


@dataclass(frozen=True)
class Offer:
    """What there is.

    Attributes
    ----------
    rows
        Every encoder, those on this computer first.
    choices
        Those that can be used, as the pickers show them; never empty.
    folder
        Where added encoders are kept; None if that cannot be told.
    problem
        Why some are not listed; empty if all are.
    """

    rows: tuple[Listing, ...]
    choices: tuple[EncoderChoice, ...]
    folder: Path | None
    problem: str = ""


def read_offer(open_library: Callable[[], EncoderLibrary] = EncoderLibrary) -> Offer:
    """Look at the library; an error becomes a sentence beside the encoders that ship.

    Parameters
    ----------
    open_library
        Makes the library.
    """
    folder, problem = None, ""
    try:
        library = open_library()
        rows, problem = list_encoders(library), library.problem
        folder = None if problem else library.root
    except (HistoalignError, OSError) as err:
        problem = str(err)
        rows = _shipped()
    rows = sorted(rows, key=lambda row: not row.here)
    choices, refused = [], []
    for row in rows:
        if row.usable and (choice := _choice(row)) is not None:
            choices.append(choice)
        elif row.usable:
            refused.append(row.spec.name)
    if refused:
        problem = (
            f"{problem} What stands in the record of {', '.join(refused)} cannot be used: remove it.".strip()
        )
    return Offer(tuple(rows), tuple(choices) or EMBEDDED, folder, problem)


def _shipped() -> list[Listing]:
    """The encoders that ship, as far as the registry can be read."""
    try:
        return [Listing(spec, True, False, 0, "") for spec in registry().values() if spec.folder]
    except (HistoalignError, OSError):
        log.exception("The list of encoders cannot be read")
        return []


def _choice(row: Listing) -> EncoderChoice | None:
    """A row as a choice; None if a hand-edited record has a text where a number belongs."""
    s = row.spec
    if s.role not in ROLES:
        return None
    try:
        return EncoderChoice(
            name=s.name,
            title=str(s.title),
            role=s.role,
            licence=str(s.licence),
            licence_url=str(s.licence_url),
            demo=bool(s.demo),
            notice=str(s.notice),
            input_size=int(s.input_size),
            mpp=None if s.mpp is None else float(s.mpp),
        )
    except (TypeError, ValueError):
        return None
