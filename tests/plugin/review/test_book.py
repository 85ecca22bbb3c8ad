"""Where a review stands, without going through all acts after each."""

from __future__ import annotations

import random

from napari_histoalign.plugin.review_book import ReviewBook, advanced, login_name
from napari_histoalign.results.review import (
    ARTEFACT,
    UNSURE,
    AreaTarget,
    Label,
    Reviewer,
    ReviewState,
    TileTarget,
    fold,
)

LABELS = [Label.of("malignant"), Label.of("benign"), UNSURE, ARTEFACT]


class Memory:
    def __init__(self):
        self.acts = ()

    def append(self, *acts):
        self.acts += acts


def test_the_quick_way_leads_where_folding_leads():
    """Random marks, unmarks, undos and blinded answers of three people."""
    dice = random.Random(7)
    log = Memory()
    book = ReviewBook(lambda *_, **__: None, "Ann")
    book.open(log)
    for _ in range(400):
        book.set_reviewer(dice.choice(["Ann", "Ben", "Cleo"]))
        tiles = [TileTarget("g", i, (i, 0), 9) for i in dice.sample(range(8), dice.randint(1, 4))]
        kind = dice.random()
        if kind < 0.55:
            label = dice.choice(LABELS)
            book.do(lambda who, state, t=tiles, x=label: who.mark(state, t, x))
        elif kind < 0.8:
            book.do(lambda who, state, t=tiles: who.unmark(state, t))
        elif kind < 0.9:
            book.do(lambda who, state, t=tiles: who.mark(state, t, UNSURE), blinded=True)
        else:
            (book.undo if dice.random() < 0.6 else book.redo)()
        whole = fold(log.acts)
        assert book.state == whole
        assert list(book.state.tiles) == list(whole.tiles)
    assert len(log.acts) > 400


def test_other_acts_are_folded():
    from shapely import box

    region = AreaTarget.of(box(0, 0, 1, 1))
    assert advanced(ReviewState(), [Reviewer("Ann").accept(ReviewState(), region)]) is None
    blind = Reviewer("Ann", blinded=True).mark(ReviewState(), [TileTarget("g", 0, (0, 0), 9)], UNSURE)
    assert advanced(ReviewState(), blind) is None


def test_nothing_to_undo_is_said_and_nothing_open_is_an_error():
    said = []
    book = ReviewBook(lambda text, error=False: said.append((text, error)), "Ann")
    assert not book.do(lambda who, state: who.mark(state, [TileTarget("g", 0, (0, 0), 9)], UNSURE))
    assert said[-1] == ("There is no review to write in: open a slide first.", True)
    book.open(Memory())
    assert not book.undo()
    assert said[-1] == ("There is nothing to undo.", False)


def test_the_login_is_the_name_unless_told(monkeypatch):
    monkeypatch.setenv("LOGNAME", "dr-grey")
    assert login_name() == "dr-grey"
    assert ReviewBook(lambda *_: None).who == "dr-grey"
