"""How many tiles a second, and how large the files are."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from embedded_parts.pixels import TILE_PX
from embedded_parts.scoring import ENCODERS, Bench
from embedded_parts.table import Section, Table
from napari_histoalign.files import resource
from napari_histoalign.sample import draw_slide

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS, TILES, REPEATS = 2, 256, 3
SEED, SIDE_PX = 201, 2560


def speed(bench: Bench) -> Section:
    """Tiles a second of each image tower and of both in turn, and megabytes of their files."""
    with tempfile.TemporaryDirectory() as folder:
        tiles = drawn_tiles(Path(folder))
    runs = [[_seconds(bench, number, tiles) for number in range(2)] for _ in range(REPEATS + 1)][1:]
    best = np.min(runs, axis=0)
    rates = {name: TILES / float(seconds) for name, seconds in zip(ENCODERS, best, strict=True)}
    rates["both, one after the other"] = TILES / float(np.min(np.sum(runs, axis=1)))
    size = megabytes()
    note = (
        f"{TILES} tiles of a drawn slide on {THREADS} threads of the processor, best of {REPEATS}. "
        f"The files of both encoders (weights and config) take {size:.2f} MB."
    )
    table = Table("Speed.", ["", "tiles/s"], [[name, f"{rate:.0f}"] for name, rate in rates.items()])
    return Section("Speed and size", [note], [table], {"tiles/s": rates, "MB": size})


def drawn_tiles(folder: Path) -> NDArray[np.uint8]:
    """16 x 16 tiles placed evenly over a drawn slide."""
    image = tifffile.imread(draw_slide(folder / "speed.tiff", seed=SEED, size=SIDE_PX).slide)
    places = np.linspace(0, SIDE_PX - TILE_PX, round(TILES**0.5)).round().astype(int)
    return np.stack([image[y : y + TILE_PX, x : x + TILE_PX] for y in places for x in places])


def megabytes() -> float:
    """Size of the weights and configs of all shipped encoders, in millions of bytes."""
    folder = resource("encoders")
    files = [*folder.glob("*/*.safetensors"), *folder.glob("*/config.json")]
    return sum(file.stat().st_size for file in files) / 1e6


def _seconds(bench: Bench, number: int, tiles: NDArray[np.uint8]) -> float:
    started = time.perf_counter()
    bench.encoders[number].embed_images(tiles)
    return time.perf_counter() - started
