"""Prompt files that are slow to read, or hold what no sentence can quote; and colours that must differ."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from napari_histoalign.alignment import PromptSet
from napari_histoalign.alignment.prompt_files import MAX_BYTES
from napari_histoalign.alignment.prompts import PALETTE
from napari_histoalign.errors import PromptError

TWO = "classes: [{name: a, prompts: [x]}, {name: b, prompts: [y]}]"
MINUTES = "1:" * 30_000 + "1"
"""A number to the base 60, as YAML 1.1 reads it."""


@pytest.mark.parametrize(
    "content",
    [
        f"name: {MINUTES}\n{TWO}",
        f"{MINUTES}: a\n{TWO}",
        f"classes: [{{name: a, color: {MINUTES}, prompts: [x]}}, {{name: b, prompts: [y]}}]",
        f"classes: [{{name: a, role: {MINUTES}, prompts: [x]}}, {{name: b, prompts: [y]}}]",
        f"classes: {MINUTES}",
        MINUTES,
    ],
)
def test_a_number_without_end_is_refused_like_any_other(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)

    with pytest.raises(PromptError, match=r"mine\.yaml"):
        PromptSet.load(path)


def test_the_longest_number_a_file_may_hold_takes_no_minutes(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: " + "1:" * ((MAX_BYTES - 20) // 2) + "1")

    started = time.process_time()
    with pytest.raises(PromptError):
        PromptSet.load(path)
    assert time.process_time() - started < 10  # 40 s where a million bytes were let in


def test_a_phrase_with_a_colon_is_told_to_stand_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("classes:\n- name: a\n  prompts:\n  - nuclei: crowded\n- {name: b, prompts: [y]}")

    with pytest.raises(PromptError, match=r"mine\.yaml: .*class 'a'.*'nuclei'.*quotes.*colon"):
        PromptSet.load(path)


def test_colours_given_do_not_repeat_colours_that_others_name() -> None:
    classes = [{"name": str(i), "prompts": ["x"]} for i in range(len(PALETTE) - 1)]
    named = {"name": "named", "prompts": ["x"], "color": PALETTE[0].upper()}
    colors = PromptSet.from_dict({"name": "n", "classes": [*classes, named]}).colors

    assert len({c.lower() for c in colors}) == len(PALETTE)


def test_more_classes_than_colours_still_have_one_each() -> None:
    classes = [{"name": str(i), "prompts": ["x"], "color": c} for i, c in enumerate(PALETTE)]
    classes += [{"name": f"more {i}", "prompts": ["x"]} for i in range(12)]

    assert len(PromptSet.from_dict({"name": "n", "classes": classes}).colors) == len(PALETTE) + 12
