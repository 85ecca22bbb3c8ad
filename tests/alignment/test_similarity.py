"""The similarity tensor: its parts by loops, and held in memory, edited and grown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cases import Case, dot, make_case, two_widths

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment.centring import offsets_of
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from napari_histoalign.alignment.similarity import SimilarityTensor


def tensor_of(case: Case, cross=None, reference=None) -> SimilarityTensor:
    return similarity_tensor(*case.arguments(), cross, reference)


def test_a_block_holds_every_cosine(case: Case) -> None:
    block = tensor_of(case).block(slice(3, 8))

    assert block.shape == (5, 2, 2, 2, 9)
    for place in [(0, 0, 0, 0, 0), (4, 1, 1, 0, 8), (2, 1, 0, 1, 4)]:
        n, v, i, j, k = place
        assert block[place] == pytest.approx(dot(case.images[i][3 + n, v], case.texts[j][k]), abs=1e-6)


def test_pairs_that_cannot_be_compared_are_nan_in_a_block() -> None:
    case, _ = two_widths()
    block = tensor_of(case).block(slice(0, 4))

    assert np.isnan(block[:, :, 0, 1]).all()
    assert np.isfinite(block[:, :, 0, 0]).all()


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("reference", [None, np.arange(0, 50, 1)[::-1][:40]])
def test_a_held_tensor_gives_the_same_scores(name: str, reference) -> None:
    case, cross = two_widths()
    tensor = tensor_of(case, cross, reference=reference)
    held = tensor.held()

    assert held.held_bytes == 4 * 50 * 2 * 9 * 4 == sum(c.nbytes for p in held.columns.values() for c in p)
    got, want = Alignment(name).score_tensor(held), Alignment(name).score_tensor(tensor)
    np.testing.assert_allclose(got.logits, want.logits, atol=1e-4)


def edited(case: Case) -> Case:
    """One prompt replaced, two swapped, one gone."""
    other = make_case(seed=9)
    texts = [t.copy() for t in case.texts]
    for mine, new in zip(texts, other.texts, strict=True):
        mine[4] = new[4]
        mine[[0, 1]] = mine[[1, 0]]
    return replace(case, texts=[t[:8] for t in texts], class_index=case.class_index[:8])


def test_an_edit_takes_over_the_columns_of_other_prompts(case: Case) -> None:
    before = tensor_of(case).held()
    after = tensor_of(edited(case)).held(before)

    assert after.columns[0, 1][0] is before.columns[0, 1][1]
    assert after.columns[1, 0][7] is before.columns[1, 0][7]
    fresh = tensor_of(edited(case)).held()
    for pair in fresh.columns:
        np.testing.assert_allclose(after.columns[pair], fresh.columns[pair], atol=1e-6)


def test_no_image_is_read_for_prompts_that_were_there(case: Case) -> None:
    before = tensor_of(case).held()
    unreadable = replace(case, images=[np.full_like(i, np.nan) for i in case.images])
    after = tensor_of(unreadable).held(before)

    assert after.columns[0, 0][3] is before.columns[0, 0][3]
    with pytest.raises(AlignmentError, match="not finite"):
        tensor_of(edited(unreadable)).held(before)


def test_tiles_that_come_and_go_keep_their_columns(case: Case) -> None:
    before = tensor_of(replace(case, images=[i[:30] for i in case.images])).held()
    tiles = np.array([40, 3, 29, 41, 7])
    now = replace(edited(case), images=[i[tiles] for i in case.images])
    after = tensor_of(now).held(before, np.where(tiles < 30, tiles, -1))

    fresh = tensor_of(now).held()
    for pair in fresh.columns:
        np.testing.assert_allclose(after.columns[pair], fresh.columns[pair], atol=1e-6)


def test_centring_takes_off_a_share_of_the_mean_image(case: Case) -> None:
    tensor = replace(tensor_of(case), centring=0.25)
    mean = np.concatenate(list(case.images[0])).mean(axis=0)

    found = offsets_of(tensor, [(0, 1), (1, 0)])
    np.testing.assert_allclose(found[0, 1], 0.25 * case.texts[1] @ mean, atol=1e-6)
    for pair, held in offsets_of(tensor.held(), [(0, 1), (1, 0)]).items():
        np.testing.assert_allclose(held, found[pair], atol=1e-6)
    assert not offsets_of(tensor_of(case), [(0, 1)])[0, 1].any()


def test_centring_equals_embeddings_that_were_centred_before(case: Case) -> None:
    """As CLIP-DN does it, both sides: the mean of the texts moves all prompts of a tile alike."""
    got = Alignment("one-to-one", centring=0.25).score_tensor(tensor_of(case))
    prototypes = tensor_of(case).shares((0, 0)).T @ case.texts[0]
    images = case.images[0] - 0.25 * case.images[0].mean(axis=(0, 1))
    texts = prototypes - 0.25 * prototypes.mean(axis=0)
    logits = 30 * (images @ texts.T).mean(axis=1)

    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(got.probabilities, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)
