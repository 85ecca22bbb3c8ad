"""Fetch an encoder of the registry: the one thing here that uses the network, and only when asked to.

Files come from where their publisher keeps them, by https, and go on where they broke off. Hashes that the
publisher states, or the entry pins, are compared before an encoder is added. Nothing is sent but the
requests for the files; the person's token goes to the hub alone, and only where it asks for one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.adding import Added, add_encoder
from napari_histoalign.encoders.fetching.faults import Cancelled
from napari_histoalign.encoders.fetching.hub import sources
from napari_histoalign.encoders.fetching.job import bytes_in, fetch_all
from napari_histoalign.encoders.fetching.parts import WHOLE
from napari_histoalign.encoders.fetching.words import adding, amount, storage
from napari_histoalign.encoders.lock import only_one
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.library import EncoderLibrary

DOWNLOADS = ".downloads"
"""Folder of what is not whole yet, in the library's."""


class DownloadCancelled(EncoderError):
    """The person stopped a download; the text says what is here by then."""


@dataclass(frozen=True)
class PlannedFile:
    """A file to fetch: its name, others it may have instead, and the address it is looked for first."""

    name: str
    others: tuple[str, ...]
    address: str


@dataclass(frozen=True)
class Plan:
    """What a person is shown before a download.

    Attributes
    ----------
    name, title, licence, licence_url, citation, notice, gated, size_mb, page
        As in the entry (`EncoderSpec`).
    files
        What would be fetched, and where from.
    folder
        Where the encoder would be.
    here_bytes
        What an earlier download left, to go on from.
    """

    name: str
    title: str
    licence: str
    licence_url: str
    citation: str
    notice: str
    gated: bool
    size_mb: int
    page: str
    files: tuple[PlannedFile, ...]
    folder: Path
    here_bytes: int

    @property
    def access(self) -> str:
        """What to do first for an encoder that is given out on request; empty for others."""
        if not self.gated:
            return ""
        return (
            f"Its publisher wants to be asked first: visit {self.page}, accept the licence there, "
            "and log in with `hf auth login` or set HF_TOKEN."
        )

    def describe(self) -> list[str]:
        """The lines to show: what it is, its terms, where it comes from and where it goes."""
        weight = f"about {amount(self.size_mb * 1e6)}" if self.size_mb else "of unknown size"
        here = f", of which {amount(self.here_bytes)} are here already" if self.here_bytes else ""
        lines = [
            f"{self.title}: {weight}{here}.",
            f"Licence: {self.licence} ({self.licence_url}).",
            f"{self.notice}." if self.notice else "",
            self.access,
            "From its publisher:",
            *(f"  {' or '.join([f.name, *f.others])}: {f.address}" for f in self.files),
            f"To {self.folder}.",
        ]
        return [line for line in lines if line]


def plan_download(name: str, library: EncoderLibrary) -> Plan:
    """What a download would be; the network is not used.

    Parameters
    ----------
    name
        A name of the registry.
    library
        Where it would go.

    Raises
    ------
    EncoderError
        There is no such encoder, it is here already, nothing can download it, or the folder is closed.
    """
    spec = library.spec(name)
    if name not in library.known:
        raise EncoderError(f"{name!r} is an encoder of your own: there is nothing to download.")
    if spec.folder:
        raise EncoderError(f"{spec.title} ships with the package: there is nothing to download.")
    if library.is_here(name):
        raise EncoderError(
            f"{spec.title} is on this computer already, in {library.folder(name)}. "
            f"To get it anew, remove it first: histoalign encoders remove {name}."
        )
    if not spec.downloadable:
        raise EncoderError(
            f"{spec.title} cannot be downloaded by a program. Get its files from {spec.home} "
            f"({', '.join(spec.files).replace('|', ' or ')}), then add them: {adding(spec)}."
        )
    wanted = [(names.split("|"), found[0]) for names, found in sources(spec).items()]
    try:
        here = bytes_in(_folder(name, library))
    except OSError as err:
        raise storage(spec, library.root, err) from err
    return Plan(
        name,
        spec.title,
        spec.licence,
        spec.licence_url,
        spec.citation,
        spec.notice,
        spec.gated,
        spec.size_mb,
        spec.home,
        tuple(PlannedFile(first, tuple(others), source.url()) for (first, *others), source in wanted),
        library.folder(name),
        here,
    )


def download_encoder(
    name: str,
    library: EncoderLibrary,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    token: str | None = None,
) -> Added:
    """Download an encoder, check its files and add it.

    Parameters
    ----------
    name
        A name of the registry.
    library
        Where it goes.
    on_progress
        Called with bytes that are here and bytes in all (0 while unknown).
    cancelled
        Asked often; what arrived by then stays, and the next download goes on from there.
    token
        For the hub; by default that of HF_TOKEN or ``hf auth login``. It is neither stored nor shown.

    Returns
    -------
    Added
        As from `add_encoder`.

    Raises
    ------
    DownloadCancelled
        It was cancelled.
    EncoderError
        There is no network, no access or no room, a file is not what its publisher states, or the
        encoder does not work. What arrived stays, but for files that are wrong.
    """
    plan_download(name, library)
    spec, folder = library.known[name], _folder(name, library)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with only_one(folder.with_name(f"{name}.lock"), f"{spec.title} is being downloaded"):
            plan_download(name, library)  # another process may have brought it since
            try:
                folder.mkdir(exist_ok=True)
                source = fetch_all(spec, folder, token, on_progress, cancelled)
                added = _add(name, folder, library, source)
                shutil.rmtree(folder, ignore_errors=True)
                return added
            finally:
                if not bytes_in(folder):
                    shutil.rmtree(folder, ignore_errors=True)
    except Cancelled as err:
        raise DownloadCancelled(
            f"The download of {spec.title} was stopped. {amount(bytes_in(folder))} are here; "
            "the next one goes on from there."
        ) from err
    except OSError as err:
        raise storage(spec, library.root, err) from err
    finally:
        with suppress(OSError):  # others may be in it
            folder.parent.rmdir()


def _add(name: str, folder: Path, library: EncoderLibrary, source: str) -> Added:
    try:
        return add_encoder(name, folder / WHOLE, library, give=True, source=source)
    except EncoderError as err:
        raise EncoderError(f"{err} The files that were downloaded stay in {folder / WHOLE}.") from err


def _folder(name: str, library: EncoderLibrary) -> Path:
    return library.root / DOWNLOADS / name
