"""Take an encoder's files into the library: find them, copy them, check that they work, record them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.bringing import Way, bring
from napari_histoalign.encoders.changing import changing
from napari_histoalign.encoders.collecting import collect
from napari_histoalign.encoders.folder_says import said_otherwise
from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.own import own_spec
from napari_histoalign.encoders.probe import Probe, probe
from napari_histoalign.encoders.record import RECORD, FileRecord, Record, check_name
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import in_bytes, whole_folder

if TYPE_CHECKING:
    from napari_histoalign.encoders.library import EncoderLibrary
    from napari_histoalign.encoders.registry import EncoderSpec

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
    remarks
        What files beside the weights say otherwise than the entry, as sentences.
    """

    record: Record
    folder: Path
    probe: Probe
    unlike: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


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
    try:
        spec = _entry(name, path, library, role, mpp)
        files = collect(spec, path)
        remarks = said_otherwise(spec, path)
        total = sum(p.stat().st_size for p in files.values())
    except (OSError, ValueError) as err:  # what is closed, too long, or a circle of links
        raise EncoderError(f"{path} cannot be read ({reason(err)}). Nothing was added.") from err
    folder = library.root / name
    try:
        library.root.mkdir(parents=True, exist_ok=True)
        if any(_lies_in(p, folder) for p in files.values()):
            raise EncoderError(
                f"{path} is where {name!r} is kept already: point at files outside {library.root}."
            )
        if not (link or give):
            _check_room(library.root, total)
        with changing(library.root, name, f"{spec.title} is being added") as staging:
            if os.path.lexists(folder) and not replace:
                raise EncoderError(
                    f"Encoder {name!r} is in {library.root} already. Remove it first, or replace it."
                )
            way: Way = "link" if link else "give" if give else "copy"
            with whole_folder(folder, staging) as new:
                records = bring(files, new, way, lambda done: on_progress(done, total))
                try:
                    answer = _try_out(spec, new, records)
                except EncoderError as err:
                    # the temporary folder is gone soon: people know the files by where they gave them
                    raise EncoderError(_in_their_words(str(err), files, new)) from err
                record = Record(spec, records, datetime.now(UTC).isoformat(timespec="seconds"), source)
                (new / RECORD).write_text(
                    json.dumps(record.to_dict(), indent=2, ensure_ascii=False), encoding="utf-8"
                )
    except OSError as err:
        raise EncoderError(
            f"{spec.title} cannot be stored in {folder} ({reason(err)}). Nothing was added."
        ) from err
    unlike = tuple(n for n, r in records.items() if spec.pinned(n) not in (None, r.sha256))
    return Added(record, folder, answer, unlike, remarks)


def _try_out(spec: EncoderSpec, folder: Path, records: Mapping[str, FileRecord]) -> Probe:
    """Load an encoder from a folder, and see that it embeds."""
    expected = {name: record.sha256 for name, record in records.items()}
    return probe(load_folder(spec, folder, device="cpu", expected=expected))


def _entry(
    name: str, path: Path, library: EncoderLibrary, role: str | None, mpp: float | None
) -> EncoderSpec:
    """The entry of a name, or a new one."""
    check_name(name)
    try:
        path.stat()
    except FileNotFoundError as err:
        raise EncoderError(f"There is no file or folder {path}.") from err
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


def _lies_in(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(path)).parents


def _check_room(root: Path, wanted: int) -> None:
    free = shutil.disk_usage(root).free
    if wanted > free:
        raise EncoderError(
            f"{root} has {in_bytes(free)} left, and the files take {in_bytes(wanted)}. Make room, name "
            "another folder for encoders, or link the files instead."
        )


def _in_their_words(message: str, files: Mapping[str, Path], temporary: Path) -> str:
    """The message with the temporary copies' paths put back to where the files came from."""
    for name, source in files.items():
        copy = re.escape(str(temporary / name)) + r"(?!\w)"
        message = re.sub(copy, lambda _, given=source: str(given), message)  # type: ignore[misc]
    return message.replace(str(temporary), str(next(iter(files.values())).parent))
