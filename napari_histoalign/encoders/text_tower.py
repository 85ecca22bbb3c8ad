"""The text tower of the demonstration encoders; imports torch, so import it inside functions only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_histoalign.encoders.axes import AXES


@dataclass(frozen=True)
class TextShape:
    """Sizes; the tables follow the vocabulary."""

    words: int
    buckets: int = 3072
    width: int = 128
    layers: int = 2
    heads: int = 4
    context_length: int = 48


class TextTower(nn.Module):
    """Words and their letter pieces, put in order by a small transformer.

    Parameters
    ----------
    shape
        Sizes.
    """

    def __init__(self, shape: TextShape) -> None:
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
        self.project = nn.Linear(width, len(AXES))

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
        (k, len(AXES))
        """
        pieces = (grams > 0).float().sum(2, keepdim=True).clamp(min=1)
        known = (ids > 1).unsqueeze(2).float()
        x = self.words(ids) * known + self.grams(grams).sum(2) / pieces.sqrt()
        x = torch.cat([self.summary.expand(len(x), 1, -1), x], dim=1)
        x = self.enter(x + self.places(torch.arange(x.shape[1], device=x.device)))
        hidden = functional.pad(ids == 0, (1, 0), value=False)
        x = self.layers(x, src_key_padding_mask=hidden)
        return functional.normalize(self.project(self.leave(x[:, 0])), dim=-1)
