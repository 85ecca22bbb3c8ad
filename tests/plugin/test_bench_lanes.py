"""One lane embeds while the other scores: nothing is mixed up, all is closed once, by its last user."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from at_the_bench import LOWER, UPPER, WHOLE, embed, snapshot, tiles_of, until_embedded

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.encoders import load_encoder
from napari_histoalign.engine import Analysis
from napari_histoalign.engine.store import EmbeddingStore
from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import JobError, Note, Scoring, Setup
from napari_histoalign.slides import TileGrid, open_slide

BREAST = PromptSet.load("breast")


@pytest.fixture
def setup(drawn) -> Setup:
    return Setup(drawn.slide, encoders=("demo-path",), device="cpu", batch=2)


@pytest.fixture
def scoring() -> Scoring:
    return Scoring(BREAST, Alignment("one-to-one"))


@pytest.fixture
def closings(drawn, monkeypatch) -> Counter:
    """How often slides were opened and closed, and stores."""
    counts: Counter = Counter()

    def count(kind, of, method):
        whole = getattr(of, method)

        def counting(self, *args, **kwargs):
            counts[f"{kind} {method}"] += 1
            return whole(self, *args, **kwargs)

        monkeypatch.setattr(of, method, counting)

    with open_slide(drawn.slide) as slide:
        backend = type(slide)
    for kind, of in (("slide", backend), ("store", EmbeddingStore)):
        count(kind, of, "__init__")
        count(kind, of, "close")
    return counts


def still_open(closings) -> dict[str, int]:
    return {kind: closings[f"{kind} __init__"] - closings[f"{kind} close"] for kind in ("slide", "store")}


NOTHING = {"slide": 0, "store": 0}
ONE_EACH = {"slide": 1, "store": 1}


def test_scores_taken_while_tiles_are_embedded_are_those_of_the_tiles_that_were_there(drawn, scoring):
    """Two threads; every snapshot is held against a scoring by itself, at the end."""
    setup = Setup(drawn.slide, device="cpu", batch=4)
    bench, failed = Bench(), []
    bench.want(WHOLE)

    def work():
        try:
            for _ in bench.embed(setup):
                pass
        except Exception as error:
            failed.append(error)

    others = [
        replace(scoring, prompts=prompts, alignment=Alignment(name), generation=number)
        for number, (prompts, name) in enumerate(
            (p, a)
            for a in ("many-to-many", "joint-fusion")
            for p in (BREAST, BREAST.with_prompts(0, ["carcinoma"]))
        )
    ]
    thread = threading.Thread(target=work)
    thread.start()
    taken = []
    while thread.is_alive():
        for found in bench.score(lambda: others[len(taken) % len(others)]):
            taken.append((found, found.scored.tiles.probabilities.copy(), found.rasters.shown.data.copy()))
    thread.join()
    taken.append(
        (found := snapshot(bench, others[0]), found.scored.tiles.probabilities, found.rasters.shown.data)
    )
    bench.close()
    assert not failed
    sizes = [len(found.scored.indices) for found, _, _ in taken]
    assert sizes == sorted(sizes) and len(set(sizes)) >= 4, "it was scored on the way"
    encoders = [load_encoder(name, device="cpu") for name in setup.encoders]
    with open_slide(setup.path) as slide:
        grid = TileGrid.over(slide, mpp=setup.mpp, tile=setup.tile)
        with Analysis(slide, encoders, grid) as alone:
            for found, as_taken, as_drawn in taken:
                indices = found.scored.indices
                np.testing.assert_array_equal(
                    found.scored.tiles.probabilities, as_taken, "changed afterwards"
                )
                np.testing.assert_array_equal(found.rasters.shown.data, as_drawn, "changed afterwards")
                again = alone.score(indices, found.scoring.prompts, found.scoring.alignment)
                np.testing.assert_allclose(as_taken, again.tiles.probabilities, atol=1e-5)
                seen = np.flatnonzero(np.isfinite(as_drawn[0]))
                np.testing.assert_array_equal(seen, indices, "drawn where it was scored, and nowhere else")
                np.testing.assert_array_equal(as_drawn.reshape(len(as_drawn), -1)[:, indices].T, as_taken)


@pytest.mark.parametrize("last", ["embedding", "scoring"])
def test_closing_while_both_lanes_work_closes_once_after_the_last(setup, scoring, closings, last):
    bench = Bench()
    bench.want(WHOLE)
    jobs = {"embedding": bench.embed(setup)}
    until_embedded(jobs["embedding"])
    jobs["scoring"] = bench.score(lambda: scoring)
    found = next(jobs["scoring"])
    bench.close()
    assert still_open(closings) == ONE_EACH, "both lanes use them"
    first = jobs.pop("scoring" if last == "embedding" else "embedding")
    assert len(list(first)) < 20, "what waited is forgotten"
    assert still_open(closings) == ONE_EACH, "one lane still uses them"
    list(jobs[last])
    assert still_open(closings) == NOTHING and closings["slide close"] == 1 and closings["store close"] == 1
    assert bench.slide is None and not bench.has_scores and not bench.has_work
    bench.close()
    assert still_open(closings) == NOTHING
    assert np.isfinite(found.scored.tiles.probabilities).all(), "what was taken stays good"


def test_closing_while_the_slide_is_being_opened_leaves_nothing_open(setup, closings):
    bench = Bench()
    bench.want(WHOLE)
    job = bench.embed(setup)
    assert [next(job), next(job)] == [Note("Loading the encoders"), Note("Opening the slide")]
    bench.close()
    list(job)
    assert still_open(closings) == NOTHING and closings["slide __init__"] >= 1
    assert bench.slide is None


def test_a_job_that_is_dropped_half_way_frees_its_lane(setup, scoring, closings):
    bench = Bench()
    bench.want(WHOLE)
    job = bench.embed(setup)
    until_embedded(job)
    with pytest.raises(JobError, match="still running"):
        next(bench.embed(setup))
    assert len(snapshot(bench, scoring).scored.indices) >= 1, "the other lane is free"
    job.close()
    assert bench.has_work, "what waits is not forgotten by it"
    embed(bench, setup)
    bench.close()
    assert still_open(closings) == NOTHING


def test_other_tiles_while_scores_are_taken_of_these(setup, scoring, closings, monkeypatch):
    """The setup changes during a scoring: it ends on what it began with, which then is closed."""
    bench = Bench()
    embed(bench, setup, UPPER)
    expected = snapshot(bench, scoring)
    finer = replace(setup, mpp=0.25)
    score, during = Analysis.score, []

    def score_slowly(self, *args):
        if not during:
            during.append(tiles_of(embed(bench, finer, LOWER)))
            assert still_open(closings) == {"slide": 2, "store": 2}
        return score(self, *args)

    monkeypatch.setattr(Analysis, "score", score_slowly)
    found = snapshot(bench, scoring)
    assert during[0] and found.grid == expected.grid
    np.testing.assert_array_equal(found.scored.tiles.probabilities, expected.scored.tiles.probabilities)
    assert still_open(closings) == ONE_EACH, "the slide of the former tiles is closed with its last user"
    after = snapshot(bench, scoring)
    assert after.grid.tile_px == 112 and sorted(after.scored.indices.tolist()) == sorted(during[0])
    bench.close()
    assert still_open(closings) == NOTHING


def test_a_setup_that_cannot_be_had_keeps_the_one_that_is_open(setup, scoring, closings, tmp_path):
    bench = Bench()
    embed(bench, setup, UPPER)
    before = snapshot(bench, scoring)
    (tmp_path / "torn.svs").write_bytes(setup.path.read_bytes()[:2000])
    with pytest.raises(SlideError, match=r"torn\.svs"):
        embed(bench, replace(setup, path=tmp_path / "torn.svs"))
    np.testing.assert_array_equal(snapshot(bench, scoring).scored.indices, before.scored.indices)
    bench.close()
    assert still_open(closings) == NOTHING


def test_the_same_setup_opens_nothing_anew(setup, scoring, closings):
    bench = Bench()
    for area in (UPPER, LOWER):
        embed(bench, setup, area)
        snapshot(bench, scoring)
    assert closings["slide close"] == 0 and still_open(closings) == ONE_EACH
    bench.close()
