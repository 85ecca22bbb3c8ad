"""Token ids are the reference's, on prompts that are easy to get wrong."""

from __future__ import annotations

import html
import json

import numpy as np
import open_clip
import pytest

from napari_histoalign.encoders.tokenizing.clip import ClipTokenizer

AWKWARD = [
    "a photo of a cat", "H&E stained  image\nof\tcarcinoma", "Crohn’s disease — 20× 0.5 µm/px",
    "naïve café ΑΒΓ ß ﬁbrosis", "浸润性导管癌", "🔬 emoji 👩‍🔬", "&amp;lt; &amp; html",
    "don't we'll I'VE he'd",
    "HER2+++ 3+4=7", "x" * 500, "tumour " * 200, "", "   ", "\x00\x07 control", "a\u0301 combining",
    "ＦＵＬＬｗｉｄｔｈ", "İstanbul ŞIĞ", "\u200bzero\u200bwidth", "schÃ¶n mojibake", "½ ² ① Ⅷ",
    "_under_score__x",
    "नमस्ते दुनिया", "مرحبا بالعالم", "tab\tand\u00a0no-break", "ends with 's", "a.b,c;d:e!f?", "\ud7ff\ue000",
]  # fmt: skip


@pytest.fixture(scope="module")
def clip() -> ClipTokenizer:
    return ClipTokenizer(77)


def test_ids_are_those_of_open_clip(clip) -> None:
    found = clip(AWKWARD)

    for text, mine, reference in zip(AWKWARD, found.ids, open_clip.tokenize(AWKWARD).numpy(), strict=True):
        np.testing.assert_array_equal(mine, reference, err_msg=repr(text[:60]))
    assert [AWKWARD[i][0] for i in found.truncated] == ["x", "t"]


def test_known_ids_of_a_known_sentence(clip) -> None:
    """As printed wherever CLIP's tokenizer is explained."""
    found = clip(["a photo of a cat"])

    assert found.ids[0, :7].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert found.mask.sum() == 7 and not found.ids[0, 7:].any()


def test_ids_are_those_of_transformers_where_texts_need_no_repair(clip, tmp_path) -> None:
    """PLIP and CLIP are published with this tokenizer, which has no ftfy."""
    from transformers import CLIPTokenizer

    reference = open_clip.tokenizer.SimpleTokenizer()
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {names.get(token, token): i for token, i in reference.encoder.items()}
    merges = [" ".join(pair) for pair in reference.bpe_ranks]
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    theirs = CLIPTokenizer.from_pretrained(tmp_path, local_files_only=True)
    import ftfy

    plain = [t for t in AWKWARD if t and ftfy.fix_text(t) == t == html.unescape(t)]
    assert len(plain) > 15

    for text, mine, mask in zip(plain, (found := clip(plain)).ids, found.mask, strict=True):
        ids = theirs(text, truncation=True, max_length=77)["input_ids"]
        assert mine[mask].tolist() == ids, repr(text[:60])


def test_marks_written_out_in_a_prompt_are_words(clip) -> None:
    """A prompt cannot end itself early; open_clip would read the mark."""
    found = clip(["one <end_of_text> two"])

    assert (found.ids[0] == 49407).sum() == 1
    assert found.mask.sum() > 5


@pytest.mark.parametrize("length", [16, 32, 77])
def test_a_long_prompt_keeps_its_beginning_and_the_end_token(length) -> None:
    found = ClipTokenizer(length)(["tumour " * 100, "tumour"])

    np.testing.assert_array_equal(
        found.ids, open_clip.tokenizer.SimpleTokenizer()(["tumour " * 100, "tumour"], length).numpy()
    )
    assert found.ids.shape == (2, length) and found.truncated == (0,)
