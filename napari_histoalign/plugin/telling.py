"""What is said of scores in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.workflow.summary import RunSummary


def summary_of(snapshot: Snapshot, threshold: float, *, run: bool, stopped: bool) -> str:
    """One line for the end of a run, or of a scoring without one.

    Parameters
    ----------
    snapshot
        What is shown.
    threshold
        Lowest probability that counts.
    run
        Whether a run ended with it.
    stopped
        Whether the person stopped that run.
    """
    scores = snapshot.shown.tiles
    wanted = snapshot.scoring.prompts.overlay_class
    hits = int(((scores.label == wanted) & (scores.probabilities[:, wanted] >= threshold)).sum())
    found = f"{len(scores):,} tiles, {hits:,} of them {scores.class_names[wanted]} ({hits / len(scores):.0%})"
    if not hits:  # the layer that is shown first is empty: say where there is something
        found += ". Look has the other classes"
    if stopped:
        return f"Stopped after {found}. Run again to go on from here."
    if run:
        return f"Scored {found}"
    return f"Scored again in {snapshot.seconds:.2f} s: {found}"


def written_of(summary: RunSummary) -> str:
    """One line for the end of an export."""
    files = len(summary.files) + (0 if summary.refined is None else len(summary.refined.files))
    return " ".join([f"{files} files written to {summary.folder}.", *summary.notes])
