"""How a Swin transformer cuts an image into windows; imports torch, so import it inside functions only.

References
----------
Liu et al., "Swin transformer: hierarchical vision transformer using shifted windows", ICCV 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor

APART = -100.0
"""What is added to the attention between positions that are no neighbours; as published, not infinite."""


def cut(positions: Tensor, window: int) -> Tensor:
    """Cut (n, side, side, width) into windows, (n, windows, window * window, width), row by row."""
    n, side, _, width = positions.shape
    count = side // window
    parts = positions.reshape(n, count, window, count, window, width).transpose(2, 3)
    return parts.reshape(n, count * count, window * window, width)


def joined(windows: Tensor, side: int) -> Tensor:
    """Put windows back together; the inverse of `cut`."""
    n, count, width = windows.shape[0], round(windows.shape[1] ** 0.5), windows.shape[3]
    parts = windows.reshape(n, count, count, side // count, side // count, width).transpose(2, 3)
    return parts.reshape(n, side, side, width)


def offsets(window: int) -> Tensor:
    """Row of the bias table for each pair of positions of a window, int64, (window ** 2, window ** 2)."""
    row, column = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    down, right = (axis.flatten()[:, None] - axis.flatten()[None] + window - 1 for axis in (row, column))
    return down * (2 * window - 1) + right


def apart(side: int, window: int, shift: int) -> Tensor:
    """`APART` where two positions only meet since the image was moved, (windows, positions, positions)."""
    wrapped = (torch.arange(side) >= side - shift).long()
    labels = cut((2 * wrapped[:, None] + wrapped)[None, :, :, None], window)[0, :, :, 0]
    return (labels[:, :, None] != labels[:, None]) * APART
