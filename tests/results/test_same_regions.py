"""A region keeps its identity while scores move its outline, and only then."""

from __future__ import annotations

import pytest
from shapely import Polygon, box

from napari_histoalign.results import Region
from napari_histoalign.results.review import KnownRegion, Reviewer, fold, same_regions
from napari_histoalign.results.review.targets import AreaTarget
from napari_histoalign.workflow.review_report.regions import region_lines


def region(polygon: Polygon, name: str = "malignant") -> Region:
    return Region(
        polygon=polygon,
        class_name=name,
        color="#d62728",
        probability=0.8,
        margin=0.5,
        tiles=4,
        area_px=polygon.area,
        area_um2=None,
    )


def known(key: str, polygon: Polygon, *classes: str) -> KnownRegion:
    return KnownRegion(key, polygon, frozenset(classes or ("malignant",)))


@pytest.mark.parametrize(
    ("shift", "same"),
    [(0, True), (30, True), (34, False), (100, False)],  # 70/130 is above a half, 66/134 below
)
def test_half_of_both_must_be_shared(shift: int, same: bool) -> None:
    found = same_regions([region(box(shift, 0, 100 + shift, 100))], [known("a", box(0, 0, 100, 100))])

    assert found == ({0: "a"} if same else {})


def test_another_class_is_another_region_unless_the_reviewer_called_it_so() -> None:
    square = box(0, 0, 100, 100)
    assert same_regions([region(square, "benign")], [known("a", square)]) == {}
    assert same_regions([region(square, "benign")], [known("a", square, "malignant", "benign")]) == {0: "a"}


def test_of_two_that_fit_the_better_one_is_taken_and_each_identity_once() -> None:
    news = [region(box(20, 0, 120, 100)), region(box(0, 0, 100, 100))]

    assert same_regions(news, [known("a", box(0, 0, 100, 100))]) == {1: "a"}


def test_an_outline_that_crosses_itself_can_be_compared() -> None:
    bow = Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    assert same_regions([region(box(0, 0, 100, 100))], [known("a", bow)]) == {0: "a"}


def test_a_decision_of_a_window_stands_beside_the_region_it_is_about() -> None:
    moved, other = region(box(10, 0, 110, 100)), region(box(500, 0, 600, 100))
    anna = Reviewer("Anna")
    decided = AreaTarget.of(box(0, 0, 100, 100), "of the window")
    state = fold([anna.reject(fold([]), decided, model={"class": "malignant", "probability": 0.7})])
    targets = [AreaTarget.of(moved.polygon, "own 1"), AreaTarget.of(other.polygon, "own 2")]

    lines, left = region_lines([moved, other], targets, state, colors={}, mpp=None)

    assert left == 0
    assert [(line.key, line.decision, line.earlier) for line in lines] == [
        ("of the window", "rejected", False),
        ("own 2", "pending", False),
    ]
    assert lines[0].probability == moved.probability


def test_a_decision_that_fits_no_region_is_of_an_earlier_run() -> None:
    gone = AreaTarget.of(box(0, 0, 100, 100), "gone")
    state = fold([Reviewer("Anna").accept(fold([]), gone, model={"class": "malignant"})])
    now = region(box(300, 300, 400, 400))

    lines, _ = region_lines([now], [AreaTarget.of(now.polygon, "own")], state, colors={}, mpp=None)

    assert [(line.key, line.earlier) for line in lines] == [("gone", True), ("own", False)]
