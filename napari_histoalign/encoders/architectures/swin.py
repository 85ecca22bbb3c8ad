"""What Swin transformers have in common: sizes, stages and the step between two.

References
----------
Liu et al., "Swin transformer: hierarchical vision transformer using shifted windows", ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_histoalign.errors import EncoderError

MakeBlock = Callable[[int, int, int, int, int], nn.Module]
"""Called with side, width, heads, window and shift; what it makes keeps the shape (n, side, side, width)."""


@dataclass(frozen=True)
class SwinShape:
    """Sizes; by default those of the published Swin-T.

    Attributes
    ----------
    image_size
        Side in pixels.
    width
        Of a position in the first stage; it doubles from stage to stage.
    depths, heads
        Blocks, and heads of their attention, a stage.
    window
        Positions to a side of a window.
    """

    image_size: int = 224
    width: int = 96
    depths: Sequence[int] = (2, 2, 6, 2)
    heads: Sequence[int] = (3, 6, 12, 24)
    window: int = 7

    @property
    def features(self) -> int:
        """Width of the last stage."""
        return self.width << (len(self.depths) - 1)


def make_stages(shape: SwinShape, patch: int, block: MakeBlock) -> nn.Sequential:
    """All stages, from (n, side, side, width) to (n, last side, last side, features).

    Parameters
    ----------
    shape
        Sizes.
    patch
        Pixels to a side of a patch, the first stage's positions.
    block
        Makes a block.

    Raises
    ------
    EncoderError
        The windows do not fill the image in every stage, or some stage has blocks and no heads.
    """
    if len(shape.depths) != len(shape.heads):
        raise EncoderError(
            f"A Swin transformer of {len(shape.depths)} stages needs as many numbers of heads, "
            f"not {len(shape.heads)}."
        )
    size, last = shape.image_size, len(shape.depths) - 1
    step = patch * shape.window * 2**last
    if size <= 0 or size % step:
        raise EncoderError(
            f"Windows of {shape.window} patches of {patch} pixels do not fill {size} pixels: images need a "
            f"side that is a multiple of {step} pixels, not {size}."
        )
    stages = nn.Sequential()
    for number, (depth, heads) in enumerate(zip(shape.depths, shape.heads, strict=True)):
        side, width = size // patch // 2**number, shape.width * 2**number
        # every second block looks across the borders of the one before, where there are borders
        half = shape.window // 2 if side > shape.window else 0
        blocks = [block(side, width, heads, shape.window, half * (i % 2)) for i in range(depth)]
        stages.append(Stage(blocks, Merging(width) if number < last else None))
    return stages


class Stage(nn.Module):
    """Blocks of one resolution, and the step to the next."""

    def __init__(self, blocks: Sequence[nn.Module], downsample: Merging | None) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.downsample = downsample

    def forward(self, positions: Tensor) -> Tensor:
        """One stage of (n, side, side, width); half the side and twice the width where it merges."""
        positions = self.blocks(positions)
        return positions if self.downsample is None else self.downsample(positions)


class Merging(nn.Module):
    """Four neighbours become one position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, positions: Tensor) -> Tensor:
        """Merge (n, side, side, width) to (n, side / 2, side / 2, 2 * width)."""
        # the published weights expect them column by column
        four = [positions[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        merged: Tensor = self.reduction(self.norm(torch.cat(four, dim=-1)))
        return merged
