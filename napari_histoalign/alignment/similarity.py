"""Similarities of tiles and prompts, block by block of tiles so that memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.checks import check_bags
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

BLOCK_ROWS = 4096
"""Views (tiles x views of each) whose similarities are held at a time."""


@dataclass(frozen=True, eq=False)
class Bags:
    """What an alignment compares: bags of image views and bags of prompts.

    The similarity tensor (tiles x views x image encoders x text encoders x prompts) follows
    from it and is never held whole.

    Attributes
    ----------
    images
        One array an image encoder: float16 or float32, shape (n, views, width). Rows are brought
        to length 1 as they are read: half precision and resampling leave them a little off.
    texts
        One array a text encoder: unit rows, float32, shape (k, width), sorted by class.
    class_index
        Class of each prompt, ascending, shape (k,).
    n_classes
        Number of classes.
    scales
        Each encoder's logit scale (the inverse of its softmax temperature).
    """

    images: tuple[Floats, ...]
    texts: tuple[NDArray[np.float32], ...]
    class_index: NDArray[np.int64]
    n_classes: int
    scales: tuple[float, ...]

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return len(self.images[0])

    @property
    def encoders(self) -> int:
        """Number of encoders."""
        return len(self.images)

    @property
    def classes(self) -> list[slice]:
        """Where each class's prompts stand."""
        ends = np.searchsorted(self.class_index, np.arange(self.n_classes + 1)).tolist()
        return [slice(start, stop) for start, stop in pairwise(ends)]

    def comparable(self, pair: tuple[int, int]) -> bool:
        """Whether images of one encoder and texts of the other have the same width."""
        return bool(self.images[pair[0]].shape[-1] == self.texts[pair[1]].shape[-1])

    def scale(self, pair: tuple[int, int]) -> float:
        """Logit scale of a pair: the geometric mean of both encoders' own."""
        return float(np.sqrt(self.scales[pair[0]] * self.scales[pair[1]]))

    def prototypes(self, encoder: int) -> NDArray[np.float32]:
        """Unit class vectors: the mean of a class's prompts, brought to length 1; shape (classes, width)."""
        means = np.stack([self.texts[encoder][prompts].mean(axis=0) for prompts in self.classes])
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return means

    def rows(self) -> Iterator[slice]:
        """Slices of tiles that cover all of them, with at most `BLOCK_ROWS` views each."""
        step = max(BLOCK_ROWS // self.images[0].shape[1], 1)
        for start in range(0, self.tiles, step):
            yield slice(start, min(start + step, self.tiles))

    def cosines(
        self, encoder: int, rows: slice, vectors: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Cosines of some tiles' views with unit vectors.

        Parameters
        ----------
        encoder
            Which images.
        rows
            Which tiles.
        vectors
            Arrays of shape (k, width).

        Returns
        -------
        list of ndarray
            One array for each of `vectors`, shape (k, views, rows): tiles stand last, so that
            every later step runs over long rows of memory.

        Raises
        ------
        AlignmentError
            An embedding is zero or not finite.
        """
        views = np.ascontiguousarray(self.images[encoder][rows].transpose(1, 0, 2), np.float32)
        shape = views.shape[:2]
        flat = views.reshape(-1, views.shape[-1])
        squares = np.vecdot(flat, flat)
        if not (np.isfinite(squares) & (squares > 0)).all():
            raise AlignmentError(
                "A stored image embedding is zero or not finite: delete the embedding store and run again."
            )
        shorten = 1 / np.sqrt(squares)
        return [((v @ flat.T) * shorten).reshape(-1, *shape) for v in vectors]

    def mean_cosines(self, encoder: int, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Products of every tile with class vectors, averaged over its views.

        Parameters
        ----------
        encoder
            Which images.
        vectors
            Shape (classes, width).

        Returns
        -------
        ndarray
            Shape (n, classes).
        """
        out = np.empty((self.tiles, len(vectors)), np.float32)
        for rows in self.rows():
            out[rows] = self.cosines(encoder, rows, [vectors])[0].mean(axis=1).T
        return out


def make_bags(
    images: Sequence[Floats],
    texts: Sequence[Floats],
    class_index: NDArray[np.integer],
    n_classes: int,
    scales: Sequence[float],
) -> Bags:
    """Check that everything fits together, and sort prompts by class.

    Raises
    ------
    AlignmentError
        Shapes disagree, a class has no prompt, or numbers are not finite.
    """
    index = np.asarray(class_index)
    check_bags(images, texts, index, n_classes, scales)
    index = index.astype(np.int64)
    rows = [np.asarray(t, np.float32) for t in texts]
    keep = _distinct(rows, index)
    keep = keep[np.argsort(index[keep], kind="stable")]
    return Bags(
        tuple(images),
        tuple(r[keep] for r in rows),
        index[keep],
        n_classes,
        tuple(float(s) for s in scales),
    )


def _distinct(texts: Sequence[NDArray[np.float32]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of prompts without those that a class has already: a phrase counts once."""
    seen = {(c, *(t[k].tobytes() for t in texts)): k for k, c in reversed(list(enumerate(index.tolist())))}
    return np.sort(np.fromiter(seen.values(), np.int64, len(seen)))
