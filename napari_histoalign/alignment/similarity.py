"""Similarities of tiles and prompts, block by block of tiles so that memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.checks import check_bags, check_reference
from napari_histoalign.alignment.cross_texts import CrossTexts, Refusal, check_cross, of_equal_width
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair

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
    cross
        For each pair of different encoders: the text encoder's prompts for the other's images, in the
        order of `texts`, or why there are none.
    reference
        Positions of the tiles from which means and spreads are taken, ascending; None for all.
    """

    images: tuple[Floats, ...]
    texts: tuple[NDArray[np.float32], ...]
    class_index: NDArray[np.int64]
    n_classes: int
    scales: tuple[float, ...]
    cross: Mapping[Pair, CrossTexts | Refusal]
    reference: NDArray[np.int64] | None = None

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

    @property
    def reference_tiles(self) -> int:
        """Number of tiles of reference."""
        return self.tiles if self.reference is None else len(self.reference)

    def refusal(self, pair: Pair) -> str:
        """Why images of one encoder cannot be compared with texts of the other; empty if they can."""
        crossed = None if pair[0] == pair[1] else self.cross[pair]
        return crossed.reason if isinstance(crossed, Refusal) else ""

    def centred(self, pair: Pair) -> bool:
        """Whether the pair's images are compared less their mean over the reference."""
        crossed = None if pair[0] == pair[1] else self.cross[pair]
        return isinstance(crossed, CrossTexts) and crossed.centred

    def texts_for(self, pair: Pair) -> NDArray[np.float32]:
        """Prompts of a text encoder for the images of an encoder (its own or another), shape (k, width)."""
        if pair[0] == pair[1]:
            return self.texts[pair[1]]
        crossed = self.cross[pair]
        if isinstance(crossed, Refusal):
            raise AlignmentError(crossed.reason)
        return crossed.rows

    def scale(self, pair: Pair) -> float:
        """Logit scale of a pair: the geometric mean of both encoders' own."""
        return float(np.sqrt(self.scales[pair[0]] * self.scales[pair[1]]))

    def prototypes(self, encoder: int, images: int | None = None) -> NDArray[np.float32]:
        """Unit class vectors: the mean of a class's prompts, brought to length 1; shape (classes, width).

        They are those of text encoder `encoder` for its own images, or for those of encoder `images`.
        """
        texts = self.texts_for((encoder if images is None else images, encoder))
        means = np.stack([texts[prompts].mean(axis=0) for prompts in self.classes])
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return means

    def rows(self) -> Iterator[slice]:
        """Slices of tiles that cover all of them, with at most `BLOCK_ROWS` views each."""
        return self._slices(self.tiles)

    def _slices(self, tiles: int) -> Iterator[slice]:
        step = max(BLOCK_ROWS // self.images[0].shape[1], 1)
        for start in range(0, tiles, step):
            yield slice(start, min(start + step, tiles))

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
        shorten = _shorten(flat)
        return [((v @ flat.T) * shorten).reshape(-1, *shape) for v in vectors]

    def offsets(self, pair: Pair, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What to take off a pair's cosines with some vectors, shape (k,).

        Where images are centred, ``<x - mean x, t> = <x, t> - <mean x, t>``: one number a vector, its
        product with the mean over views and reference tiles. It takes a pass over the images; where
        they are not centred it is 0 and costs nothing. Without a reference tile nothing is taken off.
        """
        if not self.centred(pair) or not self.reference_tiles:
            return np.zeros(len(vectors), np.float32)
        images = self.images[pair[0]]
        total = np.zeros(images.shape[-1])
        for rows in self._slices(self.reference_tiles):
            block = images[rows if self.reference is None else self.reference[rows]]
            flat = np.asarray(block, np.float32).reshape(-1, block.shape[-1])
            total += _shorten(flat) @ flat
        offsets: NDArray[np.float64] = vectors @ (total / (self.reference_tiles * images.shape[1]))
        return offsets.astype(np.float32)

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
    cross: Mapping[Pair, CrossTexts | Refusal] | None = None,
    reference: NDArray[np.integer] | None = None,
) -> Bags:
    """Check that everything fits together, and sort prompts by class.

    Without `cross`, encoders of the same width count as sharing one space.

    Raises
    ------
    AlignmentError
        Shapes disagree, a class has no prompt, numbers are not finite, or the reference is no tiles.
    """
    index = np.asarray(class_index)
    check_bags(images, texts, index, n_classes, scales)
    index = index.astype(np.int64)
    rows = [np.asarray(t, np.float32) for t in texts]
    keep = _distinct(rows, index)
    keep = keep[np.argsort(index[keep], kind="stable")]
    crossed = of_equal_width(images, rows) if cross is None else check_cross(cross, images, len(index))
    return Bags(
        tuple(images),
        tuple(r[keep] for r in rows),
        index[keep],
        n_classes,
        tuple(float(s) for s in scales),
        {pair: given if isinstance(given, Refusal) else given.only(keep) for pair, given in crossed.items()},
        None if reference is None else check_reference(reference, len(images[0])),
    )


def _shorten(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each row is multiplied by to get length 1, shape (n,)."""
    squares = np.vecdot(rows, rows)
    if not (np.isfinite(squares) & (squares > 0)).all():
        raise AlignmentError(
            "A stored image embedding is zero or not finite: delete the embedding store and run again."
        )
    factors: NDArray[np.float32] = 1 / np.sqrt(squares)
    return factors


def _distinct(texts: Sequence[NDArray[np.float32]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of prompts without those that a class has already: a phrase counts once."""
    seen = {(c, *(t[k].tobytes() for t in texts)): k for k, c in reversed(list(enumerate(index.tolist())))}
    return np.sort(np.fromiter(seen.values(), np.int64, len(seen)))
