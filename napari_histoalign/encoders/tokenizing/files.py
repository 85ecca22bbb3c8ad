"""Tokenizer files of other people, looked at before a library reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_histoalign.errors import EncoderError

LARGEST = {
    "tokenizer.json": 64 << 20, "vocab.json": 16 << 20, "merges.txt": 16 << 20, "vocab.txt": 16 << 20,
    "spiece.model": 16 << 20, "tokenizer.model": 16 << 20, "sentencepiece.bpe.model": 16 << 20,
    "tokenizer_config.json": 8 << 20, "special_tokens_map.json": 1 << 20, "added_tokens.json": 4 << 20,
}  # fmt: skip
"""Bytes. The largest published one, SigLIP 2's tokenizer.json of 256,000 pieces, has about 34 million."""
LONGEST = 1 << 16
"""Tokens that a file may ask texts to be padded or cut to; no text tower reads as many."""
STEPS = 32
"""Steps of normalising a text and of taking it apart."""
GROWTH = 64
"""How many times longer all replacements together may make a text. Published ones keep its length."""
LONG_PIECE = 1000
"""Letters of a pattern, replacement or added token."""
NORMALIZERS = {
    "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled",
    "Prepend", "Replace", "Sequence", "Strip", "StripAccents",
}  # fmt: skip


def check_tokenizer_files(folder: Path) -> None:
    """Make sure that reading a folder's tokenizer stays within bounds.

    The library behind ends the whole process where memory runs out, as steps that double a text forty
    times would make it.

    Raises
    ------
    EncoderError
        A file is too large or cannot be read, or asks for what no published tokenizer does.
    """
    for name in LARGEST:
        check_size(folder / name)
    path = folder / "tokenizer.json"
    if not path.is_file():
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise EncoderError(f"{path} cannot be read as JSON ({err}). Get it again.") from err
    try:
        _check(found, path)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise EncoderError(f"{path} describes no tokenizer ({type(err).__name__}: {err}).") from err


def check_size(path: Path) -> None:
    """Raise an `EncoderError` for a file of a known name that is larger than any of its kind."""
    try:
        size = path.stat().st_size
    except OSError:  # absent, or whoever opens it says why it cannot be read
        return
    if size > LARGEST.get(path.name, LARGEST["vocab.txt"]):
        raise EncoderError(f"{path} has {size / 1e6:.0f} MB: no tokenizer file is as large. Get it again.")


def _check(found: Mapping[str, Any], path: Path) -> None:
    growth = 1
    steps = list(_steps(found.get("normalizer"), "normalizers"))
    for step in steps:
        if step["type"] not in NORMALIZERS:
            raise _strange(path, f"the normalizer {str(step['type'])[:60]!r}")
        text = str(step.get("content", "")) + str(step.get("prepend", ""))
        if len(text) > LONG_PIECE:
            raise _strange(path, "replacements of a thousand letters")
        growth *= max(1, len(text)) if step["type"] == "Replace" else 1
    cuts = list(_steps(found.get("pre_tokenizer"), "pretokenizers"))
    if len(steps) + len(cuts) > STEPS or growth > GROWTH:
        raise _strange(path, "steps that make a text many times longer")
    if any(len(str(step.get("pattern", ""))) > LONG_PIECE for step in (*steps, *cuts)):
        raise _strange(path, "patterns of a thousand letters")
    for part, keys in (
        ("truncation", ("max_length", "stride")),
        ("padding", ("pad_to_multiple_of", "strategy")),
    ):
        for value in (_lengths((found.get(part) or {}).get(key)) for key in keys):
            if value > LONGEST:
                raise _strange(path, f"texts of {value} tokens")
    if any(len(token["content"]) > LONG_PIECE for token in found.get("added_tokens") or ()):
        raise _strange(path, "tokens of a thousand letters")


def _steps(step: Any, inner: str) -> Iterator[Mapping[str, Any]]:
    """A step and those in it."""
    if step is None:
        return
    yield step
    for part in step.get(inner) or ():
        yield from _steps(part, inner)


def _lengths(value: Any) -> int:
    """The length that a field asks for: a number, or the number in ``{"Fixed": 77}``."""
    numbers = value.values() if isinstance(value, Mapping) else (value,)
    return max((int(n) for n in numbers if isinstance(n, int | float)), default=0)


def _strange(path: Path, what: str) -> EncoderError:
    return EncoderError(f"{path} asks for {what}, which no published tokenizer does: it is not read.")
