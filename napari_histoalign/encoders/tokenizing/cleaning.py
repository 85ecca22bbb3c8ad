"""What is done to a text before it is cut into tokens, by open_clip and OpenAI's CLIP."""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens


def folded(text: str) -> str:
    """Broken Unicode repaired (ftfy), HTML unescaped, white space folded."""
    return re.sub(r"\s+", " ", _repaired(text)).strip()


def lower(text: str) -> str:
    """The same in small letters, as CLIP was trained."""
    return folded(text).lower()


def canonical(text: str) -> str:
    """Small letters without punctuation, as SigLIP was trained (big_vision's "canonicalize")."""
    text = _repaired(text).replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", text.lower()).strip()


CLEANING: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"whitespace": folded, "canonical": canonical}
)
"""By the names that open_clip's configurations have for them."""


class Cleaned(Tokenizer):
    """Another tokenizer behind a cleaning.

    Parameters
    ----------
    tokenizer
        What reads the cleaned texts.
    cleaning
        A key of `CLEANING`.

    Attributes
    ----------
    cleaning
        The same, for what writes down how texts are read.
    """

    def __init__(self, tokenizer: Tokenizer, cleaning: str) -> None:
        self._tokenizer, self._clean, self.cleaning = tokenizer, CLEANING[cleaning], cleaning

    @property
    def vocabulary(self) -> int | None:
        """That of the tokenizer behind it."""
        return self._tokenizer.vocabulary

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts as they are once they are clean."""
        return self._tokenizer([self._clean(text) for text in texts])

    def unknown(self, text: str) -> list[str]:
        """Words of the cleaned text that have no token."""
        return self._tokenizer.unknown(self._clean(text))


def _repaired(text: str) -> str:
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text)))
