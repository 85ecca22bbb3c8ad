"""What happens in the dialog of encoders: add, download, remove, change the folder; no Qt."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.place import ENVIRONMENT
from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.encoder_choices import Offer, read_offer
from napari_histoalign.plugin.encoder_seams import Actions, Question, Steps
from napari_histoalign.plugin.encoder_texts import (
    details,
    plan_question,
    remove_question,
    replace_question,
    row_of,
)
from napari_histoalign.plugin.encoder_work import Done, NotDone, Work, adding, downloading, removing
from napari_histoalign.settings import load_settings, save_settings

if TYPE_CHECKING:
    from napari_histoalign.encoders import Listing
    from napari_histoalign.plugin.encoder_seams import ManagerView
    from napari_histoalign.plugin.seams import Runner


class EncoderManager:
    """Does what the dialog is asked for, one thing at a time, and keeps the dialog up to date.

    Parameters
    ----------
    view
        The dialog, or a stand-in.
    runner
        Runs work in the background.
    changed
        Called when there may be other encoders than before.
    steps
        The functions that do the work.
    """

    def __init__(
        self, view: ManagerView, runner: Runner, changed: Callable[[], None], steps: Steps | None = None
    ) -> None:
        self._view = view
        self._runner = runner
        self._changed = changed
        self._steps = steps or Steps()
        self._offer = Offer((), (), None)
        self._selected: str | None = None
        self._answer: Callable[[str], None] | None = None
        self._work: Work | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether something is being added, downloaded or removed."""
        return self._work is not None

    def refresh(self, select: str | None = None) -> None:
        """Look at the library again, and show an encoder if it is there."""
        self._offer = read_offer(self._steps.open_library)
        names = [row.spec.name for row in self._offer.rows]
        wanted = select or self._selected
        self._selected = wanted if wanted in names else next(iter(names), None)
        self._view.show_rows([row_of(row) for row in self._offer.rows], self._selected)
        if self._offer.problem:
            self._view.show_message(self._offer.problem, error=True)
        self._show_folder()
        self._show_selected()

    def select(self, name: str | None) -> None:
        """Show what is known of an encoder; a question about another one is dropped."""
        if name != self._selected:
            self.decline()
            self._selected = name
            self._show_selected()

    def add(self, path: Path, *, link: bool = False) -> None:
        """Add files for the selected entry; asks first if that takes the place of others."""
        row = self._row()
        if row is None or not self._can().add:
            return
        title = f"Adding {row.spec.title}"
        work = Work(title, adding(self._steps, row.spec.name, path, link=link, replace=row.here))
        if row.here:
            question = Question(replace_question(row.spec.title, path), "Replace")
            self._ask(question, lambda _: self._start(work))
        else:
            self._start(work)

    def add_own(self, name: str, path: Path, *, role: str, mpp: float | None, link: bool = False) -> None:
        """Add an encoder of the person's own; parameters as for `add_encoder`."""
        self._start(Work(f"Adding {name}", adding(self._steps, name, path, link=link, role=role, mpp=mpp)))

    def ask_download(self) -> None:
        """Show what a download would be, and ask."""
        row = self._row()
        if row is None or not self._can().download:
            return
        name, title = row.spec.name, row.spec.title
        try:
            plan = self._steps.plan(name, self._steps.open_library())
        except (HistoalignError, OSError) as err:
            self._view.show_message(str(err), error=True)
            return

        def begin(token: str) -> None:
            self._start(Work(f"Downloading {title}", downloading(self._steps, name, token.strip() or None)))

        self._ask(Question(plan_question(plan), "Download", token=plan.gated), begin)

    def ask_remove(self) -> None:
        """Ask whether the selected encoder shall go."""
        row = self._row()
        if row is None or not self._can().remove:
            return
        work = Work(f"Removing {row.spec.title}", removing(self._steps, row.spec.name, row.spec.title))
        question = Question(remove_question(row, self._place(row)), "Remove", careful=True)
        self._ask(question, lambda _: self._start(work))

    def confirm(self, token: str = "") -> None:
        """The person says yes to the question; the token goes no further than the download."""
        answer, self._answer = self._answer, None
        self._view.show_question(None)
        if answer is not None:
            answer(token)

    def decline(self) -> None:
        """The person says no, or does something else."""
        if self._answer is not None:
            self._answer = None
            self._view.show_question(None)

    def change_folder(self, path: Path | None) -> None:
        """Keep encoders in another folder from now on; None for the user's data folder."""
        if not self._can().folder:
            return
        self.decline()
        try:
            chosen = None if path is None else str(path.expanduser().resolve())
            save_settings(replace(load_settings(), encoders_folder=chosen))
        except (HistoalignError, OSError) as err:
            self._view.show_message(str(err), error=True)
            return
        self._view.show_message("Encoders are kept in this folder now. Those in the other one stay there.")
        self.refresh()
        self._changed()

    def cancel(self) -> None:
        """Stop what is going on."""
        if self._work is not None:
            self._work.stop()
            self.tick()

    def tick(self) -> None:
        """Show how far the work is; called a few times a second while it goes on."""
        if self._work is not None and not self._closed:
            self._view.show_progress(*self._work.progress())

    def leave(self) -> None:
        """The dialog was closed: stop what is going on; the dialog may be opened again."""
        self.decline()
        self.cancel()

    def close(self) -> None:
        """Stop, and touch neither dialog nor dock any more."""
        self._closed = True
        self._answer = None
        if self._work is not None:
            self._work.stop()

    def _start(self, work: Work) -> None:
        if self.busy:
            return
        self._work = work
        self._view.show_message("")
        self._view.show_busy(True)
        self.tick()
        self._show_selected()
        self._runner.start(work, self._on_report, self._on_error, self._on_end)

    def _on_report(self, report: Done | NotDone) -> None:
        if self._closed:
            return
        if isinstance(report, Done):
            self._view.show_message(report.text)
            self.refresh(report.name)
            self._changed()
        else:
            self._view.show_message(report.text, error=report.failed)

    def _on_error(self, error: Exception) -> None:
        if not self._closed:
            self._view.show_message(str(error) or type(error).__name__, error=True)

    def _on_end(self) -> None:
        self._work = None
        if not self._closed:
            self._view.show_busy(False)
            self._show_selected()

    def _ask(self, question: Question, answer: Callable[[str], None]) -> None:
        self._view.show_message("")
        self._answer = answer
        self._view.show_question(question)

    def _row(self) -> Listing | None:
        return next((row for row in self._offer.rows if row.spec.name == self._selected), None)

    def _can(self) -> Actions:
        row, free = self._row(), not self.busy
        always = Actions(own=free, folder=free and not os.environ.get(ENVIRONMENT))
        if row is None or row.spec.folder or not free:
            return always
        return replace(
            always,
            add=not row.own,
            download=not row.here and row.spec.downloadable,
            remove=row.here,
        )

    def _place(self, row: Listing) -> str:
        if row.spec.folder or self._offer.folder is None:
            return ""
        return str(self._offer.folder / row.spec.name)

    def _show_selected(self) -> None:
        row = self._row()
        self._view.show_details("" if row is None else details(row, self._offer.rows, self._place(row)))
        self._view.show_actions(self._can())

    def _show_folder(self) -> None:
        named = os.environ.get(ENVIRONMENT)
        reason = f"{ENVIRONMENT} names the folder; unset it to choose one here." if named else ""
        try:
            default = bool(named) or not load_settings().encoders_folder
        except HistoalignError:  # said by `refresh`
            default = True
        folder = self._offer.folder
        self._view.show_folder("not known" if folder is None else str(folder), reason, default=default)
