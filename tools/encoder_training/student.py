"""Teach the learned image tower to guess, from pixels, what the morphometry measures.

Knowledge distillation (Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015): the
teacher is measured morphology, so that any drawn tile will do and no label is needed.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from encoder_training.augment import augmented
from napari_histoalign.encoders.image_towers import Heads, LearnedTower
from napari_histoalign.encoders.morphometry import Morphometry
from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RATE = 2e-3


def train_student(
    heads: Heads,
    dyes: NDArray[np.uint8],
    checkpoint: Path,
    *,
    steps: int,
    batch: int,
    seed: int,
    say: Callable[[str], None],
    save_every: int = 200,
    until: int | None = None,
) -> LearnedTower:
    """A learned tower that guesses the (standardised) measures and judges them with the same heads.

    Parameters
    ----------
    heads
        The measured tower's heads.
    dyes
        uint8 (n, 2, 304, 304), drawn tiles as `tiles.load_tiles` gives them.
    checkpoint
        Where to keep the state; every step is seeded by its number, so a resumed run is the same run.
    steps, batch, seed, say
        How long, tiles a step, from which numbers, and what to call with a line of progress.
    save_every, until
        Steps between checkpoints, and a step at which to stop early.
    """
    torch.manual_seed(seed)
    tower = LearnedTower(norm=True).to(memory_format=torch.channels_last)
    tower.heads.load_state_dict(heads.state_dict())
    tower.heads.requires_grad_(False)
    teacher = Morphometry()
    learned = [p for p in tower.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=RATE, weight_decay=1e-2)
    first = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        tower.load_state_dict(saved["tower"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["step"]
    tower.train()
    clock, smooth = time.monotonic(), float("nan")
    for step in range(first, until or steps):
        rng = np.random.default_rng([seed, step])
        for group in optimiser.param_groups:
            swing = 0.5 * (1 + math.cos(math.pi * step / steps))
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.01 + 0.99 * swing)
        tiles = augmented(dyes[rng.choice(len(dyes), batch, replace=False)], rng)
        with torch.no_grad():
            wanted = heads.standardised(teacher(tiles))
        guessed = tower.standardised(tiles)
        said, meant = tower.heads.logits(guessed), heads.logits(wanted)
        # the measures themselves, and, less, what the heads make of them
        loss = functional.smooth_l1_loss(guessed, wanted) + 0.25 * functional.mse_loss(
            torch.sigmoid(said), torch.sigmoid(meant)
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learned, 2.0)
        optimiser.step()
        smooth = loss.item() if math.isnan(smooth) else 0.97 * smooth + 0.03 * loss.item()
        if (step + 1) % 50 == 0 or step + 1 == steps:
            say(f"student {step + 1}/{steps} loss {smooth:.4f} {time.monotonic() - clock:.0f} s")
        if (step + 1) % save_every == 0 or step + 1 == steps:
            state = {
                "tower": tower.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1,
            }  # fmt: skip
            with whole_file(checkpoint) as temporary:
                torch.save(state, temporary)
    return folded(tower)


def folded(tower: LearnedTower) -> LearnedTower:
    """The same tower with every batch norm folded into the convolution before it."""
    plain = LearnedTower().eval()
    for target, source in zip(plain.convolutions, tower.eval().convolutions, strict=True):
        assert isinstance(target, nn.Sequential) and isinstance(source, nn.Sequential)
        convolution, norm = source[0], source[1]
        assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        target[0].load_state_dict(nn.utils.fuse_conv_bn_eval(convolution, norm).state_dict())
    plain.guess.load_state_dict(tower.guess.state_dict())
    plain.heads.load_state_dict(tower.heads.state_dict())
    return plain.requires_grad_(False)
