"""Marking and reviewing together: what the dock makes once, and tells of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_histoalign.plugin.marking import Marking
from napari_histoalign.plugin.marking_draw import DrawLayer
from napari_histoalign.plugin.marking_keys import CanvasKeys
from napari_histoalign.plugin.review_book import ReviewBook
from napari_histoalign.plugin.reviewing import Reviewing

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.review_seams import ActLog
    from napari_histoalign.plugin.widgets.mark_box import MarkBox
    from napari_histoalign.plugin.widgets.review_box import ReviewBox


class ReviewSide:
    """Both boxes and what works behind them.

    Parameters
    ----------
    desk
        The dock.
    mark_box, review_box
        The widgets.
    who
        Who reviews; empty: whoever is logged in.

    Attributes
    ----------
    book, marking, reviewing
        The review at hand, and the two controllers.
    """

    def __init__(self, desk: Desk, mark_box: MarkBox, review_box: ReviewBox, who: str = "") -> None:
        self._keys = CanvasKeys(desk.viewer)
        self._draw = DrawLayer(desk.viewer)
        self.book = ReviewBook(desk.say, who or None)
        self.marking = Marking(desk, mark_box, self.book, self._keys, self._draw)
        self.reviewing = Reviewing(desk, review_box, self.book, self._keys, self._draw)
        self.reviewing.blinded_changed.connect(self.marking.show_own_only)
        marking, reviewing = self.marking, self.reviewing
        mark_box.keys_toggled.connect(marking.use_keys)
        mark_box.examples_toggled.connect(marking.use_examples)
        mark_box.draw_toggled.connect(marking.draw)
        mark_box.label_chosen.connect(marking.choose)
        mark_box.undo_requested.connect(marking.undo)
        mark_box.redo_requested.connect(marking.redo)
        review_box.mode_chosen.connect(reviewing.start)
        review_box.accept_requested.connect(reviewing.accept)
        review_box.reject_requested.connect(reviewing.reject)
        review_box.reopen_requested.connect(reviewing.reopen)
        review_box.redraw_requested.connect(reviewing.redraw)
        review_box.label_given.connect(reviewing.label)
        review_box.step_requested.connect(reviewing.step)
        review_box.filter_changed.connect(reviewing.set_filter)
        review_box.blind_changed.connect(reviewing.set_blind)
        review_box.commented.connect(lambda text: reviewing.comment(text) and review_box.comment.clear())
        review_box.reviewer_named.connect(self.book.set_reviewer)

    @property
    def blinded(self) -> bool:
        """Whether nothing of the window may show what the model says."""
        return self.reviewing.blinded

    def open(self, log: ActLog | None) -> None:
        """Go on with the review of another slide, or with none. Whoever opened the log closes it."""
        self.reviewing.stop()
        self.book.open(log)

    def close(self) -> None:
        """Let go of the viewer."""
        self.reviewing.close()
        self.marking.close()
        self._draw.close()
        self._keys.close()
