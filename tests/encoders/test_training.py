"""How the encoders are made: the lexicon, the questions asked of drawn tiles, heads, student, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from encoder_training.calibration import best_scale
from encoder_training.captions import Writer, lexicon, statements
from encoder_training.heads import fit_heads
from encoder_training.keratin import keratin_tiles
from encoder_training.student import folded, train_student
from encoder_training.tiles import MEASURES, STORED_PX
from encoder_training.truths import answers

from napari_histoalign.encoders.axes import AXES, HEADS, NUCLEAR_HEADS, along_axes
from napari_histoalign.encoders.image_towers import Heads, LearnedTower
from napari_histoalign.encoders.morphometry import NAMES, NUCLEI
from napari_histoalign.encoders.words import words
from napari_histoalign.sample.plan import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = AXES.index("unknown")


def said(rng: np.random.Generator, **probabilities: float) -> torch.Tensor:
    values = rng.uniform(0, 1, len(HEADS))
    for name, value in probabilities.items():
        values[HEADS.index(name.replace("_", " "))] = value
    return torch.from_numpy(values)[None]


def test_nuclei_count_only_where_there_is_epithelium() -> None:
    rng = np.random.default_rng(0)
    bare = along_axes(said(rng, epithelium=0.0, tumour_nuclei=1.0))[0]
    tumour = along_axes(said(rng, epithelium=1.0, tumour_nuclei=1.0))[0]

    assert bare[AXES.index("tumour")] == bare[AXES.index("gland")] == bare[AXES.index("large nuclei")] == 0
    assert tumour[AXES.index("tumour")] == 1 and tumour[AXES.index("gland")] == 0
    assert bare[UNKNOWN] == tumour[UNKNOWN] == 0


def test_nuclear_heads_read_nothing_but_nuclei_and_never_turn_round() -> None:
    heads = Heads()
    plain = torch.zeros(1, len(NAMES))
    other = plain.clone()
    other[:, len(NUCLEI) :] = torch.randn(1, len(NAMES) - len(NUCLEI))

    count = len(NUCLEAR_HEADS)
    assert torch.equal(heads.logits(plain)[:, :count], heads.logits(other)[:, :count])
    for column in range(len(NUCLEI)):
        more = plain.clone()
        more[:, column] = 1
        assert (heads.logits(more)[:, :count] >= heads.logits(plain)[:, :count]).all()


def test_every_statement_has_a_place_and_words() -> None:
    for room in ("general", "pathology"):
        for statement in statements(room):
            assert np.linalg.norm(statement.meaning) == pytest.approx(1)
            assert statement.meaning[UNKNOWN] == 0
            assert statement.phrases and all(words(phrase) for phrase in statement.phrases)
    names = [s.name for room in ("general", "pathology") for s in statements(room)]
    assert len(set(names)) == len(names)
    # no phrase means two things to one tower
    for room in ("general", "pathology"):
        phrases = [p for s in statements(room) for p in {" ".join(words(p)) for p in s.phrases}]
        assert sorted({p for p in phrases if phrases.count(p) > 1}) == []


def test_captions_mean_what_they_say() -> None:
    writer = Writer({"pathology": 1.0})
    rng = np.random.default_rng(3)
    known = set(writer.known)
    by_phrase = {phrase: s.meaning for s in writer.statements[0] for phrase in s.phrases}
    plain = nothing = 0
    for _ in range(1500):
        text, meaning = writer.write(rng)
        assert np.linalg.norm(meaning) == pytest.approx(1, abs=1e-5)
        if text in by_phrase:
            plain += 1
            np.testing.assert_allclose(meaning, by_phrase[text], atol=1e-6)
        if text.startswith("no ") and text[3:] in by_phrase:
            np.testing.assert_allclose(meaning, -by_phrase[text[3:]], atol=1e-6)
        if meaning[UNKNOWN] == 1:
            nothing += 1
            assert not set(words(text)) & {word for word in known if len(word) > 3}
    assert plain > 50 and nothing > 50


def test_everyday_words_stay_unknown() -> None:
    everyday = {w for part in lexicon()["nonsense"]["everyday"].split(";") for w in words(part)}
    known = set(Writer({"general": 1.0, "pathology": 1.0}).known)

    assert everyday & known <= {"a", "on", "the", "and", "red", "wall"}


def test_questions_are_asked_only_where_they_have_an_answer() -> None:
    assert MEASURES[: len(CLASSES)] == (
        "glass", "stroma", "fat", "benign", "malignant", "lymphoid", "necrosis", "muscle", "mucin",
    )  # fmt: skip
    rows = np.zeros((3, len(MEASURES)), np.float32)
    for row, values in enumerate(
        (
            {"malignant": 0.6, "epithelial_nuclei": 40, "nuclear_area_um2": 100, "nuclei": 50},
            {"malignant": 0.6, "epithelial_nuclei": 40, "nuclear_area_um2": 30, "nuclei": 50, "mixed": 1},
            {"stroma": 1.0, "nuclei": 5},
        )
    ):
        for name, value in values.items():
            rows[row, MEASURES.index(name)] = value
    truth, weight = answers(rows)
    tumour, large = HEADS.index("tumour nuclei"), HEADS.index("large nuclei")

    assert truth[0, tumour] == 1 and weight[0, tumour] == 1 and truth[0, large] == 1
    assert weight[1, tumour] == 0 and weight[1, large] == 1 and truth[1, large] == 0
    assert weight[2, tumour] == weight[2, large] == 0
    assert truth[2, HEADS.index("stroma")] == 1 and truth[2, HEADS.index("epithelium")] == 0


def test_heads_learn_where_to_draw_the_line() -> None:
    rng = np.random.default_rng(0)
    measures = rng.normal(5, 2, (4000, len(NAMES))).astype(np.float32)
    truth = np.zeros((4000, len(HEADS)), np.float32)
    index = (measures[:, : len(NUCLEI)] - 5).mean(1)
    truth[:, 0] = index > 0.5
    glass = HEADS.index("glass")
    truth[:, glass] = measures[:, NAMES.index("white")] > 9
    heads = fit_heads(measures, truth, np.ones_like(truth), steps=600, seed=1, say=lambda _: None)
    with torch.no_grad():
        found = torch.sigmoid(heads.logits(heads.standardised(torch.from_numpy(measures)))).numpy()

    assert (heads.slope >= 0).all()
    assert ((found[:, 0] > 0.5) == truth[:, 0]).mean() > 0.9
    assert found[truth[:, glass] == 1, glass].mean() > 4 * found[truth[:, glass] == 0, glass].mean()


def test_keratin_has_no_nuclei_and_is_always_the_same() -> None:
    dyes, measures = keratin_tiles(4, 1)
    again, _ = keratin_tiles(4, 1)

    assert dyes.shape == (4, 2, STORED_PX, STORED_PX) and (dyes == again).all()
    assert (measures[:, MEASURES.index("nuclei")] == 0).all()
    many, _ = keratin_tiles(24, 2)
    assert many[:, 1].mean() > 1.5 * many[:, 0].mean(), "more eosin than hematoxylin"


def test_a_student_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    dyes = np.random.default_rng(0).integers(0, 60, (6, 2, STORED_PX, STORED_PX), dtype=np.uint8)
    torch.manual_seed(0)
    heads = Heads().eval().requires_grad_(False)

    def train(name: str, **options: int) -> LearnedTower:
        path = tmp_path / name
        return train_student(heads, dyes, path, steps=4, batch=2, seed=3, say=lambda _: None, **options)

    train("stopped.pt", save_every=2, until=2)
    resumed, whole = train("stopped.pt", save_every=2), train("whole.pt", save_every=4)

    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_folding_changes_nothing() -> None:
    torch.manual_seed(1)
    tower = LearnedTower(norm=True)
    tiles = torch.randint(0, 256, (3, 3, 224, 224), dtype=torch.uint8)
    with torch.no_grad():
        tower.train()(tiles)  # so that the batch norms have something to fold
        expected = tower.eval()(tiles)
        found = folded(tower)(tiles)

    assert torch.allclose(found, expected, atol=1e-5)


def test_calibration_finds_the_scale_that_made_the_labels() -> None:
    rng = np.random.default_rng(5)
    cosines = rng.uniform(-0.5, 0.5, (20_000, 2)).astype(np.float32)
    chance = 1 / (1 + np.exp(-9.0 * (cosines[:, 1] - cosines[:, 0])))
    positive = (rng.random(len(chance)) < chance).astype(np.float32)

    assert best_scale(cosines, positive) == pytest.approx(9.0, rel=0.1)
