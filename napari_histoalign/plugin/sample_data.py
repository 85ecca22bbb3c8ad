"""File > Open Sample: the slide this package draws itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.plugin.reader import LayerData


def open_sample_slide() -> list[LayerData]:
    """Draw the synthetic H&E slide (once; it is kept in the cache) and open it.

    Returns
    -------
    list of (data, keyword arguments, "image")
        One layer, as npe2 wants it.
    """
    from napari_histoalign.plugin.reader import read_slides
    from napari_histoalign.sample import sample_slide

    return read_slides(sample_slide())
