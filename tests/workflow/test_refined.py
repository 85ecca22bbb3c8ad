"""Examples from drawn areas, and refined results apart from those of tiles on their own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.errors import GeoJSONError
from napari_histoalign.slides import TileGrid, open_slide
from napari_histoalign.workflow import RunSettings, run_slide
from napari_histoalign.workflow.examples import read_examples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_histoalign.encoders import Encoder
    from napari_histoalign.workflow import RunSummary

    from .conftest import Drawn

REGION = (900, 900, 1200, 1200)
NAMES = ("malignant", "benign", "stroma", "fat", "glass")


def area(x: float, y: float, side: float, name: str | None, kind: str = "annotation") -> dict:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    properties: dict = {"objectType": kind}
    if name is not None:
        properties["classification"] = {"name": name, "color": [1, 2, 3]}
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
    }


def write(path: Path, *features: dict) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_tiles_take_the_class_of_the_area_their_centre_lies_in(drawn: Drawn, tmp_path: Path) -> None:
    with open_slide(drawn.path) as slide:
        grid = TileGrid.over(slide)
        side = grid.tile_px
        path = write(
            tmp_path / "marks.geojson",
            area(0, 0, 2 * side, "Malignant"),  # capitals do not matter
            area(3 * side, 0, side, "benign"),
            area(1.4 * side, 1.4 * side, side, "benign"),  # shares tile (1, 1) with the first
            area(5 * side, 0, side, "necrosis"),
            area(6 * side, 0, side, None),
            area(7 * side, 0, side, "benign", kind="tile"),
        )
        found = read_examples(path, slide, grid, NAMES)

    expected = {
        grid.index(0, 0): 0,
        grid.index(1, 0): 0,
        grid.index(0, 1): 0,
        grid.index(3, 0): 1,
    }
    assert dict(zip(found.tiles.indices.tolist(), found.tiles.labels.tolist(), strict=True)) == expected
    assert list(found.tiles.groups) == ["area 1", "area 1", "area 2", "area 1"]
    assert any("necrosis (1), none (1)" in note for note in found.notes)
    assert any("1 tiles lie in areas of two classes" in note for note in found.notes)


def test_a_file_without_examples_is_refused(drawn: Drawn, tmp_path: Path) -> None:
    path = write(tmp_path / "marks.geojson", area(0, 0, 500, "necrosis"))
    with (
        open_slide(drawn.path) as slide,
        pytest.raises(GeoJSONError, match=r"holds no example on drawn\.tif"),
    ):
        read_examples(path, slide, TileGrid.over(slide), NAMES)


@pytest.fixture(scope="module")
def both(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunSummary, RunSummary]:
    """The same part of the slide, plain and with a refinement."""
    folder = tmp_path_factory.mktemp("refined")
    settings = RunSettings()
    plain = run_slide(drawn.path, folder / "plain", settings, encoders, region=REGION)
    asked = replace(settings, refinement=Refinement(smoothing=1.0, transductive="transclip"))
    refined = run_slide(drawn.path, folder / "both", asked, encoders, region=REGION)
    assert plain is not None
    assert refined is not None
    return plain, refined


def test_scores_of_single_tiles_are_the_same_file_with_a_refinement_beside_them(
    both: tuple[RunSummary, RunSummary],
) -> None:
    plain, refined = both
    assert plain.refined is None
    assert refined.refined is not None
    assert refined.refined.folder == refined.folder / "refined"
    for name in ("tiles.geojson", "regions.geojson"):
        assert plain.files[name].read_bytes() == refined.files[name].read_bytes()
        assert refined.files[name].read_bytes() != refined.refined.files[name].read_bytes()


def test_a_refined_run_names_its_steps_and_has_an_identity_of_its_own(
    both: tuple[RunSummary, RunSummary],
) -> None:
    plain, refined = both
    assert refined.refined is not None
    first, second, third = (
        json.loads(s.files["run.json"].read_text(encoding="utf-8")) for s in (plain, refined, refined.refined)
    )
    assert first["run_id"] == second["run_id"] != third["run_id"]
    assert second["alignment"]["steps"] == []
    assert third["alignment"]["steps"][-1] == "smoothing"
    assert third["alignment"]["refinement"]["smoothing"] == 1.0
    assert third["alignment"]["details"]["refinement"]["smoothing"]["sigma_tiles"] == 1.0


def test_a_run_without_a_refinement_takes_an_old_one_away_and_nothing_else(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    asked = RunSettings(refinement=Refinement(smoothing=1.0))
    first = run_slide(drawn.path, tmp_path, asked, encoders, region=(1000, 1000, 300, 300))
    assert first is not None
    assert first.refined is not None
    (tmp_path / "refined" / "mine.txt").write_text("a note of the person's")

    run_slide(drawn.path, tmp_path, RunSettings(), encoders, region=(1000, 1000, 300, 300))

    assert [p.name for p in (tmp_path / "refined").iterdir()] == ["mine.txt"]


def test_examples_are_scored_and_move_the_others(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path: Path
) -> None:
    path = write(tmp_path / "marks.geojson", area(200, 200, 500, "fat"), area(1000, 1000, 500, "benign"))
    settings = RunSettings(refinement=Refinement(few_shot="prototype"))

    summary = run_slide(
        drawn.path, tmp_path / "out", settings, encoders, region=(1600, 1600, 500, 500), examples=path
    )

    assert summary is not None
    assert summary.refined is not None
    assert summary.refined.steps == ("prototype",)
    run = json.loads(summary.refined.files["run.json"].read_text(encoding="utf-8"))
    examples = run["alignment"]["refinement"]["examples"]
    with open_slide(drawn.path) as slide:
        grid = TileGrid.over(slide)
    import pyarrow.parquet as pq

    table = pq.read_table(summary.files["tiles.parquet"])
    scored = {tuple(xy) for xy in zip(*(table[c].to_pylist() for c in ("x", "y")), strict=True)}
    for name in ("fat", "benign"):
        assert len(examples[name]) >= 4
        assert {tuple(xy) for xy in grid.xy(np.array(examples[name])).tolist()} <= scored
