"""What a download ends with: its sentence, and the files it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_histoalign.encoders.download import download_encoder
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders import EncoderLibrary

REPOSITORY = "lab/small-clip"
WEIGHTS = "model.safetensors"
PART = f".downloads/small/{WEIGHTS}.part"
BY_HAND = "histoalign encoders add small --path FOLDER"
MB = 1 << 20


def refused(library: EncoderLibrary, name: str = "small", **given: str) -> str:
    """The sentence a download fails with."""
    with pytest.raises(EncoderError) as error:
        download_encoder(name, library, **given)
    text = str(error.value)
    assert "hf_" not in text and "\n" not in text
    return text


def left(library: EncoderLibrary) -> dict[str, int]:
    """Files in a library's folder with their sizes, without the notes beside parts."""
    found = [p for p in library.root.rglob("*") if p.is_file() and p.parent.parent.name != ".downloads"]
    found += library.root.glob(".downloads/*/*.part")
    return {str(p.relative_to(library.root)): p.stat().st_size for p in found}
