"""Go through a whole session in a real window and take a picture of every step.

    xvfb-run -a -s "-screen 0 1600x1000x24" python tools/tour.py OUT [SLIDE] [--theme light] [--small]

Without SLIDE a small one is drawn, as the package draws its sample. A slide is copied first, so that its
session is a new one and stays out of the person's folders. QT_SCALE_FACTOR=2 shows what a screen of
twice the resolution would.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touring.stage import Stage

SAMPLE_SEED, SAMPLE_PX = 3, 3072


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("slide", nargs="?", type=Path, help="slide file; default: a drawn one")
    parser.add_argument("--prompts", default="", help="prompt set of the library, or a YAML file")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--width", type=int, default=1500, help="of the window")
    parser.add_argument("--height", type=int, default=950, help="of the window")
    parser.add_argument("--dock", type=int, default=360, help="width of the dock")
    parser.add_argument("--small", action="store_true", help="few colours, for the documentation")
    parser.add_argument("--only", nargs="*", default=(), help="words in the names of pictures to keep")
    parser.add_argument("--work", type=Path, help="empty folder for slide and session, which stay there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tour-") as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        os.environ["NAPARI_CONFIG"] = str(Path(scratch) / "settings.yaml")
        from touring.stage import Stage

        from napari_histoalign.sample import draw_slide

        if options.slide is None:
            slide = draw_slide(work / "sample.tiff", seed=SAMPLE_SEED, size=SAMPLE_PX).slide
        else:
            slide = Path(shutil.copy(options.slide, work / options.slide.name))
        os.environ["HISTOALIGN_CACHE"] = str(Path(scratch) / "cache")
        stage = Stage(
            slide,
            options.out,
            prompts=options.prompts,
            theme=options.theme,
            size=(options.width, options.height),
            dock_px=options.dock,
            small=options.small,
            only=tuple(options.only),
        )
        for step in (ask, edit, method, compare, look, mark, few_shot, review, blinded, session, reopen):
            step(stage)
        stage.close()


def ask(stage: Stage) -> None:
    """Open a slide, follow the view, pan and zoom."""
    stage.shot("open")
    if stage.prompts:
        stage.dock.ask.use_prompts(stage.prompts)
    stage.dock.run_box.follow.click()
    stage.settle(0.8)
    stage.shot("following")
    stage.done()
    stage.shot("followed")
    camera = stage.viewer.scene.camera
    camera.zoom *= 2.2
    camera.center = (0, camera.center[-2] * 0.8, camera.center[-1] * 1.1)
    stage.done()
    stage.shot("zoomed")


def edit(stage: Stage) -> None:
    """Edit a prompt; look into the library; the keys."""
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QTextCursor
    from qtpy.QtTest import QTest

    stage.viewer.reset_view()
    stage.done()
    box = stage.dock.ask.prompt_box
    text = box.editors[0].text
    text.setFocus()
    text.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClick(text, Qt.Key.Key_Return)
    QTest.keyClicks(text, "crowded glands with atypical nuclei")
    stage.done()
    stage.shot("edited")
    box.sets.showPopup()
    stage.settle()
    stage.shot("library", box.sets.view().window())
    box.sets.hidePopup()
    text.clear()
    for editor in box.editors[1:]:
        editor.text.clear()
    stage.settle()
    stage.shot("no-prompts")
    for _ in range(len(box.editors)):
        box.undo.click()
    stage.done()
    stage.show(box.wording)
    stage.shot("wording")
    stage.dock.keys_help.open()
    stage.settle()
    stage.shot("keys", stage.dock.keys_help.dialog)
    stage.dock.keys_help.dialog.close()


def method(stage: Stage) -> None:
    """The method and what is folded away, and the encoders."""
    box = stage.dock.ask.method_box
    stage.show(box)
    stage.shot("method")
    box.fold.expand(animate=False)
    stage.settle()
    stage.show(box.fold)
    stage.shot("method-more")
    box.fold.collapse(animate=False)
    encoders = stage.dock.ask.encoder_box
    encoders.collapsible.expand(animate=False)
    stage.settle()
    stage.show(encoders)
    stage.shot("encoders")
    encoders.collapsible.collapse(animate=False)


def compare(stage: Stage) -> None:
    """Another alignment: the difference, and both side by side."""
    box, layers = stage.dock.ask.method_box, stage.dock.look.layer_box
    stage.show(box.compare)
    box.compare.switch.click()
    stage.done()
    stage.show(box.compare)
    stage.shot("compare")
    stage.tab("Look")
    layers.sides["difference"].click()
    stage.settle()
    stage.shot("difference")
    layers.sides["probability"].click()
    layers.beside.click()
    stage.settle()
    stage.viewer.reset_view()
    stage.done()
    stage.shot("side-by-side")
    layers.beside.click()
    stage.tab("Ask")
    box.compare.switch.click()
    stage.done()


def look(stage: Stage) -> None:
    """Layers, the tile that was clicked, galleries."""
    stage.viewer.reset_view()
    stage.done()
    stage.tab("Look")
    x, y = _tile(stage, 0)
    stage.point(x, y)
    stage.settle()
    stage.shot("hover")
    stage.click(x, y)
    stage.done()
    stage.shot("inspector")
    stage.show(stage.dock.look.inspector_box)
    stage.shot("inspector-top")
    stage.show(stage.dock.look.inspector_box.prompts)
    stage.shot("inspector-why")
    stage.show(stage.dock.look.gallery_box)
    stage.done()
    stage.shot("gallery")
    combo = stage.dock.look.layer_box.what
    stage.show(combo)
    combo.setCurrentIndex(combo.findText("classes"))
    stage.settle()
    stage.shot("classes")
    combo.setCurrentIndex(0)


def mark(stage: Stage) -> None:
    """Mark tiles with a lasso and with keys."""
    stage.tab("Review")
    stage.shot("review-tab")
    box = stage.dock.review.mark_box
    box.draw.click()
    stage.key("2")
    x, y = _tile(stage, 1)
    side = 1.2 * stage.dock.presenter.snapshot().grid.stride_px
    stage.drag([(x - side, y - side), (x + side, y - side), (x + side, y + side), (x - side, y + side)])
    stage.done()
    stage.shot("marked-lasso")
    box.draw.click()
    box.keys.click()
    for rank in (0, 2, 4):
        stage.key("1", *_tile(stage, 0, rank))
    stage.key("u", *_tile(stage, 1, 12))
    stage.done()
    stage.shot("marked-keys")
    box.keys.click()


def few_shot(stage: Stage) -> None:
    """Let the marks count."""
    stage.tab("Ask")
    choice = stage.dock.ask.method_box.few_shot
    stage.show(choice)
    names = [choice.combo.itemData(i) for i in range(choice.combo.count())]
    choice.combo.setCurrentIndex(next(i for i, name in enumerate(names) if name != "none"))
    stage.done()
    stage.shot("few-shot")


def review(stage: Stage) -> None:
    """Accept and reject regions."""
    stage.tab("Review")
    box = stage.dock.review.review_box
    box.modes["regions"].click()
    stage.done()
    stage.show(box)
    stage.shot("regions")
    box.accept.click()
    stage.settle()
    box.reject.click()
    stage.done()
    stage.shot("regions-decided")
    box.modes["regions"].click()


def blinded(stage: Stage) -> None:
    """Answer without knowing what the model says."""
    box = stage.dock.review.review_box
    box.modes["blinded"].click()
    stage.done()
    stage.shot("blinded")
    stage.tab("Ask")
    stage.shot("blinded-ask")
    stage.tab("Look")
    stage.shot("blinded-look")
    stage.tab("Review")
    for key in "1n2":
        stage.key(key)
        stage.settle()
    stage.done()
    stage.shot("blinded-answered")
    box.modes["blinded"].click()
    stage.done()


def session(stage: Stage) -> None:
    """Where it is kept, and its report."""
    box = stage.dock.review.session_box
    stage.show(box)
    stage.shot("session")
    opened: list[Path] = []
    box.open_path = opened.append  # no browser
    box.report.click()
    stage.done()
    stage.shot("report")


def reopen(stage: Stage) -> None:
    """Close the window; everything comes back."""
    stage.settle(1.5)
    stage.done()
    stage.close()
    stage.open()
    stage.done()
    stage.shot("reopened")
    stage.tab("Review")
    stage.shot("reopened-review")


def _tile(stage: Stage, chosen: int, rank: int = 0) -> tuple[float, float]:
    """Middle of a tile in view that is among the surest of a class."""
    from napari_histoalign.plugin.geometry import visible_rect

    presenter = stage.dock.presenter
    snapshot, layer = presenter.snapshot(), presenter.slide_layer()
    grid, shown = snapshot.grid, snapshot.scored
    x, y, width, height = visible_rect(stage.viewer, layer)
    margin = 3 * grid.stride_px
    order = shown.tiles.probabilities[:, chosen].argsort()[::-1]
    found = []
    for index in shown.indices[order]:
        left, top = grid.xy([index])[0]
        inside = x + margin < left < x + width - margin and y + margin < top < y + height - margin
        if inside:
            found.append((float(left) + grid.stride_px / 2, float(top) + grid.stride_px / 2))
    return found[min(rank, len(found) - 1)]


if __name__ == "__main__":
    main()
