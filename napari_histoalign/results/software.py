"""Versions of what can change a number."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "napari-histoalign",
    "numpy",
    "torch",
    "transformers",
    "open_clip_torch",
    "timm",
    "tokenizers",
    "sentencepiece",
    "onnxruntime",
    "openslide-python",
    "openslide-bin",
    "tifffile",
    "imagecodecs",
    "pillow",
    "shapely",
    "zarr",
)
"""Libraries whose version can change a number."""


def software_versions() -> dict[str, str]:
    """Installed versions of `LIBRARIES`."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
