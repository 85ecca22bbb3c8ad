"""Prompt sets: what they hold, how they are kept, and what is said of those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment import PromptClass, PromptSet, builtin_prompt_sets
from napari_histoalign.errors import PromptError

GOOD = """
name: mine
title: A title with ü
templates: ["{}", "an image of {}"]
classes:
  - name: tumour
    role: lesion
    prompts: [carcinoma, malignant cells, carcinoma]
  - name: other
    prompts: [benign tissue]
    color: "#00ff00"
"""


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", sorted(builtin_prompt_sets()))
def test_shipped_sets_can_be_used(name: str) -> None:
    prompts = PromptSet.load(name)

    assert prompts.name == name
    assert prompts.title
    assert prompts.classes[prompts.overlay_class].role == "lesion"
    if name in ("breast", "generic", "breast-binary", "histoalign-breast"):
        assert {"malignant", "benign"} <= set(prompts.class_names)


def test_the_breast_set_has_several_phrases_for_every_class() -> None:
    prompts = PromptSet.load("breast")

    assert min(len(c.prompts) for c in prompts.classes) >= 2
    assert [c.name for c in prompts.classes if c.is_background] == ["stroma", "fat", "glass"]


def test_prompts_go_into_every_template_once(tmp_path: Path) -> None:
    expanded = PromptSet.load(write(tmp_path, GOOD)).expand()

    assert expanded.texts == (
        "carcinoma",
        "malignant cells",
        "an image of carcinoma",
        "an image of malignant cells",
        "benign tissue",
        "an image of benign tissue",
    )
    assert expanded.class_index.tolist() == [0, 0, 0, 0, 1, 1]
    assert expanded.class_index.dtype == np.int64


def test_saving_and_loading_changes_nothing(tmp_path: Path) -> None:
    prompts = PromptSet.load(write(tmp_path, GOOD))
    prompts.save(tmp_path / "copy.yaml")

    assert PromptSet.load(tmp_path / "copy.yaml") == prompts
    assert "ü" in (tmp_path / "copy.yaml").read_text(encoding="utf-8")


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(lambda t: t.split())


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(TEXT, min_size=2, max_size=2, unique_by=lambda t: tuple(t.split())),
    prompts=st.lists(TEXT, min_size=1),
)
def test_any_words_survive_saving_and_loading(tmp_path: Path, names: list[str], prompts: list[str]) -> None:
    classes = tuple(PromptClass(name, tuple(prompts), "#123456", "lesion") for name in names)
    original = PromptSet(prompts[0], classes, templates=("{}", "an image of {}"), title=names[0])
    original.save(tmp_path / "mine.yaml")

    assert PromptSet.load(tmp_path / "mine.yaml") == original
    assert PromptSet.from_dict(original.to_dict()) == original


def test_line_breaks_and_odd_spaces_become_plain_spaces(tmp_path: Path) -> None:
    content = 'classes: [{name: " a ", prompts: ["fat\u00a0 cells\n"]}, {name: b, prompts: [y]}]'
    prompts = PromptSet.load(write(tmp_path, content))

    assert prompts.classes[0].name == "a"
    assert prompts.classes[0].prompts == ("fat cells",)


def test_a_file_from_an_editor_that_marks_utf8_can_be_read(tmp_path: Path) -> None:
    assert PromptSet.load(write(tmp_path, GOOD.lstrip().encode("utf-8-sig"))).name == "mine"


def test_a_set_too_large_to_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    prompts = PromptSet.load(path).with_prompts(0, ["x" * 1_100_000])

    with pytest.raises(PromptError, match="too many to be read again"):
        prompts.save(path)
    assert path.read_text(encoding="utf-8") == GOOD


def test_a_class_without_colour_gets_one_of_its_own(tmp_path: Path) -> None:
    colors = PromptSet.load(write(tmp_path, GOOD)).colors

    assert colors[1] == "#00ff00"
    assert colors[0].startswith("#")
    assert colors[0] != colors[1]


def test_with_prompts_changes_one_class_of_a_copy(tmp_path: Path) -> None:
    prompts = PromptSet.load(write(tmp_path, GOOD))
    changed = prompts.with_prompts(1, ["normal glands"])

    assert changed.classes[1].prompts == ("normal glands",)
    assert changed.classes[0] == prompts.classes[0]
    assert prompts.classes[1].prompts == ("benign tissue",)


def test_the_overlay_shows_the_first_lesion_else_the_first_tissue() -> None:
    def roles(*names: str) -> int:
        classes = [{"name": str(i), "prompts": ["x"], "role": r} for i, r in enumerate(names)]
        return PromptSet.from_dict({"name": "n", "classes": classes}).overlay_class

    assert roles("background", "tissue", "lesion", "lesion") == 2
    assert roles("background", "tissue", "tissue") == 1


CLASSES = "classes: [{name: a, prompts: [x]}, {name: b, prompts: [y]}]\n"
BAD = {
    "no mapping": ("- a\n- b\n", "must be a mapping"),
    "empty": ("", "must be a mapping"),
    "no classes": ("name: x\n", "'classes' must be a list"),
    "one class": ("classes: [{name: a, prompts: [x]}]", "at least two classes"),
    "twice": ("classes: [{name: a, prompts: [x]}, {name: a, prompts: [y]}]", "two classes are named 'a'"),
    "no name": ("classes: [{name: '', prompts: [x]}, {name: a, prompts: [y]}]", "has no name"),
    "no prompt": ("classes: [{name: a, prompts: []}, {name: b, prompts: [y]}]", "'a' has no prompt"),
    "empty prompt": ("classes: [{name: a, prompts: ['  ']}, {name: b, prompts: [y]}]", "empty prompt"),
    "number": ("classes: [{name: a, prompts: [3]}, {name: b, prompts: [y]}]", "must be a text; got 3"),
    "role": ("classes: [{name: a, role: boss, prompts: [x]}, {name: b, prompts: [y]}]", "'boss'"),
    "role list": ("classes: [{name: a, role: [x], prompts: [x]}, {name: b, prompts: [y]}]", "role"),
    "colour": ("classes: [{name: a, color: red, prompts: [x]}, {name: b, prompts: [y]}]", "#rrggbb"),
    "word for a truth value": ("name: no\n" + CLASSES, "'name' must be a text; got False. Write it in"),
    "date": ("name: 2001-99-99", "month must be"),
    "control character": ('name: "a\\x07"\n' + CLASSES, "'name' holds a character"),
    "half a character": ('name: "\\ud800"\n' + CLASSES, "'name' holds a character"),
    "key": ("colour: red\nclasses: []", "unknown key 'colour'"),
    "class key": ("classes: [{nam: a, prompts: [x]}, {name: b, prompts: [y]}]", "unknown key 'nam'"),
    "class text": ("classes: [a, b]", "class 1"),
    "template": ("templates: [none]\nclasses: [{name: a, prompts: [x]}, {name: b, prompts: [y]}]", "'none'"),
    "double key": ("name: a\nname: b\n", "'name' stands twice"),
    "broken": ("classes: [", "no valid prompt set"),
    "tag": ("!!python/object/apply:os.system ['touch /tmp/never']", "no valid prompt set"),
    "tag of a word": ("name: !!bool maybe", "tags (tag:yaml.org,2002:bool) are not allowed, line 1"),
    "tag of a number": ("name: !!int ''", "tags"),
    "list as key": ("{[a]: b}", "no plain word, line 1"),
    "mapping as key": ("name: x\n? {a: b}\n: c\n", "no plain word, line 2"),
    "merge": ("name: x\n<<: {name: y}\n", "no plain word, line 2"),
    "alias": ("a: &a [x]\nb: *a\n", "aliases"),
    "bomb": ("a: &a [x,x]\n" + "".join(f"b{i}: &b{i} [*a,*a]\n" for i in range(50)), "aliases"),
    "nested": ("[" * 5000, "no valid prompt set"),
    "binary": (bytes(range(256)), "UTF-8"),
    "nul": (b"name: \x00", "no valid prompt set"),
    "huge": (b"#" * 1_100_000, "too many"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_used_is_refused_by_the_files_name(tmp_path: Path, what: str) -> None:
    content, reason = BAD[what]

    with pytest.raises(PromptError) as caught:
        PromptSet.load(write(tmp_path, content))

    assert "mine.yaml" in str(caught.value)
    assert reason in str(caught.value)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(PromptError, match=r"'breats'.*breast"):
        PromptSet.load("breats")
    with pytest.raises(PromptError, match="neither a file"):
        PromptSet.load("x" * 5000)


def test_a_save_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD)
    prompts = PromptSet.load(path)
    before = path.read_bytes()

    def full(self: Path, *args: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(PromptError, match="No space left"):
        prompts.save(path)

    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["mine.yaml"]
