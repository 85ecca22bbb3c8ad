"""Write captions: phrases joined, denied, wrapped in templates; and say of which tiles each is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from encoder_training.concepts import Concept, Truth

GENERAL_TEMPLATES = (
    "{}", "{}", "a photo of {}", "an image of {}", "an image with {}", "a picture showing {}", "a close-up of {}",
    "a photo showing {}", "this is {}", "there is {}", "{} in the image", "a texture of {}", "we see {}", "{}.",
    "an abstract pattern of {}", "a microscope image of {}",
)  # fmt: skip
PATHOLOGY_TEMPLATES = (
    "{}", "{}", "{}", "{}.", "a photomicrograph showing {}", "a photomicrograph of {}", "an image of {}",
    "an image showing {}", "an example of {}", "{} is shown", "this is {}", "there is {}",
    "a histopathological image showing {}", "a histopathological image of {}", "a histopathological photograph of {}",
    "shows {}", "presence of {}", "{} is present", "an H&E stained image of {}", "an H&E image showing {}",
    "an H&E image of {}", "{}, H&E stain", "{}, H&E", "a histopathology slide showing {}", "histopathology image of {}",
    "pathology tissue showing {}", "presence of {} on image", "an H&E image patch of {}", "a photo of {}",
    "a breast biopsy with {}", "breast tissue with {}", "a microscopic view of {}", "microscopy of {}",
    "an H&E stained histopathology image of {}", "hematoxylin and eosin stained section of {}", "a tile of {}",
    "a high magnification view of {}", "histology of {}", "a whole slide image region with {}", "features of {}",
    "findings consistent with {}", "diagnosis: {}", "{} seen in a breast specimen", "a patch containing {}",
)  # fmt: skip
DENIALS = (
    "no {}",
    "no {}",
    "without {}",
    "absence of {}",
    "not {}",
    "no evidence of {}",
    "negative for {}",
    "lacking {}",
)
JOINTS = (" and ", " with ", ", ", ", ", " showing ", "; ")
SYLLABLES = ("ba", "cor", "del", "fin", "gra", "hol", "ip", "jun", "ka", "lem", "mo", "nur", "os", "per", "qui", "ra", "sel",
             "tir", "um", "vor", "wen", "xi", "yl", "zo", "ent", "ist", "al", "er")  # fmt: skip


@dataclass(frozen=True)
class Caption:
    """A text, and the statements it makes: (index of the concept, whether it is denied)."""

    text: str
    says: tuple[tuple[int, bool], ...]


class Writer:
    """Writes captions over one list of concepts.

    Parameters
    ----------
    concepts
        What can be said.
    templates
        Sentences with one place.
    """

    def __init__(self, concepts: tuple[Concept, ...], templates: tuple[str, ...]) -> None:
        self.concepts, self.templates = concepts, templates
        self.weights = np.array([c.weight for c in concepts])
        self.deniable = np.array([c.deniable for c in concepts])

    def about(self, truth: Truth, rng: np.random.Generator) -> Caption:
        """A caption that is true of a tile with these truths (len(concepts),)."""
        likely = self.weights * np.where(truth > 0.55, truth, 0)
        says: list[tuple[int, bool]] = []
        if likely.sum() > 0:
            count = min(int(rng.choice([1, 1, 1, 2, 2, 3])), int((likely > 0).sum()))
            says = [
                (int(i), False) for i in rng.choice(len(truth), count, replace=False, p=likely / likely.sum())
            ]
        if not says or rng.random() < 0.18:
            absent = self.weights * self.deniable * (truth < 0.05)
            if absent.sum() > 0:
                denied = int(rng.choice(len(truth), p=absent / absent.sum()))
                # a denial stands alone now and then, so that the word "no" has to be read
                says = [(denied, True)] if rng.random() < 0.45 else [*says[:1], (denied, True)]
        if not says:
            says = [(int(np.argmax(truth)), False)]
        return self.written(tuple(says), rng)

    def any(self, rng: np.random.Generator) -> Caption:
        """A caption about one statement at random, true or not of any tile."""
        index = int(rng.choice(len(self.concepts), p=self.weights / self.weights.sum()))
        return self.written(((index, bool(self.deniable[index] and rng.random() < 0.25)),), rng)

    def written(self, says: tuple[tuple[int, bool], ...], rng: np.random.Generator) -> Caption:
        """Put statements into words."""
        parts = []
        for index, denied in says:
            options = self.concepts[index].phrases
            phrase = options[int(rng.integers(len(options)))]
            if denied:
                phrase = DENIALS[int(rng.integers(len(DENIALS)))].format(
                    phrase.removeprefix("a ").removeprefix("an ")
                )
            parts.append(phrase)
        text = parts[0]
        for part in parts[1:]:
            text += JOINTS[int(rng.integers(len(JOINTS)))] + part
        text = self.templates[int(rng.integers(len(self.templates)))].format(text)
        return Caption(with_noise(text, rng), says)


def with_noise(text: str, rng: np.random.Generator) -> str:
    """Now and then a word nobody knows, which should change little."""
    if rng.random() < 0.15:
        words = text.split(" ")
        made_up = "".join(rng.choice(SYLLABLES, int(rng.integers(2, 5))))
        words.insert(int(rng.integers(len(words) + 1)), made_up)
        text = " ".join(words)
    return text


def truth_matrix(truths: Truth, captions: list[Caption]) -> Truth:
    """How true every caption is of every tile: float32 (tiles, captions), a product over what it says."""
    matrix = np.ones((len(truths), len(captions)), dtype=np.float32)
    for column, caption in enumerate(captions):
        for index, denied in caption.says:
            matrix[:, column] *= 1 - truths[:, index] if denied else truths[:, index]
    return matrix


def vocabulary(writers: list[Writer]) -> list[str]:
    """Every word these writers can use, sorted; what is made up is not among them."""
    from napari_histoalign.encoders.words import words

    texts = [*DENIALS, *JOINTS]
    for writer in writers:
        texts += writer.templates
        texts += [phrase for concept in writer.concepts for phrase in concept.phrases]
    return sorted({word for text in texts for word in words(text.replace("{}", " "))})
