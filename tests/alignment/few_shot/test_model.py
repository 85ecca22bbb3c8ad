"""Few-shot from end to end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import mark
from scipy.special import softmax

from napari_histoalign.alignment.few_shot import METHODS, FewShot, model
from napari_histoalign.errors import AlignmentError

EACH = pytest.mark.parametrize("method", METHODS)


@EACH
@pytest.mark.parametrize("counts", [(1, 1, 1), (2, 2, 2), (16, 16, 16), (1, 12, 3)])
def test_examples_help(method: str, counts: tuple[int, ...]) -> None:
    gains = []
    for seed in range(5):
        marked = mark(seed, counts)
        fitted = FewShot(method).fit(*marked.examples())
        got = fitted.logits(*marked.queries())
        assert got.dtype == np.float32
        gains.append(marked.accuracy(got) - marked.accuracy(marked.query_zero_shot))

    assert min(gains) > 0
    assert np.mean(gains) > 0.1


@EACH
def test_held_out_accuracy_is_that_of_tiles_never_seen(method: str) -> None:
    marked = mark(3, (40, 40, 40), n=2000, noise=1.0)
    details = FewShot(method).fit(*marked.examples()).details
    seen = FewShot(method).fit(*marked.examples()).logits(*marked.queries())

    assert details["held_out_accuracy"] == pytest.approx(marked.accuracy(seen), abs=0.08)
    assert details["zero_shot_accuracy"] == pytest.approx(marked.accuracy(marked.query_zero_shot), abs=0.12)
    assert details["held_out"] == details["held_out_parts"] == 120
    assert details["examples"] == [40, 40, 40]


@EACH
def test_held_out_logits_are_those_of_a_model_without_the_example(method: str) -> None:
    """With the weight, the sharpness and the units that the whole model has."""
    marked = mark(1, (5, 4, 6))
    whole = FewShot(method).fit(*marked.examples())
    for i in (0, 6, 14):
        kept = np.arange(15) != i
        part = mark(1, (5, 4, 6))
        part.features, part.labels = [f[kept] for f in marked.features], marked.labels[kept]
        part.zero_shot = marked.zero_shot[kept]
        chosen = FewShot(method, alpha=whole.alpha, beta=whole.details.get("beta"))
        without = chosen.fit(*part.examples())
        same = model.FewShotModel(
            without.scorers, whole.widths, whole.spreads, whole.unit, whole.alpha, whole.seen, whole.held_out
        )
        got = same.logits([f[[i]] for f in marked.features], marked.zero_shot[[i]])

        np.testing.assert_allclose(got[0], whole.held_out[i], atol=2e-4)


@EACH
def test_a_class_without_examples_keeps_its_zero_shot_probability(method: str) -> None:
    marked = mark(0, (6, 0, 6))
    fitted = FewShot(method).fit(*marked.examples())
    before = softmax(marked.query_zero_shot.astype(np.float64), axis=1)
    after = softmax(fitted.logits(*marked.queries()).astype(np.float64), axis=1)

    np.testing.assert_allclose(after[:, 1], before[:, 1], atol=1e-5)
    assert fitted.seen.tolist() == [True, False, True]
    moved = np.abs(after[:, 0] - before[:, 0]).max()
    assert moved > 0.1


@EACH
def test_one_example_a_class_takes_the_documented_weight(method: str) -> None:
    fitted = FewShot(method).fit(*mark(0, (1, 1, 1)).examples())

    assert fitted.alpha == 1
    assert np.isnan(fitted.held_out).all()
    assert np.isnan(fitted.details["held_out_accuracy"])
    assert fitted.details["held_out"] == fitted.details["held_out_parts"] == 0


@EACH
def test_words_that_say_nothing_leave_all_to_the_examples(method: str) -> None:
    """An image encoder without a text tower."""
    marked = mark(0, (4, 4, 4))
    fitted = FewShot(method).fit(marked.features, marked.labels, 0 * marked.zero_shot)
    got = fitted.logits(marked.query_features, 0 * marked.query_zero_shot)

    assert marked.accuracy(got) > 0.85


@EACH
def test_good_words_are_not_drowned_by_features_of_noise(method: str) -> None:
    marked = mark(0, (10, 10, 10), signal=3, noise=30)
    got = FewShot(method).fit(*marked.examples()).logits(*marked.queries())

    assert marked.accuracy(got) > marked.accuracy(marked.query_zero_shot) - 0.05


@EACH
def test_images_of_one_patient_do_not_vouch_for_each_other(method: str) -> None:
    """Features say who the patient is and nothing of the class: one by one, that looks like skill."""
    rng = np.random.default_rng(0)
    patients, labels = np.repeat(np.arange(20), 4), np.repeat(np.arange(20) % 2, 4)
    faces = rng.normal(size=(20, 64))
    features = faces[patients] + 0.1 * rng.normal(size=(80, 64))
    words = np.zeros((80, 2))

    flattered = FewShot(method).fit([features], labels, words).details
    honest = FewShot(method).fit([features], labels, words, groups=[f"p{p}" for p in patients]).details

    assert honest["held_out_parts"] == 20
    assert flattered["held_out_accuracy"] > 0.75
    assert honest["held_out_accuracy"] < flattered["held_out_accuracy"] - 0.15


@EACH
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(1, 6), min_size=3, max_size=3))
def test_order_names_and_units_do_not_matter(method: str, seed: int, counts: list[int]) -> None:
    marked = mark(seed, tuple(counts), n=40)
    rng = np.random.default_rng(seed)
    order, names, rows = rng.permutation(sum(counts)), rng.permutation(3), rng.permutation(40)
    config = FewShot(method, alpha=1.0, beta=3.0)
    got = config.fit(*marked.examples()).logits(*marked.queries())

    again = config.fit(
        [7 * f[order] for f in marked.features][::-1],
        np.argsort(names)[marked.labels[order]],
        10 * marked.zero_shot[order][:, names],
    ).logits(
        [0.2 * f[rows] for f in marked.query_features][::-1], 10 * marked.query_zero_shot[rows][:, names]
    )

    np.testing.assert_allclose(again, 10 * got[rows][:, names], atol=1e-2)


@EACH
def test_blocks_do_not_show(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = mark(0, (4, 4, 4), n=50)
    fitted = FewShot(method).fit(*marked.examples())
    whole = fitted.logits(*marked.queries())
    monkeypatch.setattr(model, "BLOCK_ROWS", 7)

    np.testing.assert_allclose(fitted.logits(*marked.queries()), whole, atol=1e-5)
    half = [f.astype(np.float16) for f in marked.query_features]
    np.testing.assert_allclose(fitted.logits(half, marked.query_zero_shot), whole, atol=0.1)
    assert fitted.logits([f[:0] for f in half], marked.query_zero_shot[:0]).shape == (0, 3)


def test_a_given_weight_is_kept() -> None:
    fitted = FewShot("tip-adapter", alpha=0.5, beta=7.0).fit(*mark().examples())

    assert (fitted.alpha, fitted.details["alpha"], fitted.details["beta"]) == (0.5, 0.5, 7.0)
    assert 0 <= fitted.details["held_out_accuracy"] <= 1


def test_many_groups_are_put_together_for_gda() -> None:
    marked = mark(0, (60, 60, 60))
    details = FewShot("gda").fit(*marked.examples(), groups=np.repeat(np.arange(90), 2)).details

    assert details["held_out_parts"] == 25


@pytest.mark.parametrize(
    "given", [{"method": "magic"}, {"alpha": 0.0}, {"alpha": float("nan")}, {"beta": -1.0}, {"beta": 1e9}]
)
def test_settings_that_make_no_sense_are_refused(given: dict) -> None:
    with pytest.raises(AlignmentError):
        FewShot(**given)


@pytest.mark.parametrize("what", ["one encoder", "width", "classes", "tiles"])
def test_queries_that_do_not_fit_the_examples_are_refused(what: str) -> None:
    marked = mark(n=20)
    fitted = FewShot().fit(*marked.examples())
    features, words = marked.queries()
    if what == "one encoder":
        features = features[:1]
    elif what == "width":
        features = features[::-1]
    elif what == "classes":
        words = words[:, :2]
    else:
        words = words[:9]
    with pytest.raises(AlignmentError, match="classes"):
        fitted.logits(features, words)
