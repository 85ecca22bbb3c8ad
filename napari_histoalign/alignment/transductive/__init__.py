"""Methods that judge all tiles of a slide together, without labels: guarded, since they can do harm."""

from napari_histoalign.alignment.transductive.result import Refused, TransductiveResult
from napari_histoalign.alignment.transductive.signal import SignalStrength, signal_strength
from napari_histoalign.alignment.transductive.transclip import transclip
from napari_histoalign.alignment.transductive.zlap import zlap

__all__ = [
    "Refused",
    "SignalStrength",
    "TransductiveResult",
    "signal_strength",
    "transclip",
    "zlap",
]
