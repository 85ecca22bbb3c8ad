"""What the keeper of sessions asks of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from psygnal import SignalInstance

    from napari_histoalign.plugin.presenter import Presenter
    from napari_histoalign.plugin.review_seams import ActLog
    from napari_histoalign.plugin.session_keeper_seams import Choices
    from napari_histoalign.plugin.tabs.ask import AskTab
    from napari_histoalign.plugin.tabs.review import ReviewTab


class SessionSide:
    """Shows the dock to `SessionKeeper` as a `SessionWindow`.

    Parameters
    ----------
    presenter, ask, review
        Parts of the dock.
    """

    def __init__(self, presenter: Presenter, ask: AskTab, review: ReviewTab) -> None:
        self._presenter, self._ask, self._review = presenter, ask, review

    @property
    def chosen_changed(self) -> SignalInstance:
        """Emits the `Choices` after a change of any of them."""
        return self._ask.chosen_changed

    def chosen(self) -> Choices | None:
        """What is chosen now; None while it cannot be used."""
        return self._ask.choices()

    def choose(self, choices: Choices) -> tuple[str, ...]:
        """Show these choices and score with them."""
        return self._ask.choose(choices)

    def give_mpp(self, mpp: float) -> None:
        """Use this pixel size of the slide that is looked at."""
        self._ask.give_mpp(mpp)

    def show_again(self, indices: NDArray[np.int64]) -> None:
        """Score those of these tiles that are embedded."""
        layer = self._presenter.slide_layer()
        if layer is not None:
            self._presenter.show_again(indices, layer, self._ask.setup(layer))

    def show_layer(self, title: str | None) -> None:
        """Show the result layer of this title and hide the others."""
        results = self._presenter.results
        if results is None:
            return
        keys = [key for key in results.keys if key.title == title]
        if keys or title is None:
            results.choose(keys[0] if keys else None)

    def open_review(self, log: ActLog | None) -> None:
        """Go on with the review of this log."""
        self._review.side.open(log)

    def write_results(self, folder: Path, done: Callable[[bool], None]) -> bool:
        """Export what is shown."""
        return self._presenter.export(folder, done)
