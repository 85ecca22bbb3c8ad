"""A whole QuPath project: each image run within what was drawn on it, and the results written to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_histoalign.errors import HistoalignError, ResultError
from napari_histoalign.files import read_json, whole_file
from napari_histoalign.slides import open_slide
from napari_histoalign.workflow.qupath_export import export_result
from napari_histoalign.workflow.qupath_import import chosen_annotations, write_annotations
from napari_histoalign.workflow.run import run_slide
from qupath_bridge.projects import read_entry

if TYPE_CHECKING:
    from napari_histoalign.encoders import Encoder
    from napari_histoalign.workflow.settings import RunSettings
    from napari_histoalign.workflow.summary import RunSummary
    from qupath_bridge.projects import Entry, EntryObjects, Helper

DONE = "qupath.json"
"""In the folder of a result that was written to a project: from what it was made."""
ROI = "roi.geojson"


@dataclass(frozen=True)
class BatchRow:
    """What became of an image.

    Attributes
    ----------
    image, id
        Its name and id in the project.
    status
        ``done``, ``kept`` (it was done before), or ``failed``.
    folder
        Of its results.
    tiles, areas_mm2
        Tiles scored, and the area of each class, where it is known.
    written, stayed
        Objects written to the project, and of ours those that a person locked or changed.
    message
        Why it failed.
    """

    image: str
    id: str
    status: Literal["done", "kept", "failed"]
    folder: str
    tiles: int = 0
    areas_mm2: Mapping[str, float | None] = field(default_factory=dict)
    written: int = 0
    stayed: int = 0
    message: str = ""

    @property
    def told(self) -> str:
        """A line for people."""
        if self.status == "failed":
            return f"failed: {self.message}"
        if self.status == "kept":
            return "done before, with the same settings"
        known = [f"{name} {area:.3f} mm²" for name, area in self.areas_mm2.items() if area is not None]
        stayed = f", {self.stayed} of ours stay as a person left them" if self.stayed else ""
        return f"{self.tiles} tiles ({', '.join(known)}), {self.written} objects written{stayed}"


def run_project(
    project: Path,
    entries: Sequence[Entry],
    out: Path,
    settings: RunSettings,
    encoders: Sequence[Encoder],
    helper: Helper,
    *,
    tiles: bool = True,
) -> Iterator[BatchRow]:
    """Run images of a project one after the other, and write each one's results to it.

    An image is run within the annotations that people drew on it, or on all its tissue where there are none.
    One that was done with the same settings, annotations and slide is left as it is; one that fails does not
    keep the others from being done.

    Parameters
    ----------
    project
        Its folder or file.
    entries
        Images of it.
    out
        Folder of the results, one folder an image.
    settings, encoders
        As for `napari_histoalign.workflow.run_slide`.
    helper
        Runs QuPath.
    tiles
        Whether tiles are written to the project, too.

    Yields
    ------
    BatchRow
        What became of each image, when it is done.
    """
    for entry in entries:
        # images of one name get a folder each
        folder = out / f"{Path(entry.name).stem} ({entry.id})"
        row = BatchRow(entry.name, entry.id, "kept", str(folder))
        try:
            row = replace(row, **_run(project, entry, folder, settings, encoders, helper, tiles))
        except HistoalignError as err:
            row = replace(row, status="failed", message=str(err))
        except OSError as err:
            why = f"{folder} cannot be written ({err.strerror or err})."
            row = replace(row, status="failed", message=why)
        yield row


def _run(
    project: Path,
    entry: Entry,
    folder: Path,
    settings: RunSettings,
    encoders: Sequence[Encoder],
    helper: Helper,
    tiles: bool,
) -> dict[str, Any]:
    if not entry.files:
        raise ResultError(f"{entry.name} lies in no file of this computer ({', '.join(entry.uris)}).")
    objects = read_entry(project, entry, helper)
    made_from = _made_from(entry.files[0], objects, settings, encoders, tiles)
    if _was_done(folder, made_from, objects):
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    roi = None
    if chosen_annotations(objects, "roi"):
        roi = write_annotations(folder / ROI, objects, "roi").path
    summary = run_slide(entry.files[0], folder, settings, encoders, roi=roi)
    assert summary is not None  # nothing cancels it
    exported = export_result(folder, project, helper, to=entry, tiles=tiles)
    with whole_file(folder / DONE) as new:
        new.write_text(json.dumps(made_from), encoding="utf-8")
    return {"status": "done", **_told(summary), "written": exported.added, "stayed": len(exported.kept)}


def _told(summary: RunSummary) -> dict[str, Any]:
    return {"tiles": summary.tiles, "areas_mm2": {c.name: c.area_mm2 for c in summary.classes}}


def _made_from(
    path: Path, objects: EntryObjects, settings: RunSettings, encoders: Sequence[Encoder], tiles: bool
) -> dict[str, Any]:
    """All that decides a result; the slide is refused if QuPath's coordinates are not what a run expects."""
    with open_slide(path) as slide:
        if objects.size != slide.bounds[2:]:
            width, height = slide.bounds[2:]
            raise ResultError(
                f"QuPath shows {objects.entry.name} with {objects.size[0]} x {objects.size[1]} px, and what "
                f"is scanned of it has {width} x {height} px: annotations would lie in the wrong place. Add "
                "the image to the project anew, by OpenSlide and not rotated or cropped."
            )
        fingerprint = slide.fingerprint
    drawn = {one.uuid: one.feature.get("geometry") for one in chosen_annotations(objects, "roi")}
    values = {
        "settings": asdict(settings),
        "weights": [encoder.weights_hash for encoder in encoders],
        "drawn": drawn,
        "tiles": tiles,
    }
    text = json.dumps(values, sort_keys=True, default=str)
    return {"slide": fingerprint, "digest": hashlib.sha256(text.encode("utf-8")).hexdigest()}


def _was_done(folder: Path, made_from: Mapping[str, Any], objects: EntryObjects) -> bool:
    """Whether a result was made from the same, and still is what we wrote to the project last."""
    try:
        run = read_json(folder / "run.json", 64 << 20)["run_id"]
        return bool(read_json(folder / DONE) == made_from and objects.ledger.run_id == run)
    except (OSError, ValueError, KeyError, TypeError):
        return False
