"""Explanations add up to the logits, and say what a person would say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import make_case, two_widths, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment.explain import explain
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.pooling import POOLINGS
from napari_histoalign.errors import AlignmentError

ALIGNMENTS = [
    *(Alignment(name) for name in STRATEGIES),
    *(Alignment(pooling=how) for how in POOLINGS),
    Alignment(pooling="max", screening="margin"),
    Alignment(screening="zpe", centring=0.25, temperature=0.5),
    Alignment("one-to-one", prior="otter", temperature=3.0),
    Alignment("mean-fusion", screening="margin", centring=1.0),
    Alignment(prior="frolic", sharpness=5.0),
]


@pytest.mark.parametrize(
    "alignment", ALIGNMENTS, ids=lambda a: f"{a.name}-{a.pooling}-{a.prior}-{a.screening}"
)
@pytest.mark.parametrize("bridged", [False, True])
def test_contributions_add_up_to_the_logits(alignment: Alignment, bridged: bool) -> None:
    case, cross = two_widths() if bridged else (make_case(), None)
    tensor = similarity_tensor(*case.arguments(), cross)
    scores = alignment.score_tensor(tensor)

    found = explain(tensor, alignment, scores, 7)

    np.testing.assert_allclose(found.by_prompt().sum(axis=0) + found.shift, scores.logits[7], atol=1e-9)
    np.testing.assert_allclose(found.probabilities, scores.probabilities[7], atol=1e-5)
    for parts in (found.by_pair(), found.by_view()):
        np.testing.assert_allclose(parts.sum(axis=0), found.by_prompt().sum(axis=0), atol=1e-9)
    if scores.parts:
        for part, added in zip(scores.parts, found.by_pair(), strict=True):
            wanted = part.weight * part.logits[7] / alignment.temperature
            np.testing.assert_allclose(added, wanted, atol=2e-3)


def test_without_the_last_correction_they_miss_by_less_than_a_thousandth() -> None:
    """What is spread over all contributions is rounding, not a mistake that is hidden."""
    from napari_histoalign.alignment.attribution import attributed

    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    for alignment in ALIGNMENTS:
        scores = alignment.score_tensor(tensor)
        parts = attributed(scores.fit.applied(tensor), alignment, scores.details, 3)[1].sum(axis=(0, 1, 2))
        shift = np.array(scores.details.get("prior", {}).get("shift", [0, 0, 0]))
        np.testing.assert_allclose((parts + shift) / alignment.temperature, scores.logits[3], atol=1e-3)


def test_the_prompt_that_fits_carries_its_class() -> None:
    axes = np.eye(6, dtype=np.float32)
    image = (axes[0] + 0.3 * axes[1]) / np.sqrt(1.09)
    texts = axes[[0, 1, 2, 3]]
    tensor = similarity_tensor(
        [np.repeat(image[None, None], 2, axis=1).astype(np.float32)],
        [texts],
        np.array([0, 0, 1, 1]),
        2,
        [10.0],
    )
    alignment = Alignment()
    found = explain(tensor, alignment, alignment.score_tensor(tensor), 0)

    by_prompt = found.by_prompt()
    assert by_prompt[:, 0].argmax() == 0
    assert by_prompt[0, 0] > 3 * abs(by_prompt[1:, 0]).max()
    assert by_prompt[2, 1] < 0  # a prompt that does not fit speaks against its own class
    moved = found.moved(by_prompt)
    assert moved.shape == (4, 2)
    np.testing.assert_allclose(moved.sum(axis=1), 0, atol=1e-9)
    without = found.logits - by_prompt[0]
    odds = np.exp(without)
    assert moved[0, 0] == pytest.approx(found.probabilities[0] - odds[0] / odds.sum())
    np.testing.assert_allclose(found.by_view()[0], found.by_view()[1], atol=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_prompts_only_moves_them(seed: int) -> None:
    case = make_case(seed)
    order = np.random.default_rng(seed).permutation(9)
    shuffled = replace(case, texts=[t[order] for t in case.texts], class_index=case.class_index[order])
    both = []
    for each in (case, shuffled):
        tensor = similarity_tensor(*each.arguments())
        found = explain(tensor, Alignment(), Alignment().score_tensor(tensor), 0)
        by_given = np.empty((9, 3))
        by_given[found.prompts] = found.by_prompt()
        both.append(by_given)
    np.testing.assert_allclose(both[1], both[0][order], atol=1e-3)


def test_scores_of_something_else_are_refused() -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    scores = Alignment().score_tensor(tensor)
    other = replace(case, texts=[unit(np.random.default_rng(5), 9, 16) for _ in range(2)])
    with pytest.raises(AlignmentError, match="score the tiles again"):
        explain(similarity_tensor(*other.arguments()), Alignment(), scores, 0)
    with pytest.raises(AlignmentError, match="no tile 50"):
        explain(tensor, Alignment(), scores, 50)
