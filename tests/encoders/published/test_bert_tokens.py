"""Word pieces: the ids of the published tokenizers, and what a text loses on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plain_bert import LETTERS, PIECES, SPECIAL, write_vocabulary

from napari_histoalign.encoders.tokenizing.bert import WordPiece
from napari_histoalign.errors import EncoderError

SIZE, CONTEXT = 220, 24
AWKWARD = [
    "An H&E image of invasive DUCTAL carcinoma.",
    "carcinomas",
    "",
    "  \t\r\n ",
    "é É e\u0301 Überaus ÅSTRÖM",
    "ß İ \u0131 ﬁ ½ µ Σ ς №",
    "腺管形成 of 腺",
    "🔬 👩‍🔬 tissue🔬",
    "\x00\x07\x7f\x85 of\x00an \u200b\u2060\ufeff \ufffd",
    "a\u00a0b\u3000c\u2028d\u2029e",
    "don't 3+ (IHC) 40x — “well-differentiated” `a|b` $5",
    "가각 العربية हिन्दी",
    "a [SEP] b [MASK][UNK] [PAD] [CLS] [sep]",
    "x" * 100,
    "x" * 101,
    "of " * 200,
    "of " * 22,  # fills the context
    "of " * 23,
]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vocabulary(tmp_path_factory.mktemp("bert") / "vocab.txt", SIZE)


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("legacy", [False, True], ids=["transformers", "its older one in Python"])
def test_ids_are_those_of_the_published_tokenizers(vocabulary: Path, lowercase: bool, legacy: bool) -> None:
    from transformers import BertTokenizer
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    published = (BertTokenizerLegacy if legacy else BertTokenizer)(str(vocabulary), do_lower_case=lowercase)
    tokens = WordPiece(vocabulary, lowercase, CONTEXT, SIZE)(AWKWARD)

    for row, mask, text in zip(tokens.ids, tokens.mask, AWKWARD, strict=True):
        expected = published(text, padding="max_length", truncation=True, max_length=CONTEXT)
        if legacy and not lowercase and "e\u0301" in text:
            continue  # the older one joined letters and accents first, and no publisher used it
        assert row.tolist() == expected["input_ids"], text
        assert mask.astype(int).tolist() == expected["attention_mask"], text


def test_a_text_by_hand(vocabulary: Path) -> None:
    words = [*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), *PIECES]
    tokens = WordPiece(vocabulary, lowercase=True, context_length=12)(["Ductal: of 🔬, é", "of"])
    expected = ["[CLS]", "duct", "##al", ":", "of", "[UNK]", ",", "e", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]

    assert [words[i] for i in tokens.ids[0]] == expected
    assert tokens.ids.dtype == np.int64 and tokens.mask.dtype == np.bool_
    assert tokens.mask.sum(axis=1).tolist() == [9, 3] and not tokens.mask[0, 9:].any()
    assert tokens.truncated == ()


def test_the_end_token_survives_and_cut_texts_are_told(vocabulary: Path) -> None:
    tokens = WordPiece(vocabulary, lowercase=True, context_length=5)(
        ["of of of", "an image of an image", "an"]
    )

    assert tokens.truncated == (1,)
    end = SPECIAL.index("[SEP]")
    assert tokens.ids[0, 4] == tokens.ids[1, 4] == tokens.ids[2, 2] == end
    assert (tokens.ids[:2] == end).sum(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("an image of invasive ductal carcinoma", []),
        ("🔬 of Tissue🔬, 🔬", ["🔬", "Tissue🔬"]),
        ("of " * 60 + "腺管", ["管"]),
        (f"an {'x' * 101} image", ["x" * 101]),
    ],
)
def test_unknown_words_are_told_as_they_were_written(vocabulary: Path, text: str, unknown: list[str]) -> None:
    assert WordPiece(vocabulary, lowercase=True, context_length=CONTEXT).unknown(text) == unknown


def test_capitals_count_in_a_cased_vocabulary(vocabulary: Path) -> None:
    cased, uncased = (
        WordPiece(vocabulary, low, CONTEXT)(["CARCINOMA", "carcinoma"]) for low in (False, True)
    )

    assert (uncased.ids[0] == uncased.ids[1]).all() and (cased.ids[1] == uncased.ids[1]).all()
    assert cased.mask[0].sum() == 2 + len("CARCINOMA")


def test_lines_end_as_on_any_system_and_nowhere_else(tmp_path: Path) -> None:
    words = [*SPECIAL, "a\u2028", "of", "", "an"]
    for name, end, last in (("unix", "\n", "\n"), ("windows", "\r\n", "\r\n"), ("bare", "\n", "")):
        path = tmp_path / name
        path.write_bytes((end.join(words) + last).encode())
        ids = WordPiece(path, lowercase=True, context_length=4, vocabulary=len(words))(["of an"]).ids
        assert ids.tolist() == [[2, 6, 8, 3]]


@pytest.mark.parametrize("token", ["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
def test_a_vocabulary_without_a_needed_token_is_refused(vocabulary: Path, tmp_path: Path, token: str) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text(vocabulary.read_text("utf-8").replace(token, "[no]"), encoding="utf-8")

    with pytest.raises(EncoderError) as caught:
        WordPiece(path, lowercase=True, context_length=CONTEXT)
    assert str(path) in str(caught.value) and token in str(caught.value)


def test_a_file_that_is_no_vocabulary_is_refused(vocabulary: Path, tmp_path: Path) -> None:
    binary = tmp_path / "binary.txt"
    binary.write_bytes(vocabulary.read_bytes() + b"\xff\xfe")
    short = tmp_path / "short.txt"
    short.write_bytes(vocabulary.read_bytes()[:-30])

    with pytest.raises(EncoderError, match=r"binary\.txt is no vocabulary"):
        WordPiece(binary, lowercase=True, context_length=CONTEXT)
    with pytest.raises(EncoderError, match=r"absent\.txt cannot be read"):
        WordPiece(tmp_path / "absent.txt", lowercase=True, context_length=CONTEXT)
    with pytest.raises(EncoderError, match=rf"short\.txt has \d+ tokens and not the {SIZE}"):
        WordPiece(short, lowercase=True, context_length=CONTEXT, vocabulary=SIZE)
