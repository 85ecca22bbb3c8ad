"""Tiles of reference: what spreads, temperatures and weights are taken from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import make_case

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment import similarity as similarity_module
from napari_histoalign.errors import AlignmentError


def test_a_reference_gives_what_scoring_it_alone_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity_module, "BLOCK_ROWS", 30)
    case = make_case(n=120)
    reference = np.arange(0, 120, 3)
    among = Alignment().score(*case.arguments(), reference=reference)
    alone = Alignment().score(*replace(case, images=[i[reference] for i in case.images]).arguments())

    np.testing.assert_allclose(among.logits[reference], alone.logits, atol=1e-4)
    assert among.details["reference_tiles"] == alone.details["reference_tiles"] == 40
    for what in ("standard_deviations", "temperatures", "reliabilities", "weights"):
        np.testing.assert_allclose(among.details[what], alone.details[what], rtol=1e-4)


def test_with_a_reference_other_tiles_do_not_move_a_tiles_score() -> None:
    case = make_case(n=120)
    reference = np.arange(40)
    whole = Alignment().score(*case.arguments(), reference=reference)
    part = replace(case, images=[i[:60] for i in case.images])

    np.testing.assert_allclose(
        Alignment().score(*part.arguments(), reference=reference).logits, whole.logits[:60], atol=1e-4
    )
    assert np.abs(Alignment().score(*case.arguments()).logits - whole.logits).max() > 1e-3


def test_all_tiles_are_the_reference_unless_some_are_named() -> None:
    case = make_case()
    named = Alignment().score(*case.arguments(), reference=np.r_[np.arange(50)[::-1], 7, 7])

    np.testing.assert_allclose(named.logits, Alignment().score(*case.arguments()).logits, atol=1e-5)


@pytest.mark.parametrize("reference", [[], [3], list(range(31)), [5] * 40])
def test_a_small_reference_leaves_each_pair_its_own_scale(reference: list[int]) -> None:
    case = make_case()
    got = Alignment().score(*case.arguments(), reference=np.array(reference, np.int64))

    assert got.details["reference_tiles"] == 0
    assert got.details["weights"] == [0.25] * 4
    np.testing.assert_allclose(1 / np.array(got.details["temperatures"]), got.details["scales"])
    assert np.isfinite(got.probabilities).all()


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("reference", [[-1], [50], [0.5], [[0, 1]], [True] * 50])
def test_a_reference_that_is_no_tiles_is_refused(name: str, reference: list) -> None:
    with pytest.raises(AlignmentError, match="eference tile"):
        Alignment(name).score(*make_case().arguments(), reference=np.array(reference))
