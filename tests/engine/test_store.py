"""The embedding store keeps what was written, and never serves what was not."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.engine import EmbeddingStore, StoreKey
from napari_histoalign.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

KEY = StoreKey(
    slide="ab" * 32,
    grid="g",
    tiles=500,
    encoder="probe",
    weights="w",
    preprocessing="1",
    views=("full", "hflip"),
    dim=8,
)


def unit_rows(n: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, 2, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_rows_come_back_after_reopening_at_their_places(tmp_path: Path) -> None:
    indices = np.array([3, 4, 5, 100, 499])
    rows = unit_rows(5)
    with EmbeddingStore(tmp_path, KEY) as store:
        store.write(indices, rows)

    with EmbeddingStore(tmp_path, KEY) as store:
        assert np.flatnonzero(store.done()).tolist() == indices.tolist()
        np.testing.assert_array_equal(store.read(indices), rows.astype(np.float16))
        np.testing.assert_array_equal(store.read(indices[[4, 0]]), rows[[4, 0]].astype(np.float16))


def test_rows_written_out_of_order_land_where_they_belong(tmp_path: Path) -> None:
    indices = np.array([9, 2, 3, 1])
    rows = unit_rows(4)
    with EmbeddingStore(tmp_path, KEY) as store:
        store.write(indices, rows)
    with EmbeddingStore(tmp_path, KEY) as store:
        np.testing.assert_array_equal(
            store.read(np.array([1, 2, 3, 9])), rows[[3, 1, 2, 0]].astype(np.float16)
        )


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "x"},
        {"grid": "h"},
        {"slide": "cd" * 32},
        {"preprocessing": "2"},
        {"views": ("full", "vflip")},
    ],
)
def test_whatever_decides_a_row_decides_the_store(tmp_path: Path, change: dict[str, object]) -> None:
    with EmbeddingStore(tmp_path, KEY) as store:
        store.write(np.array([0]), unit_rows(1))

    with EmbeddingStore(tmp_path, replace(KEY, **change)) as other:
        assert not other.done().any()


def test_reading_what_is_not_stored_is_refused(tmp_path: Path) -> None:
    with EmbeddingStore(tmp_path, KEY) as store:
        store.write(np.array([0]), unit_rows(1))
        with pytest.raises(StoreError, match="1 of 2 tiles are not in the embedding store"):
            store.read(np.array([0, 1]))


def test_damaged_rows_are_forgotten_and_the_others_kept(tmp_path: Path) -> None:
    indices = np.arange(10)
    rows = unit_rows(10)
    with EmbeddingStore(tmp_path, KEY) as store:
        store.write(indices, rows)
        file = store.folder / "vectors.f16"
    raw = bytearray(file.read_bytes())
    row_bytes = 2 * 8 * 2
    raw[4 * row_bytes + 5] ^= 0x40
    raw[7 * row_bytes : 8 * row_bytes] = bytes(row_bytes)
    file.write_bytes(raw)

    with EmbeddingStore(tmp_path, KEY) as store:
        assert store.forget_damaged(indices).tolist() == [4, 7]
        assert np.flatnonzero(store.done()).tolist() == [0, 1, 2, 3, 5, 6, 8, 9]
        kept = np.flatnonzero(store.done())
        np.testing.assert_array_equal(store.read(kept), rows[kept].astype(np.float16))


@pytest.mark.parametrize("name", ["vectors.f16", "state.u32", "store.json"])
def test_a_store_with_a_broken_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with EmbeddingStore(tmp_path, KEY) as store:
        folder = store.folder
    (folder / name).write_bytes(b"{")

    with pytest.raises(StoreError, match=folder.name):
        EmbeddingStore(tmp_path, KEY)


def test_numbers_that_are_not_finite_are_never_stored(tmp_path: Path) -> None:
    rows = unit_rows(2)
    rows[1, 0, 0] = np.nan
    with EmbeddingStore(tmp_path, KEY) as store:
        with pytest.raises(StoreError, match="not finite"):
            store.write(np.array([0, 1]), rows)
        assert not store.done().any()


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    class FullDisk:
        """A file on a disk without room."""

        def __init__(self, file: object) -> None:
            self._file = file

        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

    rows = unit_rows(3)
    store = EmbeddingStore(tmp_path, KEY)
    store.write(np.array([0, 1, 2]), rows)
    store.commit()
    store._vectors_file = FullDisk(store._vectors_file)  # type: ignore[assignment]
    with pytest.raises(StoreError, match="No space left"):
        store.write(np.array([3]), unit_rows(1))
    store.close()

    with EmbeddingStore(tmp_path, KEY) as again:
        assert np.flatnonzero(again.done()).tolist() == [0, 1, 2]
        np.testing.assert_array_equal(again.read(np.arange(3)), rows.astype(np.float16))


WRITER = """
import sys
import numpy as np
from pathlib import Path
from napari_histoalign.engine import EmbeddingStore, store as module
from tests_engine_key import KEY
module.COMMIT_SECONDS = 0.005
with EmbeddingStore(Path(sys.argv[1]), KEY) as store:
    print("open", flush=True)
    for tile in range(KEY.tiles):
        row = np.random.default_rng(tile).normal(size=(1, 2, 8)).astype(np.float32)
        store.write(np.array([tile]), row)
"""


def test_a_killed_writer_leaves_only_whole_rows(tmp_path: Path) -> None:
    (tmp_path / "tests_engine_key.py").write_text(
        f"from napari_histoalign.engine import StoreKey\nKEY = {KEY!r}\n", encoding="utf-8"
    )
    seen = 0
    for delay in (0.0, 0.01, 0.03, 0.08):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "cache")],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with EmbeddingStore(tmp_path / "cache", KEY) as store:
            done = np.flatnonzero(store.done())
            assert len(store.forget_damaged(done)) == 0
            for tile in done.tolist():
                row = np.random.default_rng(tile).normal(size=(1, 2, 8)).astype(np.float32).astype(np.float16)
                np.testing.assert_array_equal(store.read(np.array([tile])), row)
            seen = max(seen, len(done))
    assert seen > 0
