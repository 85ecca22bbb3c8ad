"""An encoder that was removed or replaced is not used again, though it is still in memory."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.errors import EncoderError
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import Area, Scoring, Setup, Written
from napari_histoalign.workflow.place import Place

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "encoders"))
from small_clip import save_small_clip

CORNER = Area(Place(region=(448, 448, 448, 448)))


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Path]:
    """Two of the same layout with other weights."""
    return [save_small_clip(tmp_path_factory.mktemp("clip") / "c", seed=seed) for seed in (0, 1)]


@pytest.fixture
def scoring() -> Scoring:
    return Scoring(PromptSet.load("breast"), Alignment("one-to-one"))


def run(bench, drawn, scoring, *, encoders=("mine",)) -> np.ndarray:
    setup = Setup(drawn.slide, encoders=encoders, device="cpu")
    bench.want(CORNER)
    for _ in bench.embed(setup):
        pass
    return scored(bench, scoring)


def scored(bench, scoring) -> np.ndarray:
    (snapshot,) = bench.score(lambda: scoring)
    return snapshot.scored.tiles.probabilities


def test_a_replaced_encoder_is_loaded_anew(drawn, clips, scoring):
    library, bench = EncoderLibrary(), Bench()
    add_encoder("mine", clips[0], library)
    first = run(bench, drawn, scoring)
    np.testing.assert_array_equal(run(bench, drawn, scoring), first)
    add_encoder("mine", clips[1], library, replace=True)
    second = run(bench, drawn, scoring)
    assert np.abs(second - first).max() > 1e-3
    fresh = Bench()
    np.testing.assert_allclose(run(fresh, drawn, scoring), second, atol=1e-6)
    for each in (bench, fresh):
        each.close()


def test_a_removed_encoder_is_not_used_again(drawn, clips, scoring, tmp_path):
    library, bench = EncoderLibrary(), Bench()
    add_encoder("mine", clips[0], library)
    first = run(bench, drawn, scoring)
    library.remove("mine")
    with pytest.raises(EncoderError, match="mine"):
        run(bench, drawn, scoring)
    others = (
        Scoring(scoring.prompts.with_prompts(0, ["carcinoma"]), scoring.alignment, generation=1),
        replace(scoring, alignment=Alignment("many-to-many"), generation=1),
        replace(scoring, other=Alignment("many-to-many"), generation=1),
    )
    for other in others:
        with pytest.raises(EncoderError, match="mine was removed or replaced"):
            list(bench.score(lambda other=other: other))
    other = others[0]
    with pytest.raises(EncoderError, match="mine was removed or replaced"):
        list(bench.export(tmp_path / "other", other, 0.5))
    assert isinstance(list(bench.export(tmp_path / "out", scoring, 0.5))[-1], Written), (
        "nothing is lost by it"
    )
    again = replace(scoring, refinement=Refinement(smoothing=1.0), generation=2)
    np.testing.assert_array_equal(scored(bench, again), first), "its words and rows are known already"
    assert run(bench, drawn, scoring, encoders=("demo-path",)).shape[1] == len(scoring.prompts.classes)
    bench.close()


def test_another_folder_of_encoders_is_another_encoder(drawn, clips, scoring, tmp_path, monkeypatch):
    bench = Bench()
    add_encoder("mine", clips[0], EncoderLibrary())
    first = run(bench, drawn, scoring)
    monkeypatch.setenv("HISTOALIGN_ENCODERS", str(tmp_path / "lab"))
    add_encoder("mine", clips[1], EncoderLibrary())
    assert np.abs(run(bench, drawn, scoring) - first).max() > 1e-3
    bench.close()


def test_only_the_encoders_of_the_last_run_stay_in_memory(drawn, clips, scoring):
    bench = Bench()
    add_encoder("mine", clips[0], EncoderLibrary())
    run(bench, drawn, scoring)
    run(bench, drawn, scoring, encoders=("demo-path", "demo-general"))
    assert {name for name, _, _ in bench._encoders._loaded} == {"demo-path", "demo-general"}
    bench.close()
