"""Similarities that are held are computed once, and never for the wrong tile or prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.engine import EmbeddingStore, StoreKey
from napari_histoalign.engine.held import HeldTensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TILES, WIDTH = 50, 8
CLASSES = np.array([0, 0, 1])


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def texts() -> np.ndarray:
    return unit(np.random.default_rng(1).normal(size=(4, WIDTH)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddingStore]:
    key = StoreKey("slide", "grid", TILES, "encoder", "w", "1", ("full", "hflip"), WIDTH)
    with EmbeddingStore(tmp_path, key) as opened:
        rows = unit(np.random.default_rng(0).normal(size=(TILES, 2, WIDTH)))
        opened.write(np.arange(TILES), rows)
        yield opened


@pytest.fixture(params=[False, True], ids=["as stored", "ready"])
def held(store: EmbeddingStore, request: pytest.FixtureRequest) -> HeldTensor:
    return HeldTensor([store], [10.0], edited=request.param)


def cosines(store: EmbeddingStore, indices: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Shape (k, views, n)."""
    rows = unit(store.read(indices).astype(np.float32))
    return np.einsum("nvd,kd->kvn", rows, texts)


def of(held: HeldTensor, indices: np.ndarray, texts: np.ndarray):
    return held.tensor(indices, [texts], CLASSES, 2, {})


def test_an_edited_prompt_leaves_the_columns_of_the_others(held, store, texts) -> None:
    tiles = np.arange(TILES)
    before = of(held, tiles, texts[:3])
    after = of(held, tiles, texts[[0, 3, 2]])

    kept, edited = before.columns[0, 0], after.columns[0, 0]
    assert edited[0] is kept[0]
    assert edited[2] is kept[2]
    assert after.images[0] is before.images[0]
    np.testing.assert_allclose(np.stack(edited), cosines(store, tiles, texts[[0, 3, 2]]), atol=1e-6)


@pytest.mark.parametrize("later", [np.arange(0, 50), np.arange(10, 40, 3), np.arange(30, 50)])
def test_more_or_other_tiles_get_their_own_numbers(held, store, texts, later) -> None:
    of(held, np.arange(5, 35, 2), texts[:3])
    after = of(held, later, texts[:3])

    np.testing.assert_allclose(np.stack(after.columns[0, 0]), cosines(store, later, texts[:3]), atol=1e-6)


def test_what_was_forgotten_is_read_again(held, store, texts) -> None:
    of(held, np.arange(7), texts[:3])
    held.forget()
    after = of(held, np.arange(9), texts[:3])

    np.testing.assert_allclose(
        np.stack(after.columns[0, 0]), cosines(store, np.arange(9), texts[:3]), atol=1e-6
    )


def test_too_much_to_hold_is_computed_block_by_block(store, texts) -> None:
    tensor = of(HeldTensor([store], [10.0], memory=100, edited=True), np.arange(TILES), texts[:3])

    assert tensor.columns is None
    assert not tensor.unit
    found = tensor.cosines([(0, 0)], slice(None))[0]
    np.testing.assert_allclose(found, cosines(store, np.arange(TILES), texts[:3]), atol=1e-6)


def test_rows_that_are_ready_have_length_one_in_single_precision(store, texts) -> None:
    held = HeldTensor([store], [10.0], edited=True)
    of(held, np.arange(3, 20), texts[:3])
    tensor = of(held, np.arange(0, 40, 2), texts[:3])

    assert tensor.unit
    expected = unit(store.read(np.arange(0, 40, 2)).astype(np.float32))
    assert tensor.images[0].dtype == np.float32
    np.testing.assert_allclose(tensor.images[0], expected, atol=1e-7)
