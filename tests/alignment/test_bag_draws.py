"""Intervals over drawn bags: exact where draws can be listed, the scores themselves where none is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import make_case, soft, two_widths, unit

from napari_histoalign.alignment import STRATEGIES, Alignment, similarity_tensor
from napari_histoalign.alignment.intervals import bag_interval, drawn_probabilities
from napari_histoalign.alignment.pooling import POOLINGS
from napari_histoalign.errors import AlignmentError

ALIGNMENTS = [
    *(Alignment(name) for name in STRATEGIES),
    *(Alignment(pooling=how) for how in POOLINGS),
    *(Alignment(pooling=how, screening="margin") for how in POOLINGS),
    Alignment(screening="zpe", centring=0.25, temperature=0.5),
    Alignment("one-to-one", prior="otter", temperature=3.0, screening="margin"),
    Alignment("mean-fusion", screening="margin", centring=1.0),
    Alignment(prior="frolic", sharpness=5.0),
]
WEIGHED_BY_THE_BAG = ("weighted-crops", "optimal-transport")
EVENLY_WEIGHED = [a for a in ALIGNMENTS if a.screening == "none" and a.pooling not in WEIGHED_BY_THE_BAG]


def named(alignment: Alignment) -> str:
    return f"{alignment.name}-{alignment.pooling}-{alignment.prior}-{alignment.screening}"


def once(tensor, draws: int = 1) -> tuple[np.ndarray, np.ndarray]:
    views = tensor.images[0].shape[1]
    return np.ones((len(tensor.class_index), draws), int), np.ones((views, draws), int)


@pytest.mark.parametrize("alignment", ALIGNMENTS, ids=named)
@pytest.mark.parametrize("bridged", [False, True])
def test_every_member_once_is_the_score_itself(alignment: Alignment, bridged: bool) -> None:
    case, cross = two_widths() if bridged else (make_case(), None)
    tensor = similarity_tensor(*case.arguments(), cross)
    scores = alignment.score_tensor(tensor)

    for tile in (0, 7, 49):
        found = drawn_probabilities(tensor, alignment, scores, tile, *once(tensor))
        np.testing.assert_allclose(found[0], scores.probabilities[tile], atol=2e-4)


@pytest.mark.parametrize("alignment", EVENLY_WEIGHED, ids=named)
def test_a_member_twice_is_a_tile_that_has_it_twice(alignment: Alignment) -> None:
    """Against scoring a bag in which copies really stand, with what the reference told of the first bag."""
    case = make_case(classes=(3, 2, 4), views=3)
    tensor = similarity_tensor(*case.arguments())
    scores = alignment.score_tensor(tensor)
    prompts = np.array([2, 0, 1, 1, 1, 0, 4, 0, 0])
    views = np.array([0, 2, 1])

    found = drawn_probabilities(tensor, alignment, scores, 5, prompts[:, None], views[:, None])

    at, seen = np.repeat(np.arange(9), prompts), np.repeat(np.arange(3), views)
    copies = replace(
        scores.fit.applied(tensor),
        images=tuple(i[:, seen] for i in tensor.images),
        texts=tuple(t[at] for t in tensor.texts),
        class_index=tensor.class_index[at],
        cross={pair: replace(c, rows=c.rows[at]) for pair, c in tensor.cross.items()},
        found_offsets={pair: o[at] for pair, o in scores.fit.offsets.items()},
    )
    fit = replace(
        scores.fit,
        class_index=copies.class_index,
        texts=copies.texts,
        offsets=copies.found_offsets,
    )
    wanted = alignment.score_tensor(copies, fit).probabilities[5]
    np.testing.assert_allclose(found[0], wanted, atol=2e-4)


def test_one_prompt_a_class_and_one_view_leave_no_width() -> None:
    case = make_case(views=1, classes=(1, 1, 1))
    tensor = similarity_tensor(*case.arguments())
    for alignment in ALIGNMENTS:
        scores = alignment.score_tensor(tensor)
        found = bag_interval(tensor, alignment, scores, 3)
        np.testing.assert_array_equal(found.low, found.high)
        np.testing.assert_allclose(found.low, scores.probabilities[3], atol=2e-4)


def test_two_prompts_against_one_reach_from_the_worse_to_the_better() -> None:
    """A quarter of the draws has the worse prompt twice and a quarter the better: both bounds are exact."""
    axes = np.eye(4, dtype=np.float32)
    image = np.array([0.6, 0.2, 0.4, np.sqrt(1 - 0.56)], np.float32)
    tensor = similarity_tensor([image[None, None]], [axes[:3]], np.array([0, 0, 1]), 2, [10.0])
    alignment = Alignment("one-to-one")

    found = bag_interval(tensor, alignment, alignment.score_tensor(tensor), 0)

    np.testing.assert_allclose(found.low[0], soft([2.0, 4.0])[0], atol=1e-6)
    np.testing.assert_allclose(found.high[0], soft([6.0, 4.0])[0], atol=1e-6)
    np.testing.assert_allclose(found.low + found.high[::-1], 1, atol=1e-6)


def test_views_alone_give_width_too() -> None:
    axes = np.eye(3, dtype=np.float32)
    tensor = similarity_tensor([axes[None, :2]], [axes[:2]], np.array([0, 1]), 2, [4.0])
    alignment = Alignment("one-to-one")

    found = bag_interval(tensor, alignment, alignment.score_tensor(tensor), 0)

    np.testing.assert_allclose(found.low, soft([0.0, 4.0])[0], atol=1e-6)
    np.testing.assert_allclose(found.high, soft([4.0, 0.0])[0], atol=1e-6)


def test_softer_logits_move_less() -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    widths = []
    for temperature in (4.0, 16.0, 64.0):
        alignment = Alignment(temperature=temperature)
        found = bag_interval(tensor, alignment, alignment.score_tensor(tensor), 2)
        widths.append((found.high - found.low).max())
    assert widths[0] > widths[1] > widths[2] > 0


def test_what_all_prompts_share_changes_nothing() -> None:
    """A direction added to every text alike moves all cosines of a view by one number."""
    rng = np.random.default_rng(3)
    images, texts = unit(rng, 40, 2, 8), unit(rng, 6, 8)
    index = np.repeat([0, 1], 3)

    def wide(extra: float) -> np.ndarray:
        rows = np.concatenate([texts * np.sqrt(1 - extra**2), np.full((6, 1), extra)], axis=1)
        return rows.astype(np.float32)

    seen = np.concatenate([images * 0.8, np.full((40, 2, 1), 0.6)], axis=2).astype(np.float32)
    scale = 10.0
    found = []
    for extra in (0.0, 0.6):
        # texts shrink as the shared direction grows: the scale makes up for that
        tensor = similarity_tensor([seen], [wide(extra)], index, 2, [scale / np.sqrt(1 - extra**2)])
        alignment = Alignment()
        found.append(bag_interval(tensor, alignment, alignment.score_tensor(tensor), 4))
    np.testing.assert_allclose(found[0].low, found[1].low, atol=2e-4)
    np.testing.assert_allclose(found[0].high, found[1].high, atol=2e-4)


def test_order_of_prompts_and_classes_does_not_matter() -> None:
    case = make_case(classes=(4, 4), encoders=1)
    alignment = Alignment()

    def bounds(order: list[int], index: np.ndarray) -> np.ndarray:
        tensor = similarity_tensor(case.images, [case.texts[0][order]], index, 2, [30.0])
        found = bag_interval(tensor, alignment, alignment.score_tensor(tensor), 9, draws=20_000)
        return np.stack([found.low, found.high])

    index = case.class_index
    plain = bounds([0, 1, 2, 3, 4, 5, 6, 7], index)
    np.testing.assert_allclose(bounds([3, 1, 0, 2, 7, 4, 6, 5], index), plain, atol=0.01)
    np.testing.assert_allclose(bounds([4, 5, 6, 7, 0, 1, 2, 3], index)[:, ::-1], plain, atol=0.01)
    assert (plain[1] - plain[0]).max() > 0.05


def test_the_same_again_and_wider_for_a_higher_level() -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    alignment = Alignment()
    scores = alignment.score_tensor(tensor)

    first, again = (bag_interval(tensor, alignment, scores, 1) for _ in range(2))
    narrow = bag_interval(tensor, alignment, scores, 1, level=0.5)

    np.testing.assert_array_equal(first.low, again.low)
    assert (first.low <= narrow.low).all()
    assert (first.high >= narrow.high).all()
    assert (first.high - first.low > narrow.high - narrow.low).any()


def test_wrong_questions_are_told() -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    scores = Alignment().score_tensor(tensor)
    with pytest.raises(AlignmentError, match="There is no tile 50"):
        bag_interval(tensor, Alignment(), scores, 50)
    with pytest.raises(AlignmentError, match="score the tiles again"):
        bag_interval(tensor, Alignment("joint-fusion"), scores, 0)
    with pytest.raises(AlignmentError, match="at least one draw"):
        bag_interval(tensor, Alignment(), scores, 0, draws=0)
    with pytest.raises(AlignmentError, match="between 0 and 1"):
        bag_interval(tensor, Alignment(), scores, 0, level=1.0)
