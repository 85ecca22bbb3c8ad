"""The benchmark of the embedded encoders: its figures by hand, its halves, and its quick part."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import embedded
import numpy as np
import pytest
from embedded_parts import data, pixels
from embedded_parts.metrics import aurocs, balanced_accuracies, calibration_errors, estimates, interval
from embedded_parts.resampling import patient_weights, slide_weights
from embedded_parts.scoring import image_means
from embedded_parts.table import BEGIN, END, plain, with_measured
from embedded_parts.tissues import one_versus_rest
from embedded_parts.words import random_words, scrambled

if TYPE_CHECKING:
    from pathlib import Path

ONCE = np.ones((1, 4))


def picture(label: str, subtype: str, patient: str, magnification: int = 100) -> data.Picture:
    return data.Picture(
        f"{patient}.png", label, subtype, data.accession(patient), magnification, width=700, height=460
    )


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 1.0),
        ([0.4, 0.3, 0.2, 0.1], 0.0),
        ([0.1, 0.3, 0.2, 0.4], 0.75),
        ([0.1, 0.3, 0.3, 0.4], 0.875),  # three pairs won, one tied
        ([0.5, 0.5, 0.5, 0.5], 0.5),
    ],
)
def test_auroc_counts_pairs(score: list[float], expected: float) -> None:
    positive = np.array([False, False, True, True])

    assert aurocs(np.array(score), positive, ONCE)[0] == pytest.approx(expected)


def test_weights_are_cases_repeated() -> None:
    rng = np.random.default_rng(0)
    score, positive = rng.random(30).round(1), rng.random(30) < 0.4
    weights = rng.integers(0, 4, (5, 30)).astype(float)

    for metric in (aurocs, balanced_accuracies, calibration_errors):
        found = metric(score, positive, weights)
        for draw, counts in enumerate(weights.astype(int)):
            repeated = metric(score.repeat(counts), positive.repeat(counts), np.ones((1, counts.sum())))
            assert found[draw] == pytest.approx(repeated[0])


def test_auroc_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(1)
    score, positive = rng.random(40).round(1), rng.random(40) < 0.5
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]

    assert aurocs(score, positive, np.ones((1, 40)))[0] == pytest.approx(np.mean(pairs))


def test_balanced_accuracy_is_the_mean_of_two_recalls() -> None:
    probability, positive = np.array([0.9, 0.5, 0.4, 0.6]), np.array([True, True, True, False])

    # two of three positives at or above 0.5, no negative below
    assert balanced_accuracies(probability, positive, ONCE)[0] == pytest.approx((2 / 3 + 0) / 2)


def test_calibration_error_by_hand() -> None:
    probability, positive = np.array([0.92, 0.98, 0.12, 1.0]), np.array([True, False, False, True])

    # the last bin holds three: mean 2.9 / 3 against 2 / 3; the second one: 0.12 against 0
    assert calibration_errors(probability, positive, ONCE)[0] == pytest.approx((0.9 + 0.12) / 4)


def test_a_draw_without_a_class_has_no_figure() -> None:
    probability, positive = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    weights = np.array([[1.0, 1, 1, 1], [1, 1, 0, 0]])

    assert np.isnan(aurocs(probability, positive, weights)).tolist() == [False, True]
    found = estimates(probability, positive, weights)
    assert (found["AUROC"].undefined, found["ECE"].undefined) == (1, 0)
    assert (found["AUROC"].low, found["AUROC"].high) == (1, 1)


def test_interval_is_the_middle_of_the_draws() -> None:
    found = interval(0.5, np.linspace(0, 1, 1001))

    assert (found.low, found.high) == pytest.approx((0.025, 0.975))
    assert str(found) == "0.500 (0.025 to 0.975)"


def test_patients_are_drawn_whole_and_within_their_label() -> None:
    patient = np.array([1, 1, 1, 2, 3, 3, 4, 5])
    positive = np.array([True, True, True, True, False, False, False, False])
    weights = patient_weights(patient, positive, draws=300)

    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, [0, 3]].sum(axis=1) == 2).all()
    assert (weights[:, [4, 6, 7]].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 10
    assert (weights == patient_weights(patient, positive, draws=300)).all()


def test_tiles_are_drawn_within_slides_drawn() -> None:
    slide = np.array([0, 0, 0, 1, 1])
    weights = slide_weights(slide, draws=200)

    totals = np.stack([weights[:, :3].sum(axis=1) / 3, weights[:, 3:].sum(axis=1) / 2])
    assert (totals.sum(axis=0) == 2).all()
    assert set(totals[0]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("patient", "expected"), [("14-22549AB", 22549), ("22549G", 22549), ("14926", 14926), ("14-3411F", 3411)]
)
def test_letters_are_slides_of_one_case(patient: str, expected: int) -> None:
    assert data.accession(patient) == expected


def test_every_second_case_is_for_development() -> None:
    rows = [
        picture("benign", "fibroadenoma", "14-30A"),
        picture("benign", "adenosis", "14-200"),
        picture("benign", "tubular_adenoma", "14-10"),
        # by its alphabetically first subtype this one is second, not last; numbers are not texts
        picture("benign", "tubular_adenoma", "14-1000"),
        picture("benign", "adenosis", "1000B", magnification=40),
        picture("malignant", "ductal_carcinoma", "14-9"),
        picture("malignant", "ductal_carcinoma", "14-10001"),
    ]

    assert data.development_accessions(rows) == {"benign": [10, 1000], "malignant": [10001]}
    assert {row.accession for row in data.in_half(rows[:3], "report", rows)} == {30, 200}


def test_a_case_with_both_labels_is_refused() -> None:
    rows = [picture("benign", "adenosis", "14-1"), picture("malignant", "ductal_carcinoma", "14-1B")]

    with pytest.raises(ValueError, match="more than one label"):
        data.development_accessions(rows)


def test_halves_of_the_real_table_share_no_patient(test_data: Path) -> None:
    rows = data.pictures(test_data)
    if not rows:
        pytest.skip(f"breakhis.csv not found in {test_data}")
    for name in data.BREAST_SETS:
        chosen = data.breast_set(rows, name)
        report, development = (data.in_half(chosen, half, rows) for half in ("report", "development"))
        assert len(report) + len(development) == len(chosen)
        assert {row.label for row in report} == {row.label for row in development} == {"benign", "malignant"}
        assert not {row.accession for row in report} & {row.accession for row in development}


def test_tiles_reach_from_edge_to_edge() -> None:
    image = np.zeros((920, 1400, 3), np.uint8)
    image[0, 0] = image[-1, -1] = 255
    cut = pixels.tiles(image)

    assert cut.shape == (24, 224, 224, 3)
    assert cut[0, 0, 0, 0] == cut[-1, -1, -1, 0] == 255


def test_stain_normalisation_takes_an_overall_stain_away() -> None:
    rng = np.random.default_rng(0)
    density = rng.uniform(0.2, 1.0, (64, 64, 3))
    pale, strong = (np.rint(255 * np.exp(-density * k)).astype(np.uint8) for k in (1.0, 1.5))

    apart = np.abs(pixels.stain_normalised(pale).astype(int) - pixels.stain_normalised(strong))

    assert apart.mean() < 3 < np.abs(pale.astype(int) - strong).mean()
    white = np.full((64, 64, 3), 250, np.uint8)
    assert (pixels.stain_normalised(white) == white).all()


def test_tiles_and_classes_are_averaged_by_their_own() -> None:
    assert image_means(np.array([0, 0, 1]), np.array([0.2, 0.4, 0.9])) == pytest.approx([0.3, 0.9])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.7, 0.4, 0.0]])
    assert one_versus_rest(probabilities) == pytest.approx([1, 0.5, 0])


def test_words_lose_their_meaning_only() -> None:
    rng = np.random.default_rng(0)
    text = "round glands, no atypia"
    other = scrambled(text, rng)

    assert other != text and sorted(other) == sorted(text)
    assert [len(word) for word in other.split()] == [len(word) for word in text.split()]
    assert len(random_words(text, rng).split()) == 4


def test_figures_become_plain_json() -> None:
    found = plain({"a": interval(np.nan, np.array([np.nan])), 1: (np.float64(0.5), True)})

    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "a": {"value": None, "low": None, "high": None, "undefined": 1},
        "1": [0.5, True],
    }


def test_the_card_keeps_what_is_not_measured() -> None:
    card = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert with_measured(card, "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="each once"):
        with_measured("a card without marks", "new")


def test_what_is_missing_is_said_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["embedded.py", "--data", str(tmp_path), "--parts", "breast,types,controls"]
    )

    embedded.main()

    printed = capsys.readouterr().out
    assert printed.count("breakhis.csv is missing") == 2
    assert "Nine tissues left out" in printed and "IDC left out" in printed


def test_a_card_without_marks_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "card.md"
    card.write_text("no marks", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["embedded.py", "--parts", "types", "--card", str(card)])

    with pytest.raises(SystemExit):
        embedded.main()

    assert "measured: begin" in capsys.readouterr().err


def test_the_quick_part_runs(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (test_data / "tiles").is_dir():
        pytest.skip(f"no tiles in {test_data}")
    card, figures = tmp_path / "card.md", tmp_path / "figures.json"
    card.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    arguments = ["--data", test_data, "--parts", "types", "--json", figures, "--card", card]
    monkeypatch.setattr(sys, "argv", ["embedded.py", *map(str, arguments)])

    embedded.main()

    printed = capsys.readouterr().out
    assert printed.count("| many-to-many |") == 2
    assert printed.strip() in card.read_text(encoding="utf-8")
    found = json.loads(figures.read_text(encoding="utf-8"))["types"]
    assert len(found["nine tissues"]["mean"]) == len(found["IDC"]) == 7
    assert all(0 <= value <= 1 for value in found["IDC"].values())
