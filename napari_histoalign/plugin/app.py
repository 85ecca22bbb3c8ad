"""napari on a slide, with the dock open: what `histoalign demo` ends in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari

    from napari_histoalign.plugin.dock import HistoAlignDock


def open_window(slide: Path) -> tuple[napari.Viewer, HistoAlignDock]:
    """Open a window with a slide and the dock.

    Parameters
    ----------
    slide
        File to open.

    Returns
    -------
    viewer, dock
        Shown; the caller runs the event loop.
    """
    import napari

    viewer = napari.Viewer(title="HistoAlign", show_welcome_screen=False)
    viewer.open(str(slide), plugin="napari-histoalign")
    _, dock = viewer.window.add_plugin_dock_widget("napari-histoalign", "HistoAlign")
    return viewer, dock


def show_slide(slide: Path) -> None:
    """Open a slide, score all of it and stay until the window is closed.

    What was embedded before, by the command line too, is not embedded again, so that
    the layers of a slide that was run are there at once.
    """
    import napari

    _, dock = open_window(slide)
    dock.run_box.areas["slide"].click()
    napari.run()
