"""One class of a prompt set: colour, name, role and its prompts, one a line."""

from __future__ import annotations

from qtpy.QtCore import QSize, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from napari_histoalign.plugin.widgets.parts import SWATCH_PX, narrow_combo, swatch
from napari_histoalign.plugin.widgets.prompt_text import PromptText

ROLES = (("lesion", "lesion"), ("tissue", "tissue"), ("background", "background"))


class ClassEditor(QFrame):
    """Edits one class; a change of anything emits `changed`.

    Parameters
    ----------
    name
        Class name.
    prompts
        One a line in the text box.
    color
        ``#rrggbb``.
    role
        "lesion", "tissue" or "background".
    """

    changed = Signal()
    removed = Signal()

    def __init__(self, name: str, prompts: tuple[str, ...], color: str, role: str) -> None:
        super().__init__()
        self._color = color
        self.swatch = QToolButton()
        self.swatch.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        self.swatch.setAutoRaise(True)
        self.swatch.setToolTip("Colour of this class")
        self.swatch.setAccessibleName("Colour")
        self.swatch.clicked.connect(self._choose_color)
        self.name = QLineEdit(name)
        self.name.setPlaceholderText("class name")
        self.name.setToolTip("Name of the class, as it appears in the layers and in QuPath")
        self.name.editingFinished.connect(self.changed)
        self.role = narrow_combo(
            ROLES,
            "lesion: what is looked for; tissue: other tissue; background: scored, never drawn",
        )
        self.role.setMinimumContentsLength(6)
        self.role.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.role.setCurrentIndex(max(0, self.role.findData(role)))
        self.role.currentIndexChanged.connect(self.changed)
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setAutoRaise(True)
        self.remove.setToolTip("Remove this class")
        self.remove.clicked.connect(self.removed)
        self.text = PromptText("\n".join(prompts))
        self.text.textChanged.connect(self.changed)
        self._set_swatch()

        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.swatch)
        row.addWidget(self.name, 1)
        row.addWidget(self.role)
        row.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.text)

    @property
    def color(self) -> str:
        """``#rrggbb``."""
        return self._color

    def prompts(self) -> tuple[str, ...]:
        """The prompts, without empty lines and surrounding blanks."""
        return tuple(line.strip() for line in self.text.toPlainText().splitlines() if line.strip())

    def set_color(self, color: str) -> None:
        """Set the colour, ``#rrggbb``."""
        if color != self._color:
            self._color = color
            self._set_swatch()
            self.changed.emit()

    def _choose_color(self) -> None:
        color = QColorDialog.getColor(QColor(self._color), self, "Colour of the class")
        if color.isValid():
            self.set_color(color.name())

    def _set_swatch(self) -> None:
        self.swatch.setIcon(swatch(self._color))
