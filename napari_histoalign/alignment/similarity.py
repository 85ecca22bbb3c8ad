"""Similarities of tiles and prompts, block by block of rows so that memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

BLOCK_ROWS = 4096
"""Tiles whose similarities are held at a time."""


@dataclass(frozen=True, eq=False)
class Bags:
    """What an alignment compares: bags of image views and bags of prompts.

    The similarity tensor (tiles x views x image encoders x text encoders x prompts) follows
    from it and is never held whole.

    Attributes
    ----------
    images
        One array an image encoder: unit rows, float16 or float32, shape (n, views, width).
    texts
        One array a text encoder: unit rows, float32, shape (k, width).
    class_index
        Class of each prompt, shape (k,).
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

    def comparable(self, pair: tuple[int, int]) -> bool:
        """Whether images of one encoder and texts of the other have the same width."""
        return bool(self.images[pair[0]].shape[-1] == self.texts[pair[1]].shape[-1])

    def scale(self, pair: tuple[int, int]) -> float:
        """Logit scale of a pair: the geometric mean of both encoders' own."""
        return float(np.sqrt(self.scales[pair[0]] * self.scales[pair[1]]))

    def prototypes(self, encoder: int) -> NDArray[np.float32]:
        """Unit class vectors: the mean of a class's prompts, brought to length 1; shape (classes, width)."""
        sums = np.zeros((self.n_classes, self.texts[encoder].shape[1]), np.float32)
        np.add.at(sums, self.class_index, self.texts[encoder])
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        return sums

    def rows(self) -> Iterator[slice]:
        """Slices of at most `BLOCK_ROWS` tiles that cover all of them."""
        for start in range(0, self.tiles, BLOCK_ROWS):
            yield slice(start, min(start + BLOCK_ROWS, self.tiles))

    def cosines(self, pair: tuple[int, int], rows: slice) -> NDArray[np.float32]:
        """Similarities of every view and prompt, shape (rows, views, k)."""
        images = self.images[pair[0]][rows].astype(np.float32)
        return images @ self.texts[pair[1]].T

    def mean_cosines(self, encoder: int, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Products of every tile, averaged over its views, with class vectors.

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
            views = self.images[encoder][rows].astype(np.float32)
            out[rows] = (views[:, 0] if views.shape[1] == 1 else views.mean(axis=1)) @ vectors.T
        return out


def make_bags(
    images: Sequence[Floats],
    texts: Sequence[Floats],
    class_index: NDArray[np.integer],
    n_classes: int,
    scales: Sequence[float],
) -> Bags:
    """Check that everything fits together.

    Raises
    ------
    AlignmentError
        Shapes disagree, a class has no prompt, or numbers are not finite.
    """
    index = np.asarray(class_index, np.int64)
    if not len(images) == len(texts) == len(scales) or len(images) == 0:
        raise AlignmentError(
            f"Each encoder needs images, texts and a logit scale; got {len(images)}, {len(texts)} "
            f"and {len(scales)}."
        )
    if any(i.ndim != 3 or i.shape[:2] != images[0].shape[:2] for i in images):
        raise AlignmentError(
            "Image embeddings must have the shape (tiles, views, width), alike for all encoders."
        )
    if any(t.ndim != 2 or len(t) != len(index) for t in texts):
        raise AlignmentError(f"Text embeddings must have the shape ({len(index)}, width): one row a prompt.")
    if n_classes < 2 or sorted(set(index.tolist())) != list(range(n_classes)):
        raise AlignmentError(
            f"Each of the {n_classes} classes needs a prompt, and there must be two or more."
        )
    if not all(np.isfinite(s) and s > 0 for s in scales):
        raise AlignmentError(f"Logit scales must be above 0; got {list(scales)}.")
    if not all(np.isfinite(t).all() for t in texts):
        raise AlignmentError("A text embedding is not finite: the text encoder's weights may be damaged.")
    rows = [np.asarray(t, np.float32) for t in texts]
    keep = _distinct(rows, index)
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
