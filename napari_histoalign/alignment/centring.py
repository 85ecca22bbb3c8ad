"""What images have in common, taken off: one number a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.columns import ROWS, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor


def offsets_of(tensor: SimilarityTensor, pairs: Sequence[Pair]) -> dict[Pair, NDArray[np.float32]]:
    """What centring takes off each pair's cosines with its prompts, shape (k,) each.

    ``<x - share mean x, t> = <x, t> - share <mean x, t>``: one number a prompt, its product with the mean
    over views and reference tiles. It takes a pass over an encoder's images unless the cosines are held;
    where nothing is centred it is 0 and costs nothing. Without a reference tile nothing is taken off. What
    was found before (`SimilarityTensor.found_offsets`) stands.

    Raises
    ------
    AlignmentError
        An embedding is zero or not finite.
    """
    means: dict[int, NDArray[np.float64]] = {}
    offsets = {}
    for pair in pairs:
        share = 1.0 if tensor.centred(pair) else tensor.centring
        if pair in tensor.found_offsets:
            offsets[pair] = tensor.found_offsets[pair]
        elif not share or not tensor.reference_tiles:
            offsets[pair] = np.zeros(len(tensor.class_index), np.float32)
        elif tensor.columns is not None:
            seen = slice(None) if tensor.reference is None else tensor.reference
            held = [float(c[:, seen].mean(dtype=np.float64)) for c in tensor.columns[pair]]
            offsets[pair] = np.asarray(share * np.asarray(held), np.float32)
        else:
            if pair[0] not in means:
                means[pair[0]] = _mean_image(tensor, pair[0])
            offsets[pair] = (share * (tensor.texts_for(pair) @ means[pair[0]])).astype(np.float32)
    return offsets


def _mean_image(tensor: SimilarityTensor, encoder: int) -> NDArray[np.float64]:
    """Mean of an encoder's images, each brought to length 1, over views and reference tiles; (width,)."""
    images, reference = tensor.images[encoder], tensor.reference
    total = np.zeros(images.shape[-1])
    step = max(ROWS // images.shape[1], 1)
    for start in range(0, tensor.reference_tiles, step):
        rows = slice(start, start + step)
        block = images[rows if reference is None else reference[rows]]
        flat = np.asarray(block, np.float32).reshape(-1, block.shape[-1])
        total += shorten(flat) @ flat
    mean: NDArray[np.float64] = total / (tensor.reference_tiles * images.shape[1])
    return mean
