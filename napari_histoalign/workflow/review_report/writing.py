"""From the files of a run and a review to the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import ResultError, SlideError
from napari_histoalign.files import whole_file
from napari_histoalign.results import Run, read_probability_zarr, regions_from_map
from napari_histoalign.results.review import fold
from napari_histoalign.workflow.review_report import content, pictures
from napari_histoalign.workflow.review_report.page import page
from napari_histoalign.workflow.review_report.regions import RegionLine, region_lines, region_targets

if TYPE_CHECKING:
    from napari_histoalign.results.review import Act
    from napari_histoalign.slides import Slide

PICTURES = 150
"""Regions that are shown; further ones are listed without a picture."""


def write_review_report(
    path: Path,
    slide: Slide,
    results: Path,
    acts: Sequence[Act],
    *,
    notes: Sequence[str] = (),
    created: datetime | None = None,
) -> Path:
    """Write what a review came to as one printable HTML file, whole or not at all.

    Parameters
    ----------
    path
        The file; its folder must exist.
    slide
        The open slide.
    results
        Folder of the run: ``run.json`` and ``probabilities.zarr`` are read.
    acts
        Everything in the review's log.
    notes
        Sentences that belong on the page (what was wrong with the log or the session).
    created
        The time printed; now by default.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ResultError
        The results are absent, damaged or another slide's, or the file cannot be written.
    SlideError
        The slide cannot be read.
    """
    run = Run.read(results / "run.json")
    if run.slide.get("fingerprint") != slide.fingerprint:
        raise ResultError(
            f"The results in {results} are those of {run.slide.get('file', 'another slide')}, and not of "
            f"{slide.path.name} as it is now. Run the slide again."
        )
    probabilities, _ = read_probability_zarr(results / "probabilities.zarr")
    classes = run.prompts["classes"]
    roles = {c["name"]: c["role"] for c in classes}
    ordered = [roles.get(name, "tissue") for name in probabilities.class_names]
    size, mpp = slide.dimensions, slide.mpp
    regions = regions_from_map(
        probabilities, roles=ordered, threshold=run.threshold, slide_size=size, mpp=mpp
    )
    targets = region_targets(
        regions, run_id=run.run_id, fingerprint=slide.fingerprint, bounds_offset=slide.bounds[:2]
    )
    state = fold(acts)
    colors = dict(zip(probabilities.class_names, probabilities.colors, strict=True))
    lines, left = region_lines(regions, targets, state, colors=colors, mpp=mpp)
    thumbnail = slide.thumbnail(pictures.MAP_PX)
    shown, unread = _crops(slide, lines)
    text = page(
        {
            "slide": {"name": slide.path.name, "fingerprint": slide.fingerprint, "size": size, "mpp": mpp},
            "created": (created or datetime.now(UTC)).isoformat(),
            "run": run,
            "notes": [*dict.fromkeys([*notes, *state.ignored, *unread, *run.notes])],
            "maps": [
                pictures.class_map(thumbnail, probabilities, i, slide)
                for i, role in enumerate(ordered)
                if role != "background"
            ],
            "overview": pictures.region_map(thumbnail, lines, slide),
            "areas": content.area_lines(probabilities, ordered, regions, lines, slide_size=size, mpp=mpp),
            "lines": lines,
            "left": left,
            "crops": shown,
            "reviewers": content.reviewer_lines(acts, state),
            "comments": content.other_comments(state, lines),
            "disputed": len(state.disputed),
            "counted_pairs": content.counted_pairs,
            "agreements": content.agreements(state, probabilities.class_names),
            "classes": classes,
            "templates": run.prompts.get("templates", ["{}"]),
            "encoders": content.encoder_lines(run),
        }
    )
    try:
        with whole_file(path) as new:
            new.write_text(text, encoding="utf-8", newline="\n")
    except OSError as err:
        raise ResultError(
            f"The report {path} could not be written ({err.strerror or err}). Check that its folder exists, "
            "can be written and has room."
        ) from err
    return path


def _crops(slide: Slide, lines: Sequence[RegionLine]) -> tuple[dict[str, str], list[str]]:
    """Pictures of regions by id, and why there are some without."""
    found: dict[str, str] = {}
    notes = []
    for line in lines[:PICTURES]:
        if line.polygon.is_empty:
            notes.append(f"Region {line.number} has no picture: its outline encloses nothing.")
            continue
        try:
            found[line.key] = pictures.crop(slide, line)
        except SlideError as err:
            notes.append(f"Region {line.number} has no picture: {err}")
    return found, notes
