"""Steps after scoring: each equals its method by itself, in order, and what cannot be done is said."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.few_shot import FewShot
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.raters import mean_views, raters
from napari_histoalign.alignment.refining import Examples, Refinement, refine
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.alignment.spatial import smooth
from napari_histoalign.alignment.transductive import TransductiveResult, transclip, zlap
from napari_histoalign.errors import AlignmentError

N, SIDE = 120, 224
TRUTH = np.repeat([0, 1], N // 2)
XY = np.stack([np.arange(N) % 12, np.arange(N) // 12], axis=1) * SIDE


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def tensor():
    """Two encoders that see two kinds of tiles, and two prompts of each kind."""
    rng = np.random.default_rng(4)
    kinds = [unit(rng.normal(size=(2, 16))) for _ in range(2)]
    images = [unit(k[TRUTH][:, None] + 0.35 * rng.normal(size=(N, 2, 16))) for k in kinds]
    texts = [unit(k[[0, 0, 1, 1]] + 0.2 * rng.normal(size=(4, 16))) for k in kinds]
    return similarity_tensor(images, texts, np.array([0, 0, 1, 1]), 2, [10.0, 10.0])


@pytest.fixture
def scores(tensor):
    return Alignment("joint-fusion").score_tensor(tensor)


def marked(*positions: int) -> Examples:
    at = np.array(positions)
    return Examples(at, TRUTH[at])


def apply(tensor, scores, examples=None, **asked):
    return refine(tensor, scores, Refinement(**asked), xy=XY, stride_px=SIDE, examples=examples)


def test_nothing_asked_nothing_done(tensor, scores) -> None:
    found = apply(tensor, scores)

    assert not Refinement().asked
    assert found.steps == found.notes == ()
    np.testing.assert_array_equal(found.scores.probabilities, scores.probabilities)


def test_steps_follow_each_other_and_leave_the_scores_before_alone(tensor, scores) -> None:
    before = scores.logits.copy()
    examples = marked(0, 5, 9, 70, 80, 100)

    found = apply(tensor, scores, examples, few_shot="prototype", smoothing=1.5)

    features = mean_views(tensor.images)
    chosen = examples.positions
    model = FewShot("prototype").fit([f[chosen] for f in features], examples.labels, before[chosen])
    expected = smooth(model.logits(features, before), XY, SIDE, sigma_tiles=1.5, radius=3)
    np.testing.assert_allclose(found.scores.logits, expected, rtol=1e-6)
    np.testing.assert_allclose(found.scores.probabilities, softmax(expected), rtol=1e-5)
    np.testing.assert_array_equal(scores.logits, before)
    assert found.steps == ("prototype", "smoothing")
    assert found.details["prototype"]["examples"] == [3, 3]


@pytest.mark.parametrize(("name", "method"), [("transclip", transclip), ("zlap", zlap)])
def test_tiles_judged_together_equal_the_method_by_itself(tensor, scores, name, method) -> None:
    found = apply(tensor, scores, transductive=name)

    alone = method(mean_views(tensor.images), scores.logits, raters(tensor))
    assert isinstance(alone, TransductiveResult)
    assert found.steps == (name,)
    np.testing.assert_allclose(found.scores.probabilities, alone.probabilities, atol=1e-6)


def test_too_weak_a_signal_leaves_the_scores_and_says_why(tensor) -> None:
    noise = np.random.default_rng(0).normal(size=(2, N, 2, 16))
    blind = similarity_tensor(list(map(unit, noise)), tensor.texts, tensor.class_index, 2, tensor.scales)
    scores = Alignment("joint-fusion").score_tensor(blind)

    found = apply(blind, scores, transductive="transclip", smoothing=1.0)

    assert found.steps == ("smoothing",)
    assert found.notes[0].startswith("transclip was left out. ")
    assert len(found.notes[0]) > 40


def test_without_examples_few_shot_is_left_out(tensor, scores) -> None:
    found = apply(tensor, scores, few_shot="gda", calibration="examples")

    assert found.steps == ()
    assert [note.split(".")[0] for note in found.notes] == ["gda was left out", "calibration was left out"]
    np.testing.assert_array_equal(found.scores.logits, scores.logits)


def test_a_temperature_makes_the_examples_most_likely(tensor, scores) -> None:
    examples = Examples(np.arange(0, N, 3), np.where(np.arange(N) % 7 == 0, 1 - TRUTH, TRUTH)[::3])

    found = apply(tensor, scores, examples, calibration="examples")

    def nll(temperature: float) -> float:
        p = softmax(scores.logits[examples.positions].astype(np.float64) / temperature)
        return -np.log(p[np.arange(len(p)), examples.labels]).mean()

    best = found.details["calibration"]["temperature"]
    assert nll(best) <= min(nll(best * 1.02), nll(best / 1.02))
    np.testing.assert_allclose(found.scores.logits, scores.logits / best, rtol=1e-5)


def test_calibration_looks_at_examples_as_held_out(tensor, scores) -> None:
    """Few-shot is right about every example it has seen; held out, a wrong label shows."""
    examples = Examples(np.arange(0, N, 6), np.where(np.arange(20) % 4 == 0, 1 - TRUTH[::6], TRUTH[::6]))

    found = apply(tensor, scores, examples, few_shot="tip-adapter", calibration="examples", smoothing=1.0)

    assert found.steps == ("tip-adapter", "smoothing", "calibration")
    assert found.details["calibration"]["temperature"] > 1  # a quarter of the labels speak against it


def test_after_a_transductive_method_examples_are_not_held_out_any_more(tensor, scores) -> None:
    examples = marked(0, 5, 70, 80)

    found = apply(tensor, scores, examples, few_shot="gda", transductive="zlap", calibration="examples")

    assert found.steps == ("gda", "zlap")
    assert "without its own label" in found.notes[0]


def test_a_wanted_confidence_is_reached(tensor, scores) -> None:
    found = apply(tensor, scores, calibration="confidence", confidence=0.7)

    assert found.scores.probabilities.max(axis=1).mean() == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(
    "examples",
    [
        Examples(np.array([0, N]), np.array([0, 1])),
        Examples(np.array([0, 1]), np.array([0, 2])),
        Examples(np.array([3, 3]), np.array([0, 1])),
        Examples(np.array([3, 4]), np.array([0])),
        Examples(np.array([3, 4]), np.array([0, 1]), ["one"]),
    ],
)
def test_examples_that_are_none_are_refused(tensor, scores, examples) -> None:
    with pytest.raises(AlignmentError):
        apply(tensor, scores, examples, few_shot="gda")


@pytest.mark.parametrize(
    "asked",
    [
        {"few_shot": "magic"},
        {"transductive": "em"},
        {"calibration": "platt"},
        {"smoothing": -1},
        {"smoothing": float("nan")},
        {"confidence": True},
        {"confidence": 1.5},
    ],
)
def test_parameters_that_make_no_sense_are_refused(asked) -> None:
    with pytest.raises(AlignmentError):
        Refinement(**asked)


def test_a_refinement_survives_as_plain_values() -> None:
    asked = Refinement("gda", "zlap", 1.5, "confidence", 0.7)

    assert Refinement.from_dict(asked.to_dict()) == asked
    with pytest.raises(AlignmentError, match="'colour'"):
        Refinement.from_dict({"colour": 1})


def test_without_examples_the_rest_of_what_was_asked_stays() -> None:
    assert Refinement("gda", "zlap", 1.5, "examples").without_examples() == Refinement("none", "zlap", 1.5)
    assert not Refinement("gda").without_examples().asked
    assert Refinement(calibration="confidence").without_examples().calibration == "confidence"


def test_halves_of_the_prompts_judge_for_a_single_encoder(tensor) -> None:
    single = similarity_tensor(tensor.images[:1], tensor.texts[:1], tensor.class_index, 2, [10.0])

    first, second = raters(single)

    for found, keep in ((first, [0, 2]), (second, [1, 3])):
        cosines = (single.images[0].mean(axis=1) @ tensor.texts[0][keep].T) * 10
        np.testing.assert_allclose(found, cosines, atol=1e-4)


def test_a_single_prompt_cannot_be_halved(tensor) -> None:
    single = similarity_tensor(tensor.images[:1], [tensor.texts[0][:3]], np.array([0, 0, 1]), 2, [10.0])
    with pytest.raises(AlignmentError, match="a single prompt"):
        raters(single)
