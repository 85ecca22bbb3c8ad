"""From an edited prompt to arrays ready to be shown: what a person waits for who types.

    python benchmarks/edit.py [--tiles 20000 100000] [--width 512] [--views 2] [--repeats 7]

Tiles are embedded already (random rows of two encoders in real stores on the disk) and scored once; then one
prompt of the shipped breast set is edited again and again. Each edit encodes one text per encoder (here by a
table; a text tower takes 1 to 50 ms more), multiplies it with every tile, scores by many-to-many and makes
the rasters of all layers. The figure to compare between machines is the ratio to the plain products of all
tiles with one text per encoder, from half precision, in the same run.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.encoders.base import Encoder
from napari_histoalign.engine import EmbeddingStore, StoreKey
from napari_histoalign.engine.scoring import SlideScoring
from napari_histoalign.plugin.rasters import rasters
from napari_histoalign.slides import TileGrid


class TableEncoder(Encoder):
    """Gives each text a random unit vector of its own."""

    def __init__(self, name: str, width: int) -> None:
        self.spec = SimpleNamespace(name=name, title=name, dim=width, space="one")  # type: ignore[assignment]
        self.logit_scale, self.weights_hash, self.preprocessing = 100.0, name, "1"

    def unknown_words(self, text: str) -> list[str]:
        """Every word has its vector."""
        return []

    def _images(self, tiles: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _texts(self, texts: list[str]) -> np.ndarray:
        return np.stack([unit(np.random.default_rng(abs(hash(text))), self.spec.dim) for text in texts])


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def measure(tiles: int, width: int, views: int, repeats: int, folder: Path) -> tuple[float, float, float]:
    """Medians of an edit, of the slowest edit, and of the plain products, in seconds."""
    side = math.ceil(math.sqrt(tiles))
    grid = TileGrid((0, 0), 448, 448, side, side, 224, 0.5)
    rng = np.random.default_rng(0)
    encoders = [TableEncoder(name, width) for name in ("path", "general")]
    stores = []
    for encoder in encoders:
        key = StoreKey(
            "s" * 32, grid.key, grid.count, encoder.spec.name, "w", "1", tuple("abcd"[:views]), width
        )
        store = EmbeddingStore(folder, key)
        for start in range(0, tiles, 4096):
            rows = np.arange(start, min(start + 4096, tiles))
            store.write(rows, unit(rng, len(rows), views, width))
        stores.append(store)
    scoring = SlideScoring(encoders, stores, grid, edited=True)
    prompts, alignment, indices = PromptSet.load("breast"), Alignment(), np.arange(tiles)
    scoring.score(indices, prompts, alignment)
    seconds, plain = [], []
    for number in range(repeats):
        edited = prompts.with_prompts(0, [*prompts.classes[0].prompts[:-1], f"carcinoma {number}"])
        started = time.perf_counter()
        scored = scoring.score(indices, edited, alignment)
        rasters(grid, scored, scored)
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        for store in stores:
            store.read(indices).reshape(-1, width).astype(np.float32) @ unit(rng, width)
        plain.append(time.perf_counter() - started)
    for store in stores:
        store.close()
    return statistics.median(seconds), max(seconds), statistics.median(plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--views", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(f"two encoders of width {options.width}, {options.views} views, breast prompts, many-to-many")
    print(f"{'tiles':>8}{'edit':>10}{'slowest':>10}{'products':>10}{'ratio':>8}")
    for tiles in options.tiles:
        with tempfile.TemporaryDirectory() as folder:
            edit, slowest, plain = measure(tiles, options.width, options.views, options.repeats, Path(folder))
        print(f"{tiles:8}{edit * 1000:8.0f}ms{slowest * 1000:8.0f}ms{plain * 1000:8.0f}ms{edit / plain:8.2f}")


if __name__ == "__main__":
    main()
