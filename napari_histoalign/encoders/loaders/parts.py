"""What a loader returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec
    from napari_histoalign.encoders.tokenizing import Tokenizer
    from napari_histoalign.encoders.towers import Towers


@dataclass(frozen=True, eq=False)
class Parts:
    """An encoder before it is put on a device.

    Attributes
    ----------
    towers
        Both towers, float32, on the CPU, filled with the file's weights.
    tokenizer
        What the text tower reads.
    """

    towers: Towers
    tokenizer: Tokenizer


Loader = Callable[["EncoderSpec", Mapping[str, Path]], Parts]
"""Called with the entry and where its files are, by the first of their names in ``EncoderSpec.files``."""
