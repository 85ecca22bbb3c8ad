"""What encoders there are, for a person to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.loading import LOADERS, check_folder
from napari_histoalign.encoders.record import NAME, RECORD
from napari_histoalign.encoders.registry import EncoderSpec
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import printable

if TYPE_CHECKING:
    from napari_histoalign.encoders.library import EncoderLibrary
    from napari_histoalign.encoders.record import Record


@dataclass(frozen=True)
class Listing:
    """One encoder and its state on this computer.

    Attributes
    ----------
    spec
        Its entry.
    here
        Whether its files are on this computer.
    own
        Whether a person added it under a name of their own.
    size
        Bytes on the disk where it is here; else about what a download weighs (0: unknown).
    problem
        Why it cannot be used; empty if it can.
    """

    spec: EncoderSpec
    here: bool
    own: bool
    size: int
    problem: str

    @property
    def usable(self) -> bool:
        """Whether it can be loaded, as far as can be told without reading its weights."""
        return not self.problem

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        spec = self.spec
        return {
            "name": spec.name,
            "title": spec.title,
            "role": spec.role,
            "licence": spec.licence,
            "licence_url": spec.licence_url,
            "gated": spec.gated,
            "here": self.here,
            "own": self.own,
            "demo": spec.demo,
            "size_bytes": self.size,
            "input_size": spec.input_size,
            "mpp": spec.mpp,
            "dim": spec.dim,
            "space": spec.space,
            "page": spec.home,
            "downloadable": spec.downloadable and not self.own,
            "notice": spec.notice,
            "citation": spec.citation,
            "problem": self.problem or None,
        }


def list_encoders(library: EncoderLibrary) -> list[Listing]:
    """Every encoder: those of the registry in its order, then the person's own.

    Sizes of files are compared with the record; their content is checked when an encoder is loaded.
    What is broken is a `problem` of its encoder, never an error here; where the folder of encoders cannot be
    read, that is the problem of all that do not ship with the package, and `library.problem`.
    """
    closed = library.problem
    rows = [_shipped(library, s) if s.folder else _known(library, s, closed) for s in library.known.values()]
    return rows + [_own(library, name) for name in (() if closed else library.own())]


def _shipped(library: EncoderLibrary, spec: EncoderSpec) -> Listing:
    folder = library.folder(spec.name)
    sizes = [size for n in spec.files if (size := _size(folder / n)) is not None]
    problem = (
        "" if len(sizes) == len(spec.files) else f"files are missing in {folder}: install the package again"
    )
    return Listing(spec, True, False, sum(sizes), problem)


def _known(library: EncoderLibrary, spec: EncoderSpec, closed: str) -> Listing:
    if closed or not library.is_here(spec.name):
        return Listing(spec, False, False, spec.size_mb * 1_000_000, closed or _absent(spec))
    try:
        return _added(library, library.record(spec.name), own=False)
    except EncoderError as err:
        return Listing(spec, True, False, 0, str(err))


def _own(library: EncoderLibrary, name: str) -> Listing:
    try:
        return _added(library, library.record(name), own=True)
    except EncoderError as err:
        if NAME.fullmatch(name):
            return _broken(name, str(err))
        return _broken(
            printable(name), f"{library.root / name} has a name that no encoder can have: rename it"
        )


def _broken(name: str, problem: str) -> Listing:
    """An own encoder of which nothing else can be told."""
    spec = EncoderSpec(name, name, "general", "", {}, 1, None, 1, 1, f"own {name}", "unknown", "", "")
    return Listing(spec, True, True, 0, problem)


def _added(library: EncoderLibrary, record: Record, *, own: bool) -> Listing:
    folder = library.folder(record.spec.name)
    size = sum(_size(folder / name) or 0 for name in record.files)
    return Listing(record.spec, True, own, size, _problem(record, folder))


def _problem(record: Record, folder: Path) -> str:
    """What is wrong with an encoder whose record can be read; empty if nothing that is soon told."""
    if record.spec.loader not in LOADERS:
        return f"needs the loader {record.spec.loader!r}, which this version lacks"
    try:
        for name, known in record.files.items():
            if (folder / name).stat().st_size != known.size:
                return f"{folder / name} is cut off or changed: remove the encoder and add it again"
        check_folder(record.spec, folder, {*record.files, RECORD})
    except FileNotFoundError as err:
        return f"{err.filename} is missing: remove the encoder and add it again"
    except OSError as err:
        return f"{err.filename} cannot be read ({reason(err)})"
    except EncoderError as err:
        return str(err)
    return ""


def _absent(spec: EncoderSpec) -> str:
    """How an encoder gets here."""
    if not spec.downloadable:
        return f"not on this computer: get it from {spec.home}, then add its folder"
    asked = " (after its publisher gave you access)" if spec.gated else ""
    return f"not on this computer: download it{asked} or add its folder"


def _size(path: Path) -> int | None:
    """Bytes of a file (of what a link points to); None where it is missing or cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return None
