"""Small data sets in their published layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def image(path: Path, seed: int = 0, size: tuple[int, int] = (12, 8)) -> Path:
    """A picture of noise; the same seed is the same picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


SUBTYPES = {
    "A": ("B", "benign", "adenosis"), "F": ("B", "benign", "fibroadenoma"),
    "DC": ("M", "malignant", "ductal_carcinoma"), "LC": ("M", "malignant", "lobular_carcinoma"),
}  # fmt: skip


def breakhis_image(root: Path, kind: str, slide: str, magnification: int, number: int, seed: int) -> Path:
    """One image where BreakHis has it."""
    letter, group, folder = SUBTYPES[kind]
    name = f"SOB_{letter}_{kind}-{slide}-{magnification}-{number:03d}.png"
    place = (
        root / "BreaKHis_v1/histology_slides/breast" / group / "SOB" / folder / f"SOB_{letter}_{kind}_{slide}"
    )
    return image(place / f"{magnification}X" / name, seed)


def breakhis(root: Path) -> Path:
    """Six slides of four subtypes, two magnifications, two images each."""
    seed = 0
    slides = [("A", "14-22549AB"), ("F", "14-9133"), ("F", "14-9134")]
    slides += [("DC", "14-2523"), ("DC", "14-13412"), ("LC", "14-13412")]
    for kind, slide in slides:
        for magnification in (40, 100):
            for number in (1, 2):
                seed += 1
                breakhis_image(root, kind, slide, magnification, number, seed)
    return root
