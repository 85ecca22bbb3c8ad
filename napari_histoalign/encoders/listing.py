"""What encoders there are, for a person to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.loading import LOADERS
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.library import EncoderLibrary
    from napari_histoalign.encoders.registry import EncoderSpec


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
            "downloadable": spec.downloadable,
            "notice": spec.notice,
            "citation": spec.citation,
            "problem": self.problem or None,
        }


def list_encoders(library: EncoderLibrary) -> list[Listing]:
    """Every encoder: those of the registry in its order, then the person's own.

    Sizes of files are compared with the record; their content is checked when an encoder is loaded.
    A broken record is a `problem` of its encoder, never an error here.
    """
    known = [
        _shipped(library, s) if s.folder else _added(library, s, own=False) for s in library.known.values()
    ]
    return known + [_own(library, name) for name in library.own()]


def _shipped(library: EncoderLibrary, spec: EncoderSpec) -> Listing:
    folder = library.folder(spec.name)
    sizes = [(folder / n).stat().st_size for n in spec.files if (folder / n).is_file()]
    problem = (
        "" if len(sizes) == len(spec.files) else f"files are missing in {folder}: install the package again"
    )
    return Listing(spec, True, False, sum(sizes), problem)


def _added(library: EncoderLibrary, spec: EncoderSpec, *, own: bool) -> Listing:
    if not library.is_here(spec.name):
        return Listing(spec, False, own, spec.size_mb * 1_000_000, _absent(spec))
    try:
        files = library.record(spec.name).files
    except EncoderError as err:
        return Listing(spec, True, own, 0, str(err))
    folder = library.folder(spec.name)
    sizes = {name: _size(folder / name) for name in files}
    wrong = [name for name, found in sizes.items() if found != files[name].size]
    problem = ""
    if wrong:
        state = "missing" if sizes[wrong[0]] is None else "cut off or changed"
        problem = f"{folder / wrong[0]} is {state}: remove the encoder and add it again"
    elif spec.loader not in LOADERS:
        problem = f"needs the loader {spec.loader!r}, which this version lacks"
    return Listing(spec, True, own, sum(s or 0 for s in sizes.values()), problem)


def _own(library: EncoderLibrary, name: str) -> Listing:
    from napari_histoalign.encoders.registry import EncoderSpec

    try:
        return _added(library, library.record(name).spec, own=True)
    except EncoderError as err:
        spec = EncoderSpec(name, name, "general", "", {}, 1, None, 1, 1, f"own {name}", "unknown", "", "")
        return Listing(spec, True, True, 0, str(err))


def _absent(spec: EncoderSpec) -> str:
    """How an encoder gets here."""
    if not spec.downloadable:
        return f"not on this computer: get it from {spec.home}, then add its folder"
    asked = " (after its publisher gave you access)" if spec.gated else ""
    return f"not on this computer: download it{asked} or add its folder"


def _size(path: Path) -> int | None:
    """Bytes of a file (of what a link points to); None where it is missing."""
    try:
        return path.stat().st_size
    except OSError:
        return None
