"""What the dialog of encoders shows below its table: details, a question, a form, and the folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_histoalign.plugin.widgets.parts import TEXT_PRINT, form, narrow_combo, note

if TYPE_CHECKING:
    from napari_histoalign.plugin.encoder_seams import Question

ROLES = (
    ("general: trained on images of any kind", "general"),
    ("pathology: trained on pathology images", "pathology"),
    ("control: knows nothing of tissue", "control"),
)


def button(text: str, tip: str = "") -> QPushButton:
    """A button that the return key presses only while it has the focus."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    return made


class TextPanel(QScrollArea):
    """Rich text that scrolls; it can be selected, and its links followed."""

    def __init__(self) -> None:
        super().__init__()
        self.label = note()
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.label.setStyleSheet(TEXT_PRINT)
        self.label.setContentsMargins(4, 2, 8, 2)
        self.setWidget(self.label)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_text(self, text: str) -> None:
        """Show a text from its beginning."""
        self.label.setText(text)
        self.verticalScrollBar().setValue(0)


class QuestionPanel(QWidget):
    """Asks for agreement.

    Signals
    -------
    agreed
        The token that was given along, or "".
    declined
        The other button.
    """

    agreed = Signal(str)
    declined = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = TextPanel()
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("access token (hf_...), used once and kept nowhere")
        self.token.setAccessibleName("Access token")
        self.token.returnPressed.connect(self._agree)
        self.yes, self.no = button("Yes"), button("Not now")
        self.yes.clicked.connect(self._agree)
        self.no.clicked.connect(self.declined)
        row = QHBoxLayout()
        row.addWidget(self.token, 1)
        row.addStretch(0)
        row.addWidget(self.yes)
        row.addWidget(self.no)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text, 1)
        layout.addLayout(row)

    def ask(self, question: Question) -> None:
        """Show a question."""
        self.text.set_text(question.text)
        self.token.clear()
        self.token.setVisible(question.token)
        self.yes.setText(question.yes)
        first = self.token if question.token else self.no if question.careful else self.yes
        first.setFocus()

    def forget(self) -> None:
        """Keep no token."""
        self.token.clear()

    def _agree(self) -> None:
        token = self.token.text()
        self.token.clear()
        self.agreed.emit(token)


class OwnPanel(QWidget):
    """Asks what is needed to add an encoder of the person's own.

    Signals
    -------
    filled_in
        Name, folder (Path), role, and resolution in micrometres per pixel or None.
    declined
        The other button.
    """

    filled_in = Signal(str, object, str, object)
    declined = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = QLineEdit()
        self.name.setPlaceholderText("small letters, digits, '.', '_' and '-'")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("layout of transformers (CLIP, SigLIP) or open_clip, or an ONNX pair")
        self.choose = button("Choose...", "Choose the folder of its files")
        self.role = narrow_combo(ROLES, "In which of the dock's lists it stands")
        self.mpp = QDoubleSpinBox()
        self.mpp.setRange(0, 10)
        self.mpp.setDecimals(3)
        self.mpp.setSingleStep(0.05)
        self.mpp.setSuffix(" µm/px")
        self.mpp.setSpecialValueText("any")
        self.mpp.setToolTip("Resolution of the tiles it was trained on (0.5 is about 20x), if it is known")
        self.yes, self.no = button("Add"), button("Not now")
        place = QHBoxLayout()
        place.addWidget(self.folder, 1)
        place.addWidget(self.choose)
        fields = form()
        fields.addRow(QLabel("<b>Add an encoder of your own</b>"))
        fields.addRow("Folder", place)
        fields.addRow("Name", self.name)
        fields.addRow("Role", self.role)
        fields.addRow("Resolution", self.mpp)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.yes)
        row.addWidget(self.no)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addLayout(fields)
        layout.addStretch(1)
        layout.addLayout(row)
        self.choose.clicked.connect(self._choose)
        self.no.clicked.connect(self.declined)
        self.yes.clicked.connect(self._on_yes)
        for field in (self.name, self.folder):
            field.textChanged.connect(self._check)
            field.returnPressed.connect(self._on_yes)
        self._check()

    def clear(self) -> None:
        """Empty the fields that name one encoder."""
        self.name.clear()
        self.folder.clear()

    def _choose(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of the encoder")
        if name:
            self.folder.setText(name)
            if not self.name.text():
                self.name.setText(re.sub(r"[^a-z0-9._-]+", "-", Path(name).name.lower()).strip("._-")[:64])
            self.name.setFocus()

    def _check(self) -> None:
        self.yes.setEnabled(bool(self.name.text().strip() and self.folder.text().strip()))

    def _on_yes(self) -> None:
        if self.yes.isEnabled():
            mpp = self.mpp.value() or None
            folder = Path(self.folder.text().strip()).expanduser()
            self.filled_in.emit(self.name.text().strip(), folder, self.role.currentData(), mpp)


class FolderRow(QWidget):
    """Shows where encoders are kept, and lets a person choose another folder.

    Signals
    -------
    chosen
        A folder (Path), or None for the default.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._is_default = True
        self.path = QLineEdit()
        self.path.setReadOnly(True)
        self.path.setAccessibleName("Folder of encoders")
        self.change = button("Change folder...", "Keep encoders elsewhere, such as on a lab's drive")
        self.default = button("Default", "Keep encoders in your own data folder again")
        self.reason = note()
        self.reason.hide()
        self.change.clicked.connect(self._on_change)
        self.default.clicked.connect(lambda: self.chosen.emit(None))
        row = QHBoxLayout()
        row.addWidget(QLabel("Kept in"))
        row.addWidget(self.path, 1)
        row.addWidget(self.change)
        row.addWidget(self.default)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.reason)

    def show_folder(self, folder: str, reason: str, *, default: bool) -> None:
        """Show the folder, why it cannot be changed here (if so), and whether it is the default."""
        self._is_default = default
        self.path.setText(folder)
        self.path.setToolTip(folder)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))

    def set_changeable(self, changeable: bool) -> None:
        """Enable the buttons."""
        self.change.setEnabled(changeable)
        self.default.setEnabled(changeable and not self._is_default)

    def _on_change(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder to keep encoders in", self.path.text())
        if name:
            self.chosen.emit(Path(name))
