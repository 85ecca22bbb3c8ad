"""Take an encoder's files into the library: find them, copy them, check that they work, record them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from napari_histoalign.encoders.collecting import collect
from napari_histoalign.encoders.library import RECORD, EncoderLibrary, FileRecord, Record
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.own import own_spec
from napari_histoalign.encoders.probe import Probe, probe
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import whole_folder

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
BLOCK = 1 << 23
BY_HAND = "added by hand"


@dataclass(frozen=True)
class Added:
    """An encoder that is in the library now.

    Attributes
    ----------
    record
        What was recorded.
    folder
        Where its files are.
    probe
        What it made of the probe tiles and prompts.
    unlike
        Files that fit but are not, byte for byte, those the registry knows of its publisher.
    """

    record: Record
    folder: Path
    probe: Probe
    unlike: tuple[str, ...] = ()


def add_encoder(
    name: str,
    path: Path,
    library: EncoderLibrary,
    *,
    role: str | None = None,
    mpp: float | None = None,
    replace: bool = False,
    link: bool = False,
    give: bool = False,
    source: str = BY_HAND,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Added:
    """Add an encoder from files on this computer.

    The files are copied, loaded through the registry, and asked to embed two tiles and two prompts. Only
    then does the encoder appear in the library, in one step.

    Parameters
    ----------
    name
        A name of the registry, or any other for an encoder of the person's own.
    path
        Folder with its files, or the file of its weights (the others then lie beside it).
    library
        Where it goes.
    role, mpp
        For the person's own: "pathology", "general" or "control"; micrometres per pixel of a tile it is
        meant for. By default what an ONNX pair says of itself, else "general" and any.
    replace
        Take the place of files that were added before.
    link
        Leave the files where they are and link to them.
    give
        The files are ours and deleted next: take them over without a copy where the disk can.
    source
        Where they came from, for the record.
    on_progress
        Called with bytes copied and bytes in all.

    Raises
    ------
    EncoderError
        A file is missing or does not fit, the encoder does not work, or cannot be stored. Nothing is left
        behind, and what was added before stays.
    """
    spec = _entry(name, path, library, role, mpp)
    files = collect(spec, path)
    folder = library.root / name
    if any(p.resolve().is_relative_to(library.root.resolve() / name) for p in files.values()):
        raise EncoderError(
            f"{path} is where {name!r} is kept already: point at files outside {library.root}."
        )
    if folder.exists() and not replace:
        raise EncoderError(f"Encoder {name!r} is in {library.root} already. Remove it first, or replace it.")
    try:
        library.root.mkdir(parents=True, exist_ok=True)
        if not (link or give):
            _check_room(library.root, files)
        with whole_folder(folder) as new:
            records = _take(files, new, _linked if link else _given if give else _copied, on_progress)
            expected = {n: r.sha256 for n, r in records.items()}
            encoder = load_folder(spec, new, device="cpu", expected=expected)
            answer = probe(encoder)
            record = Record(spec, records, datetime.now(UTC).isoformat(timespec="seconds"), source)
            (new / RECORD).write_text(
                json.dumps(record.to_dict(), indent=2, ensure_ascii=False), encoding="utf-8"
            )
    except OSError as err:
        raise EncoderError(
            f"{spec.title} cannot be stored in {folder} ({err.strerror or err}). Nothing was added."
        ) from err
    except EncoderError as err:
        # the temporary folder is gone: people know the files by where they gave them
        raise EncoderError(_in_their_words(str(err), files, folder)) from err
    unlike = tuple(n for n, r in records.items() if spec.pinned(n) not in (None, r.sha256))
    return Added(record, folder, answer, unlike)


def _entry(
    name: str, path: Path, library: EncoderLibrary, role: str | None, mpp: float | None
) -> EncoderSpec:
    """The entry of a name, or a new one."""
    if not NAME.fullmatch(name):
        raise EncoderError(
            f"{name!r} is no name for an encoder: use small letters, digits, '.', '_' and '-', at most 64."
        )
    if not path.exists():
        raise EncoderError(f"There is no file or folder {path}.")
    spec = library.known.get(name)
    if spec is None:
        return own_spec(name, path, role=role, mpp=mpp)
    if spec.folder:
        raise EncoderError(f"Encoder {name!r} ships with the package; choose another name for your own.")
    if role is not None or mpp is not None:
        raise EncoderError(
            f"Role and resolution of {name!r} stand in the registry; they are given for your own encoders."
        )
    return spec


def _check_room(root: Path, files: Mapping[str, Path]) -> None:
    wanted = sum(p.stat().st_size for p in files.values())
    free = shutil.disk_usage(root).free
    if wanted > free:
        raise EncoderError(
            f"{root} has {free / 1e9:.1f} GB left, and the files take {wanted / 1e9:.1f} GB. Make room, name "
            "another folder for encoders, or link the files instead."
        )


def _take(
    files: Mapping[str, Path],
    folder: Path,
    bring: Callable[[Path, Path], BinaryIO],
    on_progress: Callable[[int, int], None],
) -> dict[str, FileRecord]:
    """Bring files to a folder under their names in the entry, hashing them on the way."""
    total = sum(p.stat().st_size for p in files.values())
    done = 0
    records = {}
    for name, source in files.items():
        digest, size = hashlib.sha256(), 0
        with source.open("rb") as read, bring(source, folder / name) as write:
            while block := read.read(BLOCK):
                digest.update(block)
                write.write(block)
                size += len(block)
                done += len(block)
                on_progress(done, total)
            if write.name != os.devnull:
                write.flush()
                os.fsync(write.fileno())
        records[name] = FileRecord(digest.hexdigest(), size)
    return records


def _copied(source: Path, target: Path) -> BinaryIO:
    """Where the bytes of a file that is copied go."""
    return target.open("wb")


def _linked(source: Path, target: Path) -> BinaryIO:
    """The same for a file that stays where it is: they are only read."""
    target.symlink_to(source.resolve())
    return Path(os.devnull).open("wb")


def _given(source: Path, target: Path) -> BinaryIO:
    """The same for a file that is taken over; some file systems, such as those of USB sticks, cannot."""
    try:
        target.hardlink_to(source)
    except OSError:
        return _copied(source, target)
    return Path(os.devnull).open("wb")


def _in_their_words(message: str, files: Mapping[str, Path], folder: Path) -> str:
    """The message with the temporary copies' paths put back to where the files came from."""
    temporary = re.compile(re.escape(str(folder.parent / f".{folder.name}-")) + r"[a-z0-9_]{8}")
    for name, source in files.items():
        given = str(source).replace("\\", r"\\")  # a pattern's replacement would read them
        message = re.sub(temporary.pattern + r"[/\\]" + re.escape(name) + r"(?!\w)", given, message)
    origin = next(iter(files.values())).parent
    return temporary.sub(lambda _: str(origin), message)
