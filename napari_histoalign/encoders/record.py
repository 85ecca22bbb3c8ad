"""What is known of an added encoder, beside its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histoalign.encoders.entry_checks import is_file_name
from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.registry import EncoderSpec, make_spec
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import read_json

RECORD = "encoder.json"
"""The file it stands in."""
FORMAT = 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What an encoder may be called: its name is that of a folder, on any system."""


@dataclass(frozen=True)
class FileRecord:
    """A file as it was when the encoder was added: SHA-256 (hexadecimal) and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Record:
    """What stands in ``encoder.json``.

    Attributes
    ----------
    spec
        The entry it was added under.
    files
        Its files by name.
    added
        When, as ISO 8601 in UTC.
    source
        Where the files came from: an address with its revision, or "added by hand".
    """

    spec: EncoderSpec
    files: Mapping[str, FileRecord]
    added: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "format": FORMAT,
            "name": self.spec.name,
            "added": self.added,
            "source": self.source,
            "files": {n: {"sha256": f.sha256, "size": f.size} for n, f in self.files.items()},
            "spec": self.spec.to_dict(),
        }


def check_name(name: str) -> None:
    """Raise an `EncoderError` for what no encoder can be called."""
    if not NAME.fullmatch(name):
        raise EncoderError(
            f"{name[:80]!r} is no name for an encoder: use small letters, digits, '.', '_' and '-', at most "
            "64."
        )


def read_record(folder: Path, name: str, known: EncoderSpec | None) -> Record:
    """The record in an encoder's folder, which a person may have edited, or made.

    Parameters
    ----------
    folder, name
        Where it is, and of which encoder.
    known
        The registry's entry; that of an encoder of the person's own is in the record.

    Raises
    ------
    FileNotFoundError
        There is none.
    EncoderError
        It cannot be read, or does not say what each file of the encoder has to be.
    """
    path = folder / RECORD
    try:
        found = read_json(path)
        if found["format"] != FORMAT:
            raise ValueError(f"format {str(found['format'])[:20]!r}; this version reads {FORMAT}")
        files = {n: _file(n, f) for n, f in found["files"].items()}
        spec = known or _own(name, found["spec"], path)
        for names in spec.files:
            if files.keys().isdisjoint(names.split("|")):
                raise ValueError(f"it says nothing of {names.replace('|', ' or ')}")
        return Record(spec, files, str(found["added"]), str(found["source"]))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as err:
        raise EncoderError(
            f"The record of encoder {name!r}, {path}, cannot be read ({_why(err)}). "
            f"Remove it (histoalign encoders remove {name}) and add it again."
        ) from err


def _own(name: str, entry: Any, path: Path) -> EncoderSpec:
    """The entry of an encoder of the person's own; those that ship with the package have other means."""
    spec = make_spec(name, entry, path)
    if spec.folder or spec.loader == "demo":
        raise ValueError("only encoders that ship with the package have a folder or the loader 'demo'")
    if not spec.files:
        raise ValueError("it names no files")
    return spec


def _file(name: str, found: Mapping[str, Any]) -> FileRecord:
    sha256, size = found["sha256"], found["size"]
    if not is_file_name(name):
        raise ValueError(f"{name[:80]!r} is no name of a file")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"the SHA-256 of {name} is none")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"the size of {name} is none")
    return FileRecord(sha256, size)


def _why(err: Exception) -> str:
    if isinstance(err, KeyError):
        return f"it lacks {err}"
    if isinstance(err, TypeError | AttributeError):
        return "it is no table of what it should be"
    return reason(err)
