"""The loss, one training stage, and folding a trained pair for use."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from encoder_training.augment import augmented
from encoder_training.captions import Caption, Writer, truth_matrix
from encoder_training.concepts import truths
from encoder_training.tiles import MEASURES
from napari_histoalign.encoders.demo_towers import Pair, TowerShape
from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.words import Tokens, Vocabulary


@dataclass(frozen=True)
class Stage:
    """One training stage: who writes captions (and how often), how long, how fast, how near to the start."""

    name: str
    writers: tuple[tuple[Writer, float], ...]
    steps: int
    batch: int
    rate: float
    pull: float
    seed: int


class Learner(nn.Module):
    """A pair in training; the bias and the head that guesses measurements are thrown away afterwards."""

    def __init__(self, shape: TowerShape, measures: int) -> None:
        super().__init__()
        self.pair = Pair(shape, norm=True)
        self.bias = nn.Parameter(torch.tensor(-4.0))
        self.guess = nn.Linear(shape.head, measures)


def tensors(tokens: Tokens) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(tokens.ids), torch.from_numpy(tokens.grams)


def hide_words(ids: Tensor, rng: np.random.Generator) -> Tensor:
    """Take the word row from some known words, so that their letters have to do."""
    hidden = torch.from_numpy(rng.random(ids.shape) < 0.12) & (ids > 1)
    return ids.masked_fill(hidden, 1)


def contrast(images: Tensor, texts: Tensor, truth: Tensor, log_scale: Tensor, bias: Tensor) -> Tensor:
    """Graded contrastive loss: every caption is true of every tile to some degree.

    A sigmoid part (as in SigLIP) with that degree as target, true and false sides weighted alike, and a
    softmax part (as in CLIP) over tiles and over captions with the degrees as a distribution.
    """
    logits = images @ texts.T * log_scale.exp()
    pairwise = functional.binary_cross_entropy_with_logits(logits + bias, truth, reduction="none")
    true, false = truth, 1 - truth
    balanced = (pairwise * true).sum() / true.sum().clamp(min=1) + (
        pairwise * false
    ).sum() / false.sum().clamp(min=1)
    sharp = truth.clamp(min=0) ** 2
    rows = sharp / sharp.sum(1, keepdim=True).clamp(min=1e-3)
    columns = sharp / sharp.sum(0, keepdim=True).clamp(min=1e-3)
    over_texts = -(rows * functional.log_softmax(logits, 1)).sum(1).mean()
    over_tiles = -(columns * functional.log_softmax(logits, 0)).sum(0).mean()
    return balanced + 0.25 * (over_texts + over_tiles)


def train(
    learner: Learner,
    start: Pair | None,
    stage: Stage,
    dyes: NDArray[np.uint8],
    measures: NDArray[np.float32],
    vocabulary: Vocabulary,
    state: Path,
    say: Callable[[str], None] = print,
) -> None:
    """Run a stage; every step is seeded by its number, so a resumed run is the same run.

    Parameters
    ----------
    learner
        Trained in place.
    start
        A frozen pair to stay near to (with `stage.pull`), or None.
    stage
        What to do.
    dyes, measures
        Training tiles.
    vocabulary
        Words of both stages.
    state
        Folder for checkpoints.
    say
        Told of the progress.
    """
    # glass is half of many slides but seldom drawn here
    often = 1.0 + 2.0 * (measures[:, MEASURES.index("glass")] > 0.75)
    often /= often.sum()
    wanted = (measures - measures.mean(0)) / (measures.std(0) + 1e-6)
    known = [truths(writer.concepts, measures) for writer, _ in stage.writers]
    shares = np.array([share for _, share in stage.writers])
    optimiser = torch.optim.AdamW(learner.parameters(), lr=stage.rate, weight_decay=0.02, betas=(0.9, 0.98))
    checkpoint = state / f"{stage.name}.pt"
    first = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        learner.load_state_dict(saved["learner"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["step"]
    learner.train()
    clock, smooth = time.monotonic(), float("nan")
    for step in range(first, stage.steps):
        rng = np.random.default_rng([stage.seed, step])
        progress = step / stage.steps
        warm = min(1.0, (step + 1) / 60)
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        chosen = np.sort(rng.choice(len(dyes), stage.batch, replace=False, p=often))
        tiles = augmented(dyes[chosen], rng)
        captions: list[list[Caption]] = [[] for _ in stage.writers]
        for row in chosen:
            k = int(rng.choice(len(stage.writers), p=shares))
            writer = stage.writers[k][0]
            captions[k] += [writer.about(known[k][row], rng), writer.any(rng)]
        texts = [caption.text for part in captions for caption in part]
        truth = np.concatenate(
            [truth_matrix(known[k][chosen], part) for k, part in enumerate(captions)], axis=1
        )
        ids, grams = tensors(vocabulary.tokens(texts))
        ids = hide_words(ids, rng)
        with torch.autocast("cpu", torch.bfloat16):
            features = learner.pair.image.features(tiles.contiguous(memory_format=torch.channels_last))
        features = features.float()
        images = functional.normalize(learner.pair.image.project(features), dim=-1)
        words = learner.pair.text(ids, grams)
        loss = contrast(images, words, torch.from_numpy(truth), learner.pair.log_scale, learner.bias)
        loss = loss + 0.5 * functional.smooth_l1_loss(
            learner.guess(features), torch.from_numpy(wanted[chosen])
        )
        if start is not None and stage.pull > 0:
            loss = loss + stage.pull * nearness(
                start, tiles, images, ids, grams, words, truth, len(captions[0])
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 2.0)
        optimiser.step()
        with torch.no_grad():
            learner.pair.log_scale.clamp_(1.0, math.log(30.0))
        smooth = loss.item() if math.isnan(smooth) else 0.97 * smooth + 0.03 * loss.item()
        if (step + 1) % 50 == 0 or step + 1 == stage.steps:
            done, spent = f"{stage.name} {step + 1}/{stage.steps}", time.monotonic() - clock
            say(f"{done} loss {smooth:.3f} scale {learner.pair.log_scale.exp().item():.1f} {spent:.0f} s")
        if (step + 1) % 200 == 0 or step + 1 == stage.steps:
            with whole_file(checkpoint) as temporary:
                torch.save(
                    {"learner": learner.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1},
                    temporary,
                )


def nearness(
    start: Pair,
    tiles: Tensor,
    images: Tensor,
    ids: Tensor,
    grams: Tensor,
    words: Tensor,
    truth: NDArray[np.float32],
    general: int,
) -> Tensor:
    """How far tiles and general captions (the first `general`) have moved from the pair they started from.

    A third part lets the old image tower be read by the new text tower: pathology words have to
    mean something where the general tower puts the same tiles.
    """
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        old_images = start.image(tiles.contiguous(memory_format=torch.channels_last)).float()
    with torch.no_grad():
        old_words = start.text(ids[:general], grams[:general])
    apart = 1 - (images * old_images).sum(1).mean()
    if general:
        apart = apart + 1 - (words[:general] * old_words).sum(1).mean()
    crossed = contrast(
        old_images, words, torch.from_numpy(truth), start.log_scale.detach(), torch.tensor(-4.0)
    )
    return apart + 0.3 * crossed


def folded(pair: Pair, shape: TowerShape) -> Pair:
    """The same pair with every batch norm folded into the convolution before it."""
    plain = Pair(shape).eval()
    source = dict(pair.eval().named_modules())
    with torch.no_grad():
        for name, module in plain.named_modules():
            if isinstance(module, nn.Conv2d):
                parent = source[name.rpartition(".")[0]]
                assert isinstance(parent, nn.Sequential)
                convolution, norm = parent[0], parent[1]
                assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
                fused = nn.utils.fuse_conv_bn_eval(convolution, norm)
                module.load_state_dict(fused.state_dict())
    state = plain.state_dict()
    convolutions = {
        f"{name}.{part}"
        for name, m in plain.named_modules()
        if isinstance(m, nn.Conv2d)
        for part in ("weight", "bias")
    }
    state.update(
        {
            name: value
            for name, value in pair.state_dict().items()
            if name in state and name not in convolutions
        }
    )
    plain.load_state_dict(state)
    return plain


def shape_for(vocabulary: Vocabulary) -> TowerShape:
    """Sizes of the towers for these words."""
    plain = TowerShape()
    return replace(
        plain,
        words=len(vocabulary.index) + 2,
        buckets=vocabulary.buckets,
        context_length=vocabulary.context_length,
    )
