"""What encoders cannot read of prompts: words they never learned, ends they cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.encoders import Encoder


def unknown_words(encoders: Sequence[Encoder], texts: Sequence[str]) -> tuple[str, ...]:
    """Words of some texts that mean nothing to any of the encoders, in order, each once."""
    first, *others = (
        dict.fromkeys(word for text in texts for word in encoder.unknown_words(text)) for encoder in encoders
    )
    return tuple(word for word in first if all(word in unknown for unknown in others))


class PromptWarnings:
    """Says what is wrong with prompts; each is looked at once.

    Parameters
    ----------
    encoders
        Who is to read them.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        self._encoders = tuple(encoders)
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}

    def of(self, prompts: PromptSet) -> dict[str, str]:
        """A sentence for each prompt with which something is wrong.

        A prompt is too long if its end is cut off in some template by one of the encoders.
        """
        sentences, found = prompts.sentences, {}
        for prompt in dict.fromkeys(p for c in prompts.classes for p in c.prompts):
            key = prompt, sentences
            if key not in self._known:
                self._known[key] = self._look(prompt, sentences)
            if self._known[key]:
                found[prompt] = self._known[key]
        return found

    def _look(self, prompt: str, sentences: Sequence[str]) -> str:
        texts = [sentence.replace("{}", prompt) for sentence in sentences]
        said = []
        if unknown := unknown_words(self._encoders, [prompt]):
            said.append(f"No encoder ever learned: {', '.join(unknown)}.")
        if cut := [encoder.spec.title for encoder in self._encoders if encoder.too_long(texts)]:
            said.append(f"Longer than {' and '.join(cut)} can read: its end is cut off.")
        return " ".join(said)
