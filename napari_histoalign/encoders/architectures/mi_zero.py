"""MI-Zero and CPLIP: CTransPath beside a BERT that is read at its first token.

References
----------
Lu et al., "Visual language pretrained multiple instance zero-shot transfer for histopathology images",
CVPR 2023.
Javed et al., "CPLIP: zero-shot learning for histopathology with comprehensive vision-language alignment",
CVPR 2024.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_histoalign.encoders.architectures.bert import Bert, BertShape
from napari_histoalign.encoders.architectures.ctranspath import CTransPath
from napari_histoalign.encoders.architectures.scaled import ScaledTowers
from napari_histoalign.encoders.architectures.swin import SwinShape


@dataclass(frozen=True)
class MiZeroShape:
    """Sizes; by default those of the published models.

    Attributes
    ----------
    image_size
        Side in pixels. The weights fit every multiple of 224: they were trained at 448 and are applied at
        224 by the publisher.
    vision_width, vision_depths, vision_heads, window
        Of CTransPath, see `swin.SwinShape`.
    dim
        Length of an embedding.
    vocab_size
        Rows of the token table. Both published models have those of PubMedBERT.
    tokens
        Tokens of the vocabulary where they are fewer than the rows: one published model reads the ids of
        Bio_ClinicalBERT.
    positions
        Tokens the position table has room for.
    text_width, text_layers, text_heads
        Of BERT.
    """

    image_size: int = 224
    vision_width: int = 96
    vision_depths: Sequence[int] = (2, 2, 6, 2)
    vision_heads: Sequence[int] = (3, 6, 12, 24)
    window: int = 7
    dim: int = 512
    vocab_size: int = 30522
    tokens: int | None = None
    positions: int = 512
    text_width: int = 768
    text_layers: int = 12
    text_heads: int = 12


class MiZero(ScaledTowers):
    """Both towers, with the parameter names of the published checkpoints.

    Parameters
    ----------
    shape
        Sizes.

    Raises
    ------
    EncoderError
        CTransPath cannot take images of this size, or some stage has blocks and no heads.
    """

    def __init__(self, shape: MiZeroShape | None = None) -> None:
        super().__init__()
        shape = shape or MiZeroShape()
        self.visual = VisionTower(shape)
        # the published files have no pooler
        self.transformer = Bert(
            BertShape(
                shape.vocab_size, shape.text_width, shape.text_layers, shape.text_heads, shape.positions
            )
        )
        self.text_projection = nn.Parameter(torch.empty(shape.text_width, shape.dim))

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels, (n, 3, image_size, image_size), as (n, dim)."""
        embedded: Tensor = self.visual(pixels)
        return embedded

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens, (k, positions or less) with their mask, as (k, dim)."""
        first: Tensor = self.transformer(ids, mask)[-1][:, 0]
        return first @ self.text_projection


class VisionTower(nn.Module):
    """CTransPath, then one linear layer."""

    def __init__(self, shape: MiZeroShape) -> None:
        super().__init__()
        swin = SwinShape(
            shape.image_size, shape.vision_width, shape.vision_depths, shape.vision_heads, shape.window
        )
        self.trunk = CTransPath(swin)
        self.head = nn.Sequential(OrderedDict(proj=nn.Linear(self.trunk.features, shape.dim)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pixels."""
        embedded: Tensor = self.head(self.trunk(pixels))
        return embedded
