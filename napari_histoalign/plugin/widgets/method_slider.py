"""A slider for numbers between 0 and 1."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSlider
from superqt import QLabeledDoubleSlider

STEP, PAGE = 0.01, 0.1
STEPS = {
    Qt.Key.Key_Left: -STEP,
    Qt.Key.Key_Down: -STEP,
    Qt.Key.Key_Right: STEP,
    Qt.Key.Key_Up: STEP,
    Qt.Key.Key_PageDown: -PAGE,
    Qt.Key.Key_PageUp: PAGE,
    Qt.Key.Key_Home: -1.0,
    Qt.Key.Key_End: 1.0,
}
"""What a key adds, as Qt's own sliders have it."""


def share_slider(value: float) -> QLabeledDoubleSlider:
    """A slider from 0 to 1 in hundredths, with its number beside it.

    Parameters
    ----------
    value
        At the start.
    """
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 1)
    slider.setSingleStep(STEP)
    slider.setPageStep(PAGE)
    slider.setDecimals(2)
    slider.setValue(value)
    groove = slider.findChild(QAbstractSlider)
    groove.installEventFilter(_Keys(slider))
    slider.setFocusProxy(groove)
    return slider


class _Keys(QObject):
    """Moves a slider by keys: superqt's sliders of floating point leave them out."""

    def __init__(self, slider: QLabeledDoubleSlider) -> None:
        super().__init__(slider)
        self._slider = slider

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys that move it."""
        if event.type() != QEvent.Type.KeyPress or event.key() not in STEPS:
            return False
        self._slider.setValue(min(max(round(self._slider.value() + STEPS[event.key()], 2), 0.0), 1.0))
        return True
