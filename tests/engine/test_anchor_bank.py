"""The bank of phrases, and what encoders made of it, kept on disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from meaning_towers import MeaningEncoder

from napari_histoalign.alignment import (
    PromptSet,
    builtin_prompt_sets,
)
from napari_histoalign.engine.cross_pairs import CrossPair, CrossPairs, anchor_phrases

if TYPE_CHECKING:
    from pathlib import Path


BOTH = ((0, 1), (1, 0))


def decide(*encoders: MeaningEncoder) -> dict[tuple[int, int], CrossPair]:
    return CrossPairs(encoders).decide(BOTH)


def every_text(prompts: PromptSet) -> tuple[str, ...]:
    return (*prompts.expand().texts, *(text for c in prompts.classes for text in c.prompts))


def test_the_bank_holds_plain_phrases_of_which_none_is_a_shipped_prompt() -> None:
    phrases = anchor_phrases()
    words = {re.sub(r"\W+", " ", phrase.lower()).strip() for phrase in phrases}
    prompts = {
        re.sub(r"\W+", " ", text.lower()).strip()
        for path in builtin_prompt_sets().values()
        for text in every_text(PromptSet.load(path))
    }

    assert 300 <= len(phrases) <= 400
    assert len(words) == len(phrases)
    assert prompts
    assert not words & prompts
    assert all(phrase.isascii() and phrase == phrase.strip() and len(phrase) < 60 for phrase in phrases)


def anchor_files(cache: Path) -> list[Path]:
    return sorted((cache / "anchors").glob("*.npy"))


def test_the_bank_is_embedded_once_for_each_encoders_weights(own_cache: Path) -> None:
    first, second = MeaningEncoder("path", turn=1), MeaningEncoder("general", turn=2)
    decide(first, second)
    assert len(first.texts_seen) == len(second.texts_seen) == len(anchor_phrases())
    assert len(anchor_files(own_cache)) == 2

    again = [MeaningEncoder("path", turn=1), MeaningEncoder("general", turn=2)]
    before = decide(first, second)[0, 1].to_dict()
    assert decide(*again)[0, 1].to_dict() == before
    assert not again[0].texts_seen
    assert not again[1].texts_seen

    other = MeaningEncoder("path", turn=1, weights="newer")
    decide(other, again[1])
    assert len(other.texts_seen) == len(anchor_phrases())
    assert len(anchor_files(own_cache)) == 3


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "pickle", "shape", "zeros", "nan", "double"])
def test_a_damaged_cache_is_made_again(damage: str, own_cache: Path) -> None:
    first = MeaningEncoder("path", turn=1)
    good = decide(first, MeaningEncoder("general", turn=2))[0, 1].to_dict()
    (file,) = (f for f in anchor_files(own_cache) if f.name.startswith("path"))
    rows = np.load(file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage in ("empty", "text"):
        file.write_bytes(b"" if damage == "empty" else b"no array")
    elif damage == "pickle":
        np.save(file, np.array([{}], object), allow_pickle=True)
    else:
        broken = {
            "shape": rows[:-1],
            "zeros": np.where(np.arange(len(rows))[:, None] == 5, 0, rows).astype(np.float32),
            "nan": np.where(np.arange(len(rows))[:, None] == 5, np.nan, rows).astype(np.float32),
            "double": rows.astype(np.float64),
        }
        np.save(file, broken[damage])

    fresh = MeaningEncoder("path", turn=1)
    assert decide(fresh, MeaningEncoder("general", turn=2))[0, 1].to_dict() == good
    assert len(fresh.texts_seen) == len(anchor_phrases())
    np.testing.assert_array_equal(np.load(file), rows)


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoders = [MeaningEncoder("path", turn=1), MeaningEncoder("general", turn=2)]
    pairs = CrossPairs(encoders, tmp_path / "absent").decide(BOTH)

    assert pairs[0, 1].way == "bridge"
    assert "are not kept" in caplog.text
