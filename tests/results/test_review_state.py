"""Where a review stands follows from its acts: marks, decisions, undo and redo, each reviewer alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review import (
    ARTEFACT,
    UNSURE,
    Act,
    AreaTarget,
    Label,
    Reviewer,
    TileTarget,
    fold,
)

GRID = "g"
BENIGN, MALIGNANT = Label.of("benign"), Label.of("malignant")
NAMES = ("benign", "malignant")


def tile(index: int, grid: str = GRID) -> TileTarget:
    return TileTarget(grid, index, (index * 10, 0), 10)


class Desk:
    """Acts as a window would collect them."""

    def __init__(self) -> None:
        self.acts: list[Act] = []

    @property
    def state(self):
        return fold(self.acts)

    def do(self, *acts: Act) -> None:
        self.acts += acts

    def mark(self, who: Reviewer, label: Label, *indices: int, model: str | None = None) -> None:
        said = None if model is None else {"class": model}
        self.do(*who.mark(self.state, map(tile, indices), label, model=lambda target: said))

    def labels(self, who: str | None = None) -> dict[int, str]:
        state = self.state if who is None else self.state.of(who)
        return {key[1]: str(mark.label) for key, mark in state.tiles.items()}


ANNA, BEN = Reviewer("Anna"), Reviewer("Ben")
BLIND = Reviewer("Anna", blinded=True)


def test_the_last_mark_counts_and_knows_what_was_before() -> None:
    desk = Desk()
    desk.mark(ANNA, BENIGN, 1, 2)
    desk.mark(ANNA, MALIGNANT, 2)
    desk.mark(ANNA, MALIGNANT, 2)  # nothing new

    assert desk.labels() == {1: "benign", 2: "malignant"}
    assert len(desk.acts) == 3
    assert desk.acts[-1].before == BENIGN.to_plain()
    desk.do(*ANNA.unmark(desk.state, [tile(1), tile(9)]))
    assert desk.labels() == {2: "malignant"}


def test_undo_takes_a_whole_gesture_back_and_redo_brings_it_back() -> None:
    desk = Desk()
    desk.mark(ANNA, BENIGN, 1)
    desk.mark(ANNA, MALIGNANT, 1, 2, 3)
    after = desk.labels()

    desk.do(*ANNA.undo(desk.acts))
    assert desk.labels() == {1: "benign"}
    desk.do(*ANNA.undo(desk.acts))
    assert desk.labels() == {}
    assert ANNA.undo(desk.acts) == ()

    desk.do(*ANNA.redo(desk.acts))
    assert desk.labels() == {1: "benign"}
    desk.do(*ANNA.redo(desk.acts))
    assert desk.labels() == after
    assert ANNA.redo(desk.acts) == ()

    desk.do(*ANNA.undo(desk.acts))  # and once more, over the redo
    assert desk.labels() == {1: "benign"}
    desk.do(*ANNA.redo(desk.acts))
    assert desk.labels() == after


def test_after_a_new_act_there_is_nothing_to_redo() -> None:
    desk = Desk()
    desk.mark(ANNA, BENIGN, 1)
    desk.do(*ANNA.undo(desk.acts))
    desk.mark(ANNA, BENIGN, 2)

    assert ANNA.redo(desk.acts) == ()
    assert desk.labels() == {2: "benign"}


def test_each_undoes_their_own_acts_only() -> None:
    desk = Desk()
    desk.mark(ANNA, BENIGN, 1)
    desk.mark(BEN, MALIGNANT, 2)

    desk.do(*ANNA.undo(desk.acts))

    assert desk.labels() == {2: "malignant"}
    foreign = Act("Anna", "undo", refers=desk.acts[1].id)
    lost = Act("Anna", "undo", refers="nowhere")
    state = fold([*desk.acts, foreign, lost])
    assert [key[1] for key in state.tiles] == [2]
    assert len(state.ignored) == 2
    assert "act of Ben" in state.ignored[0]


@given(st.lists(st.integers(-2, 5), max_size=30))
def test_undo_and_redo_do_what_a_stack_of_states_does(steps: list[int]) -> None:
    """The reference keeps whole states on two stacks."""
    desk, past, future = Desk(), [{}], []
    for step in steps:
        if step == -1:
            desk.do(*ANNA.undo(desk.acts))
            if len(past) > 1:
                future.append(past.pop())
        elif step == -2:
            desk.do(*ANNA.redo(desk.acts))
            if future:
                past.append(future.pop())
        else:
            label = (BENIGN, MALIGNANT, UNSURE)[step % 3]
            if past[-1].get(step) != str(label):
                past.append({**past[-1], step: str(label)})
                future.clear()
            desk.mark(ANNA, label, step)
        assert desk.labels() == past[-1]


def test_reviewers_stand_alone_and_differences_are_told() -> None:
    desk = Desk()
    desk.mark(ANNA, BENIGN, 1, 2)
    desk.mark(BEN, MALIGNANT, 2, 3)

    assert desk.labels("Anna") == {1: "benign", 2: "benign"}
    assert desk.labels("Ben") == {2: "malignant", 3: "malignant"}
    assert desk.labels("nobody") == {}
    assert desk.labels() == {1: "benign", 2: "malignant", 3: "malignant"}
    assert desk.state.disputed == {(GRID, 2)}
    assert desk.acts[2].before is None  # Ben never saw what Anna had said

    desk.mark(BEN, BENIGN, 2)
    assert desk.state.disputed == frozenset()


def test_examples_are_the_undisputed_classes_of_this_grid() -> None:
    desk = Desk()
    desk.mark(ANNA, MALIGNANT, 7, 3)
    desk.mark(ANNA, BENIGN, 5, 6)
    desk.mark(ANNA, UNSURE, 8)
    desk.mark(ANNA, ARTEFACT, 9)
    desk.mark(ANNA, Label.of("old class"), 10)
    desk.mark(BEN, MALIGNANT, 6)
    desk.do(*ANNA.mark(desk.state, [tile(4, "other")], BENIGN))

    indices, labels = desk.state.examples(NAMES, GRID)

    assert indices.tolist() == [3, 5, 7]
    assert labels.tolist() == [1, 0, 1]
    notes = " ".join(desk.state.unused(NAMES, GRID))
    assert "1 marked tiles belong to another grid" in notes
    assert "1 tiles are not used: reviewers" in notes
    assert "1 marks name classes that are not in the prompts: old class" in notes
    indices, labels = desk.state.of("Ben").examples(NAMES, GRID)
    assert (indices.tolist(), labels.tolist()) == ([6], [1])
    empty = fold([]).examples(NAMES, GRID)
    assert [part.shape for part in empty] == [(0,), (0,)]


def test_a_class_that_is_called_unsure_is_a_class_all_the_same() -> None:
    desk = Desk()
    desk.mark(ANNA, Label.of("unsure"), 1)
    desk.mark(ANNA, UNSURE, 2)

    indices, _ = desk.state.examples(["unsure"], GRID)

    assert indices.tolist() == [1]
    for kind, name in (("class", ""), ("unsure", "benign"), ("other", "")):
        with pytest.raises(ResultError):
            Label(kind, name)


def test_drawn_areas_are_marked_redrawn_and_unmarked() -> None:
    desk, area = Desk(), AreaTarget.of(box(0, 0, 10, 10))
    desk.do(*ANNA.mark(desk.state, [area], MALIGNANT))
    desk.do(ANNA.redraw(area, box(0, 0, 20, 10)))

    (found,) = desk.state.area_examples(NAMES)
    assert found[1] == 1
    assert found[0].polygon.equals(box(0, 0, 20, 10))
    assert desk.state.regions == {}
    desk.do(*ANNA.undo(desk.acts))
    assert desk.state.areas[area.uuid].target.polygon.equals(box(0, 0, 10, 10))
    desk.do(*ANNA.unmark(desk.state, [area]))
    assert desk.state.area_examples(NAMES) == []


def test_regions_are_decided_relabelled_redrawn_and_reopened() -> None:
    desk, region = Desk(), AreaTarget.of(box(0, 0, 10, 10), "r1")
    said = {"class": "malignant", "probability": 0.9}
    desk.do(ANNA.accept(desk.state, region, model=said))
    assert desk.state.regions["r1"].decision == "accepted"
    desk.do(ANNA.reject(desk.state, region, note="fibrosis"))
    review = desk.state.regions["r1"]
    assert (review.decision, review.act.note, review.act.before) == (
        "rejected",
        "fibrosis",
        {"decision": "accepted"},
    )
    assert review.model == said
    desk.do(ANNA.relabel(desk.state, region, "benign", model=said))
    desk.do(ANNA.redraw(region, box(0, 0, 5, 5)))
    review = desk.state.regions["r1"]
    assert (review.decision, review.class_name, review.redrawn) == ("accepted", "benign", True)
    assert review.target.polygon.equals(box(0, 0, 5, 5))
    desk.do(ANNA.reopen(desk.state, region))
    assert desk.state.regions["r1"].decision == "pending"
    assert desk.state.of("Ben").regions == {}


def test_comments_belong_to_tiles_regions_or_the_slide() -> None:
    desk, region = Desk(), AreaTarget.of(box(0, 0, 10, 10), "r1")
    desk.do(ANNA.comment(tile(1), "mitosis"), BEN.comment(region, "necrosis"), ANNA.comment(None, "pale"))

    assert [c.text for c in desk.state.comments] == ["mitosis", "necrosis", "pale"]
    assert [c.text for c in desk.state.comments_on("r1")] == ["necrosis"]
    assert [c.text for c in desk.state.comments_on((GRID, 1))] == ["mitosis"]
    assert [c.act.who for c in desk.state.comments_on(None)] == ["Anna"]
    desk.do(*ANNA.undo(desk.acts))
    assert [c.text for c in desk.state.comments] == ["mitosis", "necrosis"]
    with pytest.raises(ResultError, match="empty"):
        ANNA.comment(None, " \n")


def test_a_blinded_answer_stays_what_it_was_after_the_model_was_shown() -> None:
    desk = Desk()
    desk.mark(BLIND, BENIGN, 1, 2, model="malignant")
    desk.mark(BLIND, MALIGNANT, 2, model="malignant")  # changed while still blind
    desk.mark(ANNA, MALIGNANT, 1, model="malignant")  # changed after the model was shown
    desk.mark(ANNA, BENIGN, 3)
    desk.mark(BLIND, MALIGNANT, 3)  # hidden again, but it had been seen

    own = desk.state.of("Anna")
    assert {key[1]: str(mark.label) for key, mark in own.blinded.items()} == {1: "benign", 2: "malignant"}
    assert desk.labels() == {1: "malignant", 2: "malignant", 3: "malignant"}
    assert own.blinded[GRID, 1].act.model == {"class": "malignant"}


def test_acts_that_make_no_sense_are_told_and_change_nothing() -> None:
    region = AreaTarget.of(box(0, 0, 10, 10), "r1")
    acts = [
        Act("Anna", "accept", tile(1)),
        Act("Anna", "mark", tile(2)),
        Act("Anna", "mark", tile(2), after={"label": ["class"]}),
        Act("Anna", "relabel", region, after={}),
        Act("Anna", "redraw", region, after={"type": "Point"}),
    ]

    state = fold(acts)

    assert (state.tiles, state.regions, state.areas) == ({}, {}, {})
    assert len(state.ignored) == 5
    with pytest.raises(ResultError, match="name of the person"):
        Reviewer("  ")


def test_an_outline_drawn_across_itself_becomes_what_it_encloses() -> None:
    bow_tie = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    target = AreaTarget.of(bow_tie)
    assert target.geometry["type"] == "MultiPolygon"
    assert target.polygon.area == pytest.approx(50)
    raw = {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]}
    assert AreaTarget("1", raw).polygon.area == pytest.approx(50)
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [5, 0], [9, 0], [0, 0]]]}
    assert AreaTarget("1", flat).polygon.is_empty
    for nothing in (Polygon([(0, 0), (5, 0), (9, 0)]), Polygon(), LineString([(0, 0), (1, 1)])):
        with pytest.raises(ResultError):
            AreaTarget.of(nothing)
