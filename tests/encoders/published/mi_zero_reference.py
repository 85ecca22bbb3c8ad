"""MI-Zero's two towers in plain arithmetic, one image or text at a time, and the first by timm."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from mi_zero_layout import part
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from napari_histoalign.encoders.architectures.mi_zero import MiZeroShape


def plain_norm(x: Tensor, w: Mapping[str, Tensor], name: str, epsilon: float = 1e-5) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + epsilon).sqrt()
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def plain_linear(x: Tensor, w: Mapping[str, Tensor], name: str) -> Tensor:
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", torch.zeros(()))


def plain_swin(x: Tensor, w: Mapping[str, Tensor], s: MiZeroShape) -> Tensor:
    """One image, (3, side, side): each position attends to a list of positions; no windows are cut."""
    x = x[None]
    for layer in (0, 3):
        x = functional.conv2d(x, w[f"patch_embed.proj.{layer}.weight"], stride=2, padding=1)
        bn = f"patch_embed.proj.{layer + 1}"
        mean, var, scale, shift = (
            w[f"{bn}.{n}"][:, None, None] for n in ("running_mean", "running_var", "weight", "bias")
        )
        x = ((x - mean) / (var + 1e-5).sqrt() * scale + shift).clamp(min=0)
    x = functional.conv2d(x, w["patch_embed.proj.6.weight"], w["patch_embed.proj.6.bias"])[0].permute(1, 2, 0)
    x = plain_norm(x, w, "patch_embed.norm")
    for stage, (depth, heads) in enumerate(zip(s.vision_depths, s.vision_heads, strict=True)):
        for block in range(depth):
            name, side = f"layers.{stage}.blocks.{block}", len(x)
            shift = s.window // 2 if block % 2 and side > s.window else 0
            seen = plain_attention(
                plain_norm(x, w, f"{name}.norm1"), w, f"{name}.attn", heads, s.window, shift
            )
            x = x + plain_linear(seen, w, f"{name}.attn.proj")
            inner = plain_linear(plain_norm(x, w, f"{name}.norm2"), w, f"{name}.mlp.fc1")
            inner = inner * (1 + torch.erf(inner / 2**0.5)) / 2
            x = x + plain_linear(inner, w, f"{name}.mlp.fc2")
        if stage < len(s.vision_depths) - 1:
            name, half = f"layers.{stage}.downsample", len(x) // 2
            merged = x.new_empty(half, half, 4 * x.shape[2])
            for i, j in itertools.product(range(half), repeat=2):
                y, z = 2 * i, 2 * j
                merged[i, j] = torch.cat([x[y, z], x[y + 1, z], x[y, z + 1], x[y + 1, z + 1]])
            x = plain_linear(plain_norm(merged, w, f"{name}.norm"), w, f"{name}.reduction")
    return plain_norm(x, w, "norm").mean((0, 1))


def plain_attention(
    x: Tensor, w: Mapping[str, Tensor], name: str, heads: int, window: int, shift: int
) -> Tensor:
    """Each position looks at those of its window that were not carried round the edge, or all that were."""
    side, width = len(x), x.shape[2] // heads
    qkv = plain_linear(x, w, f"{name}.qkv").reshape(side, side, 3, heads, width)
    table = w[f"{name}.relative_position_bias_table"]
    out = torch.empty_like(x)
    # where each row (or column) is after the move, and whether it went round the edge
    moved = [((i - shift) % side, i < shift) for i in range(side)]
    for y, z in itertools.product(range(side), repeat=2):
        scores, values = [], []
        for v, u in itertools.product(range(side), repeat=2):
            (a, around_a), (b, around_b) = moved[y], moved[z]
            (c, around_c), (d, around_d) = moved[v], moved[u]
            if a // window != c // window or b // window != d // window:
                continue
            if (around_a, around_b) != (around_c, around_d):
                continue
            offset = (a - c + window - 1) * (2 * window - 1) + b - d + window - 1
            scores.append((qkv[y, z, 0] * qkv[v, u, 1]).sum(-1) / width**0.5 + table[offset])
            values.append(qkv[v, u, 2])
        attention = torch.stack(scores).softmax(0)
        out[y, z] = (attention[:, :, None] * torch.stack(values)).sum(0).flatten()
    return out


def plain_text(ids: list[int], w: Mapping[str, Tensor], s: MiZeroShape) -> Tensor:
    """One text without padding, in double."""
    t = part(w, "transformer.")
    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.position_embeddings.weight"][: len(ids)]
    x = plain_norm(x + t["embeddings.token_type_embeddings.weight"][0], t, "embeddings.LayerNorm", 1e-12)
    for number in range(s.text_layers):
        name = f"encoder.layer.{number}"
        q, k, v = (plain_linear(x, t, f"{name}.attention.self.{p}") for p in ("query", "key", "value"))
        heads = []
        for columns in torch.arange(s.text_width).chunk(s.text_heads):
            scores = q[:, columns] @ k[:, columns].T / len(columns) ** 0.5
            heads.append(scores.softmax(-1) @ v[:, columns])
        seen = plain_linear(torch.cat(heads, 1), t, f"{name}.attention.output.dense")
        x = plain_norm(x + seen, t, f"{name}.attention.output.LayerNorm", 1e-12)
        inner = plain_linear(x, t, f"{name}.intermediate.dense")
        inner = inner * (1 + torch.erf(inner / 2**0.5)) / 2
        x = plain_norm(
            x + plain_linear(inner, t, f"{name}.output.dense"), t, f"{name}.output.LayerNorm", 1e-12
        )
    return x[0] @ w["text_projection"]


def doubled(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n: t.double() if t.is_floating_point() else t for n, t in weights.items()}


class Stem(nn.Module):
    """CTransPath's stem where timm's own patches go; its numbers are set from outside."""

    def __init__(
        self, img_size: int, embed_dim: int, norm_layer: Callable[[int], nn.Module], **_: Any
    ) -> None:
        super().__init__()
        self.grid_size, eighth = (img_size // 4, img_size // 4), embed_dim // 8
        self.proj = nn.Sequential(
            nn.Conv2d(3, eighth, 3, 2, 1, bias=False),
            nn.BatchNorm2d(eighth),
            nn.ReLU(),
            nn.Conv2d(eighth, 2 * eighth, 3, 2, 1, bias=False),
            nn.BatchNorm2d(2 * eighth),
            nn.ReLU(),
            nn.Conv2d(2 * eighth, embed_dim, 1),
        )
        self.norm = norm_layer(embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.proj(x).permute(0, 2, 3, 1))
        return out


def timm_swin(weights: Mapping[str, Tensor], s: MiZeroShape) -> SwinTransformer:
    """The image tower by timm, in the precision of the weights."""
    timm = SwinTransformer(
        img_size=s.image_size,
        embed_dim=s.vision_width,
        depths=s.vision_depths,
        num_heads=s.vision_heads,
        window_size=s.window,
        num_classes=0,
        embed_layer=Stem,
        norm_layer=nn.LayerNorm,
    )
    timm.to(weights["norm.weight"].dtype).load_state_dict(for_timm(weights))
    return timm.eval()


def for_timm(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Today's timm merges positions at the start of the next stage, and computes the index."""
    renamed = {}
    for name, value in weights.items():
        if name.startswith("layers.") and ".downsample." in name:
            stage = int(name.split(".")[1])
            name = name.replace(f"layers.{stage}.", f"layers.{stage + 1}.", 1)
        if not name.endswith("relative_position_index"):
            renamed[name] = value
    return renamed
