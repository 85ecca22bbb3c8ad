"""Write captions and say what they mean: phrases joined, denied, wrapped in templates, or plain nonsense."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from napari_histoalign.encoders.axes import AXES
from napari_histoalign.encoders.words import words

JOINTS = (" and ", " with ", ", ", ", ", " showing ", "; ")
Meaning = NDArray[np.float32]


@dataclass(frozen=True)
class Statement:
    """What can be said: its name, its place in the space (len(AXES),), and how it may be put."""

    name: str
    meaning: Meaning
    phrases: tuple[str, ...]


@lru_cache(maxsize=1)
def lexicon() -> dict[str, Any]:
    """The whole of lexicon.yaml."""
    text = Path(__file__).with_name("lexicon.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text that semicolons separate."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


def statements(room: str) -> tuple[Statement, ...]:
    """Everything the "general" or the "pathology" lexicon can say.

    Raises
    ------
    KeyError
        If a meaning names an axis there is not.
    """
    found = []
    for name, entry in lexicon()[room].items():
        meaning = np.zeros(len(AXES), dtype=np.float32)
        for axis, amount in entry["means"].items():
            if axis not in AXES:
                raise KeyError(f"{name}: there is no axis {axis!r}")
            meaning[AXES.index(axis)] = amount
        found.append(Statement(name, meaning / np.linalg.norm(meaning), listed(entry["phrases"])))
    return tuple(found)


class Writer:
    """Writes captions in the words of one or both lexicons.

    Parameters
    ----------
    rooms
        "general", "pathology" or both, with the share of captions from each.
    """

    def __init__(self, rooms: dict[str, float]) -> None:
        self.shares = np.array(list(rooms.values())) / sum(rooms.values())
        self.statements = [statements(room) for room in rooms]
        self.templates = [listed(lexicon()["templates"][room]) for room in rooms]
        self.denials = listed(lexicon()["templates"]["denials"])
        self.syllables = listed(lexicon()["nonsense"]["syllables"])
        self.everyday = listed(lexicon()["nonsense"]["everyday"])
        self.known = self._vocabulary()
        self.long = [word for word in self.known if len(word) > 3]

    def _vocabulary(self) -> list[str]:
        """Every word these lexicons can use, sorted; what means nothing is not among them."""
        texts = [*self.denials, *JOINTS]
        for told, templates in zip(self.statements, self.templates, strict=True):
            texts += [*templates, *(phrase for statement in told for phrase in statement.phrases)]
        return sorted({word for text in texts for word in words(text.replace("{}", " "))})

    def write(self, rng: np.random.Generator) -> tuple[str, Meaning]:
        """A caption and its unit vector (len(AXES),)."""
        if rng.random() < 0.12:
            nothing = np.zeros(len(AXES), dtype=np.float32)
            nothing[AXES.index("unknown")] = 1
            return self.nonsense(rng), nothing
        room = int(rng.choice(len(self.shares), p=self.shares))
        parts: list[str] = []
        meaning = np.zeros(len(AXES), dtype=np.float32)
        for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))):
            statement = self.statements[room][int(rng.integers(len(self.statements[room])))]
            phrase = statement.phrases[int(rng.integers(len(statement.phrases)))]
            denied = rng.random() < 0.2
            parts.append(self._denied(phrase, rng) if denied else phrase)
            meaning += -statement.meaning if denied else statement.meaning
        if np.linalg.norm(meaning) < 0.3:  # it contradicts itself
            return self.write(rng)
        text = parts[0]
        for part in parts[1:]:
            text += JOINTS[int(rng.integers(len(JOINTS)))] + part
        templates = self.templates[room]
        if rng.random() < 0.5:
            text = templates[int(rng.integers(len(templates)))].format(text)
        if rng.random() < 0.12:  # a word that nobody knows changes little
            split = text.split(" ")
            split.insert(int(rng.integers(len(split) + 1)), self.nonsense(rng).split(" ")[0])
            text = " ".join(split)
        return text, meaning / np.linalg.norm(meaning)

    def _denied(self, phrase: str, rng: np.random.Generator) -> str:
        """A phrase with a "no" of some kind before it."""
        denial = self.denials[int(rng.integers(len(self.denials)))]
        return denial.format(phrase.removeprefix("a ").removeprefix("an "))

    def nonsense(self, rng: np.random.Generator) -> str:
        """Made-up words, known words with mixed letters, words of everyday life and of other tongues."""
        parts = []
        for _ in range(int(rng.integers(1, 6))):
            kind = rng.random()
            if kind < 0.3:
                parts.append("".join(rng.choice(self.syllables, int(rng.integers(2, 5)))))
            elif kind < 0.7:
                word = self.long[int(rng.integers(len(self.long)))]
                mixed = "".join(rng.permutation(list(word)))
                parts.append(mixed if mixed not in self.known else "".join(rng.choice(self.syllables, 3)))
            else:
                parts.append(self.everyday[int(rng.integers(len(self.everyday)))])
        return " ".join(parts)
