"""Take the documentation's pictures: open a slide, run on all of it, save the window.

    xvfb-run -a -s "-screen 0 1600x1000x24" python -m napari_histoalign.plugin.screenshot SLIDE OUT.png

``sample`` in place of SLIDE takes the slide that the package draws itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.plugin.dock import HistoAlignDock

WINDOW_PX = (1500, 950)
TIMEOUT_SECONDS = 1800


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("slide", help="slide file, or 'sample'")
    parser.add_argument("out", type=Path, help="PNG to write")
    parser.add_argument("--show", default="", help="result layer to show (default: the dock's choice)")
    parser.add_argument("--prompts", default="", help="built-in prompt set or YAML file")
    options = parser.parse_args(arguments)
    return take(options.slide, options.out, show=options.show, prompts=options.prompts)


def take(slide: str, out: Path, *, show: str = "", prompts: str = "") -> int:
    """Open a real window on `slide`, run, and save what it looks like.

    Parameters
    ----------
    slide
        Slide file, or "sample".
    out
        PNG to write.
    show
        Result layer to show.
    prompts
        Prompt set to use.

    Returns
    -------
    int
        0 if the run ended well.
    """
    from napari_histoalign.plugin.app import open_window
    from napari_histoalign.sample import sample_slide

    viewer, dock = open_window(sample_slide() if slide == "sample" else Path(slide))
    viewer.window.resize(*WINDOW_PX)
    _wait(lambda: False, seconds=1)
    viewer.reset_view()
    if prompts:
        dock.use_prompts(prompts)
    dock.run_box.areas["slide"].click()
    done = _wait(lambda: dock.presenter.state == "ready", seconds=TIMEOUT_SECONDS)
    if show:
        _choose(dock, show)
    _wait(lambda: False, seconds=1)
    viewer.screenshot(str(out), canvas_only=False, flash=False)
    sys.stdout.write(f"{dock.run_box.status.text()}\n{out}\n")
    viewer.close()
    return 0 if done else 1


def _choose(dock: HistoAlignDock, name: str) -> None:
    box = dock.run_box.overlay
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())


def _wait(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Let Qt work until `condition` holds."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        if condition():
            return True
        time.sleep(0.02)
    return False


if __name__ == "__main__":
    sys.exit(main())
