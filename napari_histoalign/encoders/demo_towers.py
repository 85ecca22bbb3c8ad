"""The networks of the demonstration encoders; imports torch, so import it inside functions only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class TowerShape:
    """Sizes of both towers; the text tower's tables follow the vocabulary."""

    dim: int = 128
    channels: tuple[int, ...] = (32, 48, 64, 128)
    head: int = 256
    width: int = 128
    layers: int = 2
    heads: int = 4
    words: int = 2
    buckets: int = 3072
    context_length: int = 48


def convolution(inputs: int, outputs: int, kernel: int, stride: int, *, norm: bool) -> nn.Sequential:
    """A convolution; while training a batch norm follows, which is folded into it afterwards."""
    padding = (kernel - stride + 1) // 2
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input also passes unchanged."""

    def __init__(self, channels: int, *, norm: bool) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3, 1, norm=norm)
        self.second = convolution(channels, channels, 3, 1, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same."""
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class ImageTower(nn.Module):
    """Optical density, convolutions at a quarter of the size and less, mean and peak of the map.

    Parameters
    ----------
    shape
        Sizes.
    norm
        With batch norm (training) or with it folded into the convolutions (use).
    """

    def __init__(self, shape: TowerShape, *, norm: bool = False) -> None:
        super().__init__()
        a, b, c, d = shape.channels
        self.stem = convolution(3, a, 8, 4, norm=norm)
        self.wide = convolution(a, b, 3, 1, norm=norm)
        self.down = convolution(b, c, 4, 2, norm=norm)
        self.middle = Residual(c, norm=norm)
        self.deep = convolution(c, d, 4, 2, norm=norm)
        self.last = Residual(d, norm=norm)
        self.hidden = nn.Linear(3 * d, shape.head)
        self.project = nn.Linear(shape.head, shape.dim)

    def features(self, tiles: Tensor) -> Tensor:
        """What the tower sees before the last projection.

        Parameters
        ----------
        tiles
            uint8 (n, 3, h, w), RGB.

        Returns
        -------
        (n, head)
        """
        # stains absorb light: their amounts add up in optical density, not in brightness
        density = -torch.log((tiles.float() + 8.0) / 263.0)
        x = functional.relu(self.stem((density - 0.5) / 0.5))
        x = functional.relu(self.wide(x))
        x = self.middle(functional.relu(self.down(x)))
        x = self.last(functional.relu(self.deep(x)))
        x = x.flatten(2).float()
        peak = x.topk(max(x.shape[2] // 16, 1), dim=2).values.mean(2)
        pooled = torch.cat([x.mean(2), peak, x.std(2)], dim=1)
        return functional.relu(self.hidden(pooled))

    def forward(self, tiles: Tensor) -> Tensor:
        """Tiles uint8 (n, 3, h, w) to unit rows (n, dim)."""
        return functional.normalize(self.project(self.features(tiles)), dim=-1)


class TextTower(nn.Module):
    """Words and their letter pieces, put in order by a small transformer.

    Parameters
    ----------
    shape
        Sizes.
    """

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        width = shape.width
        self.words = nn.Embedding(shape.words, width, padding_idx=0)
        self.grams = nn.Embedding(shape.buckets, width, padding_idx=0)
        self.places = nn.Embedding(shape.context_length + 1, width)
        self.summary = nn.Parameter(torch.zeros(width))
        self.enter = nn.LayerNorm(width)
        layer = nn.TransformerEncoderLayer(
            width, shape.heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)
        self.leave = nn.LayerNorm(width)
        self.project = nn.Linear(width, shape.dim)

    def forward(self, ids: Tensor, grams: Tensor) -> Tensor:
        """Unit rows of prompts.

        Parameters
        ----------
        ids
            int64 (k, length), 0 is padding, 1 a word without a row of its own.
        grams
            int64 (k, length, pieces), 0 is padding.

        Returns
        -------
        (k, dim)
        """
        pieces = (grams > 0).float().sum(2, keepdim=True).clamp(min=1)
        known = (ids > 1).unsqueeze(2).float()
        x = self.words(ids) * known + self.grams(grams).sum(2) / pieces.sqrt()
        x = torch.cat([self.summary.expand(len(x), 1, -1), x], dim=1)
        x = self.enter(x + self.places(torch.arange(x.shape[1], device=x.device)))
        hidden = functional.pad(ids == 0, (1, 0), value=False)
        x = self.layers(x, src_key_padding_mask=hidden)
        return functional.normalize(self.project(self.leave(x[:, 0])), dim=-1)


class Pair(nn.Module):
    """Both towers, and what their cosines are multiplied by."""

    def __init__(self, shape: TowerShape, *, norm: bool = False) -> None:
        super().__init__()
        self.image = ImageTower(shape, norm=norm)
        self.text = TextTower(shape)
        self.log_scale = nn.Parameter(torch.tensor(2.7))
