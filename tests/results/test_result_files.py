"""What is written: read back the same, checked by hand against its format, never half there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr

from napari_histoalign.errors import ResultError
from napari_histoalign.results import (
    ProbabilityMap,
    TileScores,
    area_by_class,
    read_probability_zarr,
    read_tiles_table,
    write_probability_zarr,
    write_tiles_table,
)

Painter = Callable[..., ProbabilityMap]


def test_the_table_has_the_columns_it_promises(scores: TileScores, tmp_path: Path) -> None:
    write_tiles_table(tmp_path / "tiles.parquet", scores)
    table = pq.read_table(tmp_path / "tiles.parquet")

    assert {f.name: str(f.type) for f in table.schema} == {
        "x": "int64",
        "y": "int64",
        "size_px": "int64",
        "p_tumour": "float",
        "p_Stroma, übrig": "float",
        "p_glass": "float",
        "label": "string",
        "margin": "float",
        "entropy": "float",
    }
    rows = table.to_pylist()
    assert [(r["x"], r["y"]) for r in rows] == [tuple(p) for p in scores.xy.tolist()]
    assert {r["size_px"] for r in rows} == {20}
    assert [r["label"] for r in rows] == scores.labels
    np.testing.assert_array_equal(
        np.float32([r["p_Stroma, übrig"] for r in rows]), scores.probabilities[:, 1]
    )
    np.testing.assert_array_equal(np.float32([r["entropy"] for r in rows]), scores.entropy)


def test_a_table_comes_back_bit_for_bit(scores: TileScores, tmp_path: Path) -> None:
    write_tiles_table(tmp_path / "tiles.parquet", scores)
    back = read_tiles_table(tmp_path / "tiles.parquet")

    for name in ("tile_px", "stride_px", "class_names", "colors", "roles"):
        assert getattr(back, name) == getattr(scores, name)
    assert back.xy.tobytes() == scores.xy.tobytes()
    assert back.probabilities.tobytes() == scores.probabilities.tobytes()


def test_a_table_without_tiles_comes_back(scores: TileScores, tmp_path: Path) -> None:
    none = TileScores(
        scores.xy[:0], 20, 16, scores.class_names, scores.colors, scores.roles, scores.probabilities[:0]
    )
    write_tiles_table(tmp_path / "tiles.parquet", none)
    assert read_tiles_table(tmp_path / "tiles.parquet").probabilities.shape == (0, 3)


@pytest.mark.parametrize("damage", ["cut", "foreign", "no table"])
def test_a_damaged_table_is_named(scores: TileScores, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "tiles.parquet"
    write_tiles_table(path, scores)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "foreign":
        pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    else:
        path.write_text("x,y\n1,2\n")
    with pytest.raises(ResultError, match=r"tiles\.parquet is not a table of tiles"):
        read_tiles_table(path)


def test_zarr_metadata_are_those_of_ngff_0_5(painted: Painter, tmp_path: Path) -> None:
    """Read as JSON and checked against the specification, not through our own reader."""
    map = painted("ts.", "gt.", origin=(100.0, 40.0), step=16.0)
    write_probability_zarr(tmp_path / "probabilities.zarr", map, mpp=(0.5, 0.25))
    group = json.loads((tmp_path / "probabilities.zarr" / "zarr.json").read_bytes())
    array = json.loads((tmp_path / "probabilities.zarr" / "0" / "zarr.json").read_bytes())
    ome = group["attributes"]["ome"]
    (image,) = ome["multiscales"]

    assert (group["zarr_format"], group["node_type"], ome["version"]) == (3, "group", "0.5")
    assert image["axes"] == [
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    assert image["datasets"] == [
        {
            "path": "0",
            "coordinateTransformations": [
                {"type": "scale", "scale": [1.0, 16 * 0.25, 16 * 0.5]},
                # the first map pixel is level-0 pixels 100..115 and 40..55: its middle is 107.5 and 47.5
                {"type": "translation", "translation": [0.0, 47.5 * 0.25, 107.5 * 0.5]},
            ],
        }
    ]
    channels = ome["omero"]["channels"]
    assert [(c["label"], c["color"]) for c in channels] == [
        ("tumour", "D62728"),
        ("Stroma, übrig", "2CA02C"),
        ("glass", "808080"),
    ]
    assert all(c["window"] == {"min": 0, "max": 1, "start": 0, "end": 1} for c in channels)
    assert array["zarr_format"] == 3
    assert array["data_type"] == "float32"
    assert array["shape"] == [3, 2, 3]
    assert array["dimension_names"] == [a["name"] for a in image["axes"]]
    assert array["fill_value"] == "NaN"


def test_without_a_scale_axes_have_no_unit(painted: Painter, tmp_path: Path) -> None:
    write_probability_zarr(tmp_path / "p.zarr", painted("t", step=16.0), mpp=None)
    ome = json.loads((tmp_path / "p.zarr" / "zarr.json").read_bytes())["attributes"]["ome"]
    (image,) = ome["multiscales"]

    assert all("unit" not in axis for axis in image["axes"])
    transformations = image["datasets"][0]["coordinateTransformations"]
    assert transformations[0]["scale"] == [1, 16, 16]
    assert transformations[1]["translation"] == [0, 7.5, 7.5]


@pytest.mark.parametrize("mpp", [(0.4990, 0.4991), None])
def test_probabilities_come_back_bit_for_bit(tmp_path: Path, mpp: tuple[float, float] | None) -> None:
    data = np.random.default_rng(1).random((2, 700, 530), np.float32)
    data[:, 100:200, :300] = np.nan
    map = ProbabilityMap(data, (-1 / 3, 0.1), 447.3, ("a", "b"), ("#0a0b0c", "#ffffff"))
    write_probability_zarr(tmp_path / "p.zarr", map, mpp=mpp)
    back, scale = read_probability_zarr(tmp_path / "p.zarr")

    assert back.data.tobytes() == data.tobytes()
    assert scale == mpp
    for name in ("origin", "step", "class_names", "colors"):
        assert getattr(back, name) == getattr(map, name)


@pytest.mark.parametrize("damage", ["chunk lost", "chunk spoilt", "foreign"])
def test_damaged_probabilities_are_named(painted: Painter, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "p.zarr"
    write_probability_zarr(folder, painted("tsg", "gts"), mpp=None)
    chunk = folder / "0" / "c" / "1" / "0" / "0"
    if damage == "chunk lost":
        chunk.unlink()
    elif damage == "chunk spoilt":
        chunk.write_bytes(b"spoilt")
    else:
        zarr.open_group(folder, mode="w")
    with pytest.raises(ResultError, match=r"p\.zarr does not hold probabilities"):
        read_probability_zarr(folder)


def content(path: Path) -> dict[str, bytes]:
    """Every file below a path, hidden ones included."""
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_a_fault_while_writing_leaves_the_old_results(
    scores: TileScores, painted: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiles_table(tmp_path / "tiles.parquet", scores)
    write_probability_zarr(tmp_path / "p.zarr", painted("ts"), mpp=None)
    before = content(tmp_path)

    def full_disk(self: Any, *args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zarr.Array, "__setitem__", full_disk)
    with pytest.raises(ResultError, match=r"p\.zarr could not be written \(No space left on device\)"):
        write_probability_zarr(tmp_path / "p.zarr", painted("tst"), mpp=None)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", full_disk)
    with pytest.raises(ResultError, match=r"tiles\.parquet could not be written \(No space left on device\)"):
        write_tiles_table(tmp_path / "tiles.parquet", scores)

    assert content(tmp_path) == before


def test_where_there_is_no_folder_or_file_the_error_says_so(
    scores: TileScores, painted: Painter, tmp_path: Path
) -> None:
    with pytest.raises(ResultError, match="could not be written"):
        write_tiles_table(tmp_path / "absent" / "tiles.parquet", scores)
    with pytest.raises(ResultError, match="could not be written"):
        write_probability_zarr(tmp_path / "absent" / "p.zarr", painted("t"), mpp=None)
    with pytest.raises(ResultError, match="There is no table"):
        read_tiles_table(tmp_path / "tiles.parquet")
    with pytest.raises(ResultError, match="There are no probabilities"):
        read_probability_zarr(tmp_path / "p.zarr")


def test_areas_are_those_of_the_cells_on_the_slide(painted: Painter) -> None:
    map = painted("tts", "tgs", ".gs", origin=(-5.0, 0.0))  # cells of 10 px, the slide ends at 22 and 24
    tumour, stroma, glass = area_by_class(map, (22, 24), (0.5, 1.0))

    assert [a.class_name for a in (tumour, stroma, glass)] == list(map.class_names)
    assert [a.tiles for a in (tumour, stroma, glass)] == [3, 3, 2]
    assert [a.area_px for a in (tumour, stroma, glass)] == [
        5 * 10 + 10 * 10 + 5 * 10,
        7 * 24,
        10 * 10 + 10 * 4,
    ]
    assert tumour.area_mm2 == pytest.approx(200 * 0.5 * 1.0 / 1e6)
    assert area_by_class(map, (22, 24), None)[0].area_mm2 is None


def test_tiles_and_their_map_cover_the_same_area(scores: TileScores) -> None:
    map = ProbabilityMap.from_tiles(scores, (100, 52), 10, 6)
    for size in ((400, 400), (221, 117), (90, 40)):
        assert area_by_class(scores, size, (0.5, 0.5)) == area_by_class(map, size, (0.5, 0.5))
    assert sum(a.area_px for a in area_by_class(scores, (400, 400), None)) == 40 * 16 * 16
