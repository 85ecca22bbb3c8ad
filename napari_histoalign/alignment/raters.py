"""Independent opinions on the same tiles, and one vector a tile: what methods over all tiles start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.alignment import Alignment
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.similarity import SimilarityTensor


def mean_views(images: Sequence[NDArray[np.floating]]) -> list[NDArray[np.float32]]:
    """One vector a tile and encoder, the mean of its views: (n, views, width) to (n, width) each."""
    return [np.asarray(rows, np.float32).mean(axis=1) for rows in images]


def raters(tensor: SimilarityTensor) -> list[NDArray[np.float32]]:
    """Logits of judges that are as independent as can be had.

    They are the two encoders, each on its own. With a single one, they are two halves of its prompts: each
    class's first, third ... and its second, fourth ...

    Returns
    -------
    list of ndarray
        Two arrays of shape (n, classes): see
        `napari_histoalign.alignment.transductive.signal_strength`.

    Raises
    ------
    AlignmentError
        There is one encoder, and a class with one prompt.
    """
    if tensor.encoders == 2:
        return [Alignment("one-to-one", pair=(e, e)).score_tensor(tensor).logits for e in (0, 1)]
    in_class = np.arange(len(tensor.class_index)) - np.searchsorted(tensor.class_index, tensor.class_index)
    halves = []
    for odd in (0, 1):
        keep = in_class % 2 == odd
        index = tensor.class_index[keep]
        if len(np.unique(index)) < tensor.n_classes:
            raise AlignmentError(
                "With one encoder, whether its answers can be trusted is told from two halves of the "
                "prompts, and a class has a single prompt. Add a prompt to each class."
            )
        half = similarity_tensor(
            tensor.images, [tensor.texts[0][keep]], index, tensor.n_classes, tensor.scales
        )
        halves.append(Alignment("one-to-one").score_tensor(half).logits)
    return halves
