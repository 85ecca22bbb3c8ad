"""What scoring says about tiles: a probability for each class, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import ResultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TileScores:
    """Class probabilities of square tiles.

    Attributes
    ----------
    xy
        Top-left corner of each tile in level-0 pixels, int64, shape (n, 2).
    tile_px, stride_px
        Side of a tile and distance between neighbours in level-0 pixels.
    class_names, colors, roles
        One entry a class: its name, ``#rrggbb``, and ``lesion``, ``tissue`` or ``background``.
    probabilities
        float32, shape (n, classes).

    Raises
    ------
    ResultError
        The parts do not fit together, or a probability is not between 0 and 1.
    """

    xy: NDArray[np.int64]
    tile_px: int
    stride_px: int
    class_names: tuple[str, ...]
    colors: tuple[str, ...]
    roles: tuple[str, ...]
    probabilities: NDArray[np.float32]

    def __post_init__(self) -> None:
        check_classes(self.class_names, self.colors)
        if len(self.roles) != len(self.class_names):
            raise ResultError(f"{len(self.class_names)} classes need as many roles, not {len(self.roles)}.")
        n = len(self.xy)
        if self.xy.shape != (n, 2) or self.probabilities.shape != (n, len(self.class_names)):
            raise ResultError(
                f"Places of shape {self.xy.shape} and probabilities of shape {self.probabilities.shape} "
                f"do not describe tiles of {len(self.class_names)} classes."
            )
        if self.tile_px < 1 or self.stride_px < 1:
            raise ResultError(
                f"A tile of {self.tile_px} px at a stride of {self.stride_px} px covers nothing."
            )
        p = self.probabilities
        if not bool(np.all((p >= 0) & (p <= 1 + 1e-5))):  # written so that NaN fails too
            raise ResultError("Probabilities must lie between 0 and 1; these do not.")

    def __len__(self) -> int:
        return len(self.xy)

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """Index of the most probable class (the first of equals), shape (n,)."""
        best: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return best

    @property
    def labels(self) -> list[str]:
        """Name of the most probable class of each tile."""
        return [self.class_names[i] for i in self.label]

    @cached_property
    def margin(self) -> NDArray[np.float32]:
        """Highest minus second highest probability, 0..1, shape (n,)."""
        return margin(self.probabilities)

    @cached_property
    def entropy(self) -> NDArray[np.float32]:
        """Shannon entropy as a share of its maximum, 0 (sure) to 1 (all classes alike), shape (n,)."""
        return entropy(self.probabilities)


def margin(probabilities: NDArray[Any]) -> NDArray[np.float32]:
    """Highest minus second highest value along the last axis.

    Parameters
    ----------
    probabilities
        Shape (..., classes). A single class is compared with nothing: its margin is its probability.

    Returns
    -------
    ndarray
        float32, shape (...).
    """
    if probabilities.shape[-1] == 1:
        return probabilities[..., 0].astype(np.float32)
    top = np.partition(probabilities, -2, axis=-1)[..., -2:]
    lead: NDArray[np.float32] = (top[..., 1] - top[..., 0]).astype(np.float32)
    return lead


def entropy(probabilities: NDArray[Any]) -> NDArray[np.float32]:
    """Shannon entropy along the last axis, divided by the logarithm of the number of classes.

    Parameters
    ----------
    probabilities
        Shape (..., classes), summing to 1. A single class has entropy 0.

    Returns
    -------
    ndarray
        float32 in 0..1, shape (...).
    """
    classes = probabilities.shape[-1]
    if classes == 1:
        return np.zeros(probabilities.shape[:-1], np.float32)
    p = probabilities.astype(np.float64)
    nats = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
    share: NDArray[np.float32] = np.clip(nats / np.log(classes), 0.0, 1.0).astype(np.float32)
    return share


def check_classes(names: Sequence[str], colors: Sequence[str]) -> None:
    """Ask for at least one class, names that differ, and a colour for each.

    Raises
    ------
    ResultError
        Saying which of these does not hold.
    """
    if not names:
        raise ResultError("At least one class is needed.")
    if len(set(names)) != len(names):
        raise ResultError(f"Class names must differ: {', '.join(names)}.")
    if len(colors) != len(names):
        raise ResultError(f"{len(names)} classes need as many colours, not {len(colors)}.")
