"""Benign or malignant on drawn slides of several scanners, whose seeds training never used."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from PIL import Image

from embedded_parts.metrics import METRICS, auroc, estimates
from embedded_parts.pixels import MPP, TILE_PX, resized
from embedded_parts.resampling import DRAWS, slide_weights
from embedded_parts.scoring import Bench, malignant_or_benign
from embedded_parts.table import Section, Table
from napari_histoalign.sample import CLASSES, EVALUATION_STAINS, draw_slide

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = tuple(range(201, 213))
SCANNERS = (0.25, 0.5, 0.8)
"""Micrometres per pixel, in turn."""
SIDE_PX = 2560
"""Side of every slide at 0.5 um/px."""
LABEL_PX = 8
"""A cell of the label map at 0.5 um/px; a tile is a whole number of them."""
EPITHELIUM, PURITY = 0.15, 0.8
HOW = (
    f"Slides drawn with seeds {SEEDS[0]} to {SEEDS[-1]} (never used in training), stains of the evaluation, "
    f"{', '.join(f'{mpp:g}' for mpp in SCANNERS)} um/px in turn, brought to 0.5 um/px. Tiles of 224 px with "
    "at least 15 % epithelium, four fifths of it of one kind; the same prompts as for BreakHis. "
    "Each slide is scored by itself, as in use, and is the "
    f"reference of many-to-many. The middle 95 % of {DRAWS} bootstrap draws of slides and of tiles within "
    "the slides drawn. High figures here say that the encoders know the drawing, not real tissue."
)


@dataclass(frozen=True, eq=False)
class Slide:
    """A drawn slide's judged tiles, and whether each is malignant."""

    name: str
    tiles: NDArray[np.uint8]
    malignant: NDArray[np.bool_]


def drawn(bench: Bench) -> Section:
    """AUROC, balanced accuracy and ECE of tiles, and the AUROC on each slide by joint fusion."""
    probabilities: dict[str, list[NDArray[np.float64]]] = {}
    slides = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(len(SEEDS)):
            print(f"drawing slide {number + 1} of {len(SEEDS)} ...", file=sys.stderr, flush=True)
            slide = draw(Path(folder), number)
            slides.append(slide)
            for row, found in bench.probabilities(bench.embed(slide.tiles), malignant_or_benign()).items():
                probabilities.setdefault(row, []).append(found[:, 0])
    positive = np.concatenate([slide.malignant for slide in slides])
    weights = slide_weights(np.repeat(np.arange(len(slides)), [len(slide.tiles) for slide in slides]))
    figures = {
        row: estimates(np.concatenate(found), positive, weights) for row, found in probabilities.items()
    }
    single = {
        slide.name: auroc(found, slide.malignant)
        for slide, found in zip(slides, probabilities["joint-fusion"], strict=True)
    }
    counts = f"{int(positive.sum())} malignant and {int((~positive).sum())} benign tiles"
    rows = [[row, *(str(found[metric]) for metric in METRICS)] for row, found in figures.items()]
    tables = [
        Table(f"{len(SEEDS)} drawn slides: {counts}.", ["", *METRICS], rows),
        Table(
            "Each slide by joint-fusion.",
            ["", "malignant", "benign", "AUROC"],
            [
                [s.name, str(int(s.malignant.sum())), str(int((~s.malignant).sum())), f"{single[s.name]:.3f}"]
                for s in slides
            ],
        ),
    ]
    return Section("Drawn slides", [HOW], tables, {"all": figures, "joint-fusion by slide": single})


def draw(folder: Path, number: int) -> Slide:
    """Draw a slide as one scanner shows it, and cut the tiles that can be judged."""
    seed, mpp = SEEDS[number], SCANNERS[number % len(SCANNERS)]
    image, labels = _at_half_micron(folder, seed, mpp, (number + number // 3) % len(EVALUATION_STAINS))
    step = TILE_PX // LABEL_PX
    tiles, malignant = [], []
    for row in range(SIDE_PX // TILE_PX):
        for column in range(SIDE_PX // TILE_PX):
            part = labels[row * step : (row + 1) * step, column * step : (column + 1) * step]
            bad = float((part == CLASSES.index("malignant")).mean())
            good = float((part == CLASSES.index("benign")).mean())
            if bad + good >= EPITHELIUM and max(bad, good) >= PURITY * (bad + good):
                y, x = row * TILE_PX, column * TILE_PX
                tiles.append(image[y : y + TILE_PX, x : x + TILE_PX])
                malignant.append(bad >= good)
    return Slide(f"seed {seed}, {mpp:g} um/px", np.stack(tiles), np.array(malignant))


def _at_half_micron(
    folder: Path, seed: int, mpp: float, stain: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A drawn slide (2560, 2560, 3) and its labels (320, 320), both at 0.5 um/px."""
    made = draw_slide(
        folder / f"drawn-{seed}.tiff",
        seed=seed,
        size=round(SIDE_PX * MPP / mpp / 8) * 8,
        mpp=mpp,
        stain=EVALUATION_STAINS[stain],
    )
    image, labels = tifffile.imread(made.slide), np.asarray(Image.open(made.labels))
    made.slide.unlink()
    cells = SIDE_PX // LABEL_PX
    how = Image.Resampling.BOX if mpp < MPP else Image.Resampling.BICUBIC
    return (
        image if mpp == MPP else resized(image, SIDE_PX, SIDE_PX, how),
        resized(labels, cells, cells, Image.Resampling.NEAREST),
    )
