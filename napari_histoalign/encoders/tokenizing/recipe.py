"""``tokenizer.json``: what it asks for, looked at before the library behind runs it.

That library ends the whole process where memory runs out, as steps that double a text forty times would make
it. What turns tokens back into text is not looked at, for nothing here does that.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_histoalign.encoders.tokenizing.bounds import (
    LONG_PIECE,
    check_growth,
    check_pieces,
    longest_replacement,
    strange,
)
from napari_histoalign.errors import EncoderError

Step = Mapping[str, Any]

STEPS = 32
"""Steps of normalising a text, of taking it apart, and of adding its signs."""
LONGEST = 1 << 16
"""Tokens that a file may ask texts to be padded or cut to; no text tower reads as many."""
MOST_ADDED = 1 << 15
"""Tokens beside the vocabulary: each is one more to look for in every text."""
MOST_SIGNS = 64
"""Signs at the ends of a text, and tokens of each."""
MODELS = ("BPE", "Unigram", "WordLevel", "WordPiece")
AFTERWARDS = ("BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing")


def _same(step: Step) -> int:
    return 1


def _replaced(step: Step) -> int:
    """Of a replacement; an expression, or nothing at all, may be found before every letter."""
    (kind, pattern), *others = step["pattern"].items()
    if others or kind not in ("String", "Regex") or max(len(pattern), len(step["content"])) > LONG_PIECE:
        raise ValueError("a replacement of more than a thousand letters")
    if kind == "Regex" or not pattern:
        return 1 + len(step["content"])
    return math.ceil(len(step["content"]) / len(pattern))


def _prepended(step: Step) -> int:
    """Before a text, which ends at every added token and may be one letter long."""
    return 1 + len(step["prepend"])


def _from_table(step: Step) -> int:
    return longest_replacement(base64.b64decode(step["precompiled_charsmap"] or ""))


def _cut(step: Step) -> int:
    """Of what only finds borders."""
    if len(str(step.get("pattern", ""))) > LONG_PIECE:
        raise ValueError("a pattern of more than a thousand letters")
    return 1


def _at_most(times: int) -> Callable[[Step], int]:
    return lambda step: times


NORMALIZERS: Mapping[str, Callable[[Step], int]] = MappingProxyType(
    {
        **dict.fromkeys(("Sequence", "Nmt", "Strip", "StripAccents"), _same),
        # longest decompositions of one letter in Unicode
        **{"NFC": _at_most(3), "NFD": _at_most(4), "NFKC": _at_most(18), "NFKD": _at_most(18)},
        **{"Lowercase": _at_most(3), "BertNormalizer": _at_most(12), "ByteLevel": _at_most(4)},
        **{"Precompiled": _from_table, "Prepend": _prepended, "Replace": _replaced},
    }
)
"""How many times longer each step makes a text at most."""
CUTS: Mapping[str, Callable[[Step], int]] = MappingProxyType(
    {
        **dict.fromkeys(("Split", "CharDelimiterSplit"), _cut),
        **dict.fromkeys(
            ("BertPreTokenizer", "Digits", "FixedLength", "Punctuation", "Sequence", "UnicodeScripts"), _same
        ),
        **dict.fromkeys(("Whitespace", "WhitespaceSplit"), _same),
        # bytes become letters; both may put a space before each part
        **{"ByteLevel": _at_most(5), "Metaspace": _at_most(2)},
    }
)
"""The same for the steps that take it apart."""


def check_recipe(path: Path) -> int:
    """Make sure that reading a ``tokenizer.json``, and running it, stays within bounds.

    Returns
    -------
    int
        How many times longer it may make a text before that is cut to tokens.

    Raises
    ------
    EncoderError
        The file cannot be read, or asks for what no published tokenizer does.
    """
    found = read_object(path)
    try:
        return _check(found, path)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as err:
        raise EncoderError(f"{path} describes no tokenizer ({type(err).__name__}: {err}).") from err


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; its file may be far larger than a configuration."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise EncoderError(f"{path} cannot be read as JSON ({err}). Get it again.") from err
    if not isinstance(found, dict):
        raise EncoderError(f"{path} describes no tokenizer: it holds no JSON object. Get it again.")
    return found


def _check(found: Step, path: Path) -> int:
    growth = 1
    for part, inner, known in (
        ("normalizer", "normalizers", NORMALIZERS),
        ("pre_tokenizer", "pretokenizers", CUTS),
    ):
        for step in _steps(found.get(part), inner, part, known, path):
            growth *= max(1, known[step["type"]](step))
            check_growth(growth, path)
    for step in _steps(found.get("post_processor"), "processors", "post_processor", AFTERWARDS, path):
        if step["type"] == "TemplateProcessing":
            _check_signs(step, path)
    _check_model(found["model"], path)
    _check_lengths(found, path)
    added = found.get("added_tokens") or ()
    if len(added) > MOST_ADDED:
        raise strange(path, f"{len(added)} added tokens")
    check_pieces([token["content"] for token in added], path)
    return growth


def _steps(step: Any, inner: str, part: str, known: Any, path: Path) -> list[Step]:
    """A step and those in it, all of them known and not too many."""
    found = list(_within(step, inner))
    if len(found) > STEPS:
        raise strange(path, f"{len(found)} steps in {part}")
    for one in found:
        if one["type"] not in known:
            raise strange(path, f"the {part} {str(one['type'])[:60]!r}")
    return found


def _within(step: Any, inner: str) -> Iterator[Step]:
    if step is None:
        return
    yield step
    for part in step.get(inner) or ():
        yield from _within(part, inner)


def _check_signs(step: Step, path: Path) -> None:
    """Beginning and end: a text stands between them once."""
    parts, signs = step["single"], step["special_tokens"].values()
    if max(len(parts), len(step["pair"]), *(len(sign["ids"]) for sign in signs), 0) > MOST_SIGNS:
        raise strange(path, "signs at the ends of a text by the hundred")
    if sum("Sequence" in part for part in parts) != 1:
        raise strange(path, "a text of other than one part")


def _check_model(model: Step, path: Path) -> None:
    if model.get("type") not in (None, *MODELS):  # old files do not say
        raise strange(path, f"the model {str(model['type'])[:60]!r}")
    if model.get("dropout"):
        raise strange(path, "tokens that are left out at random")
    for name in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        if len(model.get(name) or "") > LONG_PIECE:
            raise strange(path, f"{name} of more than a thousand letters")
    # the time that a word takes grows with the square of its length
    if (model.get("max_input_chars_per_word") or 0) > LONG_PIECE:
        raise strange(path, "words of more than a thousand letters")
    vocabulary = model["vocab"]
    if isinstance(vocabulary, Mapping):
        check_pieces(vocabulary.keys(), path)
    else:
        check_pieces([piece for piece, _ in vocabulary], path, tree=True)


def _check_lengths(found: Step, path: Path) -> None:
    for part, keys in (
        ("truncation", ("max_length", "stride")),
        ("padding", ("pad_to_multiple_of", "strategy")),
    ):
        for value in (_length((found.get(part) or {}).get(key)) for key in keys):
            if value > LONGEST:
                raise strange(path, f"texts of {value} tokens")


def _length(value: Any) -> int:
    """The length that a field asks for: a number, or the number in ``{"Fixed": 77}``."""
    numbers = value.values() if isinstance(value, Mapping) else (value,)
    return max((int(n) for n in numbers if isinstance(n, int | float)), default=0)
