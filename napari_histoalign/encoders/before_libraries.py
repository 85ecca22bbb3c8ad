"""What must be done in this process before torch's companions are imported."""

from __future__ import annotations

from napari_histoalign.encoders.offline import hub_off
from napari_histoalign.encoders.opengl_clash import keep_triton_out


def prepare_libraries() -> None:
    """Call before the first import of transformers, open_clip, timm or onnx; more than once does no harm."""
    hub_off()
    keep_triton_out()
