"""What people say of it: marks, review, session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_histoalign.plugin.review_side import ReviewSide
from napari_histoalign.plugin.tabs.column import Column
from napari_histoalign.plugin.widgets.mark_box import MarkBox
from napari_histoalign.plugin.widgets.review_box import ReviewBox
from napari_histoalign.plugin.widgets.session_box import SessionBox

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from napari_histoalign.plugin.presenter import Presenter


class ReviewTab(Column):
    """Marks, review, session.

    Parameters
    ----------
    presenter
        Whose results are judged.
    who
        The person; empty: who is logged in.
    """

    def __init__(self, presenter: Presenter, who: str) -> None:
        super().__init__()
        self.mark_box, self.review_box, self.session_box = MarkBox(), ReviewBox(), SessionBox()
        self.fill((self.mark_box, self.review_box, self.session_box))
        self.side = ReviewSide(presenter, self.mark_box, self.review_box, who)
        self._presenter = presenter

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks: another method may have been chosen since."""
        super().showEvent(event)
        scoring = self._presenter.scoring
        self.mark_box.show_use(scoring is not None and scoring.refinement.needs_examples)
