"""The file of a session: read as far as it can be believed, written whole, set aside where it is damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_histoalign.errors import ResultError
from napari_histoalign.files import read_json, whole_file
from napari_histoalign.results.software import software_versions
from napari_histoalign.workflow.session_state import VERSION, SessionState

LARGEST = 64 << 20
"""Bytes of a ``session.json`` that is read."""


@dataclass(frozen=True)
class Saved:
    """What a ``session.json`` holds.

    Attributes
    ----------
    state
        What was chosen.
    slide
        Fingerprint and file name, and what else stands there.
    review
        How long the review's log was, and how it ended.
    newer
        The file's version where it is newer than ours, else 0.
    digest
        SHA-256 of the file; empty where there is none.
    """

    state: SessionState = field(default_factory=SessionState)
    slide: Mapping[str, Any] = field(default_factory=dict)
    review: Mapping[str, Any] = field(default_factory=dict)
    newer: int = 0
    digest: str = ""


def read_saved(path: Path) -> Saved:
    """What a ``session.json`` holds.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It holds something else.
    """
    found = read_json(path, LARGEST)
    if not isinstance(found, dict) or type(found.get("version")) is not int:
        raise ValueError("it holds no session")
    slide, review = found.get("slide"), found.get("review")
    if not isinstance(slide, dict) or not isinstance(slide.get("fingerprint"), str):
        raise ValueError("it does not say which slide it belongs to")
    newer = found["version"] if found["version"] > VERSION else 0
    try:
        state = SessionState.from_plain(found)
    except (ValueError, ResultError) as err:
        if not newer:
            raise ValueError(str(err)) from err
        state = SessionState()  # what a newer version means by these names is not ours to guess
    return Saved(state, slide, review if isinstance(review, dict) else {}, newer, digest_of(path))


def write_saved(
    path: Path, state: SessionState, *, slide: Mapping[str, Any], review: Mapping[str, Any], digest: str
) -> Saved:
    """Write a ``session.json``, whole or not at all.

    Parameters
    ----------
    path
        The file; its folder must exist.
    state, slide, review
        As for `Saved`.
    digest
        Of the file as it was read; a file that was changed since is not written over.

    Raises
    ------
    ResultError
        It was changed, or cannot be written.
    """
    members = {
        **state.to_plain(),
        "version": VERSION,
        "software": software_versions().get("napari-histoalign"),
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "slide": dict(slide),
        "review": dict(review),
    }
    # escapes keep whatever a file's name may hold
    text = json.dumps(members, allow_nan=False, indent=2, sort_keys=True) + "\n"
    try:
        if digest_of(path) != digest:
            raise ResultError(
                f"The session {path} was changed by another program since it was opened, and was not saved "
                "over that. Open the slide again."
            )
        with whole_file(path) as new:
            new.write_text(text, encoding="ascii", newline="\n")
    except OSError as err:
        raise ResultError(
            f"The session {path} could not be saved ({err.strerror or err}). Check that the disk has room "
            "and is still there."
        ) from err
    return Saved(state, slide, review, digest=hashlib.sha256(text.encode("ascii")).hexdigest())


def set_aside(path: Path) -> str:
    """Give a damaged file another name, which is returned.

    Raises
    ------
    OSError
        It cannot be renamed.
    """
    stem = f"session.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    number = 1
    while (new := path.with_name(f"{stem}{'' if number == 1 else f'-{number}'}.json")).exists():
        number += 1
    path.rename(new)
    return new.name


def digest_of(path: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
