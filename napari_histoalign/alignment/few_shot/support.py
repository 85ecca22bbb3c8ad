"""The examples themselves, and who is left out together with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import as_features, as_labels, as_logits
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Support:
    """Marked tiles.

    Attributes
    ----------
    features
        Unit rows of each encoder, float64, shape (m, width).
    labels
        Class of each, shape (m,).
    zero_shot
        Zero-shot logits, float64, shape (m, classes).
    groups
        Examples of one group are left out together, shape (m,); numbers from 0.
    """

    features: tuple[Floats, ...]
    labels: NDArray[np.int64]
    zero_shot: Floats
    groups: NDArray[np.int64]

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """Number of classes, with examples or without."""
        return int(self.zero_shot.shape[1])

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Examples of each class, shape (classes,)."""
        return np.bincount(self.labels, minlength=self.n_classes)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which classes have an example, shape (classes,)."""
        return self.counts > 0

    @property
    def alone(self) -> bool:
        """Whether each example is a group of its own."""
        return int(self.groups.max()) + 1 == self.examples

    @cached_property
    def left(self) -> NDArray[np.int64]:
        """Examples of each class that remain when an example's group is left out, shape (m, classes)."""
        taken = np.zeros((int(self.groups.max()) + 1, self.n_classes), np.int64)
        np.add.at(taken, (self.groups, self.labels), 1)
        return self.counts - taken[self.groups]

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """Examples that the rest can be tried on: it has their own class and another, shape (m,).

        None where they are all of one class.
        """
        own = self.left[np.arange(self.examples), self.labels] > 0
        judged = own & ((self.left > 0).sum(axis=1) > 1)
        return judged if len(np.unique(self.labels[judged])) > 1 else np.zeros_like(judged)

    def folded(self, folds: int) -> Support:
        """The same examples with at most that many groups: whole ones put together, classes spread evenly."""
        number = int(self.groups.max()) + 1
        if number <= folds:
            return self
        first = np.full(number, self.n_classes)
        np.minimum.at(first, self.groups, self.labels)
        fold = np.empty(number, np.int64)
        fold[np.lexsort([np.arange(number), first])] = np.arange(number) % folds
        return replace(self, groups=fold[self.groups])


def support_of(
    features: Sequence[NDArray[np.floating]],
    labels: ArrayLike,
    zero_shot: ArrayLike,
    groups: Sequence[str] | Sequence[int] | NDArray[np.generic] | None,
) -> Support:
    """Check that examples fit together.

    Raises
    ------
    AlignmentError
        Shapes disagree, numbers are not finite, or fewer than two classes have an example.
    """
    logits = as_logits(zero_shot, "Zero-shot logits of the examples").astype(np.float64)
    m, classes = logits.shape
    y = as_labels(labels, m, classes)
    if len(np.unique(y)) < 2:
        raise AlignmentError("Examples of at least two classes are needed: mark some tiles of another class.")
    rows = as_features(features, m, "Image features of the examples")
    named = np.arange(m) if groups is None else np.asarray(groups)
    if named.shape != (m,):
        raise AlignmentError(f"Each of the {m} examples needs a group; got {named.shape}.")
    numbers = np.unique(named, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return Support(tuple(r.astype(np.float64) for r in rows), y, logits, numbers)
