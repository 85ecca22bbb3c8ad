"""Scores of encoders that are crossed, from pixels to details and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from meaning_towers import MeaningEncoder
from PIL import Image

from napari_histoalign.alignment import (
    STRATEGIES,
    Alignment,
    PromptSet,
)
from napari_histoalign.engine import Analysis
from napari_histoalign.engine.cross_pairs import CrossPairs
from napari_histoalign.errors import AlignmentError
from napari_histoalign.slides import TileGrid, open_slide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_histoalign.slides import Slide

BOTH = ((0, 1), (1, 0))
PROMPTS = PromptSet.from_dict(
    {
        "name": "colours",
        "classes": [{"name": name, "prompts": [name, f"mostly {name}"]} for name in ("red", "green", "blue")],
    }
)


@pytest.fixture
def coloured(tmp_path: Path) -> Iterator[tuple[Slide, np.ndarray]]:
    """A slide of 10 x 8 tiles, each red, green or blue, and which."""
    which = np.random.default_rng(1).integers(0, 3, (8, 10))
    pixels = np.repeat(np.repeat(np.eye(3, dtype=np.uint8)[which] * 200, 8, axis=0), 8, axis=1)
    Image.fromarray(pixels).save(tmp_path / "coloured.png")
    with open_slide(tmp_path / "coloured.png") as slide:
        yield slide, which.ravel()


def scored(slide: Slide, encoders: list[MeaningEncoder], alignment: Alignment, cache: Path):
    grid = TileGrid.over(slide, tile=8)
    with Analysis(slide, encoders, grid, views=("full",), cache=cache) as analysis:
        list(analysis.embed(np.arange(grid.count)))
        return analysis.score(np.arange(grid.count), PROMPTS, alignment)


@pytest.mark.parametrize("pair", BOTH)
def test_a_bridge_finds_the_classes_in_the_other_encoders_images(
    pair: tuple[int, int], coloured: tuple[Slide, np.ndarray], tmp_path: Path
) -> None:
    slide, which = coloured
    encoders = [MeaningEncoder("path", turn=1), MeaningEncoder("wide", width=48, turn=2)]
    got = scored(slide, encoders, Alignment("cross-pair", pair=pair), tmp_path)

    assert (got.tiles.probabilities.argmax(axis=1) == which).mean() > 0.95
    (told,) = got.details["cross_pairs"]
    assert told["way"] == "bridge"
    assert got.notes == (CrossPairs(encoders).decide([pair])[pair].describe(),)


def test_many_to_many_uses_all_four_pairs_and_puts_the_ways_into_its_details(
    coloured: tuple[Slide, np.ndarray], tmp_path: Path
) -> None:
    slide, which = coloured
    encoders = [MeaningEncoder("path", turn=1), MeaningEncoder("wide", width=48, turn=2)]
    got = scored(slide, encoders, Alignment(), tmp_path)

    assert got.details["pairs"] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert [told["images"] for told in got.details["cross_pairs"]] == ["Path", "Wide"]
    assert len(got.notes) == 2
    assert (got.tiles.probabilities.argmax(axis=1) == which).mean() > 0.95


def test_refused_pairs_are_left_out_or_end_the_scoring(
    coloured: tuple[Slide, np.ndarray], tmp_path: Path
) -> None:
    slide, _ = coloured
    encoders = [MeaningEncoder("path", turn=1), MeaningEncoder("other", turn=2, foreign=7)]
    got = scored(slide, encoders, Alignment(), tmp_path)

    assert got.details["pairs"] == [[0, 0], [1, 1]]
    assert all("Path and Other do not meet" in n or "Other and Path do not meet" in n for n in got.notes)
    for name in ("cross-pair", "mean-fusion"):
        with pytest.raises(AlignmentError, match=r"The spaces of Path and Other do not meet.*joint-fusion"):
            scored(slide, encoders, Alignment(name), tmp_path)


@pytest.mark.parametrize("name", ["one-to-one", "joint-fusion"])
def test_strategies_without_cross_pairs_do_not_pay_for_them(
    name: str, coloured: tuple[Slide, np.ndarray], tmp_path: Path, own_cache: Path
) -> None:
    encoders = [MeaningEncoder("path", turn=1), MeaningEncoder("general", turn=2)]
    got = scored(coloured[0], encoders, Alignment(name), tmp_path)

    assert all(set(e.texts_seen) == set(PROMPTS.expand().texts) for e in encoders)
    assert not (own_cache / "anchors").exists()
    assert got.details["cross_pairs"] == []
    assert got.notes == ()


@pytest.mark.parametrize("name", ["one-to-one", "many-to-many"])
def test_one_encoder_needs_none_of_this(
    name: str, coloured: tuple[Slide, np.ndarray], tmp_path: Path, own_cache: Path
) -> None:
    encoder = MeaningEncoder("path")
    got = scored(coloured[0], [encoder], Alignment(name), tmp_path)

    assert set(encoder.texts_seen) == set(PROMPTS.expand().texts)
    assert not (own_cache / "anchors").exists()
    assert got.notes == ()


def test_ways_are_found_once_an_analysis(coloured: tuple[Slide, np.ndarray], tmp_path: Path) -> None:
    slide, _ = coloured
    encoders = [MeaningEncoder("path", turn=1), MeaningEncoder("general", turn=2)]
    grid = TileGrid.over(slide, tile=8)
    with Analysis(slide, encoders, grid, views=("full",), cache=tmp_path) as analysis:
        list(analysis.embed(np.arange(grid.count)))
        first = analysis.score(np.arange(grid.count), PROMPTS, Alignment())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("napari_histoalign.engine.cross_pairs.best_bridge", pytest.fail)
            second = analysis.score(np.arange(grid.count), PROMPTS, Alignment("mean-fusion"))

    assert second.notes == first.notes


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_shared_space_scores_as_before(
    name: str, coloured: tuple[Slide, np.ndarray], tmp_path: Path
) -> None:
    """What the alignment does by itself with encoders of one width is what the engine does with one space."""
    slide, _ = coloured
    encoders = [MeaningEncoder("path", space="s"), MeaningEncoder("general", space="s")]
    grid = TileGrid.over(slide, tile=8)
    with Analysis(slide, encoders, grid, views=("full",), cache=tmp_path) as analysis:
        list(analysis.embed(np.arange(grid.count)))
        got = analysis.score(np.arange(grid.count), PROMPTS, Alignment(name))
        images = [store.read(np.arange(grid.count)) for store in analysis._stores]
    expanded = PROMPTS.expand()
    texts = [e.embed_texts(expanded.texts) for e in encoders]
    alone = Alignment(name).score(images, texts, expanded.class_index, 3, [20.0, 20.0])

    # held similarities are summed in another order than products with prototypes
    np.testing.assert_allclose(got.tiles.probabilities, alone.probabilities, rtol=1e-5)
