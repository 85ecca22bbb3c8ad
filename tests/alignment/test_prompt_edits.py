"""Editing a prompt set: what each edit does, the way back, and what is half written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from napari_histoalign.alignment import PromptClass, PromptSet
from napari_histoalign.alignment.prompt_draft import NEW_COLORS, Draft
from napari_histoalign.alignment.prompt_edits import MOST_STEPS, PromptEdits

START = PromptSet(
    "mine",
    (
        PromptClass("tumour", ("carcinoma", "malignant cells"), "#d55e00", "lesion"),
        PromptClass("other", ("benign tissue",), "#009e73"),
    ),
    title="Mine",
)


@pytest.fixture
def edits() -> PromptEdits:
    return PromptEdits(START)


def names(edits: PromptEdits) -> tuple[str, ...]:
    return edits.prompts.class_names


def test_a_set_goes_in_and_comes_out_unchanged(edits: PromptEdits) -> None:
    assert edits.draft.build() == edits.prompts == START
    assert (edits.problem, edits.undoable, edits.redoable) == ("", "", "")
    whole = PromptSet.load("nct-crc").with_context(templates=["organ"], organ="colon")
    assert PromptEdits(whole).draft.build() == whole


EDITS: dict[str, tuple[Callable[[PromptEdits], object], Callable[[PromptSet], object], object]] = {
    "rename": (lambda e: e.rename_class(0, "cancer"), lambda p: p.class_names, ("cancer", "other")),
    "recolour": (lambda e: e.recolor_class(1, "#000000"), lambda p: p.colors, ("#d55e00", "#000000")),
    "role": (lambda e: e.set_role(1, "background"), lambda p: p.classes[1].is_background, True),
    "move class": (lambda e: e.move_class(1, 0), lambda p: p.class_names, ("other", "tumour")),
    "move class too far": (lambda e: e.move_class(0, 99), lambda p: p.class_names, ("other", "tumour")),
    "duplicate class": (
        lambda e: e.duplicate_class(0),
        lambda p: [(c.name, c.prompts, c.role) for c in p.classes],
        [
            ("tumour", ("carcinoma", "malignant cells"), "lesion"),
            ("tumour copy", ("carcinoma", "malignant cells"), "lesion"),
            ("other", ("benign tissue",), "tissue"),
        ],
    ),
    "add prompt": (
        lambda e: e.add_prompt(0, "atypia", at=1),
        lambda p: p.classes[0].prompts,
        ("carcinoma", "atypia", "malignant cells"),
    ),
    "edit prompt": (
        lambda e: e.edit_prompt(0, 1, " atypical  cells "),
        lambda p: p.classes[0].prompts,
        ("carcinoma", "atypical cells"),
    ),
    "remove prompt": (
        lambda e: e.remove_prompt(0, 0),
        lambda p: p.classes[0].prompts,
        ("malignant cells",),
    ),
    "move prompt": (
        lambda e: e.move_prompt(0, 1, -5),
        lambda p: p.classes[0].prompts,
        ("malignant cells", "carcinoma"),
    ),
    "duplicate prompt": (
        lambda e: e.duplicate_prompt(0, 0),
        lambda p: p.classes[0].prompts,
        ("carcinoma", "carcinoma", "malignant cells"),
    ),
    "lines": (lambda e: e.set_lines(0, ["a", "", "b"]), lambda p: p.classes[0].prompts, ("a", "b")),
    "templates": (lambda e: e.set_context(templates=["plip"]), lambda p: p.templates, ("plip",)),
    "organ": (lambda e: e.set_context(organ="skin"), lambda p: p.organ, "skin"),
    "both": (
        lambda e: e.set_context(templates=["organ"], organ="skin"),
        lambda p: (p.templates, p.organ),
        (("organ",), "skin"),
    ),
    "title": (lambda e: e.describe(name="new", title="New"), lambda p: (p.name, p.title), ("new", "New")),
    "another set": (lambda e: e.replace(PromptSet.load("breast")), lambda p: p.name, "breast"),
}


@pytest.mark.parametrize("what", EDITS)
def test_each_edit_does_its_work_and_can_be_undone_and_done_again(edits: PromptEdits, what: str) -> None:
    edit, look, expected = EDITS[what]
    assert look(edits.prompts) != expected

    edit(edits)
    after = edits.prompts
    assert look(after) == expected
    assert not edits.problem and edits.undoable
    assert edits.undo() and edits.prompts == START
    assert not edits.undoable and edits.redoable and not edits.undo()
    assert edits.redo() and edits.prompts == after
    assert not edits.redo()


def test_new_classes_get_names_and_colours_of_their_own(edits: PromptEdits) -> None:
    for _ in range(len(NEW_COLORS) - 2):
        edits.add_prompt(edits.add_class(), "x")
    edits.duplicate_class(0)
    edits.duplicate_class(0)

    assert not edits.problem
    assert names(edits)[:4] == ("tumour", "tumour copy 2", "tumour copy", "other")
    assert names(edits)[4] == "class 1"
    made = [c.color for c in edits.prompts.classes if "copy" not in c.name]
    assert len(set(made)) == len(made)


def test_typing_in_one_place_is_one_step(edits: PromptEdits) -> None:
    for text in ("c", "ca", "can", "cancer"):
        edits.edit_prompt(0, 0, text)
    edits.edit_prompt(0, 1, "x")
    edits.settle()
    edits.edit_prompt(0, 1, "xy")

    assert edits.undo() and edits.prompts.classes[0].prompts == ("cancer", "x")
    assert edits.undo() and edits.prompts.classes[0].prompts == ("cancer", "malignant cells")
    assert edits.undo() and edits.prompts == START
    assert not edits.undo()


def test_what_is_typed_and_deleted_again_leaves_no_step(edits: PromptEdits) -> None:
    edits.edit_prompt(0, 0, "carcinoma x")
    edits.edit_prompt(0, 0, "carcinoma")

    assert not edits.undoable and not edits.undo()


def test_an_edit_that_changes_nothing_is_no_step(edits: PromptEdits) -> None:
    assert not edits.rename_class(0, "tumour")
    assert not edits.move_class(0, -1)
    assert not edits.set_lines(0, ["carcinoma", "malignant cells"])
    assert not edits.replace(START)
    assert edits.rename_class(0, "cancer") and edits.undo()
    assert not edits.set_context(organ="") and edits.redoable, "the way forward stays"


def test_typing_after_an_undo_is_a_step_of_its_own_and_ends_the_way_forward(edits: PromptEdits) -> None:
    edits.edit_prompt(0, 0, "a")
    edits.settle()
    edits.edit_prompt(0, 0, "ab")
    edits.undo()
    edits.edit_prompt(0, 0, "ac")

    assert not edits.redoable
    assert edits.undo() and edits.prompts.classes[0].prompts[0] == "a"


WRONG: dict[str, tuple[Callable[[PromptEdits], object], str, tuple[int, ...]]] = {
    "no phrase": (lambda e: e.set_lines(1, ["  ", ""]), "The class 'other' has no prompt", (1,)),
    "no name": (lambda e: e.rename_class(0, " "), "Class 1 has no name", (0,)),
    "one name twice": (lambda e: e.rename_class(0, " other "), "Two classes are named 'other'", (0, 1)),
    "one class": (lambda e: e.remove_class(0), "At least two classes", ()),
    "colour": (lambda e: e.recolor_class(0, "red"), "The colour 'red'", ()),
    "new class": (lambda e: e.add_class(), "The class 'class 1' has no prompt", (2,)),
    "half a template": (
        lambda e: e.set_context(templates=["an image of {"]),
        "The template 'an image of {'",
        (),
    ),
    "no template": (lambda e: e.set_context(templates=[]), "'templates' is empty", ()),
    "no organ": (
        lambda e: e.set_context(templates=["organ"]),
        "The template set 'organ' names the organ",
        (),
    ),
    "half a character": (lambda e: e.edit_prompt(0, 0, "\ud800"), "An entry of 'prompts'", ()),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_half_written_is_kept_and_said_and_the_last_good_set_stays(
    edits: PromptEdits, what: str
) -> None:
    edit, sentence, faulty = WRONG[what]
    edit(edits)
    wrong = edits.draft

    assert edits.problem.startswith(sentence)
    assert edits.prompts == START
    assert wrong != Draft.of(START) and wrong.faulty() == faulty
    edits.undo()
    assert not edits.problem
    edits.redo()
    assert edits.draft == wrong and edits.problem.startswith(sentence)


def test_an_empty_line_waits_for_its_words(edits: PromptEdits) -> None:
    edits.add_prompt(0)

    assert edits.draft.get(0).prompts == ("carcinoma", "malignant cells", "")
    assert not edits.problem and edits.prompts == START
    edits.edit_prompt(0, 2, "atypia")
    assert edits.prompts.classes[0].prompts == ("carcinoma", "malignant cells", "atypia")


def test_a_class_or_line_that_is_not_there_is_the_callers_fault(edits: PromptEdits) -> None:
    for act in (lambda: edits.rename_class(7, "x"), lambda: edits.remove_class(7)):
        with pytest.raises(KeyError):
            act()
    for line in (-1, 2):
        with pytest.raises(IndexError, match="among 2"):
            edits.move_prompt(0, line, 0)
    assert not edits.undoable


def test_a_key_is_never_given_again(edits: PromptEdits) -> None:
    first = edits.add_class()
    edits.undo()
    edits.replace(PromptSet.load("generic"))
    second = edits.add_class()

    assert len({first, second, 0, 1} | {c.key for c in edits.draft.classes}) == 4 + 5


def test_the_way_back_has_an_end(edits: PromptEdits) -> None:
    for i in range(MOST_STEPS + 20):
        edits.rename_class(0, f"name {i}")
        edits.settle()
    steps = 0
    while edits.undoable:
        assert edits.undo()
        steps += 1

    assert steps == MOST_STEPS and not edits.undo()
    assert names(edits)[0] == "name 19"


WORDS = st.text(st.sampled_from("ab {}\u00a0.\x07"), max_size=6)


class AnyEdits(RuleBasedStateMachine):
    """Whatever is done, nothing raises, the last good set is good, and there is a way back to the start."""

    @initialize()
    def begin(self) -> None:
        self.edits = PromptEdits(START)

    def _key(self, number: int) -> int | None:
        classes = self.edits.draft.classes
        return classes[number % len(classes)].key if classes else None

    @rule(act=st.sampled_from(["rename_class", "recolor_class"]), number=st.integers(0, 9), text=WORDS)
    def write(self, act: str, number: int, text: str) -> None:
        if (key := self._key(number)) is not None:
            getattr(self.edits, act)(key, text)

    @rule(number=st.integers(0, 9), lines=st.lists(WORDS, max_size=3))
    def lines(self, number: int, lines: list[str]) -> None:
        if (key := self._key(number)) is not None:
            self.edits.set_lines(key, lines)

    @rule(number=st.integers(0, 9), to=st.integers(-2, 9))
    def move(self, number: int, to: int) -> None:
        if (key := self._key(number)) is not None:
            self.edits.move_class(key, to)
            if self.edits.draft.get(key).prompts:
                self.edits.move_prompt(key, 0, to)
                self.edits.duplicate_prompt(key, 0)

    @rule(act=st.sampled_from(["remove_class", "duplicate_class"]), number=st.integers(0, 9))
    def take(self, act: str, number: int) -> None:
        if (key := self._key(number)) is not None:
            getattr(self.edits, act)(key)

    @rule(act=st.sampled_from(["add_class", "settle", "undo", "redo"]))
    def step(self, act: str) -> None:
        getattr(self.edits, act)()

    @rule(templates=st.lists(WORDS | st.sampled_from(["conch", "organ", "{}"]), max_size=2), organ=WORDS)
    def context(self, templates: list[str], organ: str) -> None:
        self.edits.set_context(templates=templates, organ=organ)

    @invariant()
    def good(self) -> None:
        edits = self.edits
        keys = [c.key for c in edits.draft.classes]
        assert len(set(keys)) == len(keys)
        assert edits.prompts.expand().texts
        if not edits.problem:
            assert edits.draft.build() == edits.prompts

    def teardown(self) -> None:
        if not hasattr(self, "edits"):
            return
        last = self.edits.draft
        steps = 0
        while self.edits.undo():
            steps += 1
        assert self.edits.draft == Draft.of(START)
        for _ in range(steps):
            assert self.edits.redo()
        assert self.edits.draft == last


TestAnyEdits = AnyEdits.TestCase
TestAnyEdits.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
