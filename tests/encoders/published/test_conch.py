"""CONCH: names and shapes of the published file, and embeddings as plain float64 arithmetic gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from conch_reference import (
    PUBLISHED,
    REDUCED,
    SPECIAL,
    VOCABULARY,
    WEIGHTS,
    Plain,
    Sizes,
    alphabet,
    encoding,
    expected,
    published_ids,
    random_weights,
)
from tokenizers import Tokenizer, models, trainers

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.tokenizing.conch import ConchTokenizer
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.base import Encoder
    from napari_histoalign.encoders.registry import EncoderSpec

CORPUS = [
    "an image of adenocarcinoma",
    "a photomicrograph showing benign tissue",
    "invasive ductal carcinoma",
] * 5
PROMPTS = [
    "benign",
    "An H&E image of invasive ductal CARCINOMA",
    "",
    " \t\r\n ",
    "éÜ ﬁ ½ İ ẞ Å",
    "腺管形成",
    "🔬 👩‍🔬",
    "\x00\x07\x7f\u200b\ufeff",
    "\u0301",
    "a <pad> of <end_of_text> and <|date|>",
    "word " * 200,
    "q" * 20,  # fills the context
    "don't 3+ (IHC) 40x µm",
]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vocabulary in the layout of the published one."""
    bpe = encoding(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=REDUCED["vocab_size"],
        special_tokens=SPECIAL,
        initial_alphabet=alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(CORPUS, trainer)
    assert bpe.get_vocab_size() == REDUCED["vocab_size"]
    path = tmp_path_factory.mktemp("conch") / VOCABULARY
    bpe.save(str(path))
    return path


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return random_weights(REDUCED, 0.3)


def entry(sizes: Sizes = REDUCED) -> EncoderSpec:
    """The registry's entry with other sizes, and without the hash of the published vocabulary."""
    spec_fields = {"image_size": "input_size", "dim": "dim", "context_length": "context_length"}
    return replace(
        registry()["conch"],
        files={WEIGHTS: None, VOCABULARY: None},
        shape={k: v for k, v in sizes.items() if k not in spec_fields},
        **{spec_fields[k]: v for k, v in sizes.items() if k in spec_fields},
    )


Loads = Callable[..., "Encoder"]


@pytest.fixture
def loads(tmp_path: Path, vocabulary: Path) -> Loads:
    """Saves weights as the publisher does and loads them."""

    def load(weights: dict[str, torch.Tensor], spec: EncoderSpec | None = None) -> Encoder:
        torch.save(weights, tmp_path / WEIGHTS)
        (tmp_path / VOCABULARY).write_bytes(vocabulary.read_bytes())
        return load_folder(spec or entry(), tmp_path, device="cpu")

    return load


def largest_cosine(rows: NDArray[np.floating[Any]]) -> float:
    """Between two different rows."""
    return float((rows @ rows.T - 2 * np.eye(len(rows))).max())


def test_registry_entry_prepares_pixels_as_published() -> None:
    spec = registry()["conch"]

    assert spec.preprocessing.key == "shortest-bicubic-448-openai"
    assert (spec.dim, spec.context_length, spec.similarity) == (512, 128, "softmax")
    assert set(spec.files) == {WEIGHTS, VOCABULARY} and not spec.shape


def test_full_size_has_the_published_names_shapes_and_counts() -> None:
    from napari_histoalign.encoders.architectures.conch import Conch

    towers = Conch()

    found = {n: tuple(t.shape) for n, t in towers.state_dict().items()}
    assert found == dict(expected(PUBLISHED)) and len(found) == 326
    assert sum(p.numel() for p in towers.visual.parameters()) == 90_392_832
    assert sum(p.numel() for p in towers.text.parameters()) == 110_129_664


def test_images_are_embedded_as_float64_arithmetic_does(
    loads: Loads, weights: dict[str, torch.Tensor]
) -> None:
    tiles = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    tiles[:, :, 16:] //= np.arange(1, 5, dtype=np.uint8)[:, None, None, None]
    plain = Plain(weights, REDUCED)
    reference = np.stack([plain.image(tile) for tile in tiles])

    np.testing.assert_allclose(loads(weights).embed_images(tiles), reference, atol=2e-6)
    assert largest_cosine(reference) < 0.99


def test_texts_are_embedded_as_float64_arithmetic_does(
    loads: Loads, weights: dict[str, torch.Tensor], vocabulary: Path
) -> None:
    texts = [t for t in PROMPTS if t.strip()]
    plain = Plain(weights, REDUCED)
    reference = np.stack([plain.text(row) for row in published_ids(vocabulary, texts, 24)])
    encoder = loads(weights)

    np.testing.assert_allclose(encoder.embed_texts(texts), reference, atol=2e-6)
    # alone, the short ones are cut to their own length
    np.testing.assert_allclose(
        np.concatenate([encoder.embed_texts([t]) for t in texts]), reference, atol=2e-6
    )
    assert largest_cosine(reference) < 0.99


def test_logit_scale_is_the_file_s(loads: Loads, weights: dict[str, torch.Tensor]) -> None:
    assert loads(weights).logit_scale == pytest.approx(56.35, rel=1e-6)


def test_token_ids_are_those_of_the_published_procedure(vocabulary: Path) -> None:
    tokens = ConchTokenizer(vocabulary, 24)(PROMPTS)
    reference = published_ids(vocabulary, PROMPTS, 24)

    np.testing.assert_array_equal(tokens.ids, reference)
    np.testing.assert_array_equal(tokens.mask, reference != 0)
    assert tokens.ids.shape == (len(PROMPTS), 24) and tokens.ids.dtype == np.int64


def test_long_prompts_keep_their_end_token_and_are_named(vocabulary: Path) -> None:
    # with the blank in front, 20 letters fill the 23 places that start and end leave two of
    tokens = ConchTokenizer(vocabulary, 24)(["q" * 20, "q" * 21, "benign", "q" * 90])

    assert tokens.truncated == (1, 3)
    assert (tokens.ids[:, 0] == 1).all()
    assert tokens.ids[[0, 1, 3], 22].tolist() == [2, 2, 2] and (tokens.ids[:, 23] == 0).all()


def test_case_and_accents_do_not_matter_and_every_word_is_known(vocabulary: Path) -> None:
    tokenizer = ConchTokenizer(vocabulary, 24)
    one, other, third = tokenizer(["Ménière TUMOUR", "meniere tumour", "meniere tumours"]).ids

    assert (one == other).all() and (one != third).any()
    assert tokenizer.unknown("腺管 🔬") == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda w: w.pop("visual.proj_contrast"),
            r"does not hold these weights: it lacks visual\.proj_contrast\.",
        ),
        (lambda w: w.pop("visual.attn_pool_caption.query"), r"it lacks visual\.attn_pool_caption\.query\."),
        (
            lambda w: w.update({"text.attn_mask": torch.zeros(2)}),
            r"does not hold these weights: it has the unknown text\.attn_mask\.",
        ),
        (
            lambda w: w.update({"visual.trunk.pos_embed": torch.zeros(1, 5, 24)}),
            r"visual\.trunk\.pos_embed has another shape \(.* is \(1, 5, 24\) instead of \(1, 17, 24\)\)",
        ),
    ],
)
def test_other_weights_are_refused(
    loads: Loads,
    weights: dict[str, torch.Tensor],
    change: Callable[[dict[str, torch.Tensor]], Any],
    sentence: str,
) -> None:
    changed = dict(weights)
    change(changed)

    with pytest.raises(EncoderError, match=sentence):
        loads(changed)


def test_a_file_with_the_caption_decoder_loads_the_same(
    loads: Loads, weights: dict[str, torch.Tensor]
) -> None:
    without = loads(weights).embed_texts(["benign"])
    more = {
        "text_decoder.ln_final.weight": torch.ones(20),
        "text_decoder.cross_attn.0.attn.in_proj_bias": torch.ones(60),
    }

    np.testing.assert_array_equal(loads(weights | more).embed_texts(["benign"]), without)


def test_unknown_sizes_are_refused(loads: Loads, weights: dict[str, torch.Tensor]) -> None:
    with pytest.raises(
        EncoderError, match=r"'conch' has the unknown shape dim, widht; there are caption_queries, "
    ):
        loads(weights, replace(entry(), shape={"widht": 3, "dim": 4}))


def test_another_vocabulary_is_refused(loads: Loads, weights: dict[str, torch.Tensor]) -> None:
    with pytest.raises(EncoderError, match="has 320 tokens and not the 321 of the text tower"):
        loads(weights, entry({**REDUCED, "vocab_size": 321}))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "cannot be read as JSON"), (Tokenizer(models.BPE()).to_str(), "has no token <pad>")],
)
def test_a_broken_vocabulary_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / VOCABULARY).write_text(content)

    with pytest.raises(EncoderError, match=f"{VOCABULARY} {sentence}"):
        ConchTokenizer(tmp_path / VOCABULARY)


@pytest.mark.full
def test_full_size_saves_loads_and_embeds(tmp_path: Path) -> None:
    letters = alphabet()
    pairs = [(a, b) for a in letters for b in letters[:124]]
    entries = [*SPECIAL, *letters, *(a + b for a, b in pairs)]
    bpe = encoding(models.BPE({e: i for i, e in enumerate(entries)}, pairs))
    bpe.add_special_tokens(SPECIAL)
    bpe.save(str(tmp_path / VOCABULARY))
    weights = random_weights(PUBLISHED, 0.04)
    torch.save(weights, tmp_path / WEIGHTS)
    tiles = np.random.default_rng(4).integers(0, 256, (2, 448, 448, 3), dtype=np.uint8)
    tiles[1, :, ::2] //= 3
    texts = ["an image of invasive ductal carcinoma", "benign", "word " * 200]

    encoder = load_folder(
        replace(registry()["conch"], files={WEIGHTS: None, VOCABULARY: None}), tmp_path, device="cpu"
    )

    plain = Plain(weights, PUBLISHED)
    images = np.stack([plain.image(tile) for tile in tiles])
    words = np.stack([plain.text(row) for row in published_ids(tmp_path / VOCABULARY, texts, 128)])
    np.testing.assert_allclose(encoder.embed_images(tiles), images, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_texts(texts), words, atol=1e-5)
    assert largest_cosine(images) < 0.99 and largest_cosine(words) < 0.99
    assert encoder.too_long(texts) == (2,) and encoder.logit_scale == pytest.approx(56.35)
