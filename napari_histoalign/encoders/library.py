"""The encoders on this computer: those that ship with the package, and those a person added."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.registry import EncoderSpec, make_spec, registry
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import data_dir, resource
from napari_histoalign.settings import load_settings

if TYPE_CHECKING:
    from napari_histoalign.encoders.base import Encoder

RECORD = "encoder.json"
"""What is known of an added encoder, beside its files."""
FORMAT = 1
ENVIRONMENT = "HISTOALIGN_ENCODERS"
"""Names another folder of encoders than the settings do."""


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


def encoders_dir() -> Path:
    """Folder of the added encoders.

    That is ``HISTOALIGN_ENCODERS``, else the one of the settings, else one in the user's data folder.

    Raises
    ------
    SettingsError
        The settings cannot be read.
    """
    named = os.environ.get(ENVIRONMENT) or load_settings().encoders_folder
    return Path(named).expanduser() if named else data_dir("encoders")


class EncoderLibrary:
    """Entries of the registry and of the person's own, and where their files are.

    Parameters
    ----------
    root
        Folder of the added encoders, `encoders_dir()` by default; made when something is added.
    registry_path
        Another registry than the shipped one; its folders are relative to where it lies.

    Raises
    ------
    EncoderError, SettingsError
        The registry or the settings cannot be read.
    """

    def __init__(self, root: Path | None = None, *, registry_path: Path | None = None) -> None:
        self.root = root or encoders_dir()
        self.known = registry(registry_path)
        self._shipped = registry_path.parent if registry_path else resource("encoders.yaml").parent

    def own(self) -> tuple[str, ...]:
        """Names of added encoders that are not in the registry, in order."""
        return tuple(sorted(name for name in self._folders() if name not in self.known))

    def is_here(self, name: str) -> bool:
        """Whether the files of an encoder are on this computer."""
        return bool(name in self.known and self.known[name].folder) or self.folder(name).is_dir()

    def folder(self, name: str) -> Path:
        """Where the files of an encoder are, or would be."""
        shipped = self.known[name].folder if name in self.known else ""
        return self._shipped / shipped if shipped else self.root / name

    def record(self, name: str) -> Record:
        """What is known of an added encoder.

        Raises
        ------
        EncoderError
            It was not added, or its record cannot be read.
        """
        path = self.folder(name) / RECORD
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']!r}; this version reads {FORMAT}")
            files = {str(n): FileRecord(str(f["sha256"]), int(f["size"])) for n, f in found["files"].items()}
            spec = self.known.get(name) or make_spec(name, found["spec"], path)
            return Record(spec, files, str(found["added"]), str(found["source"]))
        except FileNotFoundError as err:
            raise EncoderError(self._not_here(name)) from err
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise EncoderError(
                f"The record of encoder {name!r}, {path}, cannot be read ({err}). "
                f"Remove it (histoalign encoders remove {name}) and add it again."
            ) from err

    def spec(self, name: str) -> EncoderSpec:
        """The entry of an encoder of the registry, or of one a person added.

        Raises
        ------
        EncoderError
            There is no such encoder.
        """
        if name in self.known:
            return self.known[name]
        if name in self._folders():
            return self.record(name).spec
        here = sorted(n for n in {*self.known, *self._folders()} if self.is_here(n))
        raise EncoderError(
            f"There is no encoder {name!r}. Those on this computer are {', '.join(here)}; "
            "all that are known: histoalign encoders list."
        )

    def load(self, name: str, *, device: str = "auto", precision: str = "float32") -> Encoder:
        """Load an encoder; parameters and errors as for `load_encoder`."""
        spec = self.spec(name)
        if spec.folder:
            return load_folder(spec, self.folder(name), device=device, precision=precision)
        record = self.record(name)
        expected = {file: entry.sha256 for file, entry in record.files.items()}
        return load_folder(spec, self.folder(name), device=device, precision=precision, expected=expected)

    def remove(self, name: str) -> Path:
        """Delete an added encoder's files (linked files stay where they are). Returns the folder.

        Raises
        ------
        EncoderError
            It was not added, or cannot be deleted.
        """
        folder = self.root / name
        if name not in self._folders():
            shipped = name in self.known and self.known[name].folder
            raise EncoderError(
                f"Encoder {name!r} ships with the package and cannot be removed."
                if shipped
                else f"Encoder {name!r} is not in {self.root}; nothing was removed."
            )
        try:
            # out of sight in one step: a half-deleted encoder must not look like one
            hidden = folder.with_name(f".{name}-removed")
            folder.rename(hidden)
            shutil.rmtree(hidden)
        except OSError as err:
            raise EncoderError(f"{folder} cannot be deleted ({err.strerror or err}).") from err
        return folder

    def _folders(self) -> set[str]:
        """Names of the folders of added encoders."""
        try:
            return {p.name for p in self.root.iterdir() if p.is_dir() and not p.name.startswith(".")}
        except FileNotFoundError:
            return set()
        except OSError as err:
            raise EncoderError(
                f"The folder of encoders {self.root} cannot be read ({err.strerror or err}). "
                f"Set {ENVIRONMENT} or `histoalign encoders folder` to one that can."
            ) from err

    def _not_here(self, name: str) -> str:
        spec = self.known.get(name)
        if spec is None:
            return f"There is no encoder {name!r} in {self.root}."
        how = f"Download it (histoalign encoders download {name}) or add" if spec.downloadable else "Add"
        return (
            f"{spec.title} is not on this computer. {how} the files you have "
            f"(histoalign encoders add {name} --path FOLDER)."
        )


def load_encoder(
    name: str, *, device: str = "auto", precision: str = "float32", registry_path: Path | None = None
) -> Encoder:
    """Load an encoder of this computer.

    Parameters
    ----------
    name
        Its name, such as "plip".
    device
        "auto", "cpu", "cuda" or "mps".
    precision
        "float32", or "float16" or "bfloat16" for graphics processors.
    registry_path
        Another registry file; its folders are then relative to where it lies.

    Raises
    ------
    EncoderError
        The name is unknown, its files are missing or not the recorded ones, or the device is absent.
    """
    return EncoderLibrary(registry_path=registry_path).load(name, device=device, precision=precision)
