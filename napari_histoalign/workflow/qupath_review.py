"""Decisions made in QuPath into the review that is kept with the slide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_histoalign.errors import ResultError
from napari_histoalign.slides import open_slide
from napari_histoalign.workflow.qupath_import import review_acts
from napari_histoalign.workflow.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from napari_histoalign.results.review import Act
    from qupath_bridge.projects import EntryObjects


def bring_review(objects: EntryObjects, who: str, *, root: Path | None = None) -> tuple[Act, ...]:
    """Write what was decided in QuPath to the slide's review log.

    Parameters
    ----------
    objects
        What an image of a project holds.
    who
        The person who worked in QuPath.
    root
        Where all sessions are kept; None: beside each slide.

    Returns
    -------
    tuple of Act
        What was written; nothing where the log said so already.

    Raises
    ------
    ResultError
        The slide is not the one we wrote to, or its review cannot be written.
    """
    if not objects.ledger.regions:
        return ()
    if not objects.entry.files:
        raise ResultError(f"The image {objects.entry.name} lies in no file, so its review has no place.")
    path = objects.entry.files[0]
    with open_slide(path) as slide:
        if slide.fingerprint != objects.ledger.slide:
            raise ResultError(
                f"{path} is not the slide whose results were written to {objects.entry.name}: its review was "
                "left alone."
            )
        with Session(path, slide.fingerprint, root=root) as session:
            acts = review_acts(objects, session.acts, who)
            if acts:
                session.append(*acts)
    return acts
