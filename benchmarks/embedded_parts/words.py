"""Other words in the place of prompts, and how many of them a text tower never saw."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.encoders import Encoder

_WORD = re.compile(r"[^\W\d_]+")
# neither tissue nor colour, shape, size or number
EVERYDAY = """
    afternoon airport answer autumn bakery bicycle birthday blanket bottle breakfast bridge brother
    bus butter candle carpet castle chair chicken choir cinema coat coffee concert cousin customer
    dentist dinner doctor dog door dream driver engine evening family farmer ferry fiddle flute
    football forest friday friend garage garden gate grandmother guitar hammer harbour holiday horse
    hotel house island jacket journey kettle keyboard kitchen ladder lamp laundry lawyer lemon
    letter library luggage lunch market meeting monday money morning mountain museum neighbour
    newspaper november office opera orchestra parcel parliament passenger pencil piano picnic pillow
    planet pocket poem postman potato quarrel question radio railway recipe river roof saddle
    sandwich school season sister sofa soldier song station story street suitcase summer sunday
    supper taxi teacher telephone tennis theatre ticket traffic train travel tuesday umbrella uncle
    village violin visitor waiter wallet weather wedding weekend window winter yesterday
""".split()  # noqa: SIM905


def scrambled(text: str, rng: np.random.Generator) -> str:
    """A text with the letters of every word in another order, where there is another."""

    def shuffle(found: re.Match[str]) -> str:
        word = found[0]
        if len(set(word)) < 2:
            return word
        while (other := "".join(rng.permutation(list(word)))) == word:
            pass
        return other

    return _WORD.sub(shuffle, text)


def random_words(text: str, rng: np.random.Generator) -> str:
    """As many everyday words as the text has words, none twice."""
    return " ".join(rng.choice(EVERYDAY, size=len(_WORD.findall(text)), replace=False))


def renamed(prompts: PromptSet, change: Callable[[str], str]) -> PromptSet:
    """A prompt set with every prompt changed; the names of its classes stay."""
    for index, one in enumerate(prompts.classes):
        prompts = prompts.with_prompts(index, [change(text) for text in one.prompts])
    return prompts


def unknown_share(encoder: Encoder, sets: Sequence[PromptSet]) -> tuple[int, int]:
    """How many words of prompts the text tower never saw, and of how many; each once a prompt."""
    texts = [text for prompts in sets for text in prompts.expand().texts]
    unknown = sum(len(encoder.unknown_words(text)) for text in texts)
    return unknown, sum(len({word.lower() for word in _WORD.findall(text)}) for text in texts)
