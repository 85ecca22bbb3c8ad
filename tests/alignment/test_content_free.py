"""The prior content-free: inputs without content scored as tiles, and what they get taken off."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from cases import Case, dot, make_case, two_widths, unit

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment.explain import explain
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.pooling import POOLINGS
from napari_histoalign.errors import AlignmentError

ALIGNMENTS = [
    *(Alignment(name, prior="content-free") for name in STRATEGIES),
    *(Alignment(pooling=how, prior="content-free") for how in POOLINGS),
    *(Alignment(name, prior="content-free", centring=0.5, screening="zpe") for name in STRATEGIES),
    Alignment(prior="content-free", screening="margin", weighting="equal", temperature=0.5),
    Alignment("one-to-one", pair=(1, 1), prior="content-free", centring=1.0, temperature=3.0),
]
EACH = pytest.mark.parametrize(
    "alignment", ALIGNMENTS, ids=lambda a: f"{a.name}-{a.pooling}-{a.screening}-{a.centring}"
)


def neutral_of(case: Case, m: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [1.7 * unit(rng, m, i.shape[-1]) for i in case.images]


def test_one_encoder_by_hand() -> None:
    case = make_case(encoders=1, classes=(1, 1, 1))
    neutral = neutral_of(case, 2)
    alignment = Alignment("one-to-one", prior="content-free", temperature=2.0)

    got = alignment.score(*case.arguments(), neutral=neutral)

    empty = [[30 * dot(row / np.linalg.norm(row), t) for t in case.texts[0]] for row in neutral[0]]
    taken_off = np.mean(empty, axis=0)
    shift = taken_off.mean() - taken_off
    plain = [[30 * np.mean([dot(v, t) for v in tile]) for t in case.texts[0]] for tile in case.images[0]]
    np.testing.assert_allclose(got.details["prior"]["shift"], shift, atol=1e-4)
    np.testing.assert_allclose(got.logits, (np.array(plain) + shift) / 2, atol=1e-4)
    assert got.details["prior"]["method"] == "content-free"
    assert not alignment.transductive


@EACH
@pytest.mark.parametrize("bridged", [False, True])
@pytest.mark.parametrize("held", [False, True])
def test_what_is_taken_off_is_what_they_get_among_the_tiles(
    alignment: Alignment, bridged: bool, held: bool
) -> None:
    """As tiles that look alike in all views, which the reference does not hold."""
    case, cross = two_widths() if bridged else (make_case(), None)
    neutral = neutral_of(case)
    n = len(case.images[0])
    views = [np.repeat(rows[:, None], 2, axis=1) for rows in neutral]
    together = replace(case, images=[np.concatenate([i, v]) for i, v in zip(case.images, views, strict=True)])
    plain = replace(alignment, prior="none")
    among = plain.score(*together.arguments(), cross=cross, reference=np.arange(n))
    tensor = similarity_tensor(*case.arguments(), cross, neutral=neutral)

    got = alignment.score_tensor(tensor.held() if held else tensor)

    taken_off = among.logits[n:].astype(np.float64).mean(axis=0)
    wanted = among.logits[:n] + taken_off.mean() - taken_off
    np.testing.assert_allclose(got.logits, wanted, atol=3e-3)
    assert np.abs(got.logits - among.logits[:n]).max() > 0.01
    without = {k: v for k, v in got.details.items() if k != "prior"}
    assert without == plain.score_tensor(tensor.held() if held else tensor).details
    assert json.loads(json.dumps(got.details, allow_nan=False)) == got.details


@EACH
def test_an_input_that_favours_no_class_changes_nothing(alignment: Alignment) -> None:
    """At right angles to every prompt, and to every image that centring takes off."""
    case = make_case(width=15)
    case.images = [np.pad(i, ((0, 0), (0, 0), (0, 1))) for i in case.images]
    case.texts = [np.pad(t, ((0, 0), (0, 1))) for t in case.texts]
    alignment = replace(alignment, centring=0.0)
    aside = np.eye(16, dtype=np.float32)[15:]

    got = alignment.score(*case.arguments(), neutral=[aside, aside])

    plain = replace(alignment, prior="none").score(*case.arguments())
    np.testing.assert_allclose(got.logits, plain.logits, atol=1e-5)
    np.testing.assert_allclose(got.details["prior"]["shift"], 0, atol=1e-5)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_tile_depends_on_no_tile_but_the_reference(name: str) -> None:
    case = make_case(n=80)
    alignment = Alignment(name, prior="content-free", centring=0.25, screening="zpe")
    few = replace(case, images=[i[:50] for i in case.images])
    whole, part = (
        alignment.score(*c.arguments(), reference=np.arange(40), neutral=neutral_of(case))
        for c in (case, few)
    )
    np.testing.assert_allclose(whole.logits[:50], part.logits, atol=1e-4)


@pytest.mark.parametrize("name", STRATEGIES)
def test_it_takes_no_tile(name: str) -> None:
    case = make_case()
    empty = replace(case, images=[i[:0] for i in case.images])
    got = Alignment(name, prior="content-free").score(*empty.arguments(), neutral=neutral_of(case))
    assert got.logits.shape == (0, 3)
    assert np.isfinite(got.details["prior"]["shift"]).all()


@EACH
def test_explanations_add_up_with_the_shift_apart(alignment: Alignment) -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments(), neutral=neutral_of(case))
    scores = alignment.score_tensor(tensor)

    found = explain(tensor, alignment, scores, 7)

    shift = np.array(scores.details["prior"]["shift"]) / alignment.temperature
    np.testing.assert_allclose(found.shift, shift)
    np.testing.assert_allclose(found.by_prompt().sum(axis=0) + shift, scores.logits[7], atol=1e-9)


@pytest.mark.parametrize("name", STRATEGIES)
def test_without_such_inputs_it_is_refused(name: str) -> None:
    case = make_case()
    with pytest.raises(AlignmentError, match="none were given: embed a few texts"):
        Alignment(name, prior="content-free").score(*case.arguments())


def test_inputs_that_are_no_embeddings_are_refused() -> None:
    case = make_case()
    rows, wide = neutral_of(case), unit(np.random.default_rng(0), 3, 24)
    for neutral, complaint in (
        ([], "one array an encoder"),
        (rows[:1], "one array an encoder"),
        ([rows[0], wide], "as wide as its images"),
        ([rows[0], rows[1][:2]], "same number of rows"),
        ([r[:0] for r in rows], "one array an encoder"),
        ([r[:, None] for r in rows], "one array an encoder"),
        ([0 * rows[0], rows[1]], "zero or not finite"),
        ([rows[0], np.where(rows[1] > 0, np.nan, rows[1])], "zero or not finite"),
    ):
        with pytest.raises(AlignmentError, match=complaint):
            similarity_tensor(*case.arguments(), neutral=neutral)
