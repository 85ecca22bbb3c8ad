"""The image side of CONCH: a plain vision transformer, and pooling by attention.

References
----------
Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", ICLR 2021.
Lee et al., "Set transformer: a framework for attention-based permutation-invariant neural networks",
ICML 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6
"""Of the trunk's norms; those of the poolers have torch's own."""


class Trunk(nn.Module):
    """A vision transformer with a class token, named as timm names it.

    Written out, since importing timm takes longer than loading the weights.

    Parameters
    ----------
    image_size, patch_size
        Sides in pixels.
    width, layers, heads
        Of the transformer.
    """

    def __init__(self, image_size: int, patch_size: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        patches = (image_size // patch_size) ** 2
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, patches + 1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch_size, patch_size)})
        self.blocks = nn.ModuleList(TrunkBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, pixels: Tensor) -> Tensor:
        """Tokens of pixels, (n, 1 + patches, width): the class token, then the patches; normed."""
        patches = self.patch_embed["proj"](pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        normed: Tensor = self.norm(tokens)
        return normed


class TrunkBlock(nn.Module):
    """A layer of the trunk, which normalises first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=EPS)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        """One step of (n, length, width)."""
        n, length, width = tokens.shape
        packed = self.attn["qkv"](self.norm1(tokens)).view(n, length, 3, self.heads, -1)
        query, key, value = packed.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attn["proj"](seen.transpose(1, 2).reshape(n, length, width))
        out: Tensor = tokens + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(tokens))))
        return out


class AttentionPooler(nn.Module):
    """Learned queries that look at all tokens.

    Parameters
    ----------
    dim, queries, heads
        Width and number of the queries, and heads of the attention.
    width
        Of the tokens.
    """

    def __init__(self, dim: int, queries: int, heads: int, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(queries, dim))
        self.attn = nn.MultiheadAttention(dim, heads, kdim=width, vdim=width, batch_first=True)
        self.ln_q = nn.LayerNorm(dim)
        self.ln_k = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool tokens, (n, length, width), to (n, queries, dim)."""
        tokens = self.ln_k(tokens)
        query = self.ln_q(self.query).expand(tokens.shape[0], -1, -1)
        pooled: Tensor = self.attn(query, tokens, tokens, need_weights=False)[0]
        return pooled
