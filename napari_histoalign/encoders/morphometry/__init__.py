"""Measurements of tissue that need no training; imports torch, so import it inside functions only."""

from napari_histoalign.encoders.morphometry.measures import CONTEXT, NAMES, NUCLEI, Morphometry

__all__ = ["CONTEXT", "NAMES", "NUCLEI", "Morphometry"]
