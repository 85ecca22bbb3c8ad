"""Few examples that a person marked, and what they add to zero-shot."""

from napari_histoalign.alignment.few_shot.model import METHODS, FewShot, FewShotModel

__all__ = ["METHODS", "FewShot", "FewShotModel"]
