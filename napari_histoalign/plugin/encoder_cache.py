"""Loaded encoders, each only as long as the files it was loaded from are the ones that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders import Encoder


@dataclass(frozen=True)
class Origin:
    """What an encoder is loaded from.

    Attributes
    ----------
    folder
        Where its files are.
    mark
        Time, number and size of its record, which is written anew whenever it is added; None for
        encoders that ship, which have none.
    """

    folder: Path
    mark: tuple[int, int, int] | None

    @property
    def is_there(self) -> bool:
        """Whether it still is as it was."""
        return self.mark == _mark(self.folder)


class EncoderCache:
    """Keeps encoders between runs and never hands out one that was removed or replaced since."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, str, Origin], Encoder] = {}

    def origins(self, names: Iterable[str]) -> dict[str, Origin]:
        """Where encoders are to be loaded from now.

        Raises
        ------
        EncoderError, SettingsError
            One is not on this computer, or the library cannot be read.
        """
        from napari_histoalign.encoders import EncoderLibrary

        library = EncoderLibrary()
        found = {}
        for name in names:
            if not library.spec(name).folder:
                library.record(name)  # says how to get it if it is not here
            folder = library.folder(name)
            found[name] = Origin(folder, _mark(folder))
        return found

    def load(self, name: str, device: str, origin: Origin) -> Encoder:
        """The encoder of a name, loaded unless it is already.

        Raises
        ------
        EncoderError, SettingsError
            It cannot be loaded.
        """
        from napari_histoalign.encoders import load_encoder

        key = name, device, origin
        if key not in self._loaded:
            self._loaded[key] = load_encoder(name, device=device)
        return self._loaded[key]

    def keep_only(self, device: str, origins: Mapping[str, Origin]) -> None:
        """Let go of all others: published encoders take gigabytes each."""
        kept = {(name, device, origin) for name, origin in origins.items()}
        self._loaded = {key: encoder for key, encoder in self._loaded.items() if key in kept}


def insist(origins: Mapping[str, Origin]) -> None:
    """Refuse to go on with encoders that are not what is on this computer any more.

    Raises
    ------
    EncoderError
        One was removed or replaced.
    """
    gone = [name for name, origin in origins.items() if not origin.is_there]
    if gone:
        raise EncoderError(
            f"Encoder {' and '.join(gone)} was removed or replaced since this run: what it found can be "
            "exported with the prompts it was scored with, but not scored anew. Choose the encoders to use, "
            "and run again."
        )


def _mark(folder: Path) -> tuple[int, int, int] | None:
    from napari_histoalign.encoders.record import RECORD

    try:
        found = (folder / RECORD).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
