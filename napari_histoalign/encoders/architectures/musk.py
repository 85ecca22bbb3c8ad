"""MUSK: BEiT-3 with a head for images and one for texts.

References
----------
Xiang et al., "A vision-language foundation model for precision oncology", Nature 2025.
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_histoalign.encoders.architectures.beit3 import Beit3, Beit3Shape
from napari_histoalign.encoders.architectures.scaled import ScaledTowers


class Musk(ScaledTowers):
    """Both towers, with the parameter names of the published ``model.safetensors``.

    Parameters
    ----------
    shape
        Sizes.

    Notes
    -----
    Embeddings are those of the publisher's zero-shot classification and retrieval: the class token and
    a text's first token, each through its head, of the image at one scale. The publisher's second scale
    is for probes on images alone; its features are in no space with the texts.

    `scale` is the exponential of ``logit_scale``, as the loss in training has it, and starts from
    ``log(1 / 0.07)``. The publisher's example multiplies by the logarithm itself, and its benchmark by
    100; neither changes which class wins.
    """

    def __init__(self, shape: Beit3Shape | None = None) -> None:
        super().__init__()
        shape = shape or Beit3Shape()
        self.beit3 = Beit3(shape)
        self.language_head = nn.Linear(shape.dim, shape.dim, bias=False)
        self.vision_head = nn.Linear(shape.dim, shape.dim, bias=False)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels, (n, 3, image_size, image_size), as (n, dim)."""
        embedded: Tensor = self.vision_head(self.beit3.image(pixels))
        return embedded

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens, (k, context length or less) with their mask, as (k, dim)."""
        embedded: Tensor = self.language_head(self.beit3.text(ids, mask))
        return embedded
