"""Tiles scored with what others told: as among them, and without being looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import make_case, two_widths, unit

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment.explain import explain
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.errors import AlignmentError

ALIGNMENTS = [
    *(Alignment(name) for name in STRATEGIES),
    *(Alignment(name, screening="zpe", centring=0.5, prior="frolic") for name in STRATEGIES),
    Alignment(prior="otter", temperature=2.0, pooling="weighted-crops"),
    Alignment(prior="content-free", pooling="optimal-transport"),
]
NEUTRAL = [unit(np.random.default_rng(3), 2, 16), unit(np.random.default_rng(4), 2, 24)]


@pytest.mark.parametrize("alignment", ALIGNMENTS, ids=lambda a: f"{a.name}-{a.prior}-{a.pooling}")
def test_later_tiles_get_what_they_would_have_got_beside_the_reference(alignment: Alignment) -> None:
    case, cross = two_widths(80)
    whole = similarity_tensor(*case.arguments(), cross, np.arange(50), NEUTRAL)
    first = replace(whole, images=tuple(i[:50] for i in whole.images), reference=None)
    later = replace(whole, images=tuple(i[50:] for i in whole.images), reference=None)

    fit = alignment.score_tensor(first).fit
    got = alignment.score_tensor(later, fit)

    wanted = alignment.score_tensor(whole)
    np.testing.assert_allclose(got.logits, wanted.logits[50:], atol=2e-3)
    assert got.fit is fit
    one = replace(later, images=tuple(i[4:5] for i in later.images)).held()
    np.testing.assert_allclose(alignment.score_tensor(one, fit).logits, got.logits[4:5], atol=1e-3)
    found = explain(later, alignment, got, 3)
    np.testing.assert_allclose(found.by_prompt().sum(axis=0) + found.shift, got.logits[3], atol=1e-9)


def test_a_fit_is_of_its_alignment_and_its_prompts() -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    fit = Alignment().score_tensor(tensor).fit
    with pytest.raises(AlignmentError, match="by another alignment: score it again"):
        Alignment(temperature=2.0).score_tensor(tensor, fit)
    fewer = replace(case, texts=[t[:8] for t in case.texts], class_index=case.class_index[:8])
    other = replace(case, texts=[case.texts[0], unit(np.random.default_rng(5), 9, 16)])
    alone = replace(case, images=case.images[:1], texts=case.texts[:1], scales=case.scales[:1])
    for changed in (fewer, other, alone):
        with pytest.raises(AlignmentError, match="prompts have changed"):
            Alignment().score_tensor(similarity_tensor(*changed.arguments()), fit)
