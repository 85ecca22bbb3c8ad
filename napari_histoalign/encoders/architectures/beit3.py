"""BEiT-3: one transformer through which images go one way and texts another.

References
----------
Wang et al., "Image as a foreign language: BEiT pretraining for vision and vision-language tasks", CVPR
2023. The norms inside attention and feed-forward are those of Wang et al., "Foundation transformers",
ICML 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Way = Literal["A", "B"]
"""Which copy of the weights: "A" of images, "B" of texts."""
FIRST = 2
"""Row of the position tables where counting starts; those before are never read, but the file has them."""


@dataclass(frozen=True)
class Beit3Shape:
    """Sizes; by default those of MUSK.

    Attributes
    ----------
    image_size, patch_size
        Sides in pixels.
    dim
        Width, and length of an embedding.
    layers, heads, hidden
        Of the transformer; `hidden` is the width inside feed-forward.
    vocab_size
        Tokens there are.
    positions
        Rows of the table of text positions.
    """

    image_size: int = 384
    patch_size: int = 16
    dim: int = 1024
    layers: int = 24
    heads: int = 16
    hidden: int = 4096
    vocab_size: int = 64010
    positions: int = 1024


class Beit3(nn.Module):
    """The transformer with what feeds it.

    Parameters
    ----------
    shape
        Sizes.
    """

    def __init__(self, shape: Beit3Shape) -> None:
        super().__init__()
        self.text_embed = nn.Embedding(shape.vocab_size, shape.dim)
        self.vision_embed = Patches(shape)
        self.encoder = Encoder(shape)

    def image(self, pixels: Tensor) -> Tensor:
        """Class token of images, (n, 3, image_size, image_size), as (n, dim)."""
        states: Tensor = self.encoder(self.vision_embed(pixels), "A")
        return states[:, 0]

    def text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """First token of texts, (k, length) with their mask, as (k, dim)."""
        states: Tensor = self.encoder(self.text_embed(ids), "B", mask[:, None, None])
        return states[:, 0]


class Patches(nn.Module):
    """Patches of an image behind the class token."""

    def __init__(self, shape: Beit3Shape) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, shape.dim, shape.patch_size, stride=shape.patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.dim))
        # stood for hidden patches in training; here so that every weight of the file has its place
        self.mask_token = nn.Parameter(torch.zeros(1, 1, shape.dim))

    def forward(self, pixels: Tensor) -> Tensor:
        """Tokens of images, (n, 1 + patches, dim)."""
        patches: Tensor = self.proj(pixels).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1)


class Encoder(nn.Module):
    """Positions, layers and a last norm."""

    def __init__(self, shape: Beit3Shape) -> None:
        super().__init__()
        patches = (shape.image_size // shape.patch_size) ** 2
        tables = {"A": FIRST + 1 + patches, "B": shape.positions}
        self.embed_positions = nn.ModuleDict({way: nn.Embedding(n, shape.dim) for way, n in tables.items()})
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.layer_norm = _ways(lambda: nn.LayerNorm(shape.dim))

    def forward(self, tokens: Tensor, way: Way, seen: Tensor | None = None) -> Tensor:
        """States of tokens, (n, length, dim); `seen` (n, 1, 1, length) is False where none may look."""
        places = torch.arange(FIRST, FIRST + tokens.shape[1], device=tokens.device)
        tokens = tokens + self.embed_positions[way](places)
        for layer in self.layers:
            tokens = layer(tokens, way, seen)
        states: Tensor = self.layer_norm[way](tokens)
        return states


class Layer(nn.Module):
    """A transformer layer that normalises first, and once more inside both of its halves."""

    def __init__(self, shape: Beit3Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape.dim, shape.heads)
        self.self_attn_layer_norm = _ways(lambda: nn.LayerNorm(shape.dim))
        self.ffn = _ways(lambda: FeedForward(shape.dim, shape.hidden))
        self.final_layer_norm = _ways(lambda: nn.LayerNorm(shape.dim))

    def forward(self, tokens: Tensor, way: Way, seen: Tensor | None) -> Tensor:
        """One step; see `Encoder.forward`."""
        tokens = tokens + self.self_attn(self.self_attn_layer_norm[way](tokens), way, seen)
        out: Tensor = tokens + self.ffn[way](self.final_layer_norm[way](tokens))
        return out


class Attention(nn.Module):
    """Self-attention whose heads are normalised together before they are mixed."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = _ways(lambda: nn.Linear(dim, dim))
        self.v_proj = _ways(lambda: nn.Linear(dim, dim))
        self.q_proj = _ways(lambda: nn.Linear(dim, dim))
        self.out_proj = _ways(lambda: nn.Linear(dim, dim))
        self.inner_attn_ln = _ways(lambda: nn.LayerNorm(dim))

    def forward(self, tokens: Tensor, way: Way, seen: Tensor | None) -> Tensor:
        """Mix tokens; see `Encoder.forward`."""
        query, key, value = (
            part[way](tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        out: Tensor = self.out_proj[way](self.inner_attn_ln[way](mixed.transpose(1, 2).flatten(2)))
        return out


class FeedForward(nn.Module):
    """Two linear maps with a norm between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)
        self.ffn_layernorm = nn.LayerNorm(hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """Each token for itself."""
        out: Tensor = self.fc2(self.ffn_layernorm(functional.gelu(self.fc1(tokens))))
        return out


def _ways(make: Callable[[], nn.Module]) -> nn.ModuleDict:
    """One module for images and one for texts."""
    return nn.ModuleDict({"A": make(), "B": make()})
