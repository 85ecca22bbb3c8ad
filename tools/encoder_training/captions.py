"""Write captions: phrases joined, denied, wrapped in templates; and say of which tiles each is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoder_training.concepts import phrases

if TYPE_CHECKING:
    from encoder_training.concepts import Concept, Truth

GENERAL_TEMPLATES = phrases("templates")["general"]
PATHOLOGY_TEMPLATES = phrases("templates")["pathology"]
DENIALS = phrases("templates")["denials"]
JOINTS = (" and ", " with ", ", ", ", ", " showing ", "; ")
SYLLABLES = phrases("templates")["syllables"]


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
    phrases
        What each statement may be called, by its name.
    templates
        Sentences with one place.
    """

    def __init__(
        self, concepts: tuple[Concept, ...], phrases: dict[str, tuple[str, ...]], templates: tuple[str, ...]
    ) -> None:
        self.concepts, self.templates = concepts, templates
        self.phrases = [phrases[concept.name] for concept in concepts]
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
            options = self.phrases[index]
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
        texts += [phrase for options in writer.phrases for phrase in options]
    return sorted({word for text in texts for word in words(text.replace("{}", " "))})
