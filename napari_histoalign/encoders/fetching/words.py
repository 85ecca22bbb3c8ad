"""What a person is told when a download does not work."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.fetching.addresses import origin
from napari_histoalign.encoders.fetching.faults import WebError
from napari_histoalign.encoders.fetching.hub import endpoint
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ACCESS = (401, 403)
GONE = "RepoNotFound"
"""What the hub says of a repository that is not there, with status 401 to those it does not know."""


def again(spec: EncoderSpec) -> str:
    """The command of a download."""
    return f"histoalign encoders download {spec.name}"


def adding(spec: EncoderSpec) -> str:
    """The command that adds files a person has."""
    return f"histoalign encoders add {spec.name} --path FOLDER"


def amount(size: float) -> str:
    """Bytes for people: "812 bytes", "34 kB", "605 MB", "2.7 GB"."""
    for unit, name, digits in ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0)):
        if size >= unit:
            return f"{size / unit:.{digits}f} {name}"
    return f"{size:.0f} bytes"


def web_words(spec: EncoderSpec, err: WebError, here: int, total: int) -> EncoderError:
    """Explain a failed request.

    Parameters
    ----------
    spec
        The encoder.
    err
        What happened.
    here, total
        Bytes that arrived, of how many.
    """
    if err.status in NO_ACCESS and err.code != GONE and origin(err.url) == origin(endpoint()):
        return EncoderError(_no_access(spec, err))
    if err.status == 404 or err.code == GONE:
        return EncoderError(
            f"{err} Its publisher may have moved it: see {spec.home}. "
            f"Files that you have can be added: {adding(spec)}."
        )
    if here:
        return EncoderError(
            f"{err} {amount(here)} of {amount(total)} of {spec.title} are here, and the same command goes on "
            f"from there: {again(spec)}."
        )
    return EncoderError(
        f"{err} Nothing of {spec.title} was downloaded. Try again later, or get its files from {spec.home} "
        f"with another computer and add them: {adding(spec)}."
    )


def missing(spec: EncoderSpec, names: str, err: WebError) -> EncoderError:
    """Explain that the publisher has none of the alternatives of a file."""
    wanted = names.replace("|", " or ")
    return web_words(spec, WebError(f"{spec.title} needs {wanted}. {err}", status=404), 0, 0)


def changed(spec: EncoderSpec, name: str, stated: str, known: str) -> EncoderError:
    """Explain that a publisher states another hash than the entry pins; both as in `Facts.digest`."""
    stated, known = stated.partition(":")[2], known.partition(":")[2]
    return EncoderError(
        f"{name} of {spec.title} is another file at its publisher than the one this version of the package "
        f"knows (SHA-256 {stated[:12]}..., not {known[:12]}...), and was not downloaded. Look for a newer "
        f"version of the package, or get the files from {spec.home} and add them if you trust them: "
        f"{adding(spec)}."
    )


def storage(spec: EncoderSpec, root: Path, err: OSError) -> EncoderError:
    """Explain that the folder of encoders cannot be written."""
    if err.errno in FULL:
        return EncoderError(
            f"The disk of {root} is full. Make room: what arrived of {spec.title} stays, and the same "
            f"command goes on from there: {again(spec)}."
        )
    return EncoderError(
        f"{spec.title} cannot be downloaded to {root} ({err.strerror or err}). Name a folder for encoders "
        "that you may write to in HISTOALIGN_ENCODERS, or in the settings."
    )


def no_room(spec: EncoderSpec, root: Path, wanted: int, free: int) -> EncoderError:
    """Explain that the disk is too small."""
    return EncoderError(
        f"{spec.title} needs {amount(wanted)} on the disk of {root} until it is downloaded and checked, and "
        f"{amount(free)} are free. Make room, or name another folder for encoders in HISTOALIGN_ENCODERS."
    )


def _no_access(spec: EncoderSpec, err: WebError) -> str:
    said = f" ({err.detail})" if err.detail else ""
    if err.with_token and err.status == 401:
        return (
            f"The hub does not know the token it was shown for {spec.title}{said}. Log in anew with "
            f"`hf auth login`, or set HF_TOKEN; then run {again(spec)}."
        )
    if err.with_token:
        return (
            f"Your account has not been given access to {spec.title}{said}. Ask for it on {spec.home}, where "
            "the publisher may take days to answer; a token of limited rights also needs the one to read "
            f"gated repositories. Then run {again(spec)}."
        )
    return (
        f"{spec.title} is given only to those who asked for it{said}. Visit {spec.home}, accept its licence "
        f"({spec.licence}), log in with `hf auth login` or set HF_TOKEN, and run {again(spec)}."
    )
