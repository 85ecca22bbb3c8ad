"""CLIP's byte-pair encoding, which OpenCLIP, PLIP, QuiltNet and many others use."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.tokenizing.cleaning import lower
from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens, framed
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    import tokenizers

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
"""Ships with open_clip; read from there without importing it, which takes many seconds."""
MERGES = 49152 - 256 - 2
START, END = 49406, 49407
# Contractions, runs of letters, single digits, runs of anything else.
_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


class ClipTokenizer(Tokenizer):
    """Lower-cased byte-pair encoding with 49,408 tokens.

    Texts are repaired (ftfy), unescaped (HTML), lower-cased, and their white space folded; padding is 0,
    as in OpenAI's code [1]_. Its text towers look backwards only and are read at the end token, so that
    what pads does not matter.

    Parameters
    ----------
    context_length
        Tokens of a text with its beginning and end.

    Raises
    ------
    EncoderError
        The vocabulary is not where open_clip keeps it.

    References
    ----------
    .. [1] Radford et al., "Learning transferable visual models from natural language supervision",
       ICML 2021.
    """

    def __init__(self, context_length: int = 77) -> None:
        self._length = context_length
        self._bpe = _byte_pairs()

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return END + 1

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts; a text that is too long keeps its beginning and the end token."""
        encoded = self._bpe.encode_batch([lower(t) for t in texts])
        return framed([encoding.ids for encoding in encoded], START, END, self._length, 0)


def _byte_pairs() -> tokenizers.Tokenizer:
    """The encoding as a `tokenizers` object, with ids in the published order."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    try:
        with gzip.open(_vocabulary(), "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
    except OSError as err:
        raise EncoderError(
            f"CLIP's vocabulary cannot be read from open_clip ({err}). Install open_clip_torch again."
        ) from err
    merges = [(first, second) for first, second in (line.split() for line in lines[1 : MERGES + 1])]
    letters = [chr(c) for c in _byte_order()]
    entries = [*letters, *(c + "</w>" for c in letters), *(a + b for a, b in merges)]
    entries += ["<start_of_text>", "<end_of_text>"]
    vocabulary = {entry: i for i, entry in enumerate(entries)}
    encoding = Tokenizer(models.BPE(vocabulary, merges, end_of_word_suffix="</w>"))
    encoding.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # the regular expression keeps what matches; white space falls out
            pre_tokenizers.Split(Regex(_PIECES), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return encoding


def _byte_order() -> list[int]:
    """Code points that stand for the bytes, in the order of their ids: printable ones as themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    others = 256 - len(printable)
    return [*printable, *range(256, 256 + others)]


def _vocabulary() -> Path:
    found = find_spec("open_clip")
    if found is None or found.origin is None:
        raise EncoderError(
            "CLIP's vocabulary comes with open_clip, which is not installed: install open_clip_torch."
        )
    return Path(found.origin).with_name(VOCABULARY)
