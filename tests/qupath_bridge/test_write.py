"""What is written is what QuPath reads, in the right place, whole or not at all."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from qupath_rules import check_file
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import shape

from napari_histoalign.errors import ResultError
from napari_histoalign.results import Region, TileScores
from qupath_bridge import read_geojson, write_regions, write_tiles

RUN = {"run_id": "11111111-2222-5333-8444-555555555555", "slide_fingerprint": "ab" * 32}


def region(polygon: Polygon | MultiPolygon, **changes: object) -> Region:
    values = {
        "class_name": "malignant",
        "color": "#d62728",
        "probability": 0.8125,
        "area_px": polygon.area,
        "area_um2": polygon.area / 4,
        "tiles": 3,
        "margin": 0.6,
    }
    return Region(polygon=polygon, **{**values, **changes})


def scores(n: int, tile: int = 224, seed: int = 0) -> TileScores:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), n).astype(np.float32)
    side = int(np.ceil(np.sqrt(n)))
    xy = np.stack([np.arange(n) % side, np.arange(n) // side], axis=1).astype(np.int64) * tile
    return TileScores(
        xy=xy,
        tile_px=tile,
        stride_px=tile,
        class_names=("malignant", "benign", "glass"),
        colors=("#d62728", "#2ca02c", "#ffffff"),
        roles=("lesion", "tissue", "background"),
        probabilities=p,
    )


WITH_HOLE = Polygon(box(0, 0, 900, 900).exterior.coords, [box(300, 300, 600, 600).exterior.coords])
SHAPES = [box(10, 20, 250, 260), WITH_HOLE, MultiPolygon([box(0, 0, 10, 10), box(20.5, 20.25, 30, 30)])]


def test_regions_pass_every_rule_of_qupath(tmp_path: Path) -> None:
    path = tmp_path / "regions.geojson"
    write_regions(path, [region(s) for s in SHAPES], notice="not for diagnosis", **RUN)

    features = check_file(path.read_text(encoding="utf-8"))

    assert [f["properties"]["objectType"] for f in features] == ["annotation"] * 3
    for feature, expected in zip(features, SHAPES, strict=True):
        assert shape(feature["geometry"]).symmetric_difference(expected).area == 0
        assert feature["properties"]["metadata"]["histoalign run"] == RUN["run_id"]
        assert feature["properties"]["metadata"]["histoalign notice"] == "not for diagnosis"


def test_measurements_carry_the_regions_numbers(tmp_path: Path) -> None:
    write_regions(tmp_path / "r.geojson", [region(box(0, 0, 10, 20))], **RUN)
    (feature,) = check_file((tmp_path / "r.geojson").read_text(encoding="utf-8"))

    assert {m["name"]: m["value"] for m in feature["properties"]["measurements"]} == {
        "histoalign: P(malignant)": 0.8125,
        "histoalign: area um^2": 50,
        "histoalign: tiles": 3,
        "histoalign: margin": 0.6,
    }


def test_an_unknown_area_is_left_out(tmp_path: Path) -> None:
    write_regions(tmp_path / "r.geojson", [region(box(0, 0, 10, 20), area_um2=None)], **RUN)
    (feature,) = check_file((tmp_path / "r.geojson").read_text(encoding="utf-8"))

    assert "histoalign: area um^2" not in {m["name"] for m in feature["properties"]["measurements"]}


def test_tiles_pass_every_rule_and_lie_where_they_were_cut(tmp_path: Path) -> None:
    tiles = scores(50)
    write_tiles(tmp_path / "tiles.geojson", tiles, **RUN)

    features = check_file((tmp_path / "tiles.geojson").read_text(encoding="utf-8"))

    assert {f["properties"]["objectType"] for f in features} == {"tile"}
    for feature, (x, y), p, label in zip(features, tiles.xy, tiles.probabilities, tiles.labels, strict=True):
        assert shape(feature["geometry"]).bounds == (x, y, x + 224, y + 224)
        assert feature["properties"]["classification"]["name"] == label
        values = [m["value"] for m in feature["properties"]["measurements"]]
        np.testing.assert_allclose(values, p, atol=1e-6)
        names = [m["name"] for m in feature["properties"]["measurements"]]
        assert names == ["histoalign: P(malignant)", "histoalign: P(benign)", "histoalign: P(glass)"]


def test_qupaths_coordinates_start_at_the_slides_bounds(tmp_path: Path) -> None:
    offset = (1000, 250)
    write_regions(tmp_path / "r.geojson", [region(box(1100, 300, 1200, 400))], bounds_offset=offset, **RUN)
    write_tiles(tmp_path / "t.geojson", scores(4), bounds_offset=offset, **RUN)

    (feature,) = check_file((tmp_path / "r.geojson").read_text(encoding="utf-8"))
    assert shape(feature["geometry"]).bounds == (100, 50, 200, 150)
    back = read_geojson(tmp_path / "r.geojson", bounds_offset=offset)
    assert back.annotations[0].geometry.bounds == (1100, 300, 1200, 400)
    first = check_file((tmp_path / "t.geojson").read_text(encoding="utf-8"))[0]
    assert shape(first["geometry"]).bounds == (-1000, -250, -776, -26)


def test_the_same_run_and_place_give_the_same_bytes_and_another_run_other_ids(tmp_path: Path) -> None:
    def written(name: str, **run: str) -> bytes:
        path = tmp_path / name
        write_tiles(path, scores(20), **{**RUN, **run})
        return path.read_bytes()

    first = written("a.geojson")
    assert written("b.geojson") == first
    assert written("c.geojson.gz") == written("d.geojson.gz")
    ids = {f["id"] for f in check_file(first.decode())}
    for run in ({"run_id": "other"}, {"slide_fingerprint": "cd" * 32}):
        others = {f["id"] for f in check_file(written("e.geojson", **run).decode())}
        assert not ids & others


def test_gz_holds_the_same_text(tmp_path: Path) -> None:
    write_tiles(tmp_path / "t.geojson", scores(20), **RUN)
    write_tiles(tmp_path / "t.geojson.gz", scores(20), **RUN)

    assert gzip.decompress((tmp_path / "t.geojson.gz").read_bytes()) == (tmp_path / "t.geojson").read_bytes()


def test_nothing_to_write_is_an_empty_collection(tmp_path: Path) -> None:
    write_regions(tmp_path / "r.geojson", [], **RUN)

    assert check_file((tmp_path / "r.geojson").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "bad",
    [
        region(Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])),
        region(Polygon()),
        region(box(0, 0, 1, 1), probability=float("nan")),
    ],
    ids=["bow-tie", "empty", "nan"],
)
def test_what_qupath_would_refuse_is_not_written_and_the_old_file_stays(tmp_path: Path, bad: Region) -> None:
    path = tmp_path / "regions.geojson"
    write_regions(path, [region(box(0, 0, 5, 5))], **RUN)
    before = path.read_bytes()

    with pytest.raises(ResultError):
        write_regions(path, [region(box(0, 0, 9, 9)), bad], **RUN)

    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["regions.geojson"]


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"gone.*could not be written"):
        write_regions(tmp_path / "gone" / "r.geojson", [], **RUN)


def test_many_tiles_need_little_memory(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        tiles = scores(n)
        _ = tiles.label
        tracemalloc.start()
        write_tiles(tmp_path / "t.geojson", tiles, **RUN)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    small, large = peak(2_000), peak(40_000)

    assert large < small + 5_000_000
