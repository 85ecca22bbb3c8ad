"""A synthetic H&E slide, drawn on demand, with its ground truth."""

from __future__ import annotations

from napari_histoalign.sample.drawer import SampleSlide, draw_slide, sample_slide
from napari_histoalign.sample.plan import CLASSES
from napari_histoalign.sample.stain import EVALUATION_STAINS, Stain

__all__ = ["CLASSES", "EVALUATION_STAINS", "SampleSlide", "Stain", "draw_slide", "sample_slide"]
