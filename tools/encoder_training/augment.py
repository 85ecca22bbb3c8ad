"""Colour stored dyes and disturb the picture as scanners, labs and files do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from encoder_training.tiles import DYE_STEPS, MEASURED_PX, STORED_PX
from napari_histoalign.sample.stain import EVALUATION_STAINS, Stain

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELD_OUT_DEGREES = 5.0
"""Training stains whose two directions both come this near an evaluation stain's are drawn again."""


def angle(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Angle between two directions, in degrees."""
    cosine = float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def held_out(stain: Stain) -> bool:
    """Whether a stain is too near one that is kept for evaluation."""
    return any(
        angle(np.array(stain.hematoxylin), np.array(kept.hematoxylin)) < HELD_OUT_DEGREES
        and angle(np.array(stain.eosin), np.array(kept.eosin)) < HELD_OUT_DEGREES
        for kept in EVALUATION_STAINS
    )


def random_stain(rng: np.random.Generator) -> Stain:
    """A stain no evaluation slide has."""
    while True:
        h = np.clip(np.array([0.60, 0.71, 0.36]) + rng.normal(0, [0.09, 0.07, 0.09]), 0.03, None)
        e = np.clip(np.array([0.13, 0.91, 0.39]) + rng.normal(0, [0.08, 0.06, 0.10]), 0.02, None)
        background = np.clip(rng.uniform(222, 253) + rng.normal(0, 3.5, 3), 205, 255)
        stain = Stain(
            tuple(map(float, h)), tuple(map(float, e)), float(np.clip(rng.lognormal(0, 0.3), 0.45, 1.9)),
            float(np.clip(rng.lognormal(0, 0.35), 0.4, 2.0)), tuple(map(float, background)),
        )  # fmt: skip
        if not held_out(stain):
            return stain


def cut(dyes: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn, flip, scale by 0.72 to 1.35 and cut 224 px from the middle: float (n, 2, 224, 224)."""
    n = len(dyes)
    scale = np.exp(rng.uniform(np.log(0.72), np.log(STORED_PX / MEASURED_PX), n)) * MEASURED_PX / STORED_PX
    turn = rng.integers(4, size=n) * np.pi / 2 + np.where(rng.random(n) < 0.4, rng.uniform(-0.5, 0.5, n), 0)
    flip = rng.choice([-1.0, 1.0], n)
    stretch = rng.uniform(0.93, 1.07, n)
    theta = np.zeros((n, 2, 3))
    theta[:, 0, 0], theta[:, 0, 1] = np.cos(turn) * scale * flip * stretch, -np.sin(turn) * scale
    theta[:, 1, 0], theta[:, 1, 1] = np.sin(turn) * scale * flip * stretch, np.cos(turn) * scale
    slack = np.maximum(1 - scale * 1.05, 0) * 0.15
    theta[:, :, 2] = rng.uniform(-1, 1, (n, 2)) * slack[:, None]
    grid = functional.affine_grid(torch.from_numpy(theta).float(), [n, 2, MEASURED_PX, MEASURED_PX], False)
    return functional.grid_sample(
        dyes.float() / DYE_STEPS, grid, padding_mode="reflection", align_corners=False
    )


def coloured(dyes: Tensor, rng: np.random.Generator) -> Tensor:
    """Dyes (n, 2, h, w) to colours 0 to 255, float (n, 3, h, w), each tile with a stain of its own."""
    n = len(dyes)
    stains = [random_stain(rng) for _ in range(n)]
    vectors = torch.from_numpy(np.stack([s.vectors() for s in stains]))
    background = torch.tensor([s.background for s in stains], dtype=torch.float32)
    # dyes do not add up quite linearly, differ over the section, and leave a haze
    power = torch.from_numpy(rng.uniform(0.75, 1.3, (n, 2, 1, 1)).astype(np.float32))
    uneven = torch.from_numpy(rng.normal(1, 0.10, (n, 2, 3, 3)).astype(np.float32))
    uneven = functional.interpolate(uneven, size=dyes.shape[2:], mode="bilinear", align_corners=True)
    haze = torch.from_numpy(
        (rng.exponential(0.02, (n, 2, 1, 1)) * (rng.random((n, 2, 1, 1)) < 0.5)).astype(np.float32)
    )
    amount = dyes.clamp(min=1e-4).pow(power).mul_(uneven).add_(haze)
    density = torch.bmm(vectors.transpose(1, 2), amount.flatten(2)).view(n, 3, *dyes.shape[2:])
    return density.neg_().exp_().mul_(background[:, :, None, None])


def disturbed(rgb: Tensor, rng: np.random.Generator) -> Tensor:
    """Blur, sharpening, contrast, noise and JPEG, each on some tiles: uint8 (n, 3, h, w)."""
    n = len(rgb)
    for chosen, kernel in ((rng.random(n) < 0.3, 3), (rng.random(n) < 0.15, 5)):
        if chosen.any():
            rows = torch.from_numpy(np.flatnonzero(chosen))
            rgb[rows] = functional.avg_pool2d(
                functional.pad(rgb[rows], [kernel // 2] * 4, mode="reflect"), kernel, 1
            )
    sharp = np.flatnonzero(rng.random(n) < 0.25)
    if len(sharp):
        rows = torch.from_numpy(sharp)
        soft = functional.avg_pool2d(functional.pad(rgb[rows], [1] * 4, mode="reflect"), 3, 1)
        amount = torch.from_numpy(rng.uniform(0.3, 1.5, (len(sharp), 1, 1, 1)).astype(np.float32))
        rgb[rows] = rgb[rows] + amount * (rgb[rows] - soft)
    gain = torch.from_numpy(rng.normal(1, 0.05, (n, 3, 1, 1)).astype(np.float32).clip(0.85, 1.12))
    noise = torch.from_numpy((rng.exponential(2.0, (n, 1, 1, 1))).astype(np.float32).clip(0, 8))
    # pieces of one long noise, drawn once a batch: fresh noise for every tile would cost more than the tower
    side = rgb.shape[2]
    grain = torch.from_numpy(rng.standard_normal((3, side + 64, side + 64), dtype=np.float32))
    for row, (dy, dx) in enumerate(rng.integers(65, size=(n, 2))):
        rgb[row].mul_(gain[row]).addcmul_(grain[:, dy : dy + side, dx : dx + side], noise[row])
    out = rgb.add_(0.5).clamp_(0, 255).to(torch.uint8)
    squeezed = np.flatnonzero(rng.random(n) < 0.2)
    levels = rng.integers(25, 92, len(squeezed))

    def jpeg(row: int, level: int) -> None:
        plain = np.ascontiguousarray(out[row].permute(1, 2, 0).numpy())
        again = imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(plain, level=level))
        out[row] = torch.from_numpy(again).permute(2, 0, 1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(jpeg, squeezed.tolist(), levels.tolist()))
    return out


def augmented(dyes: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """Stored dyes uint8 (n, 2, 304, 304) to training tiles uint8 (n, 3, 224, 224)."""
    return disturbed(coloured(cut(torch.from_numpy(dyes), rng), rng), rng)


def stained(dyes: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """The middle of stored dyes, stained at random and otherwise as drawn: uint8 (n, 3, 224, 224)."""
    rim = (STORED_PX - MEASURED_PX) // 2
    middle = (
        torch.from_numpy(dyes[:, :, rim : rim + MEASURED_PX, rim : rim + MEASURED_PX]).float() / DYE_STEPS
    )
    return coloured(middle, rng).add_(0.5).clamp_(0, 255).to(torch.uint8)
