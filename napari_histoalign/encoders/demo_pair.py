"""A demonstration encoder's two towers as one module; imports torch, so import it inside functions only."""

from __future__ import annotations

import torch
from torch import nn

from napari_histoalign.encoders.image_towers import LearnedTower, MeasuredTower
from napari_histoalign.encoders.text_tower import TextShape, TextTower

IMAGE_TOWERS = {"measured": MeasuredTower, "learned": LearnedTower}


class Pair(nn.Module):
    """Both towers, and what their cosines are multiplied by.

    Parameters
    ----------
    image
        A key of `IMAGE_TOWERS`.
    shape
        Sizes of the text tower.
    """

    def __init__(self, image: str, shape: TextShape) -> None:
        super().__init__()
        self.image = IMAGE_TOWERS[image]()
        self.text = TextTower(shape)
        self.log_scale = nn.Parameter(torch.tensor(2.7))
