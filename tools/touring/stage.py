"""A window with the dock, a hand over its canvas, and a camera in front of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

WAIT_SECONDS = 300.0
SETTLE_SECONDS = 0.6
"""The canvas is drawn, and timers of the dock have run out."""
PATIENCE_SECONDS = 0.02
COLORS, FLAT = 256, 144


class Stage:
    """Plays a session in a real window and takes pictures of it.

    Parameters
    ----------
    slide
        File to open.
    out
        Folder for pictures.
    prompts
        Prompt set to use; empty: the one that is offered.
    theme
        One of napari's: "dark" or "light".
    size
        Width and height of the window in Qt's pixels.
    dock_px
        Width of the dock in Qt's pixels.
    small
        Save pictures with few colours, for the documentation.
    only
        Words that names of wanted pictures hold; all where there are none.
    """

    def __init__(
        self,
        slide: Path,
        out: Path,
        *,
        prompts: str = "",
        theme: str = "dark",
        size: tuple[int, int] = (1500, 950),
        dock_px: int = 360,
        small: bool = False,
        only: tuple[str, ...] = (),
    ) -> None:
        self.slide, self.prompts = slide, prompts
        self._out, self._theme, self._size = out, theme, size
        self._dock_px, self._small, self._only = dock_px, small, only
        self._count = 0
        self.open()

    # the window

    def open(self) -> None:
        """Open the window on the slide; what the session holds comes back by itself."""
        from napari.settings import get_settings

        from napari_histoalign.plugin.app import open_window

        get_settings().appearance.theme = self._theme
        self.viewer, self.dock = open_window(self.slide)
        self.dock.preferences.set_reviewer("A. Reviewer")
        self.viewer.window.resize(*self._size)
        self.settle()
        self._narrow()
        self.settle()
        self.viewer.reset_view()
        self.settle()

    def close(self) -> None:
        """Close the window as a person does."""
        self.viewer.close()
        self.settle()

    def tab(self, name: str) -> None:
        """Turn to a tab of the dock."""
        tabs = self.dock.tabs
        tabs.setCurrentIndex(next(i for i in range(tabs.count()) if tabs.tabText(i) == name))
        self.settle(0.2)

    def show(self, widget: Any) -> None:
        """Scroll a widget of the tab that is open to where its top is seen."""
        column = self.dock.tabs.currentWidget()
        top = widget.mapTo(column.widget(), widget.rect().topLeft()).y()
        column.verticalScrollBar().setValue(max(0, top - 8))
        self.settle(0.2)

    # time

    def until(self, condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Let the window work until something holds.

        Raises
        ------
        TimeoutError
            If it does not come to hold.
        """
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"Waited {seconds:.0f} s in vain for this: {what}.")
            QApplication.processEvents()
            time.sleep(PATIENCE_SECONDS)

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Let the window work for a while."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, "time to pass")

    def done(self) -> None:
        """Wait until nothing is going on."""
        presenter = self.dock.presenter
        self.settle(0.3)
        self.until(lambda: not (presenter.busy or presenter.errands.busy), "an end of all work")
        self.settle()

    # the hand

    def place(self, x: float, y: float) -> Any:
        """Where a level-0 point is on the canvas, as a QPoint."""
        from qtpy.QtCore import QPoint

        layer, camera = self.dock.presenter.slide_layer(), self.viewer.scene.camera
        world = (np.array([y, x]) - 0.5) * np.asarray(layer.scale[-2:])
        row, column = (world - camera.center[-2:]) * camera.zoom + np.asarray(self.viewer.canvas.size) / 2
        return QPoint(round(column), round(row))

    def point(self, x: float, y: float) -> None:
        """Move the mouse to a level-0 point."""
        from qtpy.QtTest import QTest

        QTest.mouseMove(self._canvas, self.place(x, y))
        self.settle(0.15)

    def click(self, x: float, y: float) -> None:
        """Click a level-0 point."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        self.point(x, y)
        QTest.mouseClick(self._canvas, Qt.MouseButton.LeftButton, pos=self.place(x, y))
        self.settle(0.2)

    def key(self, letter: str, x: float | None = None, y: float | None = None) -> None:
        """Press a key over the canvas, over a level-0 point where one is given."""
        from qtpy.QtTest import QTest

        if x is not None and y is not None:
            self.point(x, y)
        QTest.keyClick(self._canvas, letter)
        self.settle(0.15)

    def drag(self, corners: list[tuple[float, float]]) -> None:
        """Drag the mouse along a level-0 outline."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton

        def send(kind: Any, corner: tuple[float, float], button: Any, held: Any) -> None:
            at = self.place(*corner)
            where = QPointF(self._canvas.mapToGlobal(at))
            event = QMouseEvent(kind, QPointF(at), where, button, held, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(self._canvas, event)
            self.settle(0.03)

        send(QEvent.Type.MouseMove, corners[0], none, none)
        send(QEvent.Type.MouseButtonPress, corners[0], left, left)
        for start, end in pairwise(corners):
            for share in np.linspace(0.1, 1, 8):
                x, y = np.asarray(start) + share * (np.asarray(end) - np.asarray(start))
                send(QEvent.Type.MouseMove, (float(x), float(y)), none, left)
        send(QEvent.Type.MouseButtonRelease, corners[-1], left, none)

    # the camera

    def shot(self, name: str, widget: Any = None) -> None:
        """Save a picture of the window, or of a widget that has a window of its own."""
        self._count += 1
        if self._only and not any(word in name for word in self._only):
            return
        self._out.mkdir(parents=True, exist_ok=True)
        path = self._out / f"tour-{self._count:02d}-{name}.png"
        if widget is None:
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        else:
            widget.grab().save(str(path))
        if self._small:
            _reduce(path)
        said = re.sub("<.*?>", "", self.dock.run_box.status.text())
        print(f"{path}  ({path.stat().st_size / 1000:.0f} kB)  {said}")

    @property
    def _canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def _narrow(self) -> None:
        """Give the dock its width."""
        from qtpy.QtCore import Qt
        from qtpy.QtWidgets import QDockWidget

        main = self.viewer.window._qt_window
        docks = [dock for dock in main.findChildren(QDockWidget) if dock.isAncestorOf(self.dock)]
        main.resizeDocks(docks, [self._dock_px], Qt.Orientation.Horizontal)


def _reduce(path: Path) -> None:
    """Few colours: those of flat parts as they are, so that a legend stays true, the rest the nearest."""
    from PIL import Image

    with Image.open(path) as picture:
        full = picture.convert("RGB")
    pixels = np.asarray(full)
    here, left, above = pixels[1:, 1:], pixels[1:, :-1], pixels[:-1, 1:]
    inside = (here == left).all(axis=2) & (here == above).all(axis=2)
    colors, counts = np.unique(here[inside], axis=0, return_counts=True)
    flat = colors[np.argsort(counts)[::-1][:FLAT]].ravel().tolist()
    others = full.quantize(COLORS - FLAT, dither=Image.Dither.NONE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette(flat + (others or []))
    full.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
