"""Views of a tile: the bag of images that many-to-many alignment compares with the prompts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

DEFAULT_VIEWS = ("full", "hflip")
"""Tissue has no up and no left: a flip is a second look that costs no reading and keeps the scale."""


FIVE_CROPS = ("centre", "top-left", "top-right", "bottom-left", "bottom-right")
"""Half of each side: five places of the tile at twice the magnification."""
TURNS = ("full", "hflip", "vflip", "rot90", "rot180")
"""The five views of HistoAlign's own script."""


def _centre(images: Images) -> Images:
    """The middle half of each side: the same place at twice the magnification."""
    h, w = images.shape[1:3]
    return images[:, h // 4 : h - h // 4, w // 4 : w - w // 4]


def _corner(bottom: bool, right: bool) -> Callable[[Images], Images]:
    """Half of each side, from a corner."""

    def cut(images: Images) -> Images:
        h, w = images.shape[1:3]
        rows = slice(h // 2, None) if bottom else slice(None, h - h // 2)
        columns = slice(w // 2, None) if right else slice(None, w - w // 2)
        return images[:, rows, columns]

    return cut


VIEWS: Mapping[str, Callable[[Images], Images]] = MappingProxyType(
    {
        "full": lambda images: images,
        "hflip": lambda images: images[:, :, ::-1],
        "vflip": lambda images: images[:, ::-1],
        "rot90": lambda images: np.rot90(images, 1, axes=(1, 2)),
        "rot180": lambda images: images[:, ::-1, ::-1],
        "rot270": lambda images: np.rot90(images, 3, axes=(1, 2)),
        "centre": _centre,
        "top-left": _corner(False, False),
        "top-right": _corner(False, True),
        "bottom-left": _corner(True, False),
        "bottom-right": _corner(True, True),
    }
)


def make_view(name: str, images: Images) -> Images:
    """One view of every tile.

    Parameters
    ----------
    name
        A key of `VIEWS`.
    images
        Tiles, uint8, shape (n, height, width, 3).

    Returns
    -------
    ndarray
        uint8, contiguous, shape (n, h, w, 3); the sides differ for parts of a tile.
    """
    return np.ascontiguousarray(VIEWS[name](images))


def check_views(names: tuple[str, ...]) -> tuple[str, ...]:
    """`names` as they are, or an `AlignmentError` naming the one that does not exist."""
    if not names:
        raise AlignmentError(f"At least one view of a tile is needed; there are {', '.join(VIEWS)}.")
    for name in names:
        if name not in VIEWS:
            raise AlignmentError(f"There is no view named {name!r}; there are {', '.join(VIEWS)}.")
    if len(set(names)) != len(names):
        raise AlignmentError(f"Each view may be named once; got {', '.join(names)}.")
    return names
