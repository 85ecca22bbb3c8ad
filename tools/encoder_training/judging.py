"""Zero-shot judgement of encoders on drawn slides they never saw, in seed or in stain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from PIL import Image

from napari_histoalign.sample import CLASSES, EVALUATION_STAINS, draw_slide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder

EVALUATION_SEEDS = (101, 102, 103)
TILE_PX = 224
EPITHELIUM = 0.15
"""Least share of a tile that is epithelium, for the tile to be judged."""
PURITY = 0.8
"""Least share of that epithelium that is of one kind: a tile of both kinds has no one right answer."""

# as a breast prompt set words them
BENIGN = (
    "benign breast tissue",
    "normal breast tissue",
    "benign ducts and lobules with small uniform nuclei",
    "adenosis",
    "fibroadenoma",
)
MALIGNANT = (
    "malignant breast tissue",
    "breast cancer",
    "invasive ductal carcinoma",
    "pleomorphic hyperchromatic crowded nuclei",
    "irregular infiltrating nests of atypical cells",
)


@dataclass(frozen=True)
class Judged:
    """Epithelial tiles of one slide: uint8 (n, 224, 224, 3), and whether each is malignant."""

    tiles: NDArray[np.uint8]
    malignant: NDArray[np.bool_]


def evaluation_tiles(folder: Path, number: int, size: int = 2560) -> Judged:
    """Draw evaluation slide `number` (0 to 2) and cut the tiles that can be judged.

    A tile counts if 15 % of it is epithelium (necrosis left out) and four fifths of that are of one kind.
    """
    drawn = draw_slide(
        folder / f"evaluation-{number}.tiff",
        seed=EVALUATION_SEEDS[number],
        size=size,
        stain=EVALUATION_STAINS[number],
    )
    image = tifffile.imread(drawn.slide)
    labels = np.asarray(Image.open(drawn.labels))
    step = TILE_PX // drawn.label_downsample
    tiles, malignant = [], []
    for row in range(size // TILE_PX):
        for column in range(size // TILE_PX):
            part = labels[row * step : (row + 1) * step, column * step : (column + 1) * step]
            bad = float((part == CLASSES.index("malignant")).mean())
            good = float((part == CLASSES.index("benign")).mean())
            if bad + good < EPITHELIUM or max(bad, good) < PURITY * (bad + good):
                continue
            y, x = row * TILE_PX, column * TILE_PX
            tiles.append(image[y : y + TILE_PX, x : x + TILE_PX])
            malignant.append(bad >= good)
    return Judged(np.stack(tiles), np.array(malignant))


def pure_tiles(folder: Path, number: int, size: int = 2560) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Tiles of an evaluation slide that are mostly one tissue, and its name.

    A tile is glass, fat or stroma if 90 % of it is, and benign or malignant if 45 % of it is.
    """
    drawn = draw_slide(
        folder / f"pure-{number}.tiff",
        seed=EVALUATION_SEEDS[number],
        size=size,
        stain=EVALUATION_STAINS[number],
    )
    image, labels = tifffile.imread(drawn.slide), np.asarray(Image.open(drawn.labels))
    step = TILE_PX // drawn.label_downsample
    least = {"glass": 0.9, "fat": 0.9, "stroma": 0.9, "benign": 0.45, "malignant": 0.45}
    tiles, names = [], []
    for row in range(2 * (size // TILE_PX) - 1):
        for column in range(2 * (size // TILE_PX) - 1):
            top, left = row * step // 2, column * step // 2
            part = labels[top : top + step, left : left + step]
            for name, share in least.items():
                if (part == CLASSES.index(name)).mean() >= share:
                    y, x = top * drawn.label_downsample, left * drawn.label_downsample
                    tiles.append(image[y : y + TILE_PX, x : x + TILE_PX])
                    names.append(name)
                    break
    return np.stack(tiles), np.array(names)


def class_vectors(encoder: Encoder, prompts: tuple[str, ...]) -> NDArray[np.float32]:
    """Mean of the prompts' unit vectors, as a unit vector (dim,)."""
    mean = encoder.embed_texts(list(prompts)).mean(0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def auroc(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Chance that a positive scores above a negative; ties count half."""
    above = score[positive][:, None] - score[~positive][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def pairings(path: Encoder, general: Encoder, judged: Judged) -> dict[str, float]:
    """AUROC of malignant against benign for image tower / text tower, and for the mean of all four."""
    images = {e.spec.name: e.embed_images(judged.tiles) for e in (path, general)}
    contrast = {e.spec.name: class_vectors(e, MALIGNANT) - class_vectors(e, BENIGN) for e in (path, general)}
    scores = {f"{i} / {t}": images[i] @ contrast[t] for i in images for t in contrast}
    scores["mean of the four"] = np.mean(list(scores.values()), axis=0)
    return {name: auroc(score, judged.malignant) for name, score in scores.items()}
