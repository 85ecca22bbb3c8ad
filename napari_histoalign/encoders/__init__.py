"""What turns pixels and words into vectors."""

from __future__ import annotations

from napari_histoalign.encoders.base import Encoder
from napari_histoalign.encoders.device import choose_device
from napari_histoalign.encoders.loading import load_encoder
from napari_histoalign.encoders.registry import EncoderSpec, registry

__all__ = ["Encoder", "EncoderSpec", "choose_device", "load_encoder", "registry"]
