"""The printable report of a review: results first, then the page, both in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.files import cache_dir
from napari_histoalign.plugin.session_keeper_edge import told
from napari_histoalign.plugin.slide_layers import given_mpp

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.session_keeper_held import Held
    from napari_histoalign.plugin.session_keeper_seams import SessionView, SessionWindow
    from napari_histoalign.results.review import Act

REPORT = "report.html"
DIGITS = 32
"""Of a fingerprint that name a folder."""
WAIT = "Wait for the run to end, then ask for the report again."


class Reporter:
    """Writes the report of a session and opens it.

    Parameters
    ----------
    desk, window, view
        As for `SessionKeeper`.
    changed
        Called when something about a session is to be shown.
    """

    def __init__(
        self, desk: Desk, window: SessionWindow, view: SessionView, changed: Callable[[], None]
    ) -> None:
        self._desk, self._window, self._view, self._changed = desk, window, view, changed

    def write(self, held: Held, *, shown: bool) -> None:
        """Report what is shown of a session's slide, else the session's last results."""
        try:
            results = report_folder(held) / held.session.results.name
        except OSError as err:
            self._desk.say(f"The report has nowhere to go ({err.strerror or err}).", error=True)
            return
        if shown:
            held.busy = "Writing the results ..."
            if not self._window.write_results(results, partial(self._on_results, held, results)):
                held.busy = ""
                self._desk.say(WAIT, error=True)
        elif held.has_results:
            self._on_results(held, held.session.results, True)
        else:
            self._desk.say("Run on the slide first: there is nothing to report.", error=True)
        self._changed()

    def _on_results(self, held: Held, results: Path, written: bool) -> None:
        held.busy = ""
        if written:
            held.busy = "Writing the report ..."
            path = report_folder(held) / REPORT
            mpp, session = given_mpp(held.layer), held.session
            self._desk.errands.ask(
                f"report {held.path}",
                partial(write_report, path, held.path, mpp, results, session.acts, session.notes),
                partial(self._on_written, held),
            )
        self._changed()

    def _on_written(self, held: Held, written: Path | str) -> None:
        held.busy = ""
        if isinstance(written, str):
            self._desk.say(written, error=True)
        else:
            held.there = held.there or not held.session.read_only
            held.has_results = held.has_results or not held.session.read_only
            self._desk.say(f"Report written to {written}.")
            self._view.open_path(written)
        self._changed()


def report_folder(held: Held) -> Path:
    """Where the report goes: into the session, or into the cache where nothing can be written there.

    Raises
    ------
    OSError
        The cache cannot be made.
    """
    if held.session.read_only:
        return cache_dir("reports", held.fingerprint[:DIGITS])
    return held.session.folder


def write_report(
    path: Path,
    slide_path: Path,
    slide_mpp: float | None,
    results: Path,
    acts: Sequence[Act],
    notes: Sequence[str],
) -> Path | str:
    """Write the report, or say why that cannot be done. The slide is opened anew, for this thread alone.

    Parameters
    ----------
    path
        The file.
    slide_path, slide_mpp
        The slide, and micrometres per level-0 pixel as the person gave them.
    results
        Folder of the run; refined results within go first, since it is those that were reviewed.
    acts, notes
        As for `write_review_report`.
    """
    from napari_histoalign.slides import open_slide
    from napari_histoalign.workflow.export import REFINED
    from napari_histoalign.workflow.review_report import write_review_report

    refined = results / REFINED
    chosen = refined if (refined / "run.json").is_file() else results

    def work() -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_slide(slide_path, mpp=slide_mpp) as slide:
            return write_review_report(path, slide, chosen, acts, notes=notes)

    return told("Writing the report", work)
