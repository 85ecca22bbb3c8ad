"""Teach a text tower what captions mean; no picture is needed, since the axes of the space are named."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from napari_histoalign.encoders.text_tower import TextTower
from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from encoder_training.captions import Writer
    from napari_histoalign.encoders.text_tower import TextShape
    from napari_histoalign.encoders.words import Tokens, Vocabulary


def train_texts(
    writer: Writer,
    vocabulary: Vocabulary,
    shape: TextShape,
    start: TextTower | None,
    kept: Path,
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    say: Callable[[str], None],
) -> TextTower:
    """A text tower that puts the writer's captions where they belong.

    Parameters
    ----------
    writer
        Where captions and their meaning come from.
    vocabulary
        Words that have rows of their own.
    shape
        Sizes of the tower.
    start
        A tower of the same shape to go on from.
    kept
        Where the tower is kept; one that learned the same lexicon as long, from the same start, is taken
        from there.
    steps, batch, rate, seed, say
        How long, captions a step, how fast, from which numbers, and what to call with a line of progress.
    """
    torch.manual_seed(seed)
    tower = TextTower(shape)
    told = [
        seed,
        steps,
        batch,
        rate,
        vocabulary.index,
        [[s.name, s.meaning.tolist(), s.phrases] for room in writer.statements for s in room],
        "" if start is None else float(start.project.weight.sum()),
    ]
    made_from = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    if kept.is_file():
        saved = torch.load(kept, weights_only=True)
        if saved["made from"] == made_from:
            tower.load_state_dict(saved["tower"])
            return tower.eval().requires_grad_(False)
    if start is not None:
        tower.load_state_dict(start.state_dict())
    optimiser = torch.optim.AdamW(tower.parameters(), lr=rate, weight_decay=1e-2)
    tower.train()
    smooth = 1.0
    for step in range(steps):
        rng = np.random.default_rng([seed, step])
        for group in optimiser.param_groups:
            swing = 0.5 * (1 + math.cos(math.pi * step / steps))
            group["lr"] = rate * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * swing)
        texts, meanings = zip(*(writer.write(rng) for _ in range(batch)), strict=True)
        ids, grams = tensors(vocabulary.tokens(texts))
        vectors = tower(hide_words(ids, rng), grams)
        loss = (1 - (vectors * torch.from_numpy(np.stack(meanings))).sum(1)).mean()
        # close to the right place is not enough: opposite statements have to be kept apart
        loss = loss + functional.smooth_l1_loss(vectors, torch.from_numpy(np.stack(meanings)))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimiser.step()
        smooth = 0.98 * smooth + 0.02 * loss.item()
        if (step + 1) % 250 == 0:
            say(f"texts {step + 1}/{steps} loss {smooth:.4f}")
    with whole_file(kept) as temporary:
        torch.save({"tower": tower.state_dict(), "made from": made_from}, temporary)
    return tower.eval().requires_grad_(False)


def tensors(tokens: Tokens) -> tuple[Tensor, Tensor]:
    """Tokens as tensors."""
    return torch.from_numpy(tokens.ids), torch.from_numpy(tokens.grams)


def hide_words(ids: Tensor, rng: np.random.Generator) -> Tensor:
    """Take the word row from some known words, so that their letters have to do."""
    hidden = torch.from_numpy(rng.random(ids.shape) < 0.12) & (ids > 1)
    return ids.masked_fill(hidden, 1)
