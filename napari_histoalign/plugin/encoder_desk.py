"""Keeps the dock's pickers of encoders up to date, and puts the dialog and its manager together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_histoalign.plugin.encoder_choices import read_offer
from napari_histoalign.plugin.encoder_manager import EncoderManager
from napari_histoalign.plugin.encoder_seams import Steps
from napari_histoalign.plugin.runner import ThreadRunner
from napari_histoalign.plugin.widgets.encoder_dialog import EncoderDialog

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtWidgets import QWidget

    from napari_histoalign.plugin.widgets.encoder_box import EncoderBox


class EncoderDesk(QObject):
    """Offers encoders in the dock; opens their dialog, which is made when it is first wanted.

    Parameters
    ----------
    parent
        The dock; dialog and desk go with it.
    box
        The dock's pickers.
    warn
        Shows a sentence.
    steps
        The functions that do the work; the real ones by default.
    """

    def __init__(
        self, parent: QWidget, box: EncoderBox, warn: Callable[[str], None], steps: Steps | None = None
    ) -> None:
        super().__init__(parent)
        self._parent, self._box, self._warn = parent, box, warn
        self.steps = steps or Steps()
        self.dialog: EncoderDialog | None = None
        self.manager: EncoderManager | None = None
        box.manage_requested.connect(self.open)

    def offer(self) -> None:
        """Fill the pickers with what can be used now; what was chosen stays if it is there."""
        offer = read_offer(self.steps.open_library)
        gone = self._box.set_choices(offer.choices)
        self._box.show_problem(offer.problem)
        if offer.problem:
            self._warn(offer.problem)
        elif gone:
            self._warn(f"{' and '.join(gone)} can no longer be used: look at what is chosen now.")

    def open(self) -> None:
        """Show the dialog, in front and up to date; other windows stay usable."""
        if self.dialog is None or self.manager is None:
            self.dialog, self.manager = self._build()
        self.manager.refresh()
        self.offer()  # somebody may have added an encoder from the command line
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        self.dialog.list.tree.setFocus()

    def _build(self) -> tuple[EncoderDialog, EncoderManager]:
        dialog = EncoderDialog(self._parent)
        manager = EncoderManager(dialog, ThreadRunner(dialog), self.offer, self.steps)

        def add_own(name: str, folder: Path, role: str, mpp: float | None, link: bool) -> None:
            manager.add_own(name, folder, role=role, mpp=mpp, link=link)

        dialog.selected.connect(lambda name: manager.select(name or None))
        dialog.add_requested.connect(lambda path, link: manager.add(path, link=link))
        dialog.own_requested.connect(add_own)
        dialog.download_requested.connect(manager.ask_download)
        dialog.remove_requested.connect(manager.ask_remove)
        dialog.cancel_requested.connect(manager.cancel)
        dialog.agreed.connect(manager.confirm)
        dialog.declined.connect(manager.decline)
        dialog.folder_requested.connect(manager.change_folder)
        dialog.tick.connect(manager.tick)
        dialog.finished.connect(lambda: manager.leave())
        dialog.destroyed.connect(lambda: manager.close())  # with the dock, which napari never closes
        return dialog, manager
