"""A slider for numbers between 0 and 1."""

from __future__ import annotations

from qtpy.QtCore import Qt
from superqt import QLabeledDoubleSlider


def share_slider(value: float) -> QLabeledDoubleSlider:
    """A slider from 0 to 1 in hundredths, with its number beside it.

    Parameters
    ----------
    value
        At the start.
    """
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 1)
    slider.setSingleStep(0.01)
    slider.setPageStep(0.1)
    slider.setDecimals(2)
    slider.setValue(value)
    return slider
