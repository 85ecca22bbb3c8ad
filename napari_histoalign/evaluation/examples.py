"""Images that show what a row's figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.outcome import Example

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.records import ImageSet

EACH = 4
"""Images of a class judged best, and as many judged worst."""
SIDE = 160
"""Pixels of a thumbnail's longer side."""


def examples_of(
    image_set: ImageSet,
    kept: NDArray[np.int64],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.floating],
) -> dict[str, tuple[Example, ...]]:
    """Of each class the images whose own class got the highest and the lowest probability, best first.

    Parameters
    ----------
    image_set
        Images.
    kept
        Positions in it of the judged images.
    labels, probabilities
        Of those, shapes (n,) and (n, classes).
    """
    found = {}
    for c, name in enumerate(image_set.class_names):
        mine = np.flatnonzero((labels == c) & np.isfinite(probabilities).all(axis=1))
        order = mine[np.argsort(-probabilities[mine, c], kind="stable")]
        chosen = dict.fromkeys([*order[:EACH].tolist(), *order[-EACH:].tolist()])
        examples = []
        for i in chosen:
            record = image_set.records[kept[i]]
            try:
                image = _thumbnail(image_set.read(record))
            except DatasetError:  # it was there when it was embedded, and is named if it is not now
                continue
            said = int(probabilities[i].argmax())
            examples.append(
                Example(record.name, image, name, image_set.class_names[said], float(probabilities[i, said]))
            )
        found[name] = tuple(examples)
    return found


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture)
