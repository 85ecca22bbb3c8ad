"""From embeddings and prompts to a similarity tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.checks import check_bags, check_neutral, check_reference
from napari_histoalign.alignment.cross_texts import Refusal, check_cross, of_equal_width
from napari_histoalign.alignment.similarity import SimilarityTensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import CrossTexts, Pair

    Floats = NDArray[np.floating]


def similarity_tensor(
    images: Sequence[Floats],
    texts: Sequence[Floats],
    class_index: NDArray[np.integer],
    n_classes: int,
    scales: Sequence[float],
    cross: Mapping[Pair, CrossTexts | Refusal] | None = None,
    reference: NDArray[np.integer] | None = None,
    neutral: Sequence[Floats] | None = None,
    *,
    unit: bool = False,
) -> SimilarityTensor:
    """Check that everything fits together, and sort prompts by class.

    Without `cross`, encoders of the same width count as sharing one space. For the other parameters see
    `napari_histoalign.alignment.alignment.Alignment.score`. With `unit`, images are single precision rows of
    length 1, which is not checked again.

    Raises
    ------
    AlignmentError
        Shapes disagree, a class has no prompt, numbers are not finite, the reference is no tiles, or an input
        without content is no embedding.
    """
    index = np.asarray(class_index)
    check_bags(images, texts, index, n_classes, scales)
    index = index.astype(np.int64)
    rows = [np.asarray(t, np.float32) for t in texts]
    keep = _distinct(rows, index)
    keep = keep[np.argsort(index[keep], kind="stable")]
    crossed = of_equal_width(images, rows) if cross is None else check_cross(cross, images, len(index))
    return SimilarityTensor(
        tuple(images),
        tuple(r[keep] for r in rows),
        index[keep],
        keep,
        n_classes,
        tuple(float(s) for s in scales),
        {pair: given if isinstance(given, Refusal) else given.only(keep) for pair, given in crossed.items()},
        None if reference is None else check_reference(reference, len(images[0])),
        neutral=None if neutral is None else check_neutral(neutral, images),
        unit=unit,
    )


def _distinct(texts: Sequence[NDArray[np.float32]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of prompts without those that a class has already: a phrase counts once."""
    seen = {(c, *(t[k].tobytes() for t in texts)): k for k, c in reversed(list(enumerate(index.tolist())))}
    return np.sort(np.fromiter(seen.values(), np.int64, len(seen)))
