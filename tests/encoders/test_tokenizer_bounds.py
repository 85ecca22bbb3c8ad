"""A hostile tokenizer.json is refused before a library reads it, and what is published is not.

Without these checks most of the files here end the whole process, or take gigabytes or minutes.
"""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest
from test_odd_tokenizers import save_tokenizer

from napari_histoalign.encoders.tokenizing.bounds import MOST_LETTERS, longest_replacement, nodes
from napari_histoalign.encoders.tokenizing.conch import ConchTokenizer
from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer
from napari_histoalign.encoders.tokenizing.recipe import check_recipe
from napari_histoalign.errors import EncoderError

BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}
TEXT = [{"Sequence": {"id": "A", "type_id": 0}}]


def saved(folder: Path, **parts: Any) -> Path:
    """A tokenizer.json with these parts instead of harmless ones."""
    path = save_tokenizer(folder) / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **parts}))
    return path


def replacing(content: str, **pattern: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def normal(*steps: Any) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": list(steps)}


def cut(*steps: Any) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": list(steps)}


def table(replacement: str) -> dict[str, Any]:
    blob = (4).to_bytes(4, "little") + bytes(4) + replacement.encode() + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(blob).decode()}


def signs(single: list, ids: int = 1) -> dict[str, Any]:
    sign = {"id": "<pad>", "ids": [1] * ids, "tokens": ["<pad>"] * ids}
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": {"<pad>": sign}}


def words(**fields: Any) -> dict[str, Any]:
    """A model whose only words are the signs."""
    return {"type": "WordPiece", "unk_token": "<unk>", "vocab": {"<unk>": 0, "<pad>": 1}, **fields}


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"normalizer": normal(*[replacing("aa", String="a")] * 30)}, "many times longer"),
        ({"normalizer": normal(*[replacing("a", Regex="")] * 30)}, "many times longer"),
        ({"normalizer": normal(*[replacing("a", Regex="(?=a)")] * 30)}, "many times longer"),
        ({"normalizer": normal(*[replacing("a", String="")] * 30)}, "many times longer"),
        ({"normalizer": normal(*[{"type": "ByteLevel"}] * 30)}, "many times longer"),
        (
            {"normalizer": normal(*[replacing("\ufdfa", String="\u0644"), {"type": "NFKD"}] * 15)},
            "many times",
        ),
        ({"normalizer": normal(*[table("a" * 60)] * 3)}, "many times longer"),
        ({"normalizer": normal(*[{"type": "Prepend", "prepend": "a" * 99}] * 3)}, "many times longer"),
        (
            {"normalizer": normal(*[{"type": "Strip", "strip_left": True, "strip_right": True}] * 40)},
            "41 steps",
        ),
        ({"normalizer": replacing("a" * 2000, String="a")}, "describes no tokenizer"),
        ({"normalizer": {"type": "Script"}}, "the normalizer 'Script'"),
        ({"normalizer": 7}, "describes no tokenizer"),
        ({"normalizer": {}}, "describes no tokenizer"),
        ({"pre_tokenizer": cut(*[BYTES] * 30)}, "many times longer"),
        ({"pre_tokenizer": {"type": "Random"}}, "the pre_tokenizer 'Random'"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a" * 2000}}}, "describes no tokenizer"),
        ({"post_processor": signs([{"SpecialToken": {"id": "<pad>"}}] * 100 + TEXT)}, "by the hundred"),
        ({"post_processor": signs(TEXT, ids=1000)}, "by the hundred"),
        ({"post_processor": signs(TEXT * 2)}, "other than one part"),
        ({"truncation": {"max_length": 10**9, "stride": 0}}, "1000000000 tokens"),
        ({"padding": {"strategy": {"Fixed": 10**12}}}, "1000000000000 tokens"),
        ({"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": 10**9}}, "1000000000 tokens"),
        ({"added_tokens": [{"id": 9, "content": "x" * 2000}]}, "a piece of 2000 letters"),
        ({"added_tokens": [{"id": 9, "content": "x"}] * 40_000}, "40000 added tokens"),
        ({"added_tokens": [{"id": 9}]}, "describes no tokenizer"),
        ({"model": 3}, "describes no tokenizer"),
        ({"model": None}, "describes no tokenizer"),
        ({"model": {**words(), "type": "Neural"}}, "the model 'Neural'"),
        ({"model": words(continuing_subword_prefix="#" * 5_000_000)}, "continuing_subword_prefix"),
        ({"model": words(max_input_chars_per_word=10**9)}, "words of more than a thousand letters"),
        ({"model": {"type": "BPE", "dropout": 0.5, "vocab": {}, "merges": []}}, "left out at random"),
        ({"model": {"type": "Unigram", "vocab": [["x" * 2000, 0.0]]}}, "a piece of 2000 letters"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_hostile_recipes_are_refused(parts: dict, sentence: str, tmp_path: Path) -> None:
    path = saved(tmp_path, **parts)
    for read in (lambda: FolderTokenizer(tmp_path, 8), lambda: ConchTokenizer(path, 8)):
        with pytest.raises(EncoderError, match=sentence):
            read()


def test_pieces_that_make_a_tree_of_gigabytes_are_refused(tmp_path: Path) -> None:
    letters = random.Random(0)
    pieces = [[letters.randbytes(450).hex(), -1.0] for _ in range(7200)]
    path = saved(tmp_path, model={"type": "Unigram", "unk_id": 0, "vocab": pieces})
    with pytest.raises(EncoderError, match="no beginnings in common"):
        check_recipe(path)


def test_nodes_are_beginnings() -> None:
    letters = random.Random(1)
    pieces = [bytes(letters.choices(b"abc", k=letters.randrange(1, 9))) for _ in range(300)]
    assert nodes(pieces) == len({piece[:end] for piece in pieces for end in range(1, len(piece) + 1)})


NFKC_TABLE = "ab" * 9
"""As long as the longest replacement of sentencepiece's own tables."""


@pytest.mark.parametrize(
    "parts",
    [
        {
            "normalizer": {"type": "BertNormalizer", "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
        },
        {
            "normalizer": normal({"type": "NFC"}, replacing(" ", Regex="\\s+"), {"type": "Lowercase"}),
            "pre_tokenizer": cut({"type": "Split", "pattern": {"Regex": "'s|\\p{L}+"}}, BYTES),
        },
        {
            "normalizer": normal(table(NFKC_TABLE), replacing(" ", Regex=" {2,}")),
            "pre_tokenizer": cut({"type": "WhitespaceSplit"}, {"type": "Metaspace"}),
        },
        {
            "normalizer": normal(
                {"type": "Lowercase"},
                replacing("", Regex="[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"),
                replacing(" ", Regex="\\s+"),
                {"type": "Strip"},
                table(NFKC_TABLE),
                replacing("\u2581", Regex=" {2,}"),
            ),
            "pre_tokenizer": {"type": "Metaspace"},
        },
        {
            "normalizer": normal(
                replacing('"', String="``"),
                replacing('"', String="''"),
                *({"type": kind} for kind in ("NFKD", "StripAccents", "Lowercase")),
                table(NFKC_TABLE),
                replacing(" ", Regex=" {2,}"),
            ),
            "pre_tokenizer": {"type": "Metaspace"},
        },
        {"normalizer": normal({"type": "Prepend", "prepend": "\u2581"}, replacing("\u2581", String=" "))},
        {"post_processor": {"type": "Sequence", "processors": [BYTES, signs([*TEXT, {"SpecialToken": {}}])]}},
        {"model": {"unk_token": None, "dropout": None, "vocab": {"a": 0}, "merges": []}},
    ],
    ids=["BERT", "CLIP", "XLM-R", "SigLIP", "ALBERT", "Llama", "Llama 3", "of 2020"],
)
def test_recipes_like_the_published_ones_are_within_bounds(parts: dict, tmp_path: Path) -> None:
    assert 1 <= check_recipe(saved(tmp_path, **parts)) < MOST_LETTERS / 1000


def test_the_longest_replacement_ends_at_a_zero() -> None:
    replacements = "a\0\u0635\u0644\u0649\0bc\0".encode()
    assert longest_replacement((8).to_bytes(4, "little") + bytes(8) + replacements) == 3
    assert longest_replacement(b"") == 0


def test_prompts_that_would_become_gigabytes_are_refused(tmp_path: Path) -> None:
    read = FolderTokenizer(saved(tmp_path, normalizer=replacing("a" * 900, String="a")).parent, 8)
    with pytest.raises(EncoderError, match=r"A prompt of 10000 letters is too long .* which takes 9320"):
        read(["gland", "a" * 10_000])
    with pytest.raises(EncoderError, match="A prompt of 10000 letters"):
        read.unknown("a" * 10_000)


def test_panics_of_rust_are_one_sentence(tmp_path: Path) -> None:
    """A table whose index points nowhere makes the library panic, which is no `Exception`."""
    blob = (4).to_bytes(4, "little") + b"\xff\xff\xff\xff" + b"a\0"
    broken = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(blob).decode()}
    path = saved(tmp_path, normalizer=broken)
    for read in (FolderTokenizer(tmp_path, 8), ConchTokenizer(path, 8)):
        with pytest.raises(EncoderError, match=r"cannot be used \(index out of bounds"):
            read(["gland"])
