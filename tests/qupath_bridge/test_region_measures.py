"""What tiles say of the region they lie in, and the numbers and ids of tiles themselves."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shapely import Polygon, box
from written import RUN, region, scores

from napari_histoalign.errors import ResultError
from qupath_bridge import mean_in_regions, write_tiles
from qupath_bridge.features import origin_of


def test_the_mean_is_that_of_the_tiles_whose_centre_lies_in_the_region() -> None:
    tiles = scores(100)  # ten rows of ten
    values = np.arange(100, dtype=np.float32)
    values[44] = np.nan
    row = region(box(0, 224, 2240, 448))
    # around the first column, less than half of the second one, and not the tile in its hole
    ring = Polygon(box(0, 0, 330, 2240).exterior.coords, [box(0.5, 225, 223, 447).exterior.coords])
    around = region(box(4 * 224, 4 * 224, 6 * 224, 5 * 224))

    means = mean_in_regions([row, region(ring), around, region(box(5000, 0, 5100, 9))], tiles, values)

    assert means == [14.5, (sum(range(0, 100, 10)) - 10) / 9, 45.0, None]
    assert mean_in_regions([], tiles, values) == []


def test_ids_of_tiles_are_those_of_rfc_9562(tmp_path: Path) -> None:
    tiles = scores(30)
    write_tiles(tmp_path / "t.geojson", tiles, **RUN)

    found = json.loads((tmp_path / "t.geojson").read_text(encoding="utf-8"))["features"]

    origin = origin_of(RUN["slide_fingerprint"], RUN["run_id"])
    expected = [str(uuid.uuid5(origin, f"tile {x} {y} 224")) for x, y in tiles.xy.tolist()]
    assert [f["id"] for f in found] == expected


@pytest.mark.parametrize(
    "name",
    ["50 % %s %d", 'say "value":0.123456', '"coordinates":[]', "00000000-0000-0000-0000-000000000000", "{0}"],
)
def test_a_class_may_be_called_like_anything_in_the_file(tmp_path: Path, name: str) -> None:
    tiles = replace(scores(5), class_names=(name, "benign", "glass"))
    write_tiles(tmp_path / "t.geojson", tiles, **RUN)

    found = json.loads((tmp_path / "t.geojson").read_text(encoding="utf-8"))["features"]

    assert [f["properties"]["classification"]["name"] for f in found] == tiles.labels
    for one, p in zip(found, tiles.probabilities.tolist(), strict=True):
        numbers = {m["name"]: m["value"] for m in one["properties"]["measurements"]}
        assert numbers[f"histoalign: P({name})"] == pytest.approx(p[0], abs=1e-6)
        assert len(numbers) == 4


@pytest.mark.parametrize(
    ("spread", "sentence"),
    [
        (np.zeros(4), "5 tiles need as many"),
        (np.full(5, np.nan), "not finite"),
        (np.full(5, np.inf), "not finite"),
    ],
    ids=["too few", "nan", "inf"],
)
def test_disagreement_that_cannot_be_written_leaves_the_old_file(
    tmp_path: Path, spread: np.ndarray, sentence: str
) -> None:
    path = tmp_path / "t.geojson"
    write_tiles(path, scores(3), **RUN)
    before = path.read_bytes()

    with pytest.raises(ResultError, match=sentence):
        write_tiles(path, scores(5), disagreement=spread, **RUN)

    assert path.read_bytes() == before
