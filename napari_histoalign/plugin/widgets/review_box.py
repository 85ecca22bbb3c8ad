"""Reviewing: what is looked at, what can be said of it, how far it got, and who agrees with whom."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_histoalign.plugin.widgets.parts import form, group, narrow_combo, note, swatch
from napari_histoalign.plugin.widgets.review_labels import LabelGrid

if TYPE_CHECKING:
    from napari_histoalign.plugin.review_page import ReviewPage

MODES = (
    ("Regions", "regions", "Go through the model's regions, the least sure first"),
    (
        "Blinded",
        "blinded",
        "Answer tile by tile while the results are hidden; the model's answer is shown after each",
    ),
)
MOST_TILES = 5_000
MOST_ASKED = 10_000


class ReviewBox(QWidget):
    """Shows one thing under review, and says what a person makes of it.

    Signals
    -------
    mode_chosen
        "off", "regions" or "blinded".
    accept_requested, reject_requested, reopen_requested, redraw_requested
        The buttons.
    label_given
        A `Label` for what is looked at.
    step_requested
        1 for the next, -1 for the one before.
    filter_changed
        Class ("" for all), and least number of tiles.
    blind_changed
        How many tiles to ask about, and the seed of their order.
    commented, reviewer_named
        The text.
    """

    mode_chosen = Signal(str)
    accept_requested = Signal()
    reject_requested = Signal()
    reopen_requested = Signal()
    redraw_requested = Signal()
    label_given = Signal(object)
    step_requested = Signal(int)
    filter_changed = Signal(str, int)
    blind_changed = Signal(int, int)
    commented = Signal(str)
    reviewer_named = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.who = QLineEdit()
        self.who.setPlaceholderText("your name, as it stands in the review")
        self.who.setToolTip("Every act of the review is kept with this name")
        self.who.editingFinished.connect(lambda: self.reviewer_named.emit(self.who.text()))
        self.modes: dict[str, QPushButton] = {}
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setStyleSheet("font-weight: bold;")
        self.detail = note()
        self.progress = QProgressBar()
        self.labels = LabelGrid()
        self.labels.label_given.connect(self.label_given)
        self.comment = QLineEdit()
        self.comment.setPlaceholderText("comment, kept with Return")
        self.comment.setToolTip("A comment on what is looked at; on the slide, if nothing is")
        self.comment.returnPressed.connect(self._on_comment)
        self.agreement = note()
        self._make_filters()

        box, layout = group("Review")
        rows = form()
        rows.addRow(QLabel("Reviewer"), self.who)
        layout.addLayout(rows)
        layout.addLayout(self._mode_row())
        self.page = QWidget()
        inside = QVBoxLayout(self.page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(6)
        for widget in (self.region_filters, self.blind_filters, self.progress, self.heading, self.detail):
            inside.addWidget(widget)
        inside.addWidget(self._decisions())
        inside.addWidget(self.labels)
        inside.addLayout(self._steps())
        layout.addWidget(self.page)
        layout.addWidget(self.comment)
        layout.addWidget(self.agreement)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)
        self.agreement.hide()
        self.page.hide()

    def show_page(self, page: ReviewPage) -> None:
        """Show what is under review."""
        for name, button in self.modes.items():
            with QSignalBlocker(button):
                button.setChecked(name == page.mode)
        self.page.setVisible(page.mode != "off")
        regions = page.mode == "regions"
        self.region_filters.setVisible(regions)
        self.blind_filters.setVisible(page.mode == "blinded")
        self.decisions.setVisible(regions)
        self.heading.setText(page.heading)
        self.detail.setText("<br>".join(escape(line) for line in page.detail.splitlines()))
        self.detail.setVisible(bool(page.detail))
        self.progress.setMaximum(max(page.total, 1))
        self.progress.setValue(page.done)
        what = "reviewed" if regions else "answered"
        self.progress.setFormat(f"{page.done:,} of {page.total:,} {what}")
        for widget in (self.accept, self.reject, self.reopen, self.redraw, self.labels):
            widget.setEnabled(page.ready)
        for button in self.steps:
            button.setEnabled(page.total > 0)
        self.labels.show_other(not regions)

    def show_classes(self, classes: Sequence[tuple[str, str]]) -> None:
        """Offer classes: name and ``#rrggbb``."""
        wanted = self.of_class.currentData() or ""
        with QSignalBlocker(self.of_class):
            self.of_class.clear()
            self.of_class.addItem("all classes", "")
            for name, color in classes:
                self.of_class.addItem(swatch(color), name, name)
            self.of_class.setCurrentIndex(max(0, self.of_class.findData(wanted)))
        if (self.of_class.currentData() or "") != wanted:
            self._on_filter()
        self.labels.show_classes(classes)

    def show_agreement(self, lines: Sequence[str]) -> None:
        """Say how far reviewers and the model agree."""
        self.agreement.setText("<br>".join(escape(line) for line in lines))
        self.agreement.setVisible(bool(lines))

    def show_reviewer(self, who: str) -> None:
        """Show who reviews."""
        if self.who.text().strip() != who:
            self.who.setText(who)

    def _on_comment(self) -> None:
        if self.comment.text().strip():
            self.commented.emit(self.comment.text().strip())

    def _make_filters(self) -> None:
        self.of_class = narrow_combo([("all classes", "")], "Review regions of this class only")
        self.least_tiles = _number(1, MOST_TILES, 1, "Leave out regions of fewer tiles")
        self.least_tiles.setPrefix("at least ")
        self.least_tiles.setSuffix(" tiles")
        self.least_tiles.setSpecialValueText("any")
        self.count = _number(1, MOST_ASKED, 30, "How many tiles are asked about")
        self.seed = _number(1, 9_999, 1, "Reviewers with the same order are asked about the same tiles")
        self.region_filters, self.blind_filters = QWidget(), QWidget()
        for holder, pairs in (
            (self.region_filters, (("Class", self.of_class), ("Size", self.least_tiles))),
            (self.blind_filters, (("Tiles", self.count), ("Order", self.seed))),
        ):
            rows = form()
            for text, field in pairs:
                rows.addRow(QLabel(text), field)
            holder.setLayout(rows)
        self.of_class.currentIndexChanged.connect(self._on_filter)
        self.least_tiles.valueChanged.connect(self._on_filter)
        self.count.valueChanged.connect(self._on_blind)
        self.seed.valueChanged.connect(self._on_blind)

    def _on_filter(self, _: int = 0) -> None:
        self.filter_changed.emit(self.of_class.currentData() or "", self.least_tiles.value())

    def _on_blind(self, _: int = 0) -> None:
        self.blind_changed.emit(self.count.value(), self.seed.value())

    def _mode_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        for text, name, tip in MODES:
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.toggled.connect(lambda on, mode=name: self.mode_chosen.emit(mode if on else "off"))
            self.modes[name] = button
            row.addWidget(button, 1)
        return row

    def _decisions(self) -> QWidget:
        self.accept = _button("Accept [A]", "It is right (A)", self.accept_requested)
        self.reject = _button("Reject [R]", "It is wrong (R)", self.reject_requested)
        self.redraw = _button("Redraw [D]", "Draw another outline (D)", self.redraw_requested)
        self.reopen = _button("Reopen", "Leave it open again", self.reopen_requested)
        self.decisions = QWidget()
        grid = QGridLayout(self.decisions)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for i, button in enumerate((self.accept, self.reject, self.redraw, self.reopen)):
            grid.addWidget(button, i // 2, i % 2)
        return self.decisions

    def _steps(self) -> QHBoxLayout:
        self.previous = _button("Previous [P]", "Look at the one before (P or Left)")
        self.next = _button("Next [N]", "Look at the next (N or Right)")
        self.steps = (self.previous, self.next)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button, by in ((self.previous, -1), (self.next, 1)):
            button.clicked.connect(lambda _=False, step=by: self.step_requested.emit(step))
            row.addWidget(button, 1)
        return row


def _button(text: str, tip: str, clicked: object = None) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    if clicked is not None:
        button.clicked.connect(lambda _=False: clicked.emit())  # type: ignore[attr-defined]
    return button


def _number(least: int, most: int, value: int, tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(least, most)
    field.setValue(value)
    field.setToolTip(tip)
    field.setKeyboardTracking(False)
    return field
