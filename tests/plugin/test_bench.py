"""The bench on a drawn slide with the encoders that ship: what is embedded, in which order, and only once."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from at_the_bench import AHEAD, GLASS, LOWER, UPPER, WHOLE, embed, snapshot, tiles_of, until_embedded
from shapely.geometry import box

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.encoders import Encoder
from napari_histoalign.engine.views import DEFAULT_VIEWS
from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import Area, JobError, Note, Scoring, Setup, Step, Written
from napari_histoalign.slides import Slide, TileGrid, find_tissue, open_slide
from napari_histoalign.workflow.place import Place


@pytest.fixture
def setup(drawn) -> Setup:
    return Setup(drawn.slide, encoders=("demo-path",), device="cpu", batch=2)


@pytest.fixture
def scoring() -> Scoring:
    return Scoring(PromptSet.load("breast"), Alignment("one-to-one"))


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def tissue_in(setup):
    """Tiles on tissue of an area, as the bench should find them."""
    with open_slide(setup.path) as slide:
        grid = TileGrid.over(slide, mpp=setup.mpp, tile=setup.tile)
        on = grid.on(find_tissue(slide))

    def find(area: Area) -> set[int]:
        within = on if area.place.region is None else np.intersect1d(on, grid.within(*area.place.region))
        return set(within.tolist())

    return find


@pytest.fixture
def images_seen(monkeypatch) -> list[int]:
    """Images embedded, a number a call."""
    counts: list[int] = []
    embed = Encoder.embed_images

    def counting(self, images):
        counts.append(len(images))
        return embed(self, images)

    monkeypatch.setattr(Encoder, "embed_images", counting)
    return counts


@pytest.fixture
def no_pixels(monkeypatch):
    """From now on nothing may be read or embedded."""

    def forbid() -> None:
        def never(*args, **kwargs):
            raise AssertionError("a pixel was read, or a tile embedded")

        for name in ("read_area", "read_region"):
            monkeypatch.setattr(Slide, name, never)
        monkeypatch.setattr(Encoder, "embed_images", never)

    return forbid


def test_what_is_in_view_goes_before_a_run_which_then_goes_on(bench, setup, tissue_in):
    bench.want(WHOLE)
    job = bench.embed(setup)
    before = until_embedded(job)
    bench.look_at(LOWER)
    after = tiles_of(job)
    view = tissue_in(LOWER) - set(before)
    assert len(view) >= 8
    assert view <= set(after[: len(view) + AHEAD]), "tiles in view come next, but for what was read ahead"
    assert {*before, *after} == tissue_in(WHOLE) and len(before + after) == len({*before, *after})
    assert not bench.has_work


def test_tiles_that_left_the_view_are_not_embedded(bench, setup, scoring, tissue_in, images_seen):
    bench.look_at(UPPER)
    job = bench.embed(setup)
    before = until_embedded(job)
    bench.look_at(LOWER)
    assert bench.has_work
    after = tiles_of(job)
    assert len(tissue_in(UPPER) - set(before)) > AHEAD, "it had not come to its end"
    assert sorted(after) == sorted(tissue_in(LOWER)), "what was read ahead is dropped too"
    found = set(snapshot(bench, scoring).scored.indices.tolist())
    assert found == {*before, *after}, "what was looked at is scored, what was passed over is not"
    assert sum(images_seen) == len(found) * len(DEFAULT_VIEWS)


def test_a_view_without_tissue_is_looked_at_in_silence(bench, setup):
    bench.look_at(GLASS)
    reports = list(bench.embed(setup))
    assert not any(isinstance(r, Note) and r.problem for r in reports)
    assert tiles_of(reports) == [] and not bench.has_scores and not bench.has_work


@pytest.mark.parametrize(
    ("area", "says"),
    [
        (GLASS, "No tissue was found in that rectangle"),
        (Area(Place(region=(90_000, 0, 50, 50))), "lies outside"),
        (Area(Place(roi=box(9000, 9000, 9100, 9100))), "drawn on another slide"),
    ],
)
def test_an_area_with_nothing_in_it_is_no_reason_to_stop_the_run(bench, setup, tissue_in, area, says):
    bench.want(UPPER)
    job = bench.embed(setup)
    before = until_embedded(job)
    bench.want(area)
    bench.want(LOWER)
    after = list(job)
    problems = [r.text for r in after if isinstance(r, Note) and r.problem]
    assert len(problems) == 1 and says in problems[0]
    assert {*before, *tiles_of(after)} == tissue_in(UPPER) | tissue_in(LOWER)


def test_alone_such_an_area_is_an_error_and_the_next_run_works(bench, setup, tissue_in):
    with pytest.raises(SlideError, match="No tissue"):
        embed(bench, setup, GLASS)
    assert set(tiles_of(embed(bench, setup, UPPER))) == tissue_in(UPPER)


def test_stopping_forgets_what_waits_and_keeps_what_was_done(bench, setup, scoring):
    bench.want(WHOLE)
    bench.look_at(LOWER)
    job = bench.embed(setup)
    done = until_embedded(job)
    bench.want(UPPER)
    bench.stop()
    rest = tiles_of(job)
    assert len(rest) <= AHEAD and not bench.has_work
    assert set(snapshot(bench, scoring).scored.indices.tolist()) == {*done, *rest}


def test_what_was_embedded_before_is_never_embedded_again(setup, scoring, tissue_in, images_seen):
    """A run that is closed in its middle is ended by another bench, and needs no image in a third."""
    first, second, third = Bench(), Bench(), Bench()
    first.want(WHOLE)
    job = first.embed(setup)
    done = [*until_embedded(job), *until_embedded(job)]
    job.close()
    first.close()
    wanted = tissue_in(WHOLE)
    rest = tiles_of(embed(second, setup, WHOLE))
    assert set(rest) == wanted - set(done) and len(rest) == len(wanted) - len(done)
    whole = snapshot(second, scoring)
    second.close()
    images_seen.clear()
    steps = [r.progress for r in embed(third, setup, WHOLE) if isinstance(r, Step)]
    assert images_seen == [] and (steps[-1].done, steps[-1].total) == (len(wanted), len(wanted))
    again = snapshot(third, scoring)
    np.testing.assert_array_equal(again.scored.tiles.probabilities, whole.scored.tiles.probabilities)
    third.close()


def test_showing_again_reads_no_pixel(setup, scoring, tissue_in, no_pixels):
    first = Bench()
    embed(first, setup, UPPER)
    before = snapshot(first, scoring)
    first.close()
    no_pixels()
    second = Bench()
    some = np.array([*sorted(tissue_in(UPPER))[::2], *sorted(tissue_in(LOWER))], np.int64)
    reports = embed(second, setup, Area(Place(), again=some))
    assert tiles_of(reports) == [] and not any(
        r.text == "Looking for tissue" for r in reports if isinstance(r, Note)
    )
    shown = snapshot(second, scoring)
    np.testing.assert_array_equal(shown.scored.indices, np.intersect1d(some, before.scored.indices))
    same = before.scored.tiles.probabilities[np.isin(before.scored.indices, some)]
    np.testing.assert_allclose(shown.scored.tiles.probabilities, same, atol=1e-6)
    second.close()


def test_an_export_writes_scores_as_judged_and_refined_apart(bench, setup, scoring, tmp_path):
    embed(bench, setup, UPPER)
    refined = Scoring(scoring.prompts, scoring.alignment, Refinement(smoothing=1.0))
    out = tmp_path / "out"
    *_, written = bench.export(out, refined, 0.5)
    assert isinstance(written, Written) and written.summary.refined is not None
    tables = [pd.read_parquet(folder / "tiles.parquet") for folder in (out, out / "refined")]
    found = snapshot(bench, refined)
    for table, expected in zip(tables, (found.scored, found.refined), strict=True):
        columns = [c for c in table.columns if c.endswith("malignant")]
        position = expected.tiles.class_names.index("malignant")
        np.testing.assert_allclose(table[columns[0]], expected.tiles.probabilities[:, position], atol=1e-6)
    assert not tables[0].equals(tables[1])
    steps = [json.loads((f / "run.json").read_text())["alignment"]["steps"] for f in (out, out / "refined")]
    assert steps == [[], list(found.refined.steps)] and found.refined.steps
    *_, plain = bench.export(out, scoring, 0.5)
    assert plain.summary.refined is None and not (out / "refined").exists(), "no leftover of another method"


def test_nothing_embedded_nothing_to_export(bench, setup, scoring, tmp_path):
    with pytest.raises(JobError, match="nothing to export"):
        list(bench.export(tmp_path / "out", scoring, 0.5))
    assert not (tmp_path / "out").exists()


def test_progress_counts_up_to_all_there_is(bench, setup, tissue_in):
    steps = [r.progress for r in embed(bench, setup, UPPER) if isinstance(r, Step)]
    assert all(a.done <= b.done for a, b in pairwise(steps))
    assert (steps[0].done, steps[-1].done) == (0, len(tissue_in(UPPER)))
    assert steps[-1].total == len(tissue_in(UPPER)) and steps[-1].seconds_left == 0
