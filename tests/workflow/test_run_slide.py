"""Where and how slides are run: places, sizes, other kinds of files, the real slide."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from shapely import box
from shapely.geometry import mapping, shape

from napari_histoalign.errors import HistoalignError, ResultError, SlideError
from napari_histoalign.workflow import RunSettings, run_slide

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import Drawn

    from napari_histoalign.encoders import Encoder
    from napari_histoalign.workflow import RunSummary

SETTINGS = RunSettings(views=("full",))


def tiles(summary: RunSummary | None) -> np.ndarray:
    assert summary is not None
    columns = pq.read_table(summary.files["tiles.parquet"], columns=["x", "y", "size_px"])
    return np.stack([columns[c].to_numpy() for c in ("x", "y", "size_px")], axis=1)


def test_a_rectangle_scores_the_tiles_it_touches(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    whole = {tuple(t) for t in tiles(run_slide(drawn.path, tmp_path / "a", SETTINGS, encoders)).tolist()}
    part = tiles(run_slide(drawn.path, tmp_path / "b", SETTINGS, encoders, region=(1000, 1100, 400, 300)))

    touched = {
        t
        for t in whole
        if box(t[0], t[1], t[0] + 224, t[1] + 224).intersection(box(1000, 1100, 1400, 1400)).area
    }
    assert {tuple(t) for t in part.tolist()} == touched


def test_a_region_of_interest_is_scored_whole_glass_included(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    roi = tmp_path / "roi.geojson"
    corner = box(0, 0, 700, 700)
    roi.write_text(json.dumps({"type": "Feature", "geometry": mapping(corner), "properties": {}}))

    found = tiles(run_slide(drawn.path, tmp_path / "out", SETTINGS, encoders, roi=roi))

    assert [t[:2] for t in found.tolist()] == [[x, y] for y in (0, 224, 448) for x in (0, 224, 448)]


def test_a_picture_without_a_size_is_cut_at_level_0_and_says_so(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    picture = tmp_path / "field.png"
    Image.fromarray(np.random.default_rng(0).integers(120, 220, (500, 700, 3), dtype=np.uint8)).save(picture)
    roi = tmp_path / "roi.geojson"
    roi.write_text(json.dumps(mapping(box(0, 0, 700, 500))))

    summary = run_slide(picture, tmp_path / "out", SETTINGS, encoders, roi=roi)

    assert summary is not None
    assert set(tiles(summary)[:, 2].tolist()) == {224}
    run = json.loads(summary.files["run.json"].read_text(encoding="utf-8"))
    assert run["slide"]["mpp"] is None
    assert run["grid"]["mpp"] is None
    assert any("cut at level 0" in note for note in run["notes"])
    assert all(c.area_mm2 is None for c in summary.classes)


def test_a_given_size_decides_where_tiles_are_cut(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    summary = run_slide(drawn.path, tmp_path / "out", SETTINGS, encoders, slide_mpp=0.25)

    assert set(tiles(summary)[:, 2].tolist()) == {448}
    assert summary is not None
    run = json.loads(summary.files["run.json"].read_text(encoding="utf-8"))
    assert run["slide"]["mpp_source"] == "given"


def test_overlapping_tiles_lie_a_stride_apart(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    settings = replace(SETTINGS, stride=112)
    summary = run_slide(drawn.path, tmp_path / "out", settings, encoders, region=(1000, 1000, 300, 300))

    found = tiles(summary)
    assert set((found[:, 0] % 112).tolist()) == {0}
    assert len(found) > 9
    for feature in json.loads((tmp_path / "out/regions.geojson").read_text())["features"]:
        # a tile stands for the square of one stride in its middle
        assert all((v - 56) % 112 == 0 for v in shape(feature["geometry"]).bounds)


def test_a_cancelled_run_writes_nothing(drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path) -> None:
    calls = []

    def cancelled() -> bool:
        calls.append(1)
        return len(calls) > 3

    assert run_slide(drawn.path, tmp_path / "out", SETTINGS, encoders, cancelled=cancelled) is None
    assert not (tmp_path / "out").exists()


def test_glass_alone_is_a_sentence(encoders: Sequence[Encoder], tmp_path: Path) -> None:
    picture = tmp_path / "blank.png"
    Image.fromarray(np.full((600, 600, 3), 244, np.uint8)).save(picture)

    with pytest.raises(SlideError, match=r"No tissue was found on blank\.png"):
        run_slide(picture, tmp_path / "out", SETTINGS, encoders)


def test_a_file_in_the_place_of_the_folder_is_a_sentence(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("mine")

    with pytest.raises(ResultError, match="could not be written"):
        run_slide(drawn.path, tmp_path / "out", SETTINGS, encoders)

    assert (tmp_path / "out").read_text() == "mine"


def test_settings_that_make_no_sense_are_refused() -> None:
    for change in ({"encoders": ()}, {"threshold": 1.5}, {"batch": 0}, {"min_tissue": -1.0}):
        with pytest.raises(HistoalignError):
            replace(SETTINGS, **change)


def test_the_real_slides_results_lie_on_its_tissue(
    real_slide: Path, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    """CMU-1-Small-Region: one level, 0.499 um a pixel, tissue in the middle, glass left and right."""
    summary = run_slide(real_slide, tmp_path / "out", RunSettings(), encoders)

    assert summary is not None
    pixels = openslide_pixels(real_slide)
    found = tiles(summary)
    inside = [darkness(pixels, x, y) for x, y, _ in found.tolist()]
    everywhere = {(x, y) for y in range(0, 2967, 224) for x in range(0, 2220, 224)}
    outside = [darkness(pixels, x, y) for x, y in everywhere - {(x, y) for x, y, _ in found.tolist()}]
    assert min(inside) > 0.5 * max(outside)
    assert np.median(inside) > 5 * np.median(outside)
    slide = box(0, 0, 2220, 2967)
    regions = json.loads(summary.files["regions.geojson"].read_text(encoding="utf-8"))["features"]
    assert all(slide.covers(shape(f["geometry"])) for f in regions)


def openslide_pixels(path: Path) -> np.ndarray:
    """The slide through openslide alone."""
    import openslide

    with openslide.OpenSlide(path) as slide:
        return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))


def darkness(pixels: np.ndarray, x: int, y: int) -> float:
    """Share of a tile's pixels that are clearly not glass."""
    return float((pixels[y : y + 224, x : x + 224].min(axis=-1) < 200).mean())
