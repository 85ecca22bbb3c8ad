"""KEEP: a vision transformer with a projection beside a BERT read at its first token.

References
----------
Zhou et al., "Knowledge-enhanced pretraining for vision-language pathology foundation model on cancer
diagnosis", Cancer Cell 2026, arXiv 2412.13126.
"""

from __future__ import annotations

from dataclasses import dataclass

from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from napari_histoalign.encoders.architectures.bert import BertShape, PooledBert
from napari_histoalign.encoders.architectures.scaled import ScaledTowers


@dataclass(frozen=True)
class KeepShape:
    """Sizes; by default those of the published model.

    Attributes
    ----------
    image_size, patch_size
        Sides in pixels.
    vision_width, vision_layers, vision_heads
        Of the image transformer.
    dim
        Length of an embedding, and the width of the text transformer.
    vocab_size, text_positions
        Tokens there are, and the most of a text.
    text_layers, text_heads
        Of the text transformer.
    """

    image_size: int = 224
    patch_size: int = 16
    vision_width: int = 1024
    vision_layers: int = 24
    vision_heads: int = 16
    dim: int = 768
    vocab_size: int = 30522
    text_positions: int = 512
    text_layers: int = 12
    text_heads: int = 12


class Keep(ScaledTowers):
    """Both towers, with the parameter names of the publisher's ``pytorch_model.bin``.

    Parameters
    ----------
    shape
        Sizes.

    Notes
    -----
    An image's class token goes through two linear layers; a text is BERT's pooled first token, with
    nothing behind it. Tokens look at text only, so that padding does not matter.
    """

    def __init__(self, shape: KeepShape | None = None) -> None:
        super().__init__()
        shape = shape or KeepShape()
        self.visual = VisionTransformer(
            img_size=shape.image_size,
            patch_size=shape.patch_size,
            embed_dim=shape.vision_width,
            depth=shape.vision_layers,
            num_heads=shape.vision_heads,
            init_values=1e-5,
            num_classes=0,
            weight_init="skip",
        )
        self.visual_head = nn.Sequential(
            nn.Linear(shape.vision_width, shape.dim), nn.GELU(), nn.Linear(shape.dim, shape.dim)
        )
        self.text = PooledBert(
            BertShape(shape.vocab_size, shape.dim, shape.text_layers, shape.text_heads, shape.text_positions)
        )

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels, (n, 3, image_size, image_size), as (n, dim)."""
        embedded: Tensor = self.visual_head(self.visual(pixels))
        return embedded

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens, (k, length) with their mask, as (k, dim)."""
        return self.text.pooled(self.text(ids, mask)[-1])
