"""What is known of single prompts: how much they contribute, and what to warn of; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from napari_histoalign.alignment.templates import fill


@dataclass(frozen=True)
class PromptMarks:
    """Shares and warnings by text, looked up for a line as it is typed.

    Attributes
    ----------
    shares
        0 to 1, by a prompt or by a final text (a prompt in a sentence).
    warnings
        Sentences, by either.
    sentences
        Of the prompt set: what leads from a prompt to its final texts.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    def share(self, line: str) -> float | None:
        """Share of a line, of all its final texts together; None where none is known."""
        known = [self.shares[text] for text in self._texts(line) if text in self.shares]
        known = [share for share in known if isfinite(share)]
        return min(1.0, max(0.0, sum(known))) if known else None

    def warning(self, line: str) -> str:
        """What to warn of in a line; empty where there is nothing."""
        found = (self.warnings[text] for text in self._texts(line) if text in self.warnings)
        return next(found, "")

    def _texts(self, line: str) -> tuple[str, ...]:
        """A line's texts, each once; none for an empty line."""
        prompt = " ".join(line.split())
        if not prompt:
            return ()
        return tuple(dict.fromkeys((prompt, *(fill(sentence, prompt) for sentence in self.sentences))))
