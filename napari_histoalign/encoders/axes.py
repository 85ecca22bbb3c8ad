"""What the numbers of a demonstration embedding stand for.

Both demonstration encoders share one space. Each of its axes is one statement about a tile; the image towers
say how far it holds, the text tower which statements a prompt makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SIZES = ("size", "large_share", "middle_share", "core_size", "blob_scale", "blob_scale_weighted")
"""How large nuclei are, measured in three ways (see `morphometry`)."""

VARIATIONS = (
    "size_variance", "size_deviation", "nuclear_size_variance", "core_size_variance", "blob_scale_deviation",
)  # fmt: skip
"""How much their sizes differ."""

NUCLEAR_HEADS = {
    "tumour nuclei": SIZES + VARIATIONS,
    "large nuclei": SIZES,
    "uneven nuclei": VARIATIONS,
    "mitoses": SIZES + VARIATIONS,
}
"""Judged by the sizes of nuclei alone, and by which measures of them: colour, brightness and architecture
differ too much between labs."""

TISSUE_HEADS = (
    "epithelium", "glass", "margin", "fat", "stroma", "lymphocytes", "necrosis", "lumen", "hyperplasia",
    "desmoplasia", "muscle", "mucin", "keratin", "dark nuclei", "crowded nuclei", "sparse nuclei",
    "spindle nuclei", "pink", "purple", "pale", "dark",
)  # fmt: skip
"""Judged by everything that is measured."""

HEADS = (*NUCLEAR_HEADS, *TISSUE_HEADS)

AXES = (
    "tumour", "gland", "large nuclei", "uneven nuclei", "mitoses",
    *(name for name in TISSUE_HEADS if name != "epithelium"),
    "unknown",
)  # fmt: skip
"""Axes of the space, in order. On the last one no image has any part: texts that say nothing lie there."""


def along_axes(heads: Tensor) -> Tensor:
    """From what the heads say (probabilities) to places along the axes.

    Parameters
    ----------
    heads
        (n, len(HEADS)), 0 to 1.

    Returns
    -------
    (n, len(AXES))
        Not yet of unit length.
    """
    import torch

    said = dict(zip(HEADS, heads.unbind(1), strict=True))
    epithelium = said["epithelium"]
    # what nuclei are like says something of tumour or gland only where there is epithelium
    said["tumour"] = epithelium * said["tumour nuclei"]
    said["gland"] = epithelium * (1 - said["tumour nuclei"])
    for name in ("large nuclei", "uneven nuclei", "mitoses"):
        said[name] = epithelium * said[name]
    said["unknown"] = torch.zeros_like(epithelium)
    return torch.stack([said[name] for name in AXES], dim=1)
