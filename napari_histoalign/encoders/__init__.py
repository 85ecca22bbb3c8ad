"""What turns pixels and words into vectors."""

from __future__ import annotations

from napari_histoalign.encoders.adding import Added, add_encoder
from napari_histoalign.encoders.base import Encoder
from napari_histoalign.encoders.device import choose_device
from napari_histoalign.encoders.library import EncoderLibrary, load_encoder
from napari_histoalign.encoders.listing import Listing, list_encoders
from napari_histoalign.encoders.place import encoders_dir
from napari_histoalign.encoders.registry import EncoderSpec, registry

__all__ = [
    "Added",
    "Encoder",
    "EncoderLibrary",
    "EncoderSpec",
    "Listing",
    "add_encoder",
    "choose_device",
    "encoders_dir",
    "list_encoders",
    "load_encoder",
    "registry",
]
