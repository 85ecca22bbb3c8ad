"""From the tiles of a slide to the slide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import as_logits, as_probabilities
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

TOP_J = (1, 5, 10, 50, 100)
"""What MI-Zero tries for j."""


@dataclass(frozen=True, eq=False)
class SlideLevel:
    """What a slide's tiles say together.

    Attributes
    ----------
    how
        ``mean`` or ``top-j``.
    logits, probabilities
        Of the classes, float32, shape (classes,).
    tiles
        How many were pooled: all for ``mean``, the j of each class for ``top-j``.
    """

    how: str
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    tiles: int

    @property
    def label(self) -> int:
        """The most probable class."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True)
class TumourShare:
    """How much of the tissue is lesion.

    Attributes
    ----------
    share
        Lesion tiles over tissue tiles.
    area_share
        Their areas' ratio; the same number where all tiles count alike.
    lesion_tiles, tissue_tiles
        How many.
    threshold
        What a tile's probability of the lesion had to reach.
    """

    share: float
    area_share: float
    lesion_tiles: int
    tissue_tiles: int
    threshold: float


def mean_of_tiles(logits: ArrayLike, weights: ArrayLike | None = None) -> SlideLevel:
    """The mean of the tiles' logits.

    ``L_c = sum_i w_i logits_ic / sum_i w_i``, and its softmax. (The mean of probabilities differs: a few
    certain tiles move a mean of logits further.)

    Parameters
    ----------
    logits
        Shape (n, classes), n at least 1.
    weights
        Of the tiles (their tissue, say), not negative, shape (n,). Equal by default.

    Raises
    ------
    AlignmentError
        Shapes disagree, or there are no tiles.
    """
    z = _some(logits)
    shares = _areas(weights, len(z))
    if not shares.sum() > 0:
        raise AlignmentError("At least one tile needs a weight above 0.")
    mean = ((shares / shares.sum()) @ z.astype(np.float64)).astype(np.float32)
    return SlideLevel("mean", mean, softmax(mean), len(z))


def top_j(logits: ArrayLike, j: int = 50) -> SlideLevel:
    """The mean of each class's j largest logits, class by class (MI-Zero, Lu et al. 2023).

    A lesion need not fill a slide to be found in it. Classes are pooled over different tiles, so what tiles
    share among classes (an offset of a whole tile) does not cancel: pass logits whose offset means something
    (similarities), or none (less each tile's mean, as `many-to-many` returns them).

    Parameters
    ----------
    logits
        Shape (n, classes), n at least 1.
    j
        Tiles a class is judged by, at most all of them; MI-Zero tries `TOP_J`.

    Raises
    ------
    AlignmentError
        There are no tiles, or j is below 1.
    """
    z = _some(logits)
    if j < 1:
        raise AlignmentError(f"Each class must be judged by at least one tile; got {j}.")
    j = min(j, len(z))
    best = np.partition(z, len(z) - j, axis=0)[len(z) - j :]
    mean = best.mean(axis=0, dtype=np.float64).astype(np.float32)
    return SlideLevel("top-j", mean, softmax(mean), j)


def tumour_share(
    probabilities: ArrayLike,
    lesions: Sequence[int],
    background: Sequence[int] = (),
    *,
    threshold: float = 0.5,
    areas: ArrayLike | None = None,
) -> TumourShare:
    """The share of tissue tiles whose probability of being lesion reaches a threshold.

    A tile is tissue unless its most probable class is background; a tile that is tissue is lesion if the
    probabilities of the lesion classes sum to at least the threshold.

    Parameters
    ----------
    probabilities
        Shape (n, classes).
    lesions, background
        Classes.
    threshold
        Above 0, at most 1.
    areas
        Of the tiles, in any unit, not negative, shape (n,). Equal by default.

    Returns
    -------
    TumourShare
        With shares of 0 where no tile is tissue.

    Raises
    ------
    AlignmentError
        Shapes disagree, a class is none or both, or the threshold makes no sense.
    """
    p = as_probabilities(probabilities)
    known = range(p.shape[1])
    if not lesions or any(c not in known for c in (*lesions, *background)) or set(lesions) & set(background):
        raise AlignmentError(
            f"Lesion and background must be different ones of the classes 0 to {len(known) - 1}, with at "
            f"least one lesion; got {list(lesions)} and {list(background)}."
        )
    if not 0 < threshold <= 1:
        raise AlignmentError(f"The threshold must lie above 0 and be at most 1; got {threshold}.")
    sizes = _areas(areas, len(p))
    tissue = ~np.isin(p.argmax(axis=1), list(background))
    # each class once; single precision sums to a little less than 1 where all classes are lesions
    summed = p[:, sorted(set(lesions))].sum(axis=1, dtype=np.float64)
    lesion = tissue & (summed >= threshold - 1e-6)
    found, whole = int(lesion.sum()), int(tissue.sum())
    area = float(sizes[tissue].sum())
    return TumourShare(
        found / whole if whole else 0.0,
        float(sizes[lesion].sum()) / area if area > 0 else 0.0,
        found,
        whole,
        threshold,
    )


def _some(logits: ArrayLike) -> NDArray[np.float32]:
    z = as_logits(logits)
    if len(z) == 0:
        raise AlignmentError("A slide without tiles cannot be judged.")
    return z


def _areas(given: ArrayLike | None, tiles: int) -> NDArray[np.float64]:
    """One number a tile, not negative."""
    sizes = np.ones(tiles) if given is None else np.asarray(given, np.float64)
    if sizes.shape != (tiles,) or not np.isfinite(sizes).all() or (sizes < 0).any():
        raise AlignmentError(f"Each of the {tiles} tiles needs an area or weight of at least 0.")
    return sizes
