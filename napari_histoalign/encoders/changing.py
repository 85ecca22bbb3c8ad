"""Changes of the library: one at a time for each encoder, and nothing half done stays in sight."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_histoalign.encoders.lock import only_one
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import OLD, delete_tree

STAGING = ".changing"
"""Folder of what is not in the library yet, or not any more; all in it is ours."""
_LOCK = ".lock"
_LEFT = re.compile(rf"(?P<name>.+)-[a-z0-9_]{{8}}({OLD})?|(?P<locked>.+){re.escape(_LOCK)}")


@contextmanager
def changing(root: Path, name: str, what: str) -> Iterator[Path]:
    """Keep others from changing an encoder, and clear away what killed processes left.

    Parameters
    ----------
    root
        Folder of the encoders, which exists.
    name
        The encoder.
    what
        What is done meanwhile, for the error.

    Yields
    ------
    Path
        Where temporary folders belong, named ``NAME-xxxxxxxx``, on the same disk.

    Raises
    ------
    EncoderError
        Somebody else is at it, or the staging folder is none.
    OSError
        The folder cannot be written.
    """
    staging = root / STAGING
    if staging.is_symlink():  # what it points to may be anything
        raise EncoderError(f"{staging} is a link, and no folder to work in. Delete it.")
    try:
        with only_one(staging / (name + _LOCK), what) as alone:
            if alone:
                _clear(root, name)
            for other in _left(staging) - {name}:
                # whoever is still at work holds the lock
                with suppress(EncoderError, OSError), only_one(staging / (other + _LOCK), other) as free:
                    if free:
                        _clear(root, other)
            yield staging
    finally:
        with suppress(OSError):  # others may be in it
            staging.rmdir()


def delete(root: Path, name: str) -> None:
    """Delete the folder of an encoder; of a link, the link alone.

    Raises
    ------
    EncoderError
        Somebody else is changing it, or it cannot be deleted. Either it is as it was, or out of the library
        with the rest of its files in a place that the message names.
    """
    folder = root / name
    try:
        with changing(root, name, f"Encoder {name!r} is being changed") as staging:
            if folder.is_symlink():
                folder.unlink()
                return
            # out of sight in one step: a half-deleted encoder must not look like one
            hidden = staging / f"{name}-{secrets.token_hex(4)}"
            folder.rename(hidden)
            try:
                shutil.rmtree(hidden)
            except OSError as err:
                raise EncoderError(
                    f"Encoder {name!r} was removed, but {hidden} cannot be deleted ({err.strerror or err}). "
                    "Delete that folder."
                ) from err
    except OSError as err:
        raise EncoderError(f"{folder} cannot be deleted ({err.strerror or err}). It is as it was.") from err


def _left(staging: Path) -> set[str]:
    """Encoders of which something lies in the staging folder."""
    matches = [_LEFT.fullmatch(path.name) for path in staging.iterdir()]
    return {m["name"] or m["locked"] for m in matches if m}


def _clear(root: Path, name: str) -> None:
    """Clear away what is left of an encoder, whose lock is held; what was being replaced comes back."""
    for path in sorted((root / STAGING).iterdir()):
        match = _LEFT.fullmatch(path.name)
        if match is None or match["name"] != name:
            continue
        if path.name.endswith(OLD) and not (root / name).exists():
            path.rename(root / name)
        else:
            delete_tree(path)
