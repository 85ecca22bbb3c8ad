"""How vectors become probabilities: arrays in, arrays out."""

from napari_histoalign.alignment.alignment import DESCRIPTIONS, STRATEGIES, Alignment
from napari_histoalign.alignment.calibration import (
    Temperature,
    fit_temperature,
    temperature_for_confidence,
)
from napari_histoalign.alignment.cross_texts import CrossTexts, Refusal
from napari_histoalign.alignment.explain import Explanation, explain
from napari_histoalign.alignment.few_shot import FewShot, FewShotModel
from napari_histoalign.alignment.fit import Fit
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.pooling import POOLINGS
from napari_histoalign.alignment.priors import PRIORS
from napari_histoalign.alignment.prompts import (
    ExpandedPrompts,
    PromptClass,
    PromptSet,
    builtin_prompt_sets,
)
from napari_histoalign.alignment.scores import Part, Scores
from napari_histoalign.alignment.screening import SCREENINGS
from napari_histoalign.alignment.similarity import SimilarityTensor
from napari_histoalign.alignment.spatial import smooth
from napari_histoalign.alignment.transductive import Refused, TransductiveResult, transclip, zlap
from napari_histoalign.alignment.uncertainty import disagreement

__all__ = [
    "DESCRIPTIONS",
    "POOLINGS",
    "PRIORS",
    "SCREENINGS",
    "STRATEGIES",
    "Alignment",
    "CrossTexts",
    "ExpandedPrompts",
    "Explanation",
    "FewShot",
    "FewShotModel",
    "Fit",
    "Part",
    "PromptClass",
    "PromptSet",
    "Refusal",
    "Refused",
    "Scores",
    "SimilarityTensor",
    "Temperature",
    "TransductiveResult",
    "builtin_prompt_sets",
    "disagreement",
    "explain",
    "fit_temperature",
    "similarity_tensor",
    "smooth",
    "temperature_for_confidence",
    "transclip",
    "zlap",
]
