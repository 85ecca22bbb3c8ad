"""Readers of labelled images: one for each published layout."""

from napari_histoalign.evaluation.datasets.registry import DATASETS, open_dataset, options_of

__all__ = ["DATASETS", "open_dataset", "options_of"]
