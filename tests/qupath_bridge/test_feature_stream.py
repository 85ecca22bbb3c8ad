"""Features come one by one, however the text is cut, and are those that a whole parse finds."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box
from written import RUN, region, scores

from qupath_bridge import read_geojson, roi_geometry, write_regions, write_tiles
from qupath_bridge.feature_stream import TooLargeError, entries

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


def cut(content: bytes, size: int, most: int = 1 << 30) -> list[Any]:
    """Entries of a text that is read `size` bytes at a time at most."""

    class Slow(io.BytesIO):
        def read(self, wanted: int | None = -1) -> bytes:
            return super().read(min(size, wanted if wanted is not None and wanted >= 0 else size))

    return list(entries(Slow(content), most))


@given(st.lists(VALUES, max_size=5), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_lists_are_read_as_a_whole_parse_reads_them(
    values: list[Any], size: int, indent: int | None, ascii_only: bool
) -> None:
    content = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert cut(content, size) == values


@given(
    st.lists(VALUES, max_size=4),
    st.dictionaries(
        st.text(max_size=4).filter(lambda key: key not in ("type", "features")), VALUES, max_size=3
    ),
    st.integers(1, 40),
    st.booleans(),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_collections_are_read_whatever_stands_around_their_features(
    values: list[Any], around: dict[str, Any], size: int, type_last: bool
) -> None:
    named = {"type": "FeatureCollection"}
    plain = {**around, "features": values, **named} if type_last else {**named, "features": values, **around}

    assert cut(json.dumps(plain).encode(), size) == values


@given(st.integers(1, 30), st.binary(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_whatever_is_no_json_is_an_error_and_nothing_else(size: int, content: bytes) -> None:
    try:
        whole = json.loads(content.decode("utf-8-sig"))
    except ValueError:
        with pytest.raises(ValueError):
            cut(content, size)
    else:
        assert not isinstance(whole, list) or cut(content, size) == whole


@pytest.mark.parametrize(
    "content",
    [
        b'{"features": [1]}',
        b'{"type": "FeatureCollection", "features": [1], "type": "Feature"}',
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": [1]',
        b'{"type": "FeatureCollection", "features": [1,]}',
        b'{"type": "FeatureCollection", "features": [1 2]}',
        b'{"type": "FeatureCollection", "features": [1]}]',
        b'{"type" "FeatureCollection"}',
        b"{1: 2}",
        b"[1] [2]",
        b"[1",
        b"[",
        b"",
        b"7",
    ],
    ids=range(14),
)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_faults_are_found_wherever_the_text_is_cut(content: bytes, size: int) -> None:
    with pytest.raises(ValueError):
        cut(content, size)


def test_no_more_is_read_than_allowed() -> None:
    content = b"[" + b"1," * 5000 + b"1]"

    assert len(cut(content, 100, most=len(content))) == 5001
    with pytest.raises(TooLargeError):
        cut(content, 100, most=len(content) - 1)


def test_tiles_that_are_not_wanted_need_no_memory(tmp_path: Path) -> None:
    def peak(tiles: int) -> int:
        write_tiles(tmp_path / "t.geojson", scores(tiles), **RUN)
        tracemalloc.start()
        found = read_geojson(tmp_path / "t.geojson", kinds=("annotation",))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.annotations == found.errors == ()
        return top

    assert (tmp_path / "t.geojson").exists() is False
    assert peak(30_000) < peak(6_000) + 1_000_000  # the larger file has 16 MB


def test_only_the_kinds_that_are_wanted_are_read(tmp_path: Path) -> None:
    write_regions(tmp_path / "r.geojson", [region(box(3000, 0, 3100, 100))], **RUN)
    write_tiles(tmp_path / "t.geojson", scores(4), **RUN)
    both = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("r.geojson", "t.geojson")]
    broken = {"type": "Feature", "geometry": None, "properties": {"objectType": "tile"}}
    path = tmp_path / "both.geojson"
    path.write_text(json.dumps([*both, broken]), encoding="utf-8")

    assert [a.kind for a in read_geojson(path).annotations] == ["annotation", *["tile"] * 4]
    assert len(read_geojson(path).errors) == 1
    only = read_geojson(path, kinds={"annotation"})
    assert ([a.kind for a in only.annotations], only.errors) == (["annotation"], ())
    assert roi_geometry(path).equals(box(3000, 0, 3100, 100))
