"""BERT's word pieces, from a ``vocab.txt``: KEEP, MedCLIP, MI-Zero, CPLIP, BiomedCLIP, QuiltNet-B-16-PMB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.tokenizing.files import check_size
from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens, encoded
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    import tokenizers

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
MASK = "[MASK]"
"""Only training needs it, so that a vocabulary may lack it."""


class WordPiece(Tokenizer):
    """Words, and pieces of the words that are not in the vocabulary, between ``[CLS]`` and ``[SEP]``.

    Words end at white space and punctuation; each is taken apart into the longest pieces there are, from
    its beginning [1]_. Control characters fall out. A text that is too long keeps its beginning and the
    ``[SEP]``.

    Parameters
    ----------
    path
        The publisher's ``vocab.txt``: one token a line, its id is the number of the line from 0.
    lowercase
        Whether the vocabulary is "uncased": texts lose capitals and accents.
    context_length
        Tokens of a text with ``[CLS]`` and ``[SEP]``.
    vocabulary
        How many tokens the text tower knows; None if any number will do.

    Raises
    ------
    EncoderError
        The file cannot be read, is no text in UTF-8, lacks one of the tokens above, or has another number
        of tokens.

    References
    ----------
    .. [1] Devlin et al., "BERT: pre-training of deep bidirectional transformers for language
       understanding", NAACL 2019.
    """

    def __init__(
        self, path: Path, lowercase: bool, context_length: int, vocabulary: int | None = None
    ) -> None:
        known = _read(path)
        count = max(known.values()) + 1
        if vocabulary not in (None, count):
            raise EncoderError(
                f"{path} has {count} tokens and not the {vocabulary} of the text tower: it belongs to "
                "another encoder, or was cut off."
            )
        self._count = count
        self._length, self._pad, self._unknown = context_length, known[PAD], known[UNKNOWN]
        with one_sentence(f"{path} cannot be used"):
            self._pieces = _word_pieces(known, lowercase)
            self._pieces.enable_truncation(context_length)

    @property
    def vocabulary(self) -> int:
        """One more than the highest id."""
        return self._count

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts, cutting those that are too long before their ``[SEP]``."""
        return encoded(self._pieces, texts, self._length, self._pad)

    def unknown(self, text: str) -> list[str]:
        """Words of `text` that become ``[UNK]``, in order, each once."""
        encoding = self._pieces.encode(text, add_special_tokens=False)
        words: dict[str, None] = {}
        for part in (encoding, *encoding.overflowing):
            for token, (start, end) in zip(part.ids, part.offsets, strict=True):
                if token == self._unknown:
                    words[text[start:end]] = None
        return list(words)


def _word_pieces(known: dict[str, int], lowercase: bool) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces = Tokenizer(models.WordPiece(known, unk_token=UNKNOWN))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # a prompt that spells one of these out gets that token, as with the published tokenizers
    pieces.add_special_tokens([token for token in (PAD, UNKNOWN, START, END, MASK) if token in known])
    pieces.post_processor = processors.BertProcessing((END, known[END]), (START, known[START]))
    return pieces


def _read(path: Path) -> dict[str, int]:
    """Token ids; of a token that stands there twice, the later one, as the published code has it."""
    check_size(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise EncoderError(f"{path} cannot be read ({err.strerror or err}).") from err
    except UnicodeDecodeError as err:
        raise EncoderError(f"{path} is no vocabulary: it is not text in UTF-8. Get it again.") from err
    # not splitlines(): some tokens are among what it takes for the end of a line
    known = {token: number for number, token in enumerate(text.removesuffix("\n").split("\n"))}
    if known.get(PAD, 0):  # padding is told by its id, which is 0 in every published vocabulary
        raise EncoderError(f"{path} does not begin with {PAD}: it is no vocabulary of a BERT. Get it again.")
    if missing := [token for token in (PAD, UNKNOWN, START, END) if token not in known]:
        raise EncoderError(
            f"{path} lacks the token {', '.join(missing)}: it is no whole vocabulary of a BERT. Get it again."
        )
    return known
