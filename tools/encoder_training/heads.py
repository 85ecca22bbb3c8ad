"""Teach the heads what measures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from napari_histoalign.encoders.axes import HEADS
from napari_histoalign.encoders.image_towers import Heads

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

DECAY = 0.2
NOISE = 0.6
"""Deviation of what is added to the measures, in their own deviations: real tissue is never quite drawn."""


def fit_heads(
    measures: NDArray[np.float32],
    truth: NDArray[np.float32],
    weight: NDArray[np.float32],
    *,
    steps: int,
    seed: int,
    say: Callable[[str], None],
) -> Heads:
    """Heads that tell from measures what is true.

    Parameters
    ----------
    measures
        float32 (n, len(NAMES)), measured on tiles.
    truth, weight
        float32 (n, len(HEADS)), see `truths.answers`.
    steps, seed, say
        How long, from which numbers, and what to call with a line of progress.
    """
    torch.manual_seed(seed)
    heads = Heads()
    tissue = measures[truth[:, HEADS.index("glass")] < 0.5]
    with torch.no_grad():
        heads.centre.copy_(torch.from_numpy(tissue.mean(0)))
        heads.spread.copy_(torch.from_numpy(tissue.std(0) + 1e-6))
    inputs = heads.standardised(torch.from_numpy(measures))
    targets, weights = torch.from_numpy(truth), torch.from_numpy(weight)
    optimiser = torch.optim.AdamW(heads.parameters(), lr=2e-3, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    random = torch.Generator().manual_seed(seed)
    smooth = 0.0
    for step in range(steps):
        rows = torch.randint(len(inputs), (512,), generator=random)
        noisy = inputs[rows] + NOISE * torch.randn(512, inputs.shape[1], generator=random)
        loss = answered(heads.logits(noisy), targets[rows], weights[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            heads.slope.clamp_(min=0)  # more never speaks for less
        smooth = loss.item() if step == 0 else 0.98 * smooth + 0.02 * loss.item()
        if (step + 1) % 500 == 0:
            say(f"heads {step + 1}/{steps} loss {smooth:.4f}")
    return heads.eval().requires_grad_(False)


def answered(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted cross entropy against graded truth."""
    wrong = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (wrong * weight).sum() / weight.sum().clamp(min=1)
