"""What the publisher's code of MUSK builds, computes and reads, in plain float64 arithmetic."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sentencepiece
import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PUBLISHED = {
    "image": 384, "patch": 16, "dim": 1024, "layers": 24, "hidden": 4096, "tokens": 64010, "positions": 1024,
}  # fmt: skip
REDUCED = {
    "image": 48, "patch": 16, "dim": 32, "layers": 3, "hidden": 48, "tokens": 100, "positions": 40,
}  # fmt: skip


def layout(size: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Name and shape of everything the publisher's code builds."""
    dim, hidden, patch = size["dim"], size["hidden"], size["patch"]
    shapes: dict[str, tuple[int, ...]] = {
        "logit_scale": (),
        "vision_head.weight": (dim, dim),
        "language_head.weight": (dim, dim),
        "beit3.text_embed.weight": (size["tokens"], dim),
        "beit3.vision_embed.mask_token": (1, 1, dim),
        "beit3.vision_embed.cls_token": (1, 1, dim),
        "beit3.vision_embed.proj.weight": (dim, 3, patch, patch),
        "beit3.vision_embed.proj.bias": (dim,),
        "beit3.encoder.embed_positions.A.weight": ((size["image"] // patch) ** 2 + 3, dim),
        "beit3.encoder.embed_positions.B.weight": (size["positions"], dim),
    }
    for way in "AB":
        norms = {f"layer_norm.{way}": dim}
        maps = {}
        for n in range(size["layers"]):
            at = f"layers.{n}"
            for part in "qkv":
                maps[f"{at}.self_attn.{part}_proj.{way}"] = (dim, dim)
            maps[f"{at}.self_attn.out_proj.{way}"] = (dim, dim)
            maps[f"{at}.ffn.{way}.fc1"] = (hidden, dim)
            maps[f"{at}.ffn.{way}.fc2"] = (dim, hidden)
            norms[f"{at}.self_attn_layer_norm.{way}"] = norms[f"{at}.final_layer_norm.{way}"] = dim
            norms[f"{at}.self_attn.inner_attn_ln.{way}"] = dim
            norms[f"{at}.ffn.{way}.ffn_layernorm"] = hidden
        for name, width in norms.items():
            shapes[f"beit3.encoder.{name}.weight"] = shapes[f"beit3.encoder.{name}.bias"] = (width,)
        for name, shape in maps.items():
            shapes[f"beit3.encoder.{name}.weight"], shapes[f"beit3.encoder.{name}.bias"] = shape, shape[:1]
    return shapes


def random_weights(size: Mapping[str, int], seed: int) -> dict[str, Tensor]:
    """Seeded weights of such a size that every part changes the result."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in layout(size).items():
        values = torch.empty(shape).normal_(generator=generator)
        if name == "logit_scale":
            values = torch.tensor(3.25)
        elif len(shape) == 1:
            values.mul_(0.2).add_(float(name.endswith(("norm.weight", "ln.A.weight", "ln.B.weight"))))
        elif "proj" in name or "fc" in name or "head" in name:
            values.mul_(3 * math.prod(shape[1:]) ** -0.5)
        elif "text_embed" not in name:  # the same for every image and text
            values.mul_(0.3)
        weights[name] = values
    return weights


class Reference:
    """The published arithmetic, one image or text at a time, without padding, from the weights alone."""

    def __init__(self, weights: Mapping[str, Tensor], size: Mapping[str, int], heads: int) -> None:
        self.weights, self.size, self.heads = weights, size, heads

    def image(self, tile: NDArray[np.uint8]) -> Tensor:
        pixels = (torch.from_numpy(tile).double() / 255 - 0.5) / 0.5
        patch = self.size["patch"]
        kernel = self._get("beit3.vision_embed.proj.weight").flatten(1)
        tokens = [self._get("beit3.vision_embed.cls_token").flatten()]
        for top in range(0, len(pixels), patch):
            for left in range(0, len(pixels), patch):
                square = pixels[top : top + patch, left : left + patch].permute(2, 0, 1).flatten()
                tokens.append(kernel @ square + self._get("beit3.vision_embed.proj.bias"))
        return self._unit(self._map("vision_head", self._first(torch.stack(tokens), "A")))

    def text(self, ids: Sequence[int]) -> Tensor:
        tokens = self.weights["beit3.text_embed.weight"][list(ids)].double()
        return self._unit(self._map("language_head", self._first(tokens, "B")))

    def _first(self, x: Tensor, way: str) -> Tensor:
        x = x + self._get(f"beit3.encoder.embed_positions.{way}.weight")[2 : 2 + len(x)]
        for n in range(self.size["layers"]):
            at, wide = f"beit3.encoder.layers.{n}.", self.size["dim"] // self.heads
            normed = self._norm(f"{at}self_attn_layer_norm.{way}", x)
            query, key, value = (
                self._map(f"{at}self_attn.{part}_proj.{way}", normed).split(wide, dim=1) for part in "qkv"
            )
            mixed = [(q @ k.T / wide**0.5).softmax(1) @ v for q, k, v in zip(query, key, value, strict=True)]
            inner = self._norm(f"{at}self_attn.inner_attn_ln.{way}", torch.cat(mixed, 1))
            x = x + self._map(f"{at}self_attn.out_proj.{way}", inner)
            h = self._map(f"{at}ffn.{way}.fc1", self._norm(f"{at}final_layer_norm.{way}", x))
            h = self._norm(f"{at}ffn.{way}.ffn_layernorm", h * (1 + torch.erf(h / 2**0.5)) / 2)
            x = x + self._map(f"{at}ffn.{way}.fc2", h)
        return self._norm(f"beit3.encoder.layer_norm.{way}", x)[0]

    def _get(self, name: str) -> Tensor:
        return self.weights[name].double()

    def _map(self, name: str, x: Tensor) -> Tensor:
        bias = self._get(f"{name}.bias") if f"{name}.bias" in self.weights else 0
        return x @ self._get(f"{name}.weight").T + bias

    def _norm(self, name: str, x: Tensor) -> Tensor:
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return x * self._get(f"{name}.weight") + self._get(f"{name}.bias")

    @staticmethod
    def _unit(x: Tensor) -> Tensor:
        return x / x.square().sum().sqrt()


def published_ids(pieces: sentencepiece.SentencePieceProcessor, text: str, length: int) -> list[int]:
    """Ids without padding, as XLM-RoBERTa's tokenizer and the publisher's trimming give them."""
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": pieces.get_piece_size() + 1}
    inner: list[int] = []
    while text:
        # a sign that is not there counts as standing behind the text
        at, sign = min((text.find(s) % (len(text) + 1), s) for s in special)
        for piece in pieces.encode(text[:at], out_type=str):
            inner.append(pieces.piece_to_id(piece) + 1 if pieces.piece_to_id(piece) else 3)
        inner += [special[sign]] if at < len(text) else []
        text = text[at + len(sign) :]
    return [0, *inner[: length - 2], 2]


def train(**options: Any) -> bytes:
    """A small sentencepiece model of the publisher's kind."""
    words = ["tumour", "gland", "stroma", "necrosis", "tissue", "image of", "lung", "carcinoma", "H&E", "fat"]
    lines = [f"{a} {b}, {a}{b[:3]} ({i}) naïve {b.upper()}" for i, a in enumerate(words) for b in words]
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=file, vocab_size=94, model_type="unigram",
        hard_vocab_limit=False, num_threads=1, minloglevel=2, **options,
    )  # fmt: skip
    return file.getvalue()
