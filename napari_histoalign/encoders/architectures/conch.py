"""CONCH: a vision transformer with attention poolers beside a text transformer that is read at a last token.

References
----------
Lu et al., "A visual-language foundation model for computational pathology", Nature Medicine 2024.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_histoalign.encoders.architectures.conch_vision import AttentionPooler, Trunk
from napari_histoalign.encoders.architectures.scaled import ScaledTowers

PAD = 0
"""Id of padding in the published vocabulary."""


@dataclass(frozen=True)
class ConchShape:
    """Sizes; by default those of the published model.

    Attributes
    ----------
    image_size, patch_size
        Sides in pixels.
    vision_width, vision_layers, vision_heads
        Of the image transformer.
    pooler_heads
        Of both attention poolers.
    caption_width, caption_queries
        Of the pooler that fed the caption decoder in training.
    dim
        Length of an embedding.
    vocab_size, context_length
        Tokens there are, and tokens of a text including the summary token behind it.
    text_width, text_layers, text_heads
        Of the text transformer.
    """

    image_size: int = 448
    patch_size: int = 16
    vision_width: int = 768
    vision_layers: int = 12
    vision_heads: int = 12
    pooler_heads: int = 8
    caption_width: int = 768
    caption_queries: int = 256
    dim: int = 512
    vocab_size: int = 32007
    context_length: int = 128
    text_width: int = 768
    text_layers: int = 12
    text_heads: int = 12


class Conch(ScaledTowers):
    """Both towers, with the parameter names of the published ``pytorch_model.bin``.

    Parameters
    ----------
    shape
        Sizes.

    Notes
    -----
    Images and texts end in `dim` numbers without a bias: the pooled image token times
    ``visual.proj_contrast``, the summary token times ``text.text_projection``.
    """

    def __init__(self, shape: ConchShape | None = None) -> None:
        super().__init__()
        shape = shape or ConchShape()
        self.visual = VisionTower(shape)
        self.text = TextTower(shape)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Embed prepared pixels, (n, 3, image_size, image_size), as (n, dim)."""
        embedded: Tensor = self.visual(pixels)
        return embedded

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens, (k, context length or less) with their mask, as (k, dim)."""
        embedded: Tensor = self.text(ids, mask)
        return embedded


class VisionTower(nn.Module):
    """A vision transformer, then the pooler of the contrastive embedding."""

    def __init__(self, shape: ConchShape) -> None:
        super().__init__()
        width, heads = shape.vision_width, shape.pooler_heads
        self.trunk = Trunk(shape.image_size, shape.patch_size, width, shape.vision_layers, shape.vision_heads)
        self.attn_pool_contrast = AttentionPooler(shape.dim, 1, heads, width)
        self.ln_contrast = nn.LayerNorm(shape.dim)
        self.proj_contrast = nn.Parameter(torch.empty(shape.dim, shape.dim))
        # fed the caption decoder; here so that every weight of the file has its place, and never run
        self.attn_pool_caption = AttentionPooler(shape.caption_width, shape.caption_queries, heads, width)
        self.ln_caption = nn.LayerNorm(shape.caption_width)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pixels."""
        # the pooler sees the class token as well as the patches, after the trunk's last norm
        tokens = self.trunk(pixels)
        pooled: Tensor = self.ln_contrast(self.attn_pool_contrast(tokens)[:, 0])
        return pooled @ self.proj_contrast


class Block(nn.Module):
    """A transformer layer that normalises first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        layers = {
            "c_fc": nn.Linear(width, 4 * width),
            "gelu": nn.GELU(),
            "c_proj": nn.Linear(4 * width, width),
        }
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """One step of (length, k, width); `hidden`, (k * heads, length, length), is True where none looks."""
        normed = self.ln_1(tokens)
        tokens = tokens + self.attn(normed, normed, normed, need_weights=False, attn_mask=hidden)[0]
        out: Tensor = tokens + self.mlp(self.ln_2(tokens))
        return out


class TextTower(nn.Module):
    """A transformer that looks backwards, read at a summary token behind the text."""

    def __init__(self, shape: ConchShape) -> None:
        super().__init__()
        width, self.heads, self.most = shape.text_width, shape.text_heads, shape.context_length - 1
        self.cls_emb = nn.Parameter(torch.empty(width))
        self.token_embedding = nn.Embedding(shape.vocab_size, width)
        self.positional_embedding = nn.Parameter(torch.empty(shape.context_length, width))
        blocks = nn.ModuleList(Block(width, shape.text_heads) for _ in range(shape.text_layers))
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, shape.dim))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed tokens; what stands in the last place of the context makes room for the summary token."""
        # one padding behind the longest text is kept (see _hidden); what is behind it nobody looks at
        ids = functional.pad(ids, (0, 1), value=PAD)[:, : self.most]
        mask = functional.pad(mask, (0, 1), value=False)[:, : self.most]
        tokens = torch.cat([self.token_embedding(ids), self.cls_emb.expand(ids.shape[0], 1, -1)], dim=1)
        # the summary token has the last position however little padding came with the texts
        positions = torch.cat([self.positional_embedding[: ids.shape[1]], self.positional_embedding[-1:]])
        tokens = (tokens + positions).transpose(0, 1)
        hidden = self._hidden(mask)
        for block in self.transformer["resblocks"].children():
            tokens = block(tokens, hidden)
        summary: Tensor = self.ln_final(tokens[-1])
        return summary @ self.text_projection

    def _hidden(self, mask: Tensor) -> Tensor:
        """Where each token may not look, (k * heads, length + 1, length + 1).

        As in training, the summary token's view is moved by one place: it sees the first token always, and
        a later one where the token before that is text. So it sees the first padding and not itself, but
        for texts that fill the context.
        """
        count, length = mask.shape
        hidden = torch.ones(length + 1, length + 1, dtype=torch.bool, device=mask.device).triu(1)
        hidden = hidden.repeat(count, 1, 1)
        hidden[:, -1, 1:] = ~mask
        return hidden.repeat_interleave(self.heads, dim=0)
