"""The similarity tensor: tiles x views x image encoders x text encoders x prompts, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.columns import hold, shorten
from napari_histoalign.alignment.cross_texts import CrossTexts, Refusal
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.columns import Columns
    from napari_histoalign.alignment.cross_texts import Pair

    Floats = NDArray[np.floating]

BLOCK_ROWS = 4096
"""Views (tiles x views of each) whose similarities are held at a time."""


@dataclass(frozen=True, eq=False)
class SimilarityTensor:
    """What an alignment compares: bags of image views and bags of prompts.

    The tensor of cosines (tiles x views x image encoders x text encoders x prompts) follows from it. It is
    computed block by block of tiles; `held` keeps it in memory, for scoring the same tiles again and again.

    Attributes
    ----------
    images
        One array an image encoder: float16 or float32, shape (n, views, width). Rows are brought
        to length 1 as they are read: half precision and resampling leave them a little off.
    texts
        One array a text encoder: unit rows, float32, shape (k, width), sorted by class.
    class_index
        Class of each prompt, ascending, shape (k,).
    positions
        Where each prompt stands among those that were given: repeats within a class are left out.
    n_classes
        Number of classes.
    scales
        Each encoder's logit scale (the inverse of its softmax temperature).
    cross
        For each pair of different encoders: the text encoder's prompts for the other's images, in the
        order of `texts`, or why there are none.
    reference
        Positions of the tiles from which means and spreads are taken, ascending; None for all.
    centring
        Share of their mean over the reference that images are compared less of, 0 to 1 (CLIP-DN, Zhou et al.
        2023, takes 0.25; 1 takes off the whole of the modality gap, Liang et al. 2022). Taking off the mean
        of the texts as well would move all prompts of a tile alike, and so no probability.
    prompt_weights
        Weights of the prompts, for pairs in which they are not all equal; each class's sum to 1.
    neutral
        Inputs without content in the place of images (embedded texts such as "an H&E image."): one array an
        encoder, shape (m, width), for the prior ``content-free``; None where there are none.
    found_offsets
        What centring takes off a pair's cosines, where that was found already: see `centring.offsets_of`.
    columns
        The cosines themselves where they are held: for each pair that can be compared, one array a prompt,
        shape (views, tiles).
    unit
        Whether the images' rows have length 1 as they are, in single precision; they are then taken so.
    """

    images: tuple[Floats, ...]
    texts: tuple[NDArray[np.float32], ...]
    class_index: NDArray[np.int64]
    positions: NDArray[np.int64]
    n_classes: int
    scales: tuple[float, ...]
    cross: Mapping[Pair, CrossTexts | Refusal]
    reference: NDArray[np.int64] | None = None
    centring: float = 0.0
    prompt_weights: Mapping[Pair, NDArray[np.float32]] = field(default_factory=dict)
    neutral: tuple[Floats, ...] | None = None
    found_offsets: Mapping[Pair, NDArray[np.float32]] = field(default_factory=dict)
    columns: Columns | None = None
    unit: bool = False

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return len(self.images[0])

    @property
    def encoders(self) -> int:
        """Number of encoders."""
        return len(self.images)

    @property
    def pairs(self) -> list[Pair]:
        """Pairs of image and text encoder that can be compared, by image encoder."""
        every = [(i, j) for i in range(self.encoders) for j in range(self.encoders)]
        return [pair for pair in every if not self.refusal(pair)]

    @property
    def held_bytes(self) -> int:
        """What `held` takes of memory."""
        views: int = self.images[0].shape[1]
        return 4 * self.tiles * views * len(self.class_index) * len(self.pairs)

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

    def weights_for(self, pair: Pair) -> NDArray[np.float32]:
        """Weights of the prompts in a pair, shape (k,); each class's sum to 1."""
        given = self.prompt_weights.get(pair)
        if given is not None:
            return given
        counts = np.bincount(self.class_index, minlength=self.n_classes)
        return (1 / counts[self.class_index]).astype(np.float32)

    def shares(self, pair: Pair) -> NDArray[np.float32]:
        """What each prompt counts in its class's prototype, shape (k, classes).

        A prototype is the weighted mean of a class's prompts, brought to length 1: ``shares' texts``.
        """
        texts, weights = self.texts_for(pair), self.weights_for(pair)
        shares = np.zeros((len(texts), self.n_classes), np.float32)
        for c, prompts in enumerate(self.classes):
            length = float(np.linalg.norm(weights[prompts] @ texts[prompts]))
            shares[prompts, c] = weights[prompts] / np.float32(max(length, 1e-12))
        return shares

    def rows(self) -> Iterator[slice]:
        """Slices of tiles that cover all of them, with at most `BLOCK_ROWS` views each."""
        step = max(BLOCK_ROWS // self.images[0].shape[1], 1)
        for start in range(0, self.tiles, step):
            yield slice(start, min(start + step, self.tiles))

    def block(self, rows: slice) -> NDArray[np.float32]:
        """A part of the tensor itself, as it is before anything is taken off.

        Returns
        -------
        ndarray
            float32, shape (tiles of the block, views, image encoders, text encoders, prompts); NaN for pairs
            that cannot be compared.
        """
        tiles, views = len(range(*rows.indices(self.tiles))), self.images[0].shape[1]
        out = np.full((tiles, views, self.encoders, self.encoders, len(self.class_index)), np.nan, np.float32)
        for i in range(self.encoders):
            pairs = [pair for pair in self.pairs if pair[0] == i]
            for pair, cosines in zip(pairs, self.cosines(pairs, rows), strict=True):
                out[:, :, i, pair[1]] = cosines.transpose(2, 1, 0)
        return out

    def cosines(self, pairs: Sequence[Pair], rows: slice) -> list[NDArray[np.float32]]:
        """Cosines of some tiles' views with all prompts, in pairs of one image encoder.

        Returns
        -------
        list of ndarray
            One array a pair, to be changed at will, shape (k, views, rows): tiles stand last, so that
            every later step runs over long rows of memory.

        Raises
        ------
        AlignmentError
            An embedding is zero or not finite.
        """
        if self.columns is not None:
            return [np.stack([column[:, rows] for column in self.columns[pair]]) for pair in pairs]
        return self.products(pairs[0][0], rows, [self.texts_for(pair) for pair in pairs])

    def products(
        self, encoder: int, rows: slice, vectors: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Cosines of some tiles' views with vectors, each of shape (k, views, rows)."""
        views = np.ascontiguousarray(self.images[encoder][rows].transpose(1, 0, 2), np.float32)
        shape = views.shape[:2]
        flat = views.reshape(-1, views.shape[-1])
        shortened = shorten(flat)
        return [((v @ flat.T) * shortened).reshape(-1, *shape) for v in vectors]

    def neutral_tiles(self) -> SimilarityTensor:
        """The inputs without content as tiles, each seen alike in all views, under the same prompts.

        Raises
        ------
        AlignmentError
            There are none.
        """
        if self.neutral is None:
            raise AlignmentError(
                "The prior content-free is found from inputs without content, and none were given: embed a "
                'few texts such as "an H&E image." and pass them as neutral.'
            )
        views = self.images[0].shape[1]
        images = tuple(np.broadcast_to(r[:, None], (len(r), views, r.shape[1])) for r in self.neutral)
        return replace(self, images=images, reference=None, neutral=None, columns=None)

    def held(
        self, previous: SimilarityTensor | None = None, same: NDArray[np.integer] | None = None
    ) -> SimilarityTensor:
        """The same tensor with its cosines in memory (`held_bytes` of it).

        Parameters
        ----------
        previous
            A held tensor of the same encoders: what it holds of the same prompts is taken over, so that
            an edited prompt costs one product with every tile.
        same
            Where each tile stands in `previous`, -1 where it is new, shape (tiles,); by default both have
            the same tiles.

        Raises
        ------
        AlignmentError
            An embedding is zero or not finite.
        """
        return replace(self, columns=hold(self, previous, same))
