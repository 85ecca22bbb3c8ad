"""Whatever is wrong with a file is a sentence with its name, or reported by object."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn import SQUARE, feature, write
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.errors import GeoJSONError
from qupath_bridge import read_geojson


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"3",
        b'"text"',
        b"{}",
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": 3}',
        b'{"type": "Topology"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        bytes(range(256)),
        "[]".encode("utf-16"),
        b"\xff\xfe",
        b"\x00" * 1000,
        json.dumps(feature()).encode()[:-5],
        json.dumps(feature()).encode() + b"}",
        b'{"type": "Feature", "geometry": ' * 50_000,
        b'{"type": "Point", "coordinates": [' + b"9" * 9000 + b", 1]}",
        b"POLYGON ((0 0, 1 0, 1 1, 0 0))",
        b"<?xml version='1.0'?><a/>",
        gzip.compress(b""),
        gzip.compress(b"[")[:-1],
        b"\x1f\x8b broken gzip",
        gzip.compress(b"x" * 100)[:-12],
    ],
    ids=range(25),
)
def test_what_is_no_geojson_is_a_sentence_with_the_files_name(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(GeoJSONError, match=r"drawn\.geojson"):
        read_geojson(write(tmp_path, content))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path, pack(b"[" + b" " * 5000 + b"]"))
    assert read_geojson(path).annotations == ()
    monkeypatch.setattr("qupath_bridge.geojson_read.MAX_BYTES", 5000)

    with pytest.raises(GeoJSONError, match=r"drawn\.geojson is too large"):
        read_geojson(path)


def test_a_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(GeoJSONError, match="cannot be read"):
        read_geojson(tmp_path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["type", "coordinates", "color", "name", "value"]), inner)
        ),
        max_leaves=12,
    ),
    st.sampled_from(
        ["geometry", "coordinates", "properties", "classification", "measurements", "id", "name"]
    ),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_whatever_stands_in_a_place_is_read_or_reported(tmp_path_factory: Any, odd: Any, place: str) -> None:
    entry = feature(dict(SQUARE), classification={"name": "a", "color": [1, 2, 3]})
    target = {"geometry": entry, "properties": entry, "id": entry, "coordinates": entry["geometry"]}
    target.get(place, entry["properties"])[place] = odd
    path = write(tmp_path_factory.getbasetemp(), [entry, feature(name="last")])

    result = read_geojson(path)

    assert result.annotations[-1].name == "last"
    assert len(result.annotations) == 2 or len(result.errors) == 1
    assert all(a.geometry.is_valid for a in result.annotations)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(GeoJSONError, match=r"gone\.geojson cannot be read"):
        read_geojson(tmp_path / "gone.geojson")
