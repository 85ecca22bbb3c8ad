"""CTransPath: a Swin transformer whose patches come from a small convolutional network.

References
----------
Wang et al., "Transformer-based unsupervised contrastive learning for histopathological image
classification", Medical Image Analysis 2022.
Liu et al., "Swin transformer: hierarchical vision transformer using shifted windows", ICCV 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_histoalign.encoders.architectures.swin import SwinShape, make_stages
from napari_histoalign.encoders.architectures.windows import apart, cut, joined, offsets

PATCH = 4
"""Pixels to a side of a patch: the stem halves the image twice."""


class CTransPath(nn.Module):
    """Stem, stages, norm and mean, with the parameter names of the published ``ctranspath.pth``.

    Parameters
    ----------
    shape
        Sizes.

    Attributes
    ----------
    features
        How many numbers an image becomes.

    Raises
    ------
    EncoderError
        The windows do not fill the image in every stage, or some stage has blocks and no heads.
    """

    def __init__(self, shape: SwinShape) -> None:
        super().__init__()
        self.patch_embed = Stem(shape.width)
        self.layers = make_stages(shape, PATCH, Block)
        self.norm = nn.LayerNorm(shape.features)
        self.features = shape.features

    def forward(self, pixels: Tensor) -> Tensor:
        """Describe prepared pixels, (n, 3, image_size, image_size), by (n, features)."""
        described: Tensor = self.norm(self.layers(self.patch_embed(pixels)))
        return described.mean(dim=(1, 2))


class Stem(nn.Module):
    """Two convolutions that halve the image, one that widens it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        into, out = 3, width // 8
        for _ in range(2):
            layers += [
                nn.Conv2d(into, out, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(),
            ]
            into, out = out, 2 * out
        self.proj = nn.Sequential(*layers, nn.Conv2d(into, width, 1))
        self.norm = nn.LayerNorm(width)

    def forward(self, pixels: Tensor) -> Tensor:
        """Positions, (n, side / 4, side / 4, width)."""
        positions: Tensor = self.norm(self.proj(pixels).permute(0, 2, 3, 1))
        return positions


class Block(nn.Module):
    """Attention within windows, then a small network; both normalise first.

    With a `shift`, windows are cut from the image moved up and left by as much, what falls off coming in at
    the other end. Positions that only meet because of that do not look at each other.
    """

    attn_mask: Tensor | None

    def __init__(self, side: int, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        # follows from the size of the image alone, so that it is made and not loaded
        self.register_buffer("attn_mask", apart(side, window, shift) if shift else None, persistent=False)

    def forward(self, positions: Tensor) -> Tensor:
        """One step of (n, side, side, width)."""
        moved = torch.roll(self.norm1(positions), (-self.shift, -self.shift), (1, 2))
        seen = joined(self.attn(cut(moved, self.window), self.attn_mask), positions.shape[1])
        positions = positions + torch.roll(seen, (self.shift, self.shift), (1, 2))
        out: Tensor = positions + self.mlp(self.norm2(positions))
        return out


class WindowAttention(nn.Module):
    """Attention between the positions of a window, with a learned bias for each offset between two."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", offsets(window))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Attend within (n, windows, positions, width); `mask` is (windows, positions, positions)."""
        n, count, length, width = windows.shape
        qkv = self.qkv(windows).view(n, count, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(3, 0, 1, 4, 2, 5)
        query = query * (width // self.heads) ** -0.5
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        weights = query @ key.transpose(-2, -1) + bias
        if mask is not None:
            weights = weights + mask[:, None]
        seen = functional.softmax(weights, dim=-1) @ value
        out: Tensor = self.proj(seen.transpose(2, 3).reshape(n, count, length, width))
        return out


class Mlp(nn.Module):
    """A hidden layer four times as wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, positions: Tensor) -> Tensor:
        """One step of (..., width)."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(positions)))
        return out
