"""The image towers of the demonstration encoders; imports torch, so import it inside functions only."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_histoalign.encoders.axes import NUCLEAR_HEADS, TISSUE_HEADS, along_axes
from napari_histoalign.encoders.morphometry import NAMES, NUCLEI, Morphometry
from napari_histoalign.encoders.morphometry.density import densities, quantile
from napari_histoalign.encoders.morphometry.filters import Gaussians
from napari_histoalign.encoders.morphometry.measures import SIDE

FURTHEST = 3.0
"""Standard deviations beyond which a measure counts no more: tissue unlike any drawn one stays in bounds."""


class Heads(nn.Module):
    """From measures to places along the axes.

    Each nuclear head weighs its measures alike and learns only where to draw the line: weights that suit
    drawn nuclei best suit real ones worse [1]_.

    Attributes
    ----------
    centre, spread
        Mean and standard deviation of each measure over drawn tissue.

    References
    ----------
    .. [1] R. M. Dawes, "The robust beauty of improper linear models in decision making", American
       Psychologist 34 (1979).
    """

    def __init__(self, tissue: int = 96) -> None:
        super().__init__()
        self.centre = nn.Buffer(torch.zeros(len(NAMES)))
        self.spread = nn.Buffer(torch.ones(len(NAMES)))
        members = [[name in NUCLEAR_HEADS[head] for name in NUCLEI] for head in NUCLEAR_HEADS]
        share = torch.tensor(members).float()
        self.share = nn.Buffer(share / share.sum(1, keepdim=True), persistent=False)
        self.slope = nn.Parameter(2 * torch.ones(len(NUCLEAR_HEADS)))
        self.offset = nn.Parameter(torch.zeros(len(NUCLEAR_HEADS)))
        self.tissue = nn.Sequential(
            nn.Linear(len(NAMES), tissue), nn.GELU(), nn.Linear(tissue, len(TISSUE_HEADS))
        )

    def standardised(self, measures: Tensor) -> Tensor:
        """Measures in standard deviations, within bounds."""
        return ((measures - self.centre) / self.spread).clamp(-FURTHEST, FURTHEST)

    def logits(self, standardised: Tensor) -> Tensor:
        """What each head says: (n, len(HEADS))."""
        index = standardised[:, : len(NUCLEI)] @ self.share.T
        return torch.cat([self.slope * index + self.offset, self.tissue(standardised)], dim=1)

    def forward(self, standardised: Tensor) -> Tensor:
        """Unit rows (n, len(AXES)) from standardised measures."""
        return functional.normalize(along_axes(torch.sigmoid(self.logits(standardised))), dim=-1)


class MeasuredTower(nn.Module):
    """Measure the tissue as a morphometrist would, then judge the measures."""

    def __init__(self) -> None:
        super().__init__()
        self.measure = Morphometry()
        self.heads = Heads()

    def forward(self, tiles: Tensor) -> Tensor:
        """Tiles uint8 (n, 3, 224, 224) to unit rows (n, len(AXES))."""
        return torch.as_tensor(self.heads(self.heads.standardised(self.measure(tiles))))


def convolution(inputs: int, outputs: int, kernel: int, stride: int, *, norm: bool) -> nn.Sequential:
    """A convolution and a ReLU; while training a batch norm stands between, folded in afterwards."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class LearnedTower(nn.Module):
    """Convolutions that have learned to guess the measures, then the same judgement.

    Parameters
    ----------
    norm
        With batch norm (training) or with it folded into the convolutions (use).
    """

    def __init__(self, *, norm: bool = False) -> None:
        super().__init__()
        self.gaussians = Gaussians(SIDE)
        self.convolutions = nn.Sequential(
            convolution(5, 32, 5, 2, norm=norm),
            convolution(32, 48, 3, 1, norm=norm),
            convolution(48, 64, 3, 2, norm=norm),
            convolution(64, 64, 3, 1, norm=norm),
            convolution(64, 96, 3, 2, norm=norm),
            convolution(96, 160, 3, 1, norm=norm),
        )
        self.guess = nn.Sequential(nn.Linear(320, 160), nn.GELU(), nn.Linear(160, len(NAMES)))
        self.heads = Heads()

    def prepared(self, tiles: Tensor) -> Tensor:
        """Densities at 1 um/px: three colours, and two that are free of the strength of the stain."""
        seen = densities(tiles, self.gaussians)
        low = quantile(seen.red.flatten(1)[:, ::7], 0.2)[:, None, None]
        contrast = seen.contrast[:, None, None]
        free = torch.stack([(seen.red - low) / contrast, seen.dark / contrast], dim=1) - 0.5
        return torch.cat([free, 4 * seen.rgb - 0.5], dim=1)

    def standardised(self, tiles: Tensor) -> Tensor:
        """Guessed measures in standard deviations: (n, len(NAMES))."""
        seen = self.convolutions(self.prepared(tiles).contiguous(memory_format=torch.channels_last)).flatten(
            2
        )
        return torch.as_tensor(self.guess(torch.cat([seen.mean(2), seen.std(2)], dim=1).float()))

    def forward(self, tiles: Tensor) -> Tensor:
        """Tiles uint8 (n, 3, 224, 224) to unit rows (n, len(AXES))."""
        return torch.as_tensor(self.heads(self.standardised(tiles).clamp(-FURTHEST, FURTHEST)))
