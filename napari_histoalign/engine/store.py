"""Embeddings on disk: one row a tile, stored once, safe against crashes.

A store is a folder with three files. `store.json` says what the rows are.
`vectors.f16` is the preallocated (sparse) array of unit embeddings, `state.u32`
holds one number a tile: 0 where nothing is stored, else the CRC-32 of the row.
Rows are flushed to the disk before their state is set, so that after a crash or
a power loss a tile either has its whole row or counts as not embedded; a row
that does not match its checksum is never served.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import StoreError
from napari_histoalign.files import whole_folder

if TYPE_CHECKING:
    from io import FileIO
    from types import TracebackType

    from numpy.typing import NDArray

FORMAT = 1
COMMIT_SECONDS = 0.5
"""How much work a power loss may cost: rows are made durable at least this often."""


@dataclass(frozen=True)
class StoreKey:
    """Everything that decides what a row of a store holds; another value, another store.

    Attributes
    ----------
    slide
        The slide's fingerprint.
    grid
        The key of the tile grid (`TileGrid.key`).
    tiles
        Number of tiles of the grid, the store's rows.
    encoder, weights, preprocessing
        Name of the encoder, SHA-256 of its weights, version of its preprocessing.
    views
        Names of the views of a tile, the store's second axis.
    dim
        Width of an embedding.
    """

    slide: str
    grid: str
    tiles: int
    encoder: str
    weights: str
    preprocessing: str
    views: tuple[str, ...]
    dim: int

    @property
    def folder(self) -> Path:
        """Where the store lies below the cache, by slide, then by everything else."""
        text = json.dumps(asdict(self), sort_keys=True)
        return Path(self.slide[:32], f"{self.encoder}-{sha256(text.encode()).hexdigest()[:24]}")


class EmbeddingStore:
    """Rows of float16 unit vectors, one for each tile of a grid.

    Parameters
    ----------
    root
        Folder of all stores; made if absent.
    key
        What the rows are. The store is made if there is none of that key, opened otherwise.

    Raises
    ------
    StoreError
        The store cannot be made or does not fit its key; the message names its folder.
    """

    def __init__(self, root: Path, key: StoreKey) -> None:
        self.key = key
        self.folder = Path(root) / key.folder
        self._shape = (key.tiles, len(key.views), key.dim)
        self._row_bytes = len(key.views) * key.dim * 2
        self._pending: list[tuple[NDArray[np.int64], NDArray[np.uint32]]] = []
        self._committed_at = time.monotonic()
        try:
            if not (self.folder / "store.json").exists():
                self._create()
            self._check()
            self._vectors_file = (self.folder / "vectors.f16").open("r+b", buffering=0)
            self._state_file = (self.folder / "state.u32").open("r+b", buffering=0)
        except OSError as err:
            raise StoreError(
                f"The embedding store {self.folder} cannot be opened ({err.strerror or err}). "
                "Check that the folder can be written, or set HISTOALIGN_CACHE to another one."
            ) from err
        self._rows = np.memmap(self.folder / "vectors.f16", np.float16, "r", shape=self._shape)
        self._state = np.fromfile(self.folder / "state.u32", np.uint32)
        self._verified = np.zeros(key.tiles, bool)

    def __enter__(self) -> EmbeddingStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def done(self) -> NDArray[np.bool_]:
        """Which tiles have a row, shape (tiles,)."""
        done: NDArray[np.bool_] = self._state != 0
        return done

    def write(self, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Store rows; they are durable after the next `commit` (made here every half second).

        Parameters
        ----------
        indices
            Tiles of the rows, shape (n,).
        vectors
            Unit embeddings, shape (n, views, dim).

        Raises
        ------
        StoreError
            A vector is not finite, or the disk is full or gone.
        """
        if vectors.shape != (len(indices), *self._shape[1:]):
            raise StoreError(
                f"Rows of shape {vectors.shape} do not fit the embedding store {self.folder}, "
                f"which takes {(len(indices), *self._shape[1:])}."
            )
        if not np.isfinite(vectors).all():
            raise StoreError(
                f"The encoder {self.key.encoder} returned numbers that are not finite; nothing was stored. "
                "Its weights may be damaged: add the encoder again."
            )
        rows = np.ascontiguousarray(vectors, np.float16)
        sums = np.array([_checksum(row) for row in rows], np.uint32)
        try:
            _write_rows(self._vectors_file, indices, rows)
        except OSError as err:
            raise self._write_error(err) from err
        self._state[indices] = sums
        self._verified[indices] = True
        self._pending.append((indices, sums))
        if time.monotonic() - self._committed_at > COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Make everything written durable: first the rows, then the marks that they are there."""
        if not self._pending:
            return
        try:
            os.fsync(self._vectors_file.fileno())
            for indices, sums in self._pending:
                _write_rows(self._state_file, indices, sums)
            os.fsync(self._state_file.fileno())
        except OSError as err:
            raise self._write_error(err) from err
        self._pending.clear()
        self._committed_at = time.monotonic()

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.float16]:
        """Rows of `indices`, shape (n, views, dim).

        Raises
        ------
        StoreError
            A row is not stored. (A damaged row is forgotten, so that `done` no longer
            lists it and it is embedded again; see `forget_damaged`.)
        """
        if not (self._state[indices] != 0).all():
            missing = int((self._state[indices] == 0).sum())
            raise StoreError(
                f"{missing} of {len(indices)} tiles are not in the embedding store {self.folder} yet; "
                "run the slide first."
            )
        rows: NDArray[np.float16] = self._rows[indices]
        return rows

    def forget_damaged(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Check the rows of `indices` against their checksums and forget those that fail.

        Each row is checked once in the life of this object. Returns the forgotten tiles.
        """
        unchecked = indices[(self._state[indices] != 0) & ~self._verified[indices]]
        sums = np.array([_checksum(row) for row in self._rows[unchecked]], np.uint32)
        damaged: NDArray[np.int64] = unchecked[sums != self._state[unchecked]]
        self._verified[unchecked] = True
        self._state[damaged] = 0
        return damaged

    def close(self) -> None:
        """Commit and let go of the files; the object cannot be used afterwards."""
        try:
            self.commit()
        finally:
            self._pending.clear()
            self._vectors_file.close()
            self._state_file.close()

    def _create(self) -> None:
        """Make an empty store; the folder appears complete or not at all."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(self.folder) as new:
            (new / "store.json").write_text(json.dumps(self._description(), indent=2), encoding="utf-8")
            for name, size in self._sizes().items():
                with (new / name).open("wb") as file:
                    file.truncate(size)

    def _check(self) -> None:
        """Refuse a store whose description or file sizes are not those of the key."""
        try:
            found = json.loads((self.folder / "store.json").read_text(encoding="utf-8"))
        except ValueError as err:
            raise self._damaged("store.json is not readable") from err
        if found != self._description():
            raise self._damaged("store.json describes other embeddings")
        for name, size in self._sizes().items():
            if not (self.folder / name).is_file() or (self.folder / name).stat().st_size != size:
                raise self._damaged(f"{name} is missing or has the wrong size")

    def _description(self) -> dict[str, Any]:
        # through JSON, so that it compares equal to what is read back
        described: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, **asdict(self.key)}))
        return described

    def _sizes(self) -> dict[str, int]:
        return {"vectors.f16": self.key.tiles * self._row_bytes, "state.u32": self.key.tiles * 4}

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"The embedding store {self.folder} is damaged: {what}. "
            "Delete that folder and run the slide again; results already written are not touched."
        )

    def _write_error(self, err: OSError) -> StoreError:
        return StoreError(
            f"Embeddings could not be written to {self.folder} ({err.strerror or err}). "
            "What was stored before is kept. Make room or set HISTOALIGN_CACHE to another folder, "
            "then run again: the run goes on where it stopped."
        )


def _checksum(row: NDArray[np.float16]) -> int:
    """CRC-32 of a row, never 0, which means absent."""
    return zlib.crc32(row.tobytes()) or 1


def _write_rows(file: FileIO, indices: NDArray[np.int64], rows: NDArray[Any]) -> None:
    """Put `rows` (n, ...) at the places `indices` of a file of such rows, run by run."""
    if len(indices) == 0:
        return
    cuts = np.flatnonzero(np.diff(indices) != 1) + 1
    for run in np.split(np.arange(len(indices)), cuts):
        data = memoryview(rows[run].tobytes())
        file.seek(int(indices[run[0]]) * (len(data) // len(run)))
        while data:  # an unbuffered file may take less than it was given
            data = data[file.write(data) :]
