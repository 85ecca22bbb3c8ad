"""How prompts are worded: the organ, the sentences they are put into, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QComboBox, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_histoalign.alignment.templates import AS_WRITTEN, ORGAN, PROMPT, template_sets
from napari_histoalign.plugin.widgets.parts import form, narrow_combo, note
from napari_histoalign.plugin.widgets.prompt_text import PromptText
from napari_histoalign.plugin.widgets.prompt_texts_list import TextsList

if TYPE_CHECKING:
    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.alignment.prompt_draft import Draft

OWN = "own"
HEADER_STYLE = (
    "QPushButton, QPushButton:checked { text-align: left; border: none; padding: 4px;"
    " background: transparent; }"
    "QPushButton:focus, QPushButton:hover { text-decoration: underline; }"
)
OWN_HELP = (
    f"One sentence a line; {PROMPT} is where the prompt goes, {ORGAN} where the organ goes.\n"
    "A line may also be the name of a template set: {names}"
)


class WordingBox(QWidget):
    """Organ, templates and the texts as used, folded away until they are wanted.

    Signals
    -------
    organ_chosen
        The organ as written.
    templates_chosen
        Names of template sets, or sentences (a tuple).
    templates_typed
        The same, while a person types.
    paused
        Typing is over for now.

    Parameters
    ----------
    organs
        To choose from; others can be written.
    """

    organ_chosen = Signal(str)
    templates_chosen = Signal(tuple)
    templates_typed = Signal(tuple)
    paused = Signal()

    def __init__(self, organs: Sequence[str]) -> None:
        super().__init__()
        self._title = ""
        self._count = 0
        self._organ = ""
        self._own_wanted = False
        self.organ = QComboBox()
        self.organ.setEditable(True)
        self.organ.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.organ.addItems(["", *organs])
        self.organ.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.organ.setMinimumContentsLength(8)
        self.organ.setToolTip("Put in the place of {organ} where a sentence names it")
        self.organ.lineEdit().setPlaceholderText("not named")
        self.organ.lineEdit().editingFinished.connect(self.commit)
        self.organ.activated.connect(self.commit)
        self.templates = narrow_combo(_choices(), "The sentences that every prompt is put into")
        for i, name in enumerate(template_sets(), start=1):
            found = template_sets()[name]
            self.templates.setItemData(i, "\n".join(found.sentences), Qt.ItemDataRole.ToolTipRole)
        self.templates.activated.connect(self._on_templates)
        self.source = note()
        help_text = OWN_HELP.replace("{names}", ", ".join(template_sets()))
        self.own = PromptText("", "an H&E stained image of {}", help_text)
        self.own.setAccessibleName("Sentences")
        self.own.textChanged.connect(lambda: self.templates_typed.emit(self._typed()))
        self.own.left.connect(self.paused)
        self.own.hide()
        self.texts = TextsList()
        fields = form()
        fields.addRow("Organ", self.organ)
        fields.addRow("Sentences", self.templates)
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        inside.addLayout(fields)
        inside.addWidget(self.own)
        inside.addWidget(self.source)
        inside.addWidget(self.texts)
        self.collapsible = QCollapsible(expandedIcon=QIcon(), collapsedIcon=QIcon())
        self.collapsible.setDuration(0)
        self.collapsible.setContent(content)
        self.collapsible.layout().setContentsMargins(0, 0, 0, 0)
        self.collapsible.layout().setSpacing(0)
        header = self.collapsible.toggleButton()
        header.setStyleSheet(HEADER_STYLE)
        header.setToolTip("Organ, sentences, and every text as the encoders read it")
        header.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.collapsible.toggled.connect(self._show_title)
        self.collapsible.collapse(animate=False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.collapsible)

    def show_draft(self, draft: Draft) -> None:
        """Show organ and templates without a signal, whether they can be used or not."""
        self._organ = draft.organ
        if self.organ.currentText() != draft.organ:
            self.organ.setEditText(draft.organ)
        choice = _choice_of(draft.templates)
        if self._typed() != draft.templates:  # they come from elsewhere
            self._own_wanted = False
            self.own.set_lines(draft.templates)
        own = self._own_wanted or choice == OWN
        self.own.setVisible(own)
        with QSignalBlocker(self.templates):
            self.templates.setCurrentIndex(self.templates.findData(OWN if own else choice))
        found = None if own else template_sets().get(choice)
        self.source.setText(f"Source: {found.source}" if found else "")
        self.source.setVisible(found is not None)
        self._title = self.templates.currentText()
        self._show_title()

    def show_prompts(self, prompts: PromptSet) -> None:
        """Show the texts of the set in use."""
        self._count = len(prompts.expand().texts)
        self.texts.show_prompts(prompts)
        self._show_title()

    def commit(self) -> None:
        """Take an organ that is still being typed."""
        if self.organ.currentText() != self._organ:
            self._organ = self.organ.currentText()
            self.organ_chosen.emit(self._organ)

    def _on_templates(self) -> None:
        choice = self.templates.currentData()
        self._own_wanted = choice == OWN
        if self._own_wanted:
            lines = [s for name in self._typed() for s in _sentences_of(name)]
            self.own.set_lines(lines)
            self.own.show()
            self.own.setFocus()
            self.templates_chosen.emit(tuple(lines))
        else:
            self.templates_chosen.emit((choice,))

    def _typed(self) -> tuple[str, ...]:
        return tuple(line.strip() for line in self.own.lines() if line.strip())

    def _show_title(self) -> None:
        arrow = "▾" if self.collapsible.isExpanded() else "▸"
        texts = "text" if self._count == 1 else "texts"
        self.collapsible.setText(f"{arrow} Wording: {self._count:,} {texts}, {self._title}")


def _choices() -> list[tuple[str, str]]:
    """Texts and values of the templates to choose from."""
    named = [(found.title, name) for name, found in template_sets().items()]
    return [("as written", AS_WRITTEN[0]), *named, ("own sentences", OWN)]


def _choice_of(templates: Sequence[str]) -> str:
    known = (*AS_WRITTEN, *template_sets())
    return templates[0] if len(templates) == 1 and templates[0] in known else OWN


def _sentences_of(name: str) -> tuple[str, ...]:
    found = template_sets().get(name)
    return found.sentences if found else (name,)
