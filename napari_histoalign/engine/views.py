"""Views of a tile: the bag of images that many-to-many alignment compares with the prompts."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

DEFAULT_VIEWS = ("full", "hflip")
"""Tissue has no up and no left: a flip is a second look that costs no reading and keeps the scale."""

FIVE_CROPS = ("centre", "top-left", "top-right", "bottom-left", "bottom-right")
"""Half of each side: five places of the tile at twice the magnification."""
TURNS = ("full", "hflip", "vflip", "rot90", "rot180")
"""The five views of HistoAlign's own script."""
SCALES = ("full", "zoom2", "wide2", "wide4")
"""The tile's place at twice its magnification, its own, half and a quarter of it."""


@dataclass(frozen=True)
class View:
    """How a view is made.

    Attributes
    ----------
    cut
        From what was read, uint8 of shape (n, height, width, 3), to the view.
    field
        Side of what is read around the tile's centre, in sides of the tile: 1 is the tile, 2 the same number
        of pixels at twice the micrometres each.
    """

    cut: Callable[[Images], Images]
    field: float = 1.0


def _whole(images: Images) -> Images:
    return images


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


VIEWS: Mapping[str, View] = MappingProxyType(
    {
        "full": View(_whole),
        "hflip": View(lambda images: images[:, :, ::-1]),
        "vflip": View(lambda images: images[:, ::-1]),
        "rot90": View(lambda images: np.rot90(images, 1, axes=(1, 2))),
        "rot180": View(lambda images: images[:, ::-1, ::-1]),
        "rot270": View(lambda images: np.rot90(images, 3, axes=(1, 2))),
        "centre": View(_centre),
        "top-left": View(_corner(False, False)),
        "top-right": View(_corner(False, True)),
        "bottom-left": View(_corner(True, False)),
        "bottom-right": View(_corner(True, True)),
        "zoom2": View(_whole, 0.5),
        "wide2": View(_whole, 2.0),
        "wide4": View(_whole, 4.0),
    }
)
"""``centre`` and the corners are parts of the tile as it was read; ``zoom2`` reads the centre from a finer
level, ``wide2`` and ``wide4`` read the tile with what is around it."""


def make_view(name: str, images: Images) -> Images:
    """One view of every tile.

    Parameters
    ----------
    name
        A key of `VIEWS`.
    images
        What was read for its field, uint8, shape (n, height, width, 3).

    Returns
    -------
    ndarray
        uint8, contiguous, shape (n, h, w, 3); the sides differ for parts of a tile.
    """
    return np.ascontiguousarray(VIEWS[name].cut(images))


def fields_of(names: Sequence[str]) -> tuple[float, ...]:
    """The fields that have to be read for some views, each once, the smallest first."""
    return tuple(sorted({VIEWS[name].field for name in names}))


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


def check_image_views(names: tuple[str, ...]) -> tuple[str, ...]:
    """`check_views` for single images, which have nothing around them and no finer level."""
    for name in check_views(names):
        if VIEWS[name].field != 1:
            possible = ", ".join(n for n, view in VIEWS.items() if view.field == 1)
            raise AlignmentError(
                f"The view {name!r} is read from a slide; an image by itself has these: {possible}."
            )
    return names
