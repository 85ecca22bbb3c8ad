"""The pixels of a tile; a click shows them larger, or smaller again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QImage, QPainter, QPalette, QPen, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_histoalign.plugin.widgets.inspector_paint import QUIET, TROUGH, ink

if TYPE_CHECKING:
    from qtpy.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from napari_histoalign.plugin.inspector_seams import Picture

SMALL_PX = 148
QWIDGETSIZE_MAX = 16777215
"""No limit, as Qt writes it."""


def pixmap(picture: Picture) -> QPixmap:
    """A picture as Qt wants it.

    Parameters
    ----------
    picture
        uint8, shape (height, width, 3).
    """
    height, width = picture.shape[:2]
    data = picture.tobytes()
    image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)  # which copies the data


class TilePicture(QWidget):
    """A square picture.

    Attributes
    ----------
    resized
        True when it became large.
    """

    resized = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._pixmap: QPixmap | None = None
        self._large = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Picture of the tile")
        self._fit()

    @property
    def large(self) -> bool:
        """Whether it takes the whole width."""
        return self._large

    def show_picture(self, picture: Picture | None) -> None:
        """Show pixels; None shows an empty square."""
        self._pixmap = None if picture is None else pixmap(picture)
        self.update()

    def toggle(self) -> None:
        """Show it larger, or smaller again."""
        self._large = not self._large
        self._fit()
        self.resized.emit(self._large)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(SMALL_PX, SMALL_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """It stays square as it gets wider."""
        super().resizeEvent(event)
        if self._large and self.height() != self.width():
            self.setFixedHeight(self.width())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.pos()):
            self.toggle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and the space bar are clicks."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.toggle()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Draw the ring."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the ring away."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pixels, or an empty square."""
        painter = QPainter(self)
        side = min(self.width(), self.height())
        square = QRectF(0, 0, side, side)
        if self._pixmap is None:
            painter.fillRect(square, ink(self, TROUGH))
            painter.setPen(ink(self, QUIET))
            painter.drawText(square, Qt.AlignmentFlag.AlignCenter, "Reading ...")
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(square, self._pixmap, QRectF(self._pixmap.rect()))
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 3))
            painter.drawRect(square.adjusted(1, 1, -1, -1))

    def _fit(self) -> None:
        if self._large:
            self.setMinimumWidth(SMALL_PX)
            self.setMaximumWidth(QWIDGETSIZE_MAX)
        else:
            self.setFixedSize(SMALL_PX, SMALL_PX)
        self.setToolTip(f"The tile at full resolution. Click: {'smaller' if self._large else 'larger'}")
        self.updateGeometry()
