"""What CONCH's publisher describes, written down again: names, shapes, tokens and plain arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import erf, softmax
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WEIGHTS, VOCABULARY = "pytorch_model.bin", "conch_byte_level_bpe_uncased.json"
SPECIAL = [
    "<pad>",
    "<start_of_text>",
    "<end_of_text>",
    "<|person|>",
    "<|mrn|>",
    "<|specimen_id|>",
    "<|date|>",
]
PUBLISHED = {
    "image_size": 448,
    "patch_size": 16,
    "vision_width": 768,
    "vision_layers": 12,
    "vision_heads": 12,
    "pooler_heads": 8,
    "caption_width": 768,
    "caption_queries": 256,
    "dim": 512,
    "vocab_size": 32007,
    "context_length": 128,
    "text_width": 768,
    "text_layers": 12,
    "text_heads": 12,
}
REDUCED = {
    "image_size": 32,
    "patch_size": 8,
    "vision_width": 24,
    "vision_layers": 2,
    "vision_heads": 3,
    "pooler_heads": 4,
    "caption_width": 24,
    "caption_queries": 5,
    "dim": 16,
    "vocab_size": 320,
    "context_length": 24,
    "text_width": 20,
    "text_layers": 3,
    "text_heads": 2,
}
Sizes = Mapping[str, int]


def expected(s: Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the published file, written down from the published description."""
    vision, text, dim, caption = s["vision_width"], s["text_width"], s["dim"], s["caption_width"]

    def affine(name: str, out: int, into: int = 0) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", (out, into) if into else (out,)
        yield f"{name}.bias", (out,)

    def pooler(name: str, width: int, queries: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.query", (queries, width)
        if width == vision:
            yield f"{name}.attn.in_proj_weight", (3 * width, width)
        else:
            yield f"{name}.attn.q_proj_weight", (width, width)
            yield f"{name}.attn.k_proj_weight", (width, vision)
            yield f"{name}.attn.v_proj_weight", (width, vision)
        yield f"{name}.attn.in_proj_bias", (3 * width,)
        yield from affine(f"{name}.attn.out_proj", width, width)
        yield from affine(f"{name}.ln_q", width)
        yield from affine(f"{name}.ln_k", vision)

    yield "logit_scale", ()
    yield "visual.trunk.cls_token", (1, 1, vision)
    yield "visual.trunk.pos_embed", (1, (s["image_size"] // s["patch_size"]) ** 2 + 1, vision)
    yield "visual.trunk.patch_embed.proj.weight", (vision, 3, s["patch_size"], s["patch_size"])
    yield "visual.trunk.patch_embed.proj.bias", (vision,)
    for layer in range(s["vision_layers"]):
        block = f"visual.trunk.blocks.{layer}"
        yield from affine(f"{block}.norm1", vision)
        yield from affine(f"{block}.attn.qkv", 3 * vision, vision)
        yield from affine(f"{block}.attn.proj", vision, vision)
        yield from affine(f"{block}.norm2", vision)
        yield from affine(f"{block}.mlp.fc1", 4 * vision, vision)
        yield from affine(f"{block}.mlp.fc2", vision, 4 * vision)
    yield from affine("visual.trunk.norm", vision)
    yield from pooler("visual.attn_pool_contrast", dim, 1)
    yield from affine("visual.ln_contrast", dim)
    yield "visual.proj_contrast", (dim, dim)
    yield from pooler("visual.attn_pool_caption", caption, s["caption_queries"])
    yield from affine("visual.ln_caption", caption)
    yield "text.cls_emb", (text,)
    yield "text.token_embedding.weight", (s["vocab_size"], text)
    yield "text.positional_embedding", (s["context_length"], text)
    for layer in range(s["text_layers"]):
        block = f"text.transformer.resblocks.{layer}"
        yield from affine(f"{block}.ln_1", text)
        yield f"{block}.attn.in_proj_weight", (3 * text, text)
        yield f"{block}.attn.in_proj_bias", (3 * text,)
        yield from affine(f"{block}.attn.out_proj", text, text)
        yield from affine(f"{block}.ln_2", text)
        yield from affine(f"{block}.mlp.c_fc", 4 * text, text)
        yield from affine(f"{block}.mlp.c_proj", text, 4 * text)
    yield from affine("text.ln_final", text)
    yield "text.text_projection", (text, dim)


def random_weights(s: Sizes, deviation: float) -> dict[str, torch.Tensor]:
    """Seeded noise for every name, so large that each weight shows in the result."""
    made = torch.Generator().manual_seed(11)
    weights = {n: torch.randn(shape, generator=made) * deviation for n, shape in expected(s)}
    for name, tensor in weights.items():
        if name.endswith(".weight") and tensor.ndim == 1:
            tensor += 1  # of a norm
    weights["logit_scale"] = torch.tensor(56.35).log()
    return weights


def encoding(model: models.BPE) -> Tokenizer:
    """A tokenizer of the published kind around a byte-pair model."""
    bpe = Tokenizer(model)
    bpe.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    bpe.post_processor = processors.TemplateProcessing(
        single="<start_of_text> $A <end_of_text>",
        pair="$A $B:1",
        special_tokens=[("<start_of_text>", 1), ("<end_of_text>", 2)],
    )
    bpe.decoder = decoders.ByteLevel()
    return bpe


def alphabet() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def published_ids(path: Path, texts: Sequence[str], context: int) -> NDArray[np.int64]:
    """Token ids by the published procedure: one place less than the context, then a placeholder."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_file=str(path), bos_token="<start_of_text>", eos_token="<end_of_text>", pad_token="<pad>"
    )
    ids = fast(
        list(texts),
        max_length=context - 1,
        add_special_tokens=True,
        return_token_type_ids=False,
        truncation=True,
        padding="max_length",
    )["input_ids"]
    return np.pad(np.array(ids), ((0, 0), (0, 1)), constant_values=fast.pad_token_id)


class Plain:
    """The forward passes in float64, one image and one text at a time, from the state dict alone."""

    def __init__(self, weights: Mapping[str, torch.Tensor], sizes: Sizes) -> None:
        self.w = {n: t.numpy().astype(np.float64) for n, t in weights.items()}
        self.s = sizes

    def linear(self, x: Array, name: str) -> Array:
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def norm(self, x: Array, name: str, eps: float = 1e-5) -> Array:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)
        return x * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def mlp(self, x: Array, first: str, second: str) -> Array:
        x = self.linear(x, first)
        return self.linear(x * (1 + erf(x / np.sqrt(2))) / 2, second)

    @staticmethod
    def attend(q: Array, k: Array, v: Array, heads: int, sees: Any = True) -> Array:
        width, out = q.shape[1] // heads, np.empty((len(q), q.shape[1]))
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            scores = np.where(sees, q[:, part] @ k[:, part].T / np.sqrt(width), -np.inf)
            out[:, part] = softmax(scores, axis=1) @ v[:, part]
        return out

    def image(self, tile: NDArray[np.uint8]) -> Array:
        mean = np.array([0.48145466, 0.4578275, 0.40821073])
        std = np.array([0.26862954, 0.26130258, 0.27577711])
        pixels, p = (tile / 255 - mean) / std, self.s["patch_size"]
        n = self.s["image_size"] // p
        patches = pixels.reshape(n, p, n, p, 3).transpose(0, 2, 4, 1, 3).reshape(n * n, -1)
        trunk = "visual.trunk"
        kernel = self.w[f"{trunk}.patch_embed.proj.weight"].reshape(self.s["vision_width"], -1)
        x = patches @ kernel.T + self.w[f"{trunk}.patch_embed.proj.bias"]
        x = np.concatenate([self.w[f"{trunk}.cls_token"][0], x]) + self.w[f"{trunk}.pos_embed"][0]
        for layer in range(self.s["vision_layers"]):
            block = f"{trunk}.blocks.{layer}"
            q, k, v = np.split(
                self.linear(self.norm(x, f"{block}.norm1", 1e-6), f"{block}.attn.qkv"), 3, axis=1
            )
            x = x + self.linear(self.attend(q, k, v, self.s["vision_heads"]), f"{block}.attn.proj")
            x = x + self.mlp(self.norm(x, f"{block}.norm2", 1e-6), f"{block}.mlp.fc1", f"{block}.mlp.fc2")
        pool = "visual.attn_pool_contrast"
        x = self.norm(self.norm(x, f"{trunk}.norm", 1e-6), f"{pool}.ln_k")
        query = self.norm(self.w[f"{pool}.query"], f"{pool}.ln_q")
        biases = np.split(self.w[f"{pool}.attn.in_proj_bias"], 3)
        q, k, v = (
            a @ self.w[f"{pool}.attn.{n}_proj_weight"].T + b
            for n, a, b in zip("qkv", (query, x, x), biases, strict=True)
        )
        pooled = self.linear(self.attend(q, k, v, self.s["pooler_heads"]), f"{pool}.attn.out_proj")
        out: Array = self.norm(pooled, "visual.ln_contrast")[0] @ self.w["visual.proj_contrast"]
        return out / np.linalg.norm(out)

    def text(self, ids: NDArray[np.int64]) -> Array:
        ids = ids[:-1]  # the placeholder goes, the summary token comes
        x = np.vstack([self.w["text.token_embedding.weight"][ids], self.w["text.cls_emb"]])
        x = x + self.w["text.positional_embedding"]
        sees = np.tri(len(x), dtype=bool)
        sees[-1, 1:] = ids != 0  # one place to the right of the token it speaks of, as published
        for layer in range(self.s["text_layers"]):
            block = f"text.transformer.resblocks.{layer}"
            packed = (
                self.norm(x, f"{block}.ln_1") @ self.w[f"{block}.attn.in_proj_weight"].T
                + self.w[f"{block}.attn.in_proj_bias"]
            )
            q, k, v = np.split(packed, 3, axis=1)
            x = x + self.linear(self.attend(q, k, v, self.s["text_heads"], sees), f"{block}.attn.out_proj")
            x = x + self.mlp(self.norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc", f"{block}.mlp.c_proj")
        out: Array = self.norm(x[-1], "text.ln_final") @ self.w["text.text_projection"]
        return out / np.linalg.norm(out)
