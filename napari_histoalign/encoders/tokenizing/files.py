"""Tokenizer files of other people, looked at before a library reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.tokenizing.bounds import check_pieces, strange
from napari_histoalign.encoders.tokenizing.recipe import LONGEST, MOST_ADDED, check_recipe, read_object
from napari_histoalign.encoders.tokenizing.sentencepieces import check_sentencepieces
from napari_histoalign.errors import EncoderError

RECIPE = "tokenizer.json"
SENTENCEPIECES = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
LARGEST = {
    RECIPE: 64 << 20, "vocab.json": 16 << 20, "merges.txt": 16 << 20, "vocab.txt": 16 << 20,
    **dict.fromkeys(SENTENCEPIECES, 32 << 20),
    "tokenizer_config.json": 8 << 20, "special_tokens_map.json": 1 << 20, "added_tokens.json": 4 << 20,
}  # fmt: skip
"""Bytes. The largest published tokenizer.json, SigLIP 2's of 256,000 pieces, has about 34 million, and the
largest sentencepiece model, XLM-V's of 900,000, about 18 million."""
OTHER = 16 << 20
"""Bytes of files of other names."""
COUNTS = ("extra_ids", "offset", "extra_tokens")
"""Settings that ask for so many tokens more."""


def check_tokenizer_files(folder: Path) -> int:
    """Make sure that reading a folder's tokenizer stays within bounds.

    Returns
    -------
    int
        How many times longer it may make a text before that is cut to tokens.

    Raises
    ------
    EncoderError
        A file is too large or cannot be read, or asks for what no published tokenizer does.
    """
    for name in LARGEST:
        check_size(folder / name)
    for name in SETTINGS:
        if (folder / name).is_file():
            _check_settings(read_object(folder / name), folder / name)
    if (folder / "vocab.txt").is_file():
        check_pieces(_text(folder / "vocab.txt").split("\n"), folder / "vocab.txt", tree=True)
    if (folder / "vocab.json").is_file():
        check_pieces(read_object(folder / "vocab.json"), folder / "vocab.json", tree=True)
    growth = [check_sentencepieces(folder / name) for name in SENTENCEPIECES if (folder / name).is_file()]
    if (folder / RECIPE).is_file():
        growth.append(check_recipe(folder / RECIPE))
    return max(growth, default=1)


def check_size(path: Path) -> None:
    """Raise an `EncoderError` for a file that is larger than any of its kind."""
    try:
        size = path.stat().st_size
    except OSError:  # absent, or whoever opens it says why it cannot be read
        return
    if size > LARGEST.get(path.name, OTHER):
        raise EncoderError(f"{path} has {size / 1e6:.0f} MB: no tokenizer file is as large. Get it again.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise EncoderError(f"{path} cannot be read as text in UTF-8 ({reason(err)}). Get it again.") from err


def _check_settings(found: Mapping[str, Any], path: Path) -> None:
    if any(len(part) > MOST_ADDED for part in _parts(found)):
        raise strange(path, f"lists of more than {MOST_ADDED} tokens")
    for name in COUNTS:
        value = found.get(name) or 0
        if not isinstance(value, int) or value > LONGEST:
            raise strange(path, f"{name} {str(value)[:40]}")
    # another file than the one that is looked at here, perhaps of another folder
    others = found.get("fast_tokenizer_files") or RECIPE
    if others not in (RECIPE, [RECIPE]):
        raise strange(path, f"the files {str(others)[:60]}")
    if found.get("sp_model_kwargs"):  # such as pieces that are drawn at random
        raise strange(path, f"sp_model_kwargs {str(found['sp_model_kwargs'])[:60]}")


def _parts(found: Any) -> Iterator[Any]:
    """Tables and lists in a setting."""
    if isinstance(found, Mapping | list):
        yield found
        for part in found.values() if isinstance(found, Mapping) else found:
            yield from _parts(part)
