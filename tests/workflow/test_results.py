"""The six files of a run: they agree with each other, with the slide and with the truth."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import zarr
from PIL import Image
from shapely import box, union_all
from shapely.geometry import shape

from napari_histoalign.alignment import PromptSet
from napari_histoalign.files import resource

if TYPE_CHECKING:
    from conftest import Drawn

    from napari_histoalign.workflow import RunSummary


def features(summary: RunSummary, name: str) -> list[dict]:
    return json.loads(summary.files[name].read_text(encoding="utf-8"))["features"]


def table(summary: RunSummary) -> dict[str, np.ndarray]:
    columns = pq.read_table(summary.files["tiles.parquet"])
    return {name: np.asarray(columns[name].to_pylist()) for name in columns.column_names}


def test_all_six_files_are_there_and_nothing_else(summary: RunSummary) -> None:
    assert {p.name for p in summary.folder.iterdir()} == {
        "tiles.parquet",
        "probabilities.zarr",
        "regions.geojson",
        "tiles.geojson",
        "overlay.png",
        "run.json",
    }


def test_every_file_that_shows_the_encoders_output_says_what_they_are(summary: RunSummary) -> None:
    words = b"not for diagnosis"

    for name in ("regions.geojson", "tiles.geojson", "run.json"):
        assert words in summary.files[name].read_bytes()
    assert any(words in value for value in pq.read_schema(summary.files["tiles.parquet"]).metadata.values())
    group = zarr.open_group(summary.files["probabilities.zarr"], mode="r")
    assert "not for diagnosis" in group.attrs["napari-histoalign"]["about"]["notice"]


def test_every_tile_on_tissue_is_in_the_table_and_glass_is_not(drawn: Drawn, summary: RunSummary) -> None:
    rows = table(summary)

    assert set(rows["size_px"].tolist()) == {224}
    scored = {(int(x), int(y)) for x, y in zip(rows["x"], rows["y"], strict=True)}
    for y in range(0, 2504, 224):
        for x in range(0, 2504, 224):
            # half a tile of slack on either side: the detector works at 8 um a pixel
            tissue = 1 - drawn.share("glass", x, y, 224)
            if tissue > 0.3 and max(x, y) + 224 <= 2504:
                assert (x, y) in scored
            if tissue == 0:
                assert (x, y) not in scored


def test_the_lesion_lies_where_it_was_drawn(drawn: Drawn, summary: RunSummary) -> None:
    rows = table(summary)
    places = list(zip(rows["x"], rows["y"], strict=True))
    malignant = np.array([drawn.share("malignant", x, y, 224) for x, y in places])
    benign = np.array([drawn.share("benign", x, y, 224) for x, y in places])
    lesion = rows["p_malignant"] / (rows["p_malignant"] + rows["p_benign"])

    assert (malignant > 0.5).sum() >= 5
    assert (benign > 0.5).sum() >= 5
    assert lesion[malignant > 0.5].mean() > lesion[benign > 0.5].mean() + 0.3


def test_regions_are_the_tiles_above_the_threshold(summary: RunSummary) -> None:
    rows = table(summary)
    slide = box(0, 0, 2504, 2504)
    for name in ("malignant", "benign"):
        chosen = (rows["label"] == name) & (rows[f"p_{name}"] >= 0.5)
        expected = union_all(
            [box(x, y, x + 224, y + 224) for x, y in zip(rows["x"][chosen], rows["y"][chosen], strict=True)]
        ).intersection(slide)
        regions = [
            f
            for f in features(summary, "regions.geojson")
            if f["properties"]["classification"]["name"] == name
        ]
        merged = union_all([shape(f["geometry"]) for f in regions])
        assert merged.symmetric_difference(expected).area < 1
        areas = [
            m["value"]
            for f in regions
            for m in f["properties"]["measurements"]
            if m["name"] == "histoalign: area um^2"
        ]
        np.testing.assert_allclose(sum(areas), expected.area * 0.25, rtol=1e-6)
    names = {f["properties"]["classification"]["name"] for f in features(summary, "regions.geojson")}
    assert names <= {"malignant", "benign"}


def test_tile_objects_carry_the_tables_numbers(summary: RunSummary) -> None:
    rows = table(summary)
    objects = features(summary, "tiles.geojson")

    assert len(objects) == len(rows["x"])
    for i, feature in enumerate(objects):
        assert shape(feature["geometry"]).bounds[:2] == (rows["x"][i], rows["y"][i])
        values = {m["name"]: m["value"] for m in feature["properties"]["measurements"]}
        assert abs(values["histoalign: P(malignant)"] - rows["p_malignant"][i]) < 1e-6


def test_the_zarr_image_puts_each_probability_at_its_tiles_centre(summary: RunSummary) -> None:
    group = zarr.open_group(summary.files["probabilities.zarr"], mode="r")
    (multiscale,) = group.attrs["ome"]["multiscales"]
    scale, translation = multiscale["datasets"][0]["coordinateTransformations"]
    data = np.asarray(group[multiscale["datasets"][0]["path"]])
    assert [a["name"] for a in multiscale["axes"]] == ["c", "y", "x"]
    assert [a.get("unit") for a in multiscale["axes"]] == [None, "micrometer", "micrometer"]
    labels = [c["label"] for c in group.attrs["ome"]["omero"]["channels"]]

    rows = table(summary)
    for i in range(len(rows["x"])):
        # the slide's pixel (0, 0) has its centre at 0: a tile's centre lies half a pixel before x + 112
        centre = [(rows[axis][i] + 112 - 0.5) * 0.5 for axis in ("y", "x")]
        row, column = (
            (c - t) / s
            for c, t, s in zip(centre, translation["translation"][1:], scale["scale"][1:], strict=True)
        )
        assert abs(row - round(row)) < 1e-6
        assert abs(column - round(column)) < 1e-6
        for c, label in enumerate(labels):
            assert data[c, round(row), round(column)] == np.float32(rows[f"p_{label}"][i])
    assert np.isfinite(data[0]).sum() == len(rows["x"])


def test_the_overlay_reddens_what_is_malignant_and_leaves_the_rest(drawn: Drawn, summary: RunSummary) -> None:
    rows = table(summary)
    overlay = np.asarray(Image.open(summary.files["overlay.png"]).convert("RGB")).astype(float)
    scale = 2048 / 2504

    def redness(i: int) -> float:
        x, y = (int((rows[a][i] + 20) * scale) for a in ("x", "y"))
        part = overlay[y : y + int(184 * scale), x : x + int(184 * scale)]
        return float((part[..., 0] - part[..., 1:].mean(axis=-1)).mean())

    order = np.argsort(rows["p_malignant"])
    unsure, sure = order[:5], order[-5:]
    assert np.mean([redness(i) for i in sure]) > np.mean([redness(i) for i in unsure]) + 30


def test_the_provenance_says_how_the_numbers_came_about(drawn: Drawn, summary: RunSummary) -> None:
    text = summary.files["run.json"].read_text(encoding="utf-8")
    run = json.loads(text)

    for encoder in run["encoders"]:
        weights = resource("encoders", encoder["name"], "model.safetensors").read_bytes()
        assert encoder["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert PromptSet.from_dict(run["prompts"]) == PromptSet.load("breast")
    assert run["alignment"]["name"] == "many-to-many"
    assert abs(sum(run["alignment"]["details"]["weights"]) - 1) < 1e-6
    assert run["slide"]["mpp"] == [0.5, 0.5]
    assert run["slide"]["mpp_source"] == "slide"
    assert run["grid"]["tile_px"] == 224
    assert run["counts"]["tiles"] == summary.tiles
    assert run["software"]["numpy"] == np.__version__
    assert any("not for diagnosis" in note for note in run["notes"])
    # nothing of the machine or the person: where the slide lay is nobody's business
    assert str(drawn.path.parent) not in text
    assert str(Path.home()) not in text


def test_the_summary_adds_up(summary: RunSummary) -> None:
    assert sum(c.tiles for c in summary.classes) == summary.tiles
    areas = [c.area_mm2 for c in summary.classes]
    assert all(a is not None for a in areas)
    whole_tile = (224 * 0.5e-3) ** 2
    assert sum(a for a in areas if a is not None) <= summary.tiles * whole_tile + 1e-9
    assert summary.tissue_share is not None
    assert 0.2 < summary.tissue_share < 1.0


def test_the_slide_as_a_whole_follows_from_the_tables_tiles(summary: RunSummary) -> None:
    rows = table(summary)
    found = json.loads(summary.files["run.json"].read_text(encoding="utf-8"))["counts"]["whole_slide"]
    names = PromptSet.load("breast").class_names
    p = np.stack([rows[f"p_{name}"] for name in names], axis=1).astype(np.float64)

    share = found["tumour_share"]
    tissue = np.isin(rows["label"], ["malignant", "benign"])
    assert share["tissue_tiles"] == tissue.sum()
    assert share["lesion_tiles"] == (tissue & (p[:, 0] >= 0.5)).sum()
    assert share["share"] == share["lesion_tiles"] / share["tissue_tiles"]
    # a softmax of means of logits is that of means of log probabilities
    odds = np.exp(np.log(np.maximum(p, 1e-30)).mean(axis=0))
    expected = dict(zip(names, odds / odds.sum(), strict=True))
    assert found["mean"]["tiles"] == len(p)
    for name, value in found["mean"]["probabilities"].items():
        assert abs(value - expected[name]) < 0.01
    assert sum(found["top_j"]["probabilities"].values()) > 0.999
