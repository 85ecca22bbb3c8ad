"""The files that MI-Zero and CPLIP are published as: names, shapes, and random numbers in their place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.architectures.mi_zero import MiZeroShape

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

SMALL = MiZeroShape(
    image_size=48,
    vision_width=16,
    vision_depths=(2, 2),
    vision_heads=(2, 4),
    window=3,
    dim=10,
    vocab_size=40,
    positions=16,
    text_width=24,
    text_layers=2,
    text_heads=3,
)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", ",", "a", "an", "of", "image", "benign", "malignant"]
WORDS += ["tissue", "he", "##ma", "##to", "##xy", "##lin", "tumour", "cell", "##s", "no", "clear", "renal"]
WORDS += ["carcinoma"]
WORDS += [f"w{i}" for i in range(SMALL.vocab_size - len(WORDS))]
Shapes = Iterator[tuple[str, tuple[int, ...]]]


def linear(name: str, out: int, into: int) -> Shapes:
    yield f"{name}.weight", (out, into)
    yield f"{name}.bias", (out,)


def norm(name: str, width: int) -> Shapes:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def swin_names(s: MiZeroShape) -> Shapes:
    """What timm 0.5.4, as the publishers changed it, builds, without the masks."""
    for place, into, out in ((0, 3, s.vision_width // 8), (3, s.vision_width // 8, s.vision_width // 4)):
        yield f"patch_embed.proj.{place}.weight", (out, into, 3, 3)
        yield from norm(f"patch_embed.proj.{place + 1}", out)
        yield f"patch_embed.proj.{place + 1}.running_mean", (out,)
        yield f"patch_embed.proj.{place + 1}.running_var", (out,)
        yield f"patch_embed.proj.{place + 1}.num_batches_tracked", ()
    yield "patch_embed.proj.6.weight", (s.vision_width, s.vision_width // 4, 1, 1)
    yield "patch_embed.proj.6.bias", (s.vision_width,)
    yield from norm("patch_embed.norm", s.vision_width)
    for stage, (depth, heads) in enumerate(zip(s.vision_depths, s.vision_heads, strict=True)):
        width = s.vision_width * 2**stage
        for block in range(depth):
            name = f"layers.{stage}.blocks.{block}"
            yield from norm(f"{name}.norm1", width)
            yield f"{name}.attn.relative_position_bias_table", ((2 * s.window - 1) ** 2, heads)
            yield f"{name}.attn.relative_position_index", (s.window**2, s.window**2)
            yield from linear(f"{name}.attn.qkv", 3 * width, width)
            yield from linear(f"{name}.attn.proj", width, width)
            yield from norm(f"{name}.norm2", width)
            yield from linear(f"{name}.mlp.fc1", 4 * width, width)
            yield from linear(f"{name}.mlp.fc2", width, 4 * width)
        if stage < len(s.vision_depths) - 1:
            yield f"layers.{stage}.downsample.reduction.weight", (2 * width, 4 * width)
            yield from norm(f"layers.{stage}.downsample.norm", 4 * width)
    yield from norm("norm", width)


def bert_names(s: MiZeroShape) -> Shapes:
    """What transformers builds without pooler."""
    width = s.text_width
    for table, rows in (("word", s.vocab_size), ("position", s.positions), ("token_type", 2)):
        yield f"embeddings.{table}_embeddings.weight", (rows, width)
    yield from norm("embeddings.LayerNorm", width)
    for number in range(s.text_layers):
        name = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            yield from linear(f"{name}.attention.self.{part}", width, width)
        yield from linear(f"{name}.attention.output.dense", width, width)
        yield from norm(f"{name}.attention.output.LayerNorm", width)
        yield from linear(f"{name}.intermediate.dense", 4 * width, width)
        yield from linear(f"{name}.output.dense", width, 4 * width)
        yield from norm(f"{name}.output.LayerNorm", width)


def names(s: MiZeroShape) -> Shapes:
    yield "logit_scale", ()
    yield "text_projection", (s.text_width, s.dim)
    yield from ((f"visual.trunk.{n}", shape) for n, shape in swin_names(s))
    yield from linear("visual.head.proj", s.dim, s.vision_width * 2 ** (len(s.vision_depths) - 1))
    yield from ((f"transformer.{n}", shape) for n, shape in bert_names(s))


def index(window: int) -> Tensor:
    places = list(itertools.product(range(window), repeat=2))
    across = 2 * window - 1
    return torch.tensor(
        [[(y - v + window - 1) * across + x - u + window - 1 for v, u in places] for y, x in places]
    )


def random_weights(shapes: Shapes, seed: int = 5) -> dict[str, Tensor]:
    """Numbers with which every part matters."""
    random = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes:
        values = torch.randn(shape, generator=random)
        if name.endswith("relative_position_index"):
            values = index(round(shape[0] ** 0.5))
        elif name.endswith("num_batches_tracked"):
            values = torch.tensor(100)
        elif name.endswith("running_var"):
            values = values.abs() + 0.5
        elif name == "logit_scale":
            values = torch.tensor(3.0)
        elif len(shape) == 1:
            values = 0.2 * values + name.endswith(".weight")
        elif len(shape) > 1 and "embeddings" not in name and "table" not in name:
            values = 1.5 * values / values[0].numel() ** 0.5
        weights[name] = values
    return weights


def part(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}


def published_layout(weights: Mapping[str, Tensor], s: MiZeroShape, image_size: int) -> dict[str, Any]:
    """A checkpoint as training wrote it, with the masks of the image size in training."""
    state = {f"module.{n}": t for n, t in weights.items()}
    state["module.transformer.embeddings.position_ids"] = torch.arange(s.positions)[None]
    for stage, depth in enumerate(s.vision_depths):
        windows = (image_size // 4 // 2**stage // s.window) ** 2
        for block in range(1, depth, 2):
            mask = torch.full((windows, s.window**2, s.window**2), -100.0)
            state[f"module.visual.trunk.layers.{stage}.blocks.{block}.attn_mask"] = mask
    return {
        "epoch": 50,
        "name": "ctranspath",
        "state_dict": state,
        "optimizer": {"state": {}, "param_groups": []},
    }


def small_spec(name: str = "mi-zero", **changes: Any) -> EncoderSpec:
    shape = {n: v for n, v in vars(SMALL).items() if n not in ("image_size", "dim", "tokens")}
    spec = replace(registry()[name], input_size=48, dim=10, context_length=12, shape=shape)
    return replace(spec, **changes)


def tiles(side: int, count: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Blots that differ between places of one image."""
    random = np.random.default_rng(2)
    coarse = random.integers(0, 256, (count, side // 8, side // 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def pixels(side: int, count: int = 2) -> Tensor:
    return torch.from_numpy(tiles(side, count)).permute(0, 3, 1, 2).double() / 64 - 2
