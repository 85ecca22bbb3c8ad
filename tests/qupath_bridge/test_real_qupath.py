"""What a real QuPath makes of our files; `PAQUO_QUPATH_DIR` names its folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import Polygon, box
from shapely.geometry import shape
from written import RUN, SHAPES, region, scores

from qupath_bridge import read_geojson, write_regions, write_tiles

READER = """
import json, sys
from paquo.java import LogManager
LogManager.setError()
from jpype import JClass
path = JClass("java.io.File")(sys.argv[1])
objects = JClass("qupath.lib.io.PathIO").readObjects(path)
option = JClass("qupath.lib.io.PathIO").GeoJsonExportOptions
if len(sys.argv) > 2:
    target = JClass("java.io.File")(sys.argv[2])
    JClass("qupath.lib.io.PathIO").exportObjectsAsGeoJSON(target, objects, option.FEATURE_COLLECTION)
print("FOUND" + json.dumps([
    {
        "kind": str(o.getClass().getSimpleName()),
        "id": str(o.getID()),
        "class": None if o.getPathClass() is None else str(o.getPathClass()),
        "name": None if o.getName() is None else str(o.getName()),
        "area": float(o.getROI().getArea()),
        "measurements": {str(n): float(o.getMeasurementList().get(n))
                         for n in o.getMeasurementList().getMeasurementNames()},
    }
    for o in objects
]))
"""


@pytest.fixture(scope="module")
def qupath() -> str:
    """The folder of a QuPath; skips where none is named."""
    folder = os.environ.get("PAQUO_QUPATH_DIR")
    if not folder:
        pytest.skip("no QuPath: set PAQUO_QUPATH_DIR to the folder of one (0.4 or later)")
    pytest.importorskip("paquo", reason="paquo is not installed: pip install napari-histoalign[qupath]")
    return folder


def opened(path: Path, *more: Path) -> list[dict[str, Any]]:
    """Objects of a file as QuPath reads it, in a process of its own: Java can start only once in one."""
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path), *map(str, more)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.split("FOUND", 1)[1])


def test_regions_arrive(tmp_path: Path, qupath: str) -> None:
    path = tmp_path / "r.geojson"
    knot = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    regions = [region(s, review="accepted") for s in SHAPES] + [region(knot, area_um2=1.0, class_name="悪性")]
    write_regions(path, regions, run_area=box(0, 0, 999, 999), **RUN)
    plain = json.loads(path.read_text(encoding="ascii"))["features"]

    found = opened(path)

    assert [f["id"] for f in found] == [f["id"] for f in plain]
    assert {f["kind"] for f in found} == {"PathAnnotationObject"}
    assert [f["class"] for f in found] == [None, *["malignant"] * len(SHAPES), "悪性"]
    assert [f["name"] for f in found][1:] == [*["malignant (accepted)"] * len(SHAPES), "悪性"]
    for one, written in zip(found, plain, strict=True):
        assert one["area"] == pytest.approx(shape(written["geometry"]).area, rel=1e-4)
        numbers = {m["name"]: m["value"] for m in written["properties"]["measurements"]}
        assert one["measurements"] == pytest.approx(numbers, abs=1e-6)


@pytest.mark.parametrize("name", ["t.geojson", "t.geojson.gz"])
def test_tiles_arrive(tmp_path: Path, qupath: str, name: str) -> None:
    tiles = scores(300)
    write_tiles(tmp_path / name, tiles, disagreement=np.linspace(0, 1, 300), **RUN)

    found = opened(tmp_path / name)

    assert {f["kind"] for f in found} == {"PathTileObject"}
    assert [f["class"] for f in found] == tiles.labels
    measured = [f["measurements"]["histoalign: P(malignant)"] for f in found]
    np.testing.assert_allclose(measured, tiles.probabilities[:, 0], atol=1e-6)


def test_what_qupath_writes_again_comes_back(tmp_path: Path, qupath: str) -> None:
    write_regions(tmp_path / "out.geojson", [region(s, review="rejected") for s in SHAPES], **RUN)
    ours = read_geojson(tmp_path / "out.geojson")

    opened(tmp_path / "out.geojson", tmp_path / "back.geojson")
    back = read_geojson(tmp_path / "back.geojson")

    assert back.errors == ()
    for one, written in zip(back.annotations, ours.annotations, strict=True):
        assert (one.identity, one.class_name, one.color) == (written.identity, "malignant", "#d62728")
        assert one.name == "malignant (rejected)"
        assert one.geometry.symmetric_difference(written.geometry).area < 0.01
        assert one.measurements == pytest.approx(dict(written.measurements), abs=1e-6)
