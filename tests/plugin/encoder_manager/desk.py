"""Drives the dialog of encoders as a person does, and stands in for the network."""

from __future__ import annotations

import threading
from pathlib import Path
from unittest.mock import MagicMock

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_histoalign.encoders import add_encoder
from napari_histoalign.errors import EncoderError
from napari_histoalign.plugin.encoder_choices import EMBEDDED
from napari_histoalign.plugin.encoder_desk import EncoderDesk
from napari_histoalign.plugin.encoder_manager import EncoderManager
from napari_histoalign.plugin.encoder_seams import Steps
from napari_histoalign.plugin.widgets.encoder_box import EncoderBox

SECONDS = 60_000


class Desk:
    """A dock with pickers only, and the dialog opened on it."""

    def __init__(self, qtbot, steps: Steps | None = None, *, kept: bool = True) -> None:
        self.bot = qtbot
        self.parent = QWidget()
        if kept:
            qtbot.addWidget(self.parent)
        self.box = EncoderBox(EMBEDDED, mpp=0.5, tile=224)
        self.box.setParent(self.parent)
        self.warned: list[str] = []
        self.desk = EncoderDesk(self.parent, self.box, self.warned.append, steps)
        self.desk.offer()

    def open(self):
        self.parent.show()
        self.box.manage.click()
        return self.desk.dialog

    def select(self, name: str) -> None:
        tree = self.desk.dialog.list.tree
        items = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
        tree.setCurrentItem(next(i for i in items if i.data(0, Qt.ItemDataRole.UserRole) == name))

    def row(self, name: str) -> list[str]:
        tree = self.desk.dialog.list.tree
        items = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
        item = next(i for i in items if i.data(0, Qt.ItemDataRole.UserRole) == name)
        return [item.text(c) for c in range(tree.columnCount())]

    def wait(self) -> None:
        self.bot.waitUntil(lambda: not self.desk.manager.busy, timeout=SECONDS)

    def offered(self, combo) -> list[str | None]:
        return [combo.itemData(i) for i in range(combo.count())]

    def add_own(self, folder: Path, name: str, role: str = "general", mpp: float = 0.0) -> None:
        own = self.desk.dialog.own
        self.desk.dialog.add_own.click()
        own.folder.setText(str(folder))
        own.name.setText(name)
        own.role.setCurrentIndex(own.role.findData(role))
        own.mpp.setValue(mpp)
        own.yes.click()
        self.wait()


def press(box: QWidget, key: Qt.Key) -> None:
    from qtpy.QtTest import QTest

    QTest.keyClick(box, key)


class Download:
    """Stands in for the network: sends bytes while it is told to, then adds the small CLIP."""

    def __init__(self, clip: Path) -> None:
        self.clip, self.token, self.asked = clip, "unset", False
        self.go_on, self.ended = threading.Event(), threading.Event()

    def __call__(self, name, library, *, on_progress, cancelled, token):
        self.token = token
        assert threading.current_thread() is not threading.main_thread()
        try:
            on_progress(1_300_000_000, 2_600_000_000)
            while not self.go_on.wait(0.005):
                if cancelled():
                    raise EncoderError("The download was stopped. 1.3 GB are here.")
            return add_encoder(f"from-{name}", self.clip, library, role="pathology")
        finally:
            self.ended.set()

    def begin(self, desk: Desk, name: str, token: str = "") -> None:
        desk.select(name)
        desk.desk.dialog.download.click()
        desk.desk.dialog.question.token.setText(token)
        desk.desk.dialog.question.yes.click()


def manage(view, runner, **steps) -> tuple[EncoderManager, MagicMock]:
    changed = MagicMock()
    manager = EncoderManager(view, runner, changed, Steps(**steps))
    manager.refresh("plip")
    return manager, changed
