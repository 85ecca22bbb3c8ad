"""BERT written down once more from its description: names and shapes, and what each layer gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from pathlib import Path

Named = tuple[str, tuple[int, ...]]
State = Mapping[str, Tensor]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [chr(c) for c in range(33, 127)]
PIECES = ["invasive", "duct", "##al", "carcinoma", "carcinoma##", "tissue", "of", "an", "image", "é", "腺"]
PROMPTS = [
    "An H&E image of invasive ductal carcinoma",
    "x",
    "of tissue " * 90,
    "Übel, 3+ (µm)",
    "腺管形成 🔬",
    "\x00\x07 \ufeff",
]
"""Of different lengths; the third one is longer than any context here."""


def affine(name: str, out: int, into: int = 0) -> Iterator[Named]:
    """Weight and bias of a linear layer, or of a norm where nothing goes in."""
    yield f"{name}.weight", (out, into) if into else (out,)
    yield f"{name}.bias", (out,)


def bert_names(root: str, *, vocabulary: int, width: int, layers: int, positions: int) -> Iterator[Named]:
    """Names and shapes of BertModel's weights."""
    yield f"{root}.embeddings.word_embeddings.weight", (vocabulary, width)
    yield f"{root}.embeddings.position_embeddings.weight", (positions, width)
    yield f"{root}.embeddings.token_type_embeddings.weight", (2, width)
    yield from affine(f"{root}.embeddings.LayerNorm", width)
    for i in range(layers):
        layer = f"{root}.encoder.layer.{i}"
        for part in ("query", "key", "value"):
            yield from affine(f"{layer}.attention.self.{part}", width, width)
        yield from affine(f"{layer}.attention.output.dense", width, width)
        yield from affine(f"{layer}.attention.output.LayerNorm", width)
        yield from affine(f"{layer}.intermediate.dense", 4 * width, width)
        yield from affine(f"{layer}.output.dense", width, 4 * width)
        yield from affine(f"{layer}.output.LayerNorm", width)
    yield from affine(f"{root}.pooler.dense", width, width)


def random_weights(names: Iterable[Named], deviation: float, seed: int = 5) -> dict[str, Tensor]:
    """Seeded noise for every name; factors that multiply (of norms and layer scales) lie around 1."""
    made = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in names:
        weights[name] = torch.randn(shape, generator=made) * deviation
        if name.endswith((".weight", ".gamma")) and len(shape) == 1:
            weights[name] += 1
    return weights


def linear(state: State, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))


def norm(state: State, name: str, x: Tensor, epsilon: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + epsilon).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def bert_states(state: State, root: str, ids: Sequence[int], heads: int) -> list[Tensor]:
    """The embedded tokens of one text without padding, and what each layer gives: (length, width) each."""
    found = root + ".embeddings"
    x = state[f"{found}.word_embeddings.weight"][torch.tensor(ids)]
    x = x + state[f"{found}.position_embeddings.weight"][: len(ids)]
    x = norm(state, f"{found}.LayerNorm", x + state[f"{found}.token_type_embeddings.weight"][:1], 1e-12)
    states = [x]
    for i in range(1 + max(int(k.split("layer.")[1].split(".")[0]) for k in state if f"{root}.encoder" in k)):
        layer = f"{root}.encoder.layer.{i}"
        parts = [linear(state, f"{layer}.attention.self.{p}", x) for p in ("query", "key", "value")]
        seen = []
        for q, k, v in zip(*(p.chunk(heads, dim=-1) for p in parts), strict=True):
            seen.append((q @ k.T / q.shape[-1] ** 0.5).softmax(-1) @ v)
        out = linear(state, f"{layer}.attention.output.dense", torch.cat(seen, -1))
        x = norm(state, f"{layer}.attention.output.LayerNorm", out + x, 1e-12)
        grown = functional.gelu(linear(state, f"{layer}.intermediate.dense", x))
        x = norm(state, f"{layer}.output.LayerNorm", linear(state, f"{layer}.output.dense", grown) + x, 1e-12)
        states.append(x)
    return states


def write_vocabulary(path: Path, size: int) -> Path:
    """A ``vocab.txt`` of that many tokens."""
    words = [*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), *PIECES]
    assert size >= len(words)
    words += [f"[unused{i}]" for i in range(size - len(words))]
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return path
