"""What is seen of marks: outlines on the canvas, counts in the box, and examples for few-shot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_histoalign.plugin.marking_examples import marked_tiles, same_marks
from napari_histoalign.plugin.marking_layer import MarkLayer
from napari_histoalign.plugin.marking_seams import OTHER_COLORS, LabelRow, MarkView, labels_of
from napari_histoalign.results.review import Label, ReviewState

if TYPE_CHECKING:
    from napari_histoalign.engine import MarkedTiles
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.review_book import ReviewBook


class ShownMarks:
    """Follows the review and the prompts, and hands examples on.

    Parameters
    ----------
    desk, view, book
        The dock, the box of marks, and the review.

    Attributes
    ----------
    chosen
        The label to draw with.
    examples
        Whether marks are examples.
    own_only
        Whether marks of others are hidden.
    """

    def __init__(self, desk: Desk, view: MarkView, book: ReviewBook) -> None:
        self._desk, self._view, self._book = desk, view, book
        self._marks: MarkLayer | None = None
        self._sent: MarkedTiles | None = None
        self.chosen: Label | None = None
        self.examples = True
        self.own_only = False

    def close(self) -> None:
        """Take the outlines away."""
        self.move_to(None)

    def move_to(self, slide_layer: Any) -> None:
        """Follow another slide, or none."""
        if self._marks is not None:
            self._marks.close()
        self._marks = None if slide_layer is None else MarkLayer(self._desk.viewer, slide_layer)

    def class_names(self) -> tuple[str, ...]:
        """Classes of the prompts that are shown."""
        return tuple(self.colors())

    def colors(self) -> dict[str, str]:
        """Their colours, by name, in their order."""
        shown = self._desk.snapshot()
        return {} if shown is None else {c.name: c.color for c in shown.scoring.prompts.classes}

    def labels(self) -> dict[str, Label]:
        """Label of each key."""
        return labels_of(self.class_names())

    def color(self, label: Label) -> str:
        """``#rrggbb`` of a label."""
        return self.colors().get(label.name, OTHER_COLORS[label.kind])

    def refresh(self) -> None:
        """Show where the review stands, and hand examples on."""
        if self._marks is not None:
            grid = self._grid()
            there = [m for key, m in self._state().tiles.items() if key[0] == grid]
            self._marks.show(there, self.colors())
        self.show_rows()
        self.send()

    def send(self) -> None:
        """Hand examples on if they are others than before."""
        grid, names = self._grid(), self.class_names()
        marked: MarkedTiles | None = None
        notes: tuple[str, ...] = ()
        if grid and self.examples:
            marked = marked_tiles(self._book.state, names, grid)
            notes = self._book.state.unused(names, grid)
        self._view.show_notes(notes)
        if not same_marks(marked, self._sent):
            self._sent = marked
            self._desk.set_marked(marked)

    def show_rows(self) -> None:
        """Show labels and counts."""
        grid = self._grid()
        counts = _counts([m.label for key, m in self._state().tiles.items() if key[0] == grid])
        keys = {label: key for key, label in self.labels().items()}
        labels = [Label.of(name) for name in self.class_names()]
        labels += [label for label in keys if label not in labels]
        gone = [label for label in counts if label not in labels]
        self._view.show_rows(
            [
                LabelRow(
                    label, keys.get(label, ""), self.color(label), counts.get(label, 0), label not in gone
                )
                for label in [*labels, *gone]
            ],
            self.chosen,
        )

    def _state(self) -> ReviewState:
        return self._book.own if self.own_only else self._book.state

    def _grid(self) -> str:
        shown = self._desk.snapshot()
        return "" if shown is None else shown.grid.key


def _counts(labels: Sequence[Label]) -> dict[Label, int]:
    """How often there is each label; by their texts, which are compared far faster than labels."""
    classes = Counter([label.name for label in labels])
    found = {Label.of(name): number for name, number in classes.items() if name}
    kinds = Counter([label.kind for label in labels if not label.name])
    return found | {Label(kind): number for kind, number in kinds.items()}
