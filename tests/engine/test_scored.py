"""What follows from scores without reading anything: explanations, disagreement, refinements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.engine import Analysis, MarkedTiles, Scored
from napari_histoalign.slides import TileGrid

if TYPE_CHECKING:
    from pathlib import Path

    from napari_histoalign.slides import Slide

    from .conftest import ColourEncoder

PROMPTS = PromptSet.from_dict(
    {
        "name": "colours",
        "classes": [
            {"name": "warm", "prompts": ["red"]},
            {"name": "fresh", "prompts": ["green"]},
            {"name": "cold", "prompts": ["blue"]},
        ],
    }
)
TILES = np.arange(3, 57, 2)


@pytest.fixture
def scored(slide: Slide, encoder: ColourEncoder, other_encoder: ColourEncoder, tmp_path: Path) -> Scored:
    grid = TileGrid.over(slide, tile=8)
    with Analysis(slide, [encoder, other_encoder], grid, views=("full",), cache=tmp_path) as analysis:
        list(analysis.embed(TILES))
        return analysis.score(TILES, PROMPTS, Alignment("joint-fusion"))


def test_a_tile_is_found_by_its_number(scored: Scored) -> None:
    assert [scored.position(i) for i in (3, 5, 55)] == [0, 1, 26]
    assert [scored.position(i) for i in (0, 4, 57, 1000)] == [None] * 4
    assert scored.explain(4) is None


def test_an_explanation_adds_up_to_the_tiles_probability(scored: Scored) -> None:
    found = scored.explain(9)
    assert found is not None

    total = found.by_prompt().sum(axis=0) + found.shift
    odds = np.exp(total - total.max())
    np.testing.assert_allclose(odds / odds.sum(), scored.tiles.probabilities[3], atol=1e-4)


def test_equal_encoders_never_disagree(scored: Scored) -> None:
    np.testing.assert_allclose(scored.disagreement(), 0, atol=1e-5)


def test_marks_move_tiles_and_leave_the_scores_before_as_they_were(scored: Scored) -> None:
    before = scored.tiles.probabilities.copy()
    wrong = (scored.tiles.label + 1) % 3  # a person who names the colours otherwise
    marked = MarkedTiles(TILES[:20], wrong[:20])

    found = scored.refined(Refinement(few_shot="gda"), marked)

    assert found.steps == ("gda",)
    assert (found.tiles.label[20:] == wrong[20:]).mean() > (scored.tiles.label[20:] == wrong[20:]).mean()
    np.testing.assert_array_equal(scored.tiles.probabilities, before)
    assert scored.steps == ()
    listed = found.refinement["examples"]
    assert sorted(tile for tiles in listed.values() for tile in tiles) == TILES[:20].tolist()
    assert found.refinement["few_shot"] == "gda"
    explained = found.explain(9)
    assert explained is not None  # of the judgement before
    np.testing.assert_allclose(explained.probabilities, before[3], atol=1e-4)


def test_marks_elsewhere_are_no_examples_and_that_is_said(scored: Scored) -> None:
    marked = MarkedTiles(np.array([3, 4, 6, 21]), np.array([0, 1, 1, 2]))

    found = scored.refined(Refinement(few_shot="prototype"), marked)

    assert found.refinement["examples"] == {"warm": [3], "fresh": [], "cold": [21]}
    assert "2 marked tiles were not scored" in found.notes[-1]


def test_what_cannot_be_done_leaves_the_same_scores_and_a_note(scored: Scored) -> None:
    found = scored.refined(Refinement(few_shot="gda"))

    assert found.steps == ()
    assert found.refinement == {}
    np.testing.assert_array_equal(found.tiles.probabilities, scored.tiles.probabilities)
    assert "gda was left out" in found.notes[-1]


def test_the_prompt_that_adds_most_has_the_longest_bar(scored: Scored) -> None:
    shares = scored.prompt_shares(TILES)

    expected = np.zeros(3)
    for tile in TILES[np.linspace(0, len(TILES) - 1, 16).astype(int)].tolist():
        found = scored.explain(tile)
        assert found is not None
        expected += found.by_prompt().diagonal()[np.argsort(found.prompts)]
    expected = np.maximum(expected, 0)
    assert list(shares) == ["red", "green", "blue"]
    np.testing.assert_allclose(list(shares.values()), expected / expected.max(), rtol=1e-6)
    assert scored.prompt_shares(np.array([0, 4])) == {}
