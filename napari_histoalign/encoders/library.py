"""The encoders on this computer: those that ship with the package, and those a person added."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.changing import delete
from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.loading import check_folder, load_folder
from napari_histoalign.encoders.place import ENVIRONMENT, encoders_dir
from napari_histoalign.encoders.record import NAME, RECORD, Record, check_name, read_record
from napari_histoalign.encoders.registry import EncoderSpec, registry
from napari_histoalign.errors import EncoderError, HistoalignError
from napari_histoalign.files import resource

if TYPE_CHECKING:
    from napari_histoalign.encoders.base import Encoder


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
    EncoderError
        The registry cannot be read.
    """

    def __init__(self, root: Path | None = None, *, registry_path: Path | None = None) -> None:
        self._root = root
        self.known = registry(registry_path)
        self._shipped = registry_path.parent if registry_path else resource("encoders.yaml").parent

    @cached_property
    def root(self) -> Path:
        """Folder of the added encoders. Those that ship with the package need none, nor any settings.

        Raises
        ------
        EncoderError, SettingsError
            The settings cannot be read, or there can be no such folder.
        """
        return self._root or encoders_dir()

    @property
    def problem(self) -> str:
        """Why nothing can be told of added encoders; empty if it can."""
        try:
            self._folders()
        except HistoalignError as err:
            return str(err)
        return ""

    def own(self) -> tuple[str, ...]:
        """Names of folders of added encoders that are not in the registry, in order."""
        return tuple(sorted(name for name in self._folders() if name not in self.known))

    def is_here(self, name: str) -> bool:
        """Whether the files of an encoder are on this computer."""
        if self._ships(name):
            return True
        # os.path, for it answers where pathlib raises: in folders that are closed
        return bool(NAME.fullmatch(name)) and os.path.isdir(self.root / name)  # noqa: PTH112

    def folder(self, name: str) -> Path:
        """Where the files of an encoder are, or would be.

        Raises
        ------
        EncoderError, SettingsError
            No encoder can have that name, or the folder of encoders is not known.
        """
        if self._ships(name):
            return self._shipped / self.known[name].folder
        check_name(name)
        return self.root / name

    def record(self, name: str) -> Record:
        """What is known of an added encoder.

        Raises
        ------
        EncoderError
            It was not added, or its record cannot be read.
        """
        try:
            return read_record(self.folder(name), name, self.known.get(name))
        except FileNotFoundError as err:
            raise EncoderError(self._not_here(name)) from err

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
        spec, folder = self.spec(name), self.folder(name)
        if self._ships(name):
            return load_folder(spec, folder, device=device, precision=precision)
        expected = {file: entry.sha256 for file, entry in self.record(name).files.items()}
        check_folder(spec, folder, {*expected, RECORD})
        return load_folder(spec, folder, device=device, precision=precision, expected=expected)

    def added_folder(self, name: str) -> Path:
        """The folder of an encoder that was added, whatever state it is in.

        Raises
        ------
        EncoderError
            It ships with the package, or was not added.
        """
        if self._ships(name):
            raise EncoderError(f"Encoder {name!r} ships with the package and cannot be removed.")
        folder = self.folder(name)
        if name not in self._folders():
            raise EncoderError(f"Encoder {name!r} is not in {self.root}; nothing was removed.")
        return folder

    def remove(self, name: str) -> Path:
        """Delete an added encoder's files (linked files stay where they are). Returns the folder.

        Raises
        ------
        EncoderError
            It was not added, somebody else is changing it, or it cannot be deleted.
        """
        folder = self.added_folder(name)
        delete(self.root, name)
        return folder

    def _ships(self, name: str) -> bool:
        """Whether an encoder comes with the package, and needs neither record nor settings."""
        return name in self.known and bool(self.known[name].folder)

    def _folders(self) -> set[str]:
        """Names of the folders of added encoders."""
        try:
            return {p.name for p in self.root.iterdir() if not p.name.startswith(".") and _is_folder(p)}
        except FileNotFoundError:
            return set()
        except OSError as err:
            raise EncoderError(
                f"The folder of encoders {self.root} cannot be read ({reason(err)}). "
                f"Name another with `histoalign encoders folder` or in {ENVIRONMENT}."
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


def _is_folder(path: Path) -> bool:
    """Whether it is a folder, or may be one: then its record says why it cannot be read."""
    try:
        return path.is_dir()
    except OSError:
        return True


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
