"""Embed once, score at will: what is stored is not read or embedded again, and scores follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.engine import Analysis
from napari_histoalign.errors import AlignmentError, SlideError, StoreError
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


def grid_of(slide: Slide) -> TileGrid:
    return TileGrid.over(slide, tile=8)


def finish(analysis: Analysis, indices: np.ndarray, **options: object) -> list:
    return list(analysis.embed(indices, **options))


def test_every_tile_gets_the_embedding_of_its_own_pixels(
    slide: Slide, encoder: ColourEncoder, colours: np.ndarray, tmp_path: Path
) -> None:
    grid = grid_of(slide)
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        finish(analysis, np.arange(grid.count), batch=7)
        scores = analysis.score(np.arange(grid.count), PROMPTS, Alignment("one-to-one")).tiles

    mean = colours.reshape(-1, 3).astype(np.float64) + 1e-3
    cosine = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    expected = np.exp(20 * cosine) / np.exp(20 * cosine).sum(axis=1, keepdims=True)
    # float16 keeps a cosine to about 5e-4, which the logit scale of 20 makes 1e-2 of a probability
    np.testing.assert_allclose(scores.probabilities, expected, atol=1e-2)
    np.testing.assert_array_equal(scores.xy, [(8 * c, 8 * r) for r in range(6) for c in range(10)])


def test_what_was_embedded_is_never_embedded_again(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path
) -> None:
    grid = grid_of(slide)
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        finish(analysis, np.arange(20))
    assert encoder.images_seen == 20

    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        steps = finish(analysis, np.arange(30))

    assert encoder.images_seen == 30
    assert (steps[0].done, steps[0].total) == (20, 30)
    assert steps[-1].done == 30


def test_a_second_encoder_embeds_only_what_it_lacks(
    slide: Slide, encoder: ColourEncoder, other_encoder: ColourEncoder, tmp_path: Path
) -> None:
    grid = grid_of(slide)
    with Analysis(slide, [encoder], grid, cache=tmp_path) as analysis:
        finish(analysis, np.arange(12))
    with Analysis(slide, [encoder, other_encoder], grid, cache=tmp_path) as analysis:
        finish(analysis, np.arange(12))

    views = 2
    assert encoder.images_seen == 12 * views
    assert other_encoder.images_seen == 12 * views


def test_other_weights_never_share_embeddings(
    slide: Slide, encoder: ColourEncoder, other_encoder: ColourEncoder, tmp_path: Path
) -> None:
    grid = grid_of(slide)
    other_encoder.spec.name = encoder.spec.name
    with Analysis(slide, [encoder], grid, cache=tmp_path) as analysis:
        finish(analysis, np.arange(5))
    with Analysis(slide, [other_encoder], grid, cache=tmp_path) as analysis:
        assert len(analysis.embedded()) == 0


def test_a_cancelled_run_goes_on_where_it_stopped(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path
) -> None:
    grid = grid_of(slide)
    everything = np.arange(grid.count)
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        finish(analysis, everything, batch=6, cancelled=lambda: encoder.images_seen >= 18)
        assert analysis.embedded().tolist() == list(range(18))
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        finish(analysis, everything, batch=6)
        assert analysis.embedded().tolist() == everything.tolist()
    assert encoder.images_seen == grid.count


def test_a_run_that_is_closed_keeps_the_batches_it_finished(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path
) -> None:
    grid = grid_of(slide)
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        run = analysis.embed(np.arange(grid.count), batch=10)
        next(run)
        next(run)
        run.close()
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        assert analysis.embedded().tolist() == list(range(10))


def test_tiles_come_in_the_order_in_which_they_are_wanted(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path
) -> None:
    wanted = np.array([50, 3, 17, 4, 41])
    with Analysis(slide, [encoder], grid_of(slide), views=("full",), cache=tmp_path) as analysis:
        steps = finish(analysis, wanted, batch=2)
    assert [step.indices.tolist() for step in steps] == [[], [50, 3], [17, 4], [41]]


def test_an_edited_prompt_reads_no_pixel_and_encodes_only_itself(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = grid_of(slide)
    everything = np.arange(grid.count)
    with Analysis(slide, [encoder], grid, cache=tmp_path) as analysis:
        finish(analysis, everything)
        before = analysis.score(everything, PROMPTS, Alignment("one-to-one"))
        encoder.texts_seen.clear()
        images_seen = encoder.images_seen

        def unread(*args: object, **options: object) -> None:
            pytest.fail("a pixel was read")

        monkeypatch.setattr(type(slide), "read_region", unread)
        monkeypatch.setattr(type(slide), "read_area", unread)

        edited = PROMPTS.to_dict()
        edited["classes"][2]["prompts"] = ["red"]
        edited["classes"][0]["prompts"] = ["blue"]
        after = analysis.score(everything, PromptSet.from_dict(edited), Alignment("one-to-one"))

    assert encoder.images_seen == images_seen
    assert encoder.texts_seen == []  # both words had been encoded before
    np.testing.assert_allclose(after.tiles.probabilities, before.tiles.probabilities[:, [2, 1, 0]], atol=1e-6)


def test_damaged_embeddings_are_made_again(slide: Slide, encoder: ColourEncoder, tmp_path: Path) -> None:
    grid = grid_of(slide)
    everything = np.arange(grid.count)
    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        finish(analysis, everything)
        good = analysis.score(everything, PROMPTS, Alignment("one-to-one")).tiles.probabilities
    (file,) = tmp_path.rglob("vectors.f16")
    raw = bytearray(file.read_bytes())
    raw[5 * 6 : 6 * 6] = bytes(6)
    file.write_bytes(raw)

    with Analysis(slide, [encoder], grid, views=("full",), cache=tmp_path) as analysis:
        assert analysis.missing(everything).tolist() == [5]
        finish(analysis, everything)
        again = analysis.score(everything, PROMPTS, Alignment("one-to-one")).tiles.probabilities

    np.testing.assert_array_equal(again, good)
    assert encoder.images_seen == grid.count + 1


def test_a_few_unreadable_tiles_are_left_out_and_counted(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = grid_of(slide)
    read = slide.read_area

    def broken(x: float, y: float, *rest: object) -> np.ndarray:
        if (x, y) == (16, 0):
            raise SlideError("tile data are damaged")
        return read(x, y, *rest)

    monkeypatch.setattr(slide, "read_area", broken)
    with Analysis(slide, [encoder], grid, cache=tmp_path) as analysis:
        steps = finish(analysis, np.arange(20))
        assert 2 not in analysis.embedded()
        assert len(analysis.embedded()) == 19
        assert list(analysis.unread) == [2]
    assert steps[-1].unread == 1


def test_a_slide_that_cannot_be_read_fails_loudly(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> np.ndarray:
        raise SlideError("tile data are damaged")

    monkeypatch.setattr(slide, "read_area", broken)
    with (
        Analysis(slide, [encoder], grid_of(slide), cache=tmp_path) as analysis,
        pytest.raises(SlideError, match=r"colours\.png could not be read.*tile data are damaged"),
    ):
        finish(analysis, np.arange(60), batch=5)


def test_scoring_what_is_not_embedded_is_refused(
    slide: Slide, encoder: ColourEncoder, tmp_path: Path
) -> None:
    with (
        Analysis(slide, [encoder], grid_of(slide), cache=tmp_path) as analysis,
        pytest.raises(StoreError, match="not in the embedding store"),
    ):
        analysis.score(np.arange(3), PROMPTS, Alignment("one-to-one"))


def test_an_unknown_view_is_named(slide: Slide, encoder: ColourEncoder, tmp_path: Path) -> None:
    with pytest.raises(AlignmentError, match="no view named 'sideways'"):
        Analysis(slide, [encoder], grid_of(slide), views=("sideways",), cache=tmp_path)


def test_only_words_that_no_encoder_knows_are_unknown(
    slide: Slide, encoder: ColourEncoder, other_encoder: ColourEncoder, tmp_path: Path
) -> None:
    other_encoder.COLOURS = {**encoder.COLOURS, "purple": (0.5, 0.0, 0.5)}
    prompts = PROMPTS.with_prompts(0, ["red purple", "bluish red bluish"])
    with Analysis(slide, [encoder, other_encoder], grid_of(slide), cache=tmp_path) as analysis:
        assert analysis.unknown_words(prompts) == ("bluish",)
    with Analysis(slide, [encoder], grid_of(slide), cache=tmp_path) as analysis:
        assert analysis.unknown_words(prompts) == ("purple", "bluish")
