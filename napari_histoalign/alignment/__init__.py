"""How vectors become probabilities: arrays in, arrays out."""

from napari_histoalign.alignment.alignment import DESCRIPTIONS, STRATEGIES, Alignment
from napari_histoalign.alignment.cross_texts import CrossTexts, Refusal
from napari_histoalign.alignment.prompts import (
    ExpandedPrompts,
    PromptClass,
    PromptSet,
    builtin_prompt_sets,
)
from napari_histoalign.alignment.scores import Scores

__all__ = [
    "DESCRIPTIONS",
    "STRATEGIES",
    "Alignment",
    "CrossTexts",
    "ExpandedPrompts",
    "PromptClass",
    "PromptSet",
    "Refusal",
    "Scores",
    "builtin_prompt_sets",
]
