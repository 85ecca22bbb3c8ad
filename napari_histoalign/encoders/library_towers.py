"""Models of transformers and open_clip as towers; imports torch, so import it inside functions only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.towers import Towers

if TYPE_CHECKING:
    from torch import Tensor


class TransformersTowers(Towers):
    """A CLIPModel or SiglipModel.

    Parameters
    ----------
    model
        Filled.
    causal
        Whether its text tower looks backwards only (CLIP).
    """

    def __init__(self, model: Any, *, causal: bool) -> None:
        super().__init__()
        self.model = model
        self.trims_padding = causal

    def encode_image(self, pixels: Tensor) -> Tensor:
        """See `Towers`."""
        return _pooled(self.model.get_image_features(pixel_values=pixels))

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """See `Towers`; padding is read by no earlier token (CLIP), or was read in training too (SigLIP)."""
        return _pooled(self.model.get_text_features(input_ids=ids))

    @property
    def scale(self) -> float:
        """See `Towers`."""
        return float(self.model.logit_scale.detach().float().exp())

    @property
    def vocabulary(self) -> int:
        """See `Towers`."""
        return int(self.model.config.text_config.vocab_size)

    @property
    def bias(self) -> float:
        """See `Towers`."""
        bias = getattr(self.model, "logit_bias", None)
        return 0.0 if bias is None else float(bias.detach())


class OpenClipTowers(Towers):
    """A CLIP, CustomTextCLIP or CoCa of open_clip.

    Parameters
    ----------
    model
        Filled.
    trims_padding
        See `Towers`.
    """

    def __init__(self, model: Any, *, trims_padding: bool) -> None:
        super().__init__()
        self.model = model
        self.trims_padding = trims_padding

    def encode_image(self, pixels: Tensor) -> Tensor:
        """See `Towers`."""
        embedded: Tensor = self.model.encode_image(pixels)
        return embedded

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """See `Towers`; open_clip finds padding by its id."""
        embedded: Tensor = self.model.encode_text(ids)
        return embedded

    @property
    def scale(self) -> float:
        """See `Towers`."""
        return float(self.model.logit_scale.detach().float().exp())

    @property
    def vocabulary(self) -> int:
        """See `Towers`."""
        text = getattr(self.model, "text", self.model)
        if hasattr(text, "token_embedding"):
            return int(text.token_embedding.num_embeddings)
        return int(text.transformer.get_input_embeddings().num_embeddings)

    @property
    def bias(self) -> float:
        """See `Towers`."""
        return 0.0 if self.model.logit_bias is None else float(self.model.logit_bias.detach())


def _pooled(out: Any) -> Tensor:
    """The embedding: transformers 5 returns it among other things, version 4 alone."""
    embedded: Tensor = out.pooler_output if hasattr(out, "pooler_output") else out
    return embedded
