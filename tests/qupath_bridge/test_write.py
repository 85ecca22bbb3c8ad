"""What is written is what QuPath reads, in the right place, whole or not at all."""

from __future__ import annotations

import errno
import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qupath_rules import check_file
from shapely import Point, Polygon, box
from shapely.affinity import translate
from shapely.geometry import shape
from shapely.ops import unary_union
from written import RUN, SHAPES, region, scores

from napari_histoalign.errors import ResultError
from qupath_bridge import read_geojson, write_regions, write_tiles
from qupath_bridge.tiles import tile_lines

if TYPE_CHECKING:
    from napari_histoalign.results import Region


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
        first, second = sorted(p, reverse=True)[:2]
        np.testing.assert_allclose(values, [*p, first - second], atol=1e-6)
        names = [m["name"] for m in feature["properties"]["measurements"]]
        classes = ["P(malignant)", "P(benign)", "P(glass)"]
        assert names == [f"histoalign: {name}" for name in (*classes, "margin")]


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
        region(Polygon([(0, 0), (5, 0), (9, 0)])),
        region(Polygon()),
        region(Polygon([(0, 0), (10, 0), (10, float("inf")), (0, 10)])),
        region(box(0, 0, 1e-5, 1)),
        region(box(0, 0, 1, 1), probability=float("nan")),
        region(box(0, 0, 1, 1), margin=float("inf")),
        region(box(0, 0, 1, 1), color="red"),
        region(box(0, 0, 1, 1), class_name=""),
        region(box(0, 0, 1, 1), class_name="\ud800"),
    ],
    ids=["flat", "empty", "infinite", "sliver", "nan", "inf", "colour", "nameless", "half character"],
)
def test_what_qupath_would_refuse_is_not_written_and_the_old_file_stays(tmp_path: Path, bad: Region) -> None:
    path = tmp_path / "regions.geojson"
    write_regions(path, [region(box(0, 0, 5, 5))], **RUN)
    before = path.read_bytes()

    with pytest.raises(ResultError):
        write_regions(path, [region(box(0, 0, 9, 9)), bad], **RUN)

    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["regions.geojson"]


@pytest.mark.parametrize("name", ["tiles.geojson", "tiles.geojson.gz"])
def test_a_failure_after_thousands_of_tiles_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    write_tiles(path, scores(10), **RUN)
    before = path.read_bytes()
    reached = []

    def full(*arguments: Any, **options: Any) -> Iterator[str]:
        for number, line in enumerate(tile_lines(*arguments, **options)):
            if number == 3500:
                reached.extend(p.stat().st_size for p in tmp_path.iterdir() if p != path)
                raise OSError(errno.ENOSPC, "No space left on device")
            yield line

    monkeypatch.setattr("qupath_bridge.geojson_write.tile_lines", full)
    with pytest.raises(ResultError, match=r"tiles\.geojson.*could not be written \(No space"):
        write_tiles(path, scores(4000), **RUN)

    assert reached[0] > len(before)  # it failed in the middle, not before the first byte
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("offset", [(0, 0), (1000, 250)])
def test_an_outline_that_rounding_would_fold_stays_valid(tmp_path: Path, offset: tuple[int, int]) -> None:
    nearly_touching = Polygon([(0, 0), (10, 0), (10, 10), (5, 0.0004), (0, 10)])
    write_regions(tmp_path / "r.geojson", [region(nearly_touching)], bounds_offset=offset, **RUN)

    (feature,) = check_file((tmp_path / "r.geojson").read_text(encoding="utf-8"))

    moved = translate(nearly_touching, -offset[0], -offset[1])
    assert shape(feature["geometry"]).symmetric_difference(moved).area < 0.01


def test_random_outlines_pass_and_come_back_where_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    discs = [
        Point(*c).buffer(r) for c, r in zip(rng.random((60, 2)) * 90, rng.random(60) * 9 + 1, strict=True)
    ]
    shapes = [unary_union(discs[:40]).difference(unary_union(discs[40:])), *discs]
    write_regions(tmp_path / "r.geojson", [region(s) for s in shapes], bounds_offset=(7, 3), **RUN)
    check_file((tmp_path / "r.geojson").read_text(encoding="utf-8"))

    back = read_geojson(tmp_path / "r.geojson", bounds_offset=(7, 3))

    assert back.errors == ()
    for annotation, expected in zip(back.annotations, shapes, strict=True):
        assert annotation.geometry.symmetric_difference(expected).area < 0.001 * expected.length
        assert annotation.measurements["histoalign: P(malignant)"] == 0.8125
        assert (annotation.class_name, annotation.color) == ("malignant", "#d62728")


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

    assert peak(10_000) < peak(1_000) + 1_000_000  # all 10,000 features at once would be some 25 MB


def test_200_000_tiles_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.geojson"
    write_tiles(path, scores(200_000), **RUN)

    with path.open(encoding="utf-8") as lines:
        identities = {
            line.split('"id":"', 1)[1][:36] for line in lines if line.startswith('{"type":"Feature",')
        }
    assert len(identities) == 200_000
