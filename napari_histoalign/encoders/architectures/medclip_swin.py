"""The Swin transformer inside MedCLIP, with the parameter names of its published file."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_histoalign.encoders.architectures.swin import SwinShape, make_stages
from napari_histoalign.encoders.architectures.windows import apart, cut, joined, offsets


class Swin(nn.Module):
    """Attention within small windows of patches, which move by half a window every second block [1]_.

    Parameters
    ----------
    shape
        Sizes.
    patch_size
        Side of a patch in pixels.

    Raises
    ------
    EncoderError
        The windows do not fill the image in every stage, or some stage has blocks and no heads.

    References
    ----------
    .. [1] Liu et al., "Swin transformer: hierarchical vision transformer using shifted windows",
       ICCV 2021.
    """

    def __init__(self, shape: SwinShape, patch_size: int) -> None:
        super().__init__()
        self.embeddings = Patches(patch_size, shape.width)
        self.encoder = nn.ModuleDict({"layers": make_stages(shape, patch_size, Block)})
        self.layernorm = nn.LayerNorm(shape.features)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed (n, 3, image_size, image_size) as (n, width of the last stage)."""
        grid = self.encoder["layers"](self.embeddings(pixels))
        pooled: Tensor = self.layernorm(grid).mean(dim=(1, 2))
        return pooled


class Patches(nn.Module):
    """Patches of pixels as vectors."""

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.patch_embeddings = nn.ModuleDict(
            {"projection": nn.Conv2d(3, width, kernel_size=patch_size, stride=patch_size)}
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed (n, 3, height, width) as (n, rows, columns, channels)."""
        normed: Tensor = self.norm(self.patch_embeddings["projection"](pixels).permute(0, 2, 3, 1))
        return normed


class Block(nn.Module):
    """A transformer layer that normalises first."""

    def __init__(self, side: int, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.layernorm_before = nn.LayerNorm(width)
        self.attention = Attention(side, width, heads, window, shift)
        self.layernorm_after = nn.LayerNorm(width)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, 4 * width)})
        self.output = nn.ModuleDict({"dense": nn.Linear(4 * width, width)})

    def forward(self, grid: Tensor) -> Tensor:
        """One step of (n, side, side, width)."""
        moved = self.layernorm_before(grid).roll((-self.shift, -self.shift), (1, 2))
        grid = grid + self.attention(moved).roll((self.shift, self.shift), (1, 2))
        inner = functional.gelu(self.intermediate["dense"](self.layernorm_after(grid)))
        out: Tensor = grid + self.output["dense"](inner)
        return out


class Attention(nn.Module):
    """Attention within the windows of a grid."""

    def __init__(self, side: int, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.self = Heads(side, width, heads, window, shift)
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, grid: Tensor) -> Tensor:
        """One step of (n, side, side, width)."""
        out: Tensor = self.output["dense"](self.self(grid))
        return out


class Heads(nn.Module):
    """The heads of the attention, with a bias for how patches lie to each other."""

    where: Tensor
    apart: Tensor

    def __init__(self, side: int, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.register_buffer("where", offsets(window), persistent=False)
        self.register_buffer("apart", apart(side, window, shift), persistent=False)

    def forward(self, grid: Tensor) -> Tensor:
        """What each patch sees, (n, side, side, width)."""
        windows = cut(grid, self.window)
        query, key, value = (
            part(windows).unflatten(-1, (self.heads, -1)).transpose(2, 3)
            for part in (self.query, self.key, self.value)
        )
        bias = self.relative_position_bias_table[self.where].permute(2, 0, 1) + self.apart[:, None]
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        return joined(seen.transpose(2, 3).flatten(3), grid.shape[1])
