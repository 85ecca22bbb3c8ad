"""A widget that paints rows below each other and says more of the one under the cursor."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_histoalign.plugin.widgets.inspector_paint import wrapped

if TYPE_CHECKING:
    from qtpy.QtGui import QHelpEvent


class PaintedRows(QWidget):
    """As high as its rows; what paints them is up to who inherits.

    Parameters
    ----------
    wide_px
        The width it would like to have.
    """

    def __init__(self, wide_px: int) -> None:
        super().__init__()
        self._wide_px = wide_px
        self._count = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Room for every row."""
        return QSize(self._wide_px, self._count * self.row_px())

    def event(self, event: QEvent) -> bool:
        """Say more of the row under the cursor."""
        if event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return bool(super().event(event))

    @abstractmethod
    def row_px(self) -> int:
        """Height of a row."""

    @abstractmethod
    def row_tip(self, row: int) -> str:
        """What to say of a row."""

    def rows_changed(self, count: int, description: str) -> None:
        """There are so many rows now, and this is what assistive technology reads of them."""
        self.setAccessibleDescription(description)
        if count != self._count:
            self._count = count
            self.setFixedHeight(self.sizeHint().height())
        self.update()

    def _tell(self, event: QHelpEvent) -> None:
        at = int(event.pos().y() // self.row_px())
        text = self.row_tip(at) if 0 <= at < self._count else ""
        QToolTip.showText(event.globalPos(), wrapped(text), self)
