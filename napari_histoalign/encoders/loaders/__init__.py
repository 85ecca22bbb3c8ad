"""From the files of a publisher to towers and a tokenizer: one module a layout.

Each has a function of the type `Loader`, and imports torch inside functions only.
"""

from napari_histoalign.encoders.loaders.parts import Loader, Parts

__all__ = ["Loader", "Parts"]
