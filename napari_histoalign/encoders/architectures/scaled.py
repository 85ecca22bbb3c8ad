"""What the encoders of this folder have in common; imports torch, so import it inside functions only."""

from __future__ import annotations

import torch
from torch import nn

from napari_histoalign.encoders.towers import Towers


class ScaledTowers(Towers):
    """Towers whose scale was learned as its logarithm, ``logit_scale``.

    No text of theirs depends on the padding behind it.
    """

    trims_padding = True

    def __init__(self) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.zeros(()))

    @property
    def scale(self) -> float:
        """Factor that turns cosines into logits."""
        return float(self.logit_scale.detach().exp())
