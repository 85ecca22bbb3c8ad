"""MedCLIP: a Swin transformer beside a BERT of which three layers are averaged.

References
----------
Wang et al., "MedCLIP: contrastive learning from unpaired medical images and text", EMNLP 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_histoalign.encoders.architectures.bert import BertShape, PooledBert, mean_of_seen
from napari_histoalign.encoders.architectures.medclip_swin import Swin
from napari_histoalign.encoders.architectures.scaled import ScaledTowers
from napari_histoalign.encoders.architectures.swin import SwinShape

LARGEST_LOGARITHM = 4.6052
"""The published code keeps the logarithm of the scale between 0 and this: the scale is at most 100."""


@dataclass(frozen=True)
class MedClipShape:
    """Sizes; by default those of the published model with the Swin transformer.

    Attributes
    ----------
    image_size, patch_size, window
        Sides of the image and a patch in pixels, and of a window in patches.
    vision_width
        Of the image transformer's first stage.
    vision_blocks, vision_heads
        Of each stage.
    dim
        Length of an embedding.
    vocab_size, text_positions
        Tokens there are, and the most of a text.
    text_width, text_layers, text_heads
        Of the text transformer.
    """

    image_size: int = 224
    patch_size: int = 4
    window: int = 7
    vision_width: int = 96
    vision_blocks: tuple[int, ...] = (2, 2, 6, 2)
    vision_heads: tuple[int, ...] = (3, 6, 12, 24)
    dim: int = 512
    vocab_size: int = 28996
    text_positions: int = 512
    text_width: int = 768
    text_layers: int = 12
    text_heads: int = 12


class MedClip(ScaledTowers):
    """Both towers, with the parameter names of the published ``pytorch_model.bin``.

    Parameters
    ----------
    shape
        Sizes.

    Raises
    ------
    EncoderError
        The windows do not fill the image in every stage, or some stage has blocks and no heads.

    Notes
    -----
    The published code averages over all positions, padding too, and pads to the longest text of a batch:
    there a text's embedding depends on what else is in the batch. Here each text is embedded as that code
    embeds it alone, when there is no padding.
    """

    def __init__(self, shape: MedClipShape | None = None) -> None:
        super().__init__()
        shape = shape or MedClipShape()
        self.vision_model = VisionTower(shape)
        self.text_model = TextTower(shape)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels, (n, 3, image_size, image_size), as (n, dim)."""
        embedded: Tensor = self.vision_model(pixels)
        return embedded

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens, (k, length) with their mask, as (k, dim)."""
        embedded: Tensor = self.text_model(ids, mask)
        return embedded

    @property
    def scale(self) -> float:
        """Factor that turns cosines into logits."""
        return float(self.logit_scale.detach().clamp(0, LARGEST_LOGARITHM).exp())


class VisionTower(nn.Module):
    """A Swin transformer, averaged over its patches and projected."""

    def __init__(self, shape: MedClipShape) -> None:
        super().__init__()
        swin = SwinShape(
            shape.image_size, shape.vision_width, shape.vision_blocks, shape.vision_heads, shape.window
        )
        self.model = Swin(swin, shape.patch_size)
        self.projection_head = nn.Linear(swin.features, shape.dim, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pixels."""
        embedded: Tensor = self.projection_head(self.model(pixels))
        return embedded


class TextTower(nn.Module):
    """A BERT; the outputs of its first, second and last layer are averaged and projected."""

    def __init__(self, shape: MedClipShape) -> None:
        super().__init__()
        # its pooler is in the published file, and never run
        self.model = PooledBert(
            BertShape(
                shape.vocab_size, shape.text_width, shape.text_layers, shape.text_heads, shape.text_positions
            )
        )
        self.projection_head = nn.Linear(shape.text_width, shape.dim, bias=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens."""
        states = self.model(ids, mask)
        three = torch.stack([states[1], states[2], states[-1]]).mean(dim=0)
        embedded: Tensor = self.projection_head(mean_of_seen(three, mask))
        return embedded
