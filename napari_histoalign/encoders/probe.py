"""Ask an encoder two pictures and two questions, to see that it works at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.base import Encoder

TEXTS = ("an H&E image of crowded dark tumour nuclei", "an H&E image of empty glass")
ALIKE = 1 - 1e-6
"""Two different things with this cosine are the same to an encoder."""
UNIT = 1e-3
MAX_SCALE = 1e4
"""No encoder has a larger logit scale (CLIP stops at 100) or bias, and alignments take none."""


@dataclass(frozen=True)
class Probe:
    """What an encoder made of the probes.

    Attributes
    ----------
    images, texts
        Cosine of the two tiles with each other, and of the two prompts.
    pairs
        Cosines of tiles (rows) and prompts, 2 x 2.
    """

    images: float
    texts: float
    pairs: tuple[tuple[float, float], tuple[float, float]]


def probe(encoder: Encoder) -> Probe:
    """Embed two tiles and two prompts.

    Raises
    ------
    EncoderError
        It fails, or its embeddings have another width than the entry says, are not finite, or are all
        alike, which random or damaged weights in the wrong place make.
    """
    title = encoder.spec.title
    if not (math.isfinite(encoder.logit_scale) and 0 < encoder.logit_scale <= MAX_SCALE):
        raise EncoderError(
            f"{title} has the logit scale {encoder.logit_scale:g}, where a number above 0 and at most "
            f"{MAX_SCALE:g} belongs: these are not its weights."
        )
    if not abs(encoder.logit_bias) <= MAX_SCALE:  # nor is no number
        raise EncoderError(
            f"{title} has the logit bias {encoder.logit_bias:g}, where a number of at most {MAX_SCALE:g} "
            "belongs: these are not its weights."
        )
    images, texts = encoder.embed_images(probe_tiles()), encoder.embed_texts(TEXTS)
    for what, rows in (("images", images), ("texts", texts)):
        if rows.shape != (2, encoder.dim):
            raise EncoderError(
                f"{title} gives {what} {rows.shape[1:]} numbers each; its entry says {encoder.dim}."
            )
        if not np.isfinite(rows).all() or (abs(np.linalg.norm(rows, axis=1) - 1) > UNIT).any():
            raise EncoderError(
                f"{title} gives {what} numbers that have no direction: these are not its weights."
            )
        if rows[0] @ rows[1] > ALIKE:
            raise EncoderError(
                f"{title} gives two different {what} the same embedding: these are not its weights."
            )
    pairs = images @ texts.T
    return Probe(
        float(images[0] @ images[1]),
        float(texts[0] @ texts[1]),
        ((float(pairs[0, 0]), float(pairs[0, 1])), (float(pairs[1, 0]), float(pairs[1, 1]))),
    )


def probe_tiles(side: int = 256) -> NDArray[np.uint8]:
    """A pink tile full of dark discs, and a nearly white one; uint8 (2, side, side, 3)."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    tissue = np.full((side, side, 3), (222, 160, 200), float)
    for cx, cy, r in random.uniform((0, 0, side / 40), (side, side, side / 20), (120, 3)):
        tissue[np.hypot(x - cx, y - cy) < r] = (86, 54, 132)
    glass = np.full((side, side, 3), 243.0)
    noise = random.normal(0, 4, (2, side, side, 3))
    return np.clip(np.stack([tissue, glass]) + noise, 0, 255).astype(np.uint8)
