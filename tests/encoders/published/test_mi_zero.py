"""MI-Zero and CPLIP: names and shapes of the published files, and embeddings from such files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mi_zero_layout import SMALL, WORDS, names, part, published_layout, random_weights, small_spec, tiles
from mi_zero_reference import doubled, plain_linear, plain_swin, plain_text, timm_swin
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision import transforms
from transformers import BertConfig, BertForMaskedLM

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.architectures.mi_zero import MiZero, MiZeroShape
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.errors import EncoderError

NAMES = ("mi-zero", "mi-zero-pubmedbert", "cplip")
PROMPTS = ["benign", "An image of clear cells.", "Malignant tissue, no hematoxylin of a renal cell carcinoma"]


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return random_weights(names(SMALL))


@pytest.fixture
def folder(tmp_path: Path, weights: dict[str, Tensor]) -> Path:
    torch.save(published_layout(weights, SMALL, 96), tmp_path / "epoch_50.pt")
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("image_size", [224, 448])
def test_names_and_shapes_are_those_of_the_published_models(image_size: int) -> None:
    published = MiZeroShape(
        image_size, 96, (2, 2, 6, 2), (3, 6, 12, 24), 7, 512, 30522, None, 512, 768, 12, 12
    )
    with torch.device("meta"):
        built = MiZero(MiZeroShape(image_size=image_size)).state_dict()
    assert {n: tuple(t.shape) for n, t in built.items()} == dict(names(published))


@pytest.mark.parametrize("name", NAMES)
def test_entries_build_the_published_model_and_say_that_they_are_experimental(name: str) -> None:
    spec = registry()[name]
    assert spec.notice.startswith("Experimental")
    shape = MiZeroShape(image_size=spec.input_size, dim=spec.dim, **spec.shape)
    # Bio_ClinicalBERT has fewer tokens than the table has rows, which are always those of PubMedBERT
    assert (shape.vocab_size, shape.tokens) == (30522, 28996 if name == "mi-zero" else None)


@pytest.mark.parametrize("name", NAMES)
def test_pixels_are_prepared_as_by_the_publisher(name: str) -> None:
    published = transforms.Compose(
        [
            transforms.Resize(224),
            transforms.ToTensor(),
            transforms.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        ]
    )
    tile = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    prepare = registry()[name].preprocessing
    ours = prepare.normalise(torch.from_numpy(prepare.fit(tile)))
    assert torch.equal(ours[0], published(Image.fromarray(tile[0])))


def test_embeddings_of_the_published_layout(folder: Path, weights: dict[str, Tensor]) -> None:
    encoder = load_folder(small_spec(), folder, device="cpu")
    double, images = doubled(weights), tiles(48)

    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    prepared = ((torch.from_numpy(images) / 255 - mean) / std).permute(0, 3, 1, 2).double()
    described = torch.stack([plain_swin(image, part(double, "visual.trunk."), SMALL) for image in prepared])
    wanted = plain_linear(described, double, "visual.head.proj")
    np.testing.assert_allclose(encoder.embed_images(images), functional.normalize(wanted, dim=1), atol=2e-5)

    words = {w: i for i, w in enumerate(WORDS)}
    pieces = [
        "[CLS] benign [SEP]",
        "[CLS] an image of clear cell ##s . [SEP]",
        # twelve tokens are read, the last of which ends the text
        "[CLS] malignant tissue , no he ##ma ##to ##xy ##lin of [SEP]",
    ]
    rows = [plain_text([words[p] for p in text.split()], double, SMALL) for text in pieces]
    wanted = functional.normalize(torch.stack(rows), dim=1)
    np.testing.assert_allclose(encoder.embed_texts(PROMPTS), wanted, atol=2e-5)
    assert encoder.too_long(PROMPTS) == (2,)
    assert wanted[0] @ wanted[1] < 0.99

    assert encoder.logit_scale == pytest.approx(np.exp(3.0))
    assert encoder.dim == 10
    assert encoder.preprocessing == "shortest-bilinear-48-imagenet"


def test_loading_imports_no_library_of_models(folder: Path) -> None:
    code = """
import sys
from pathlib import Path
from mi_zero_layout import small_spec
from napari_histoalign.encoders.loading import load_folder
load_folder(small_spec(), Path(sys.argv[1]), device="cpu").embed_texts(["benign"])
print(sorted({"transformers", "timm", "open_clip", "torch"} & sys.modules.keys()))
"""
    child = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(child, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert done.stdout == "['torch']\n"


def test_a_prompt_is_the_same_alone_and_beside_longer_ones(folder: Path) -> None:
    encoder = load_folder(small_spec(), folder, device="cpu")
    alone = np.concatenate([encoder.embed_texts([prompt]) for prompt in PROMPTS])
    np.testing.assert_allclose(encoder.embed_texts(PROMPTS), alone, atol=1e-6)


def test_texts_are_embedded_as_by_the_published_class(folder: Path, weights: dict[str, Tensor]) -> None:
    """The publisher took BERT out of the model for masked words, and padded texts to the full context."""
    config = BertConfig(
        vocab_size=40,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=96,
        max_position_embeddings=16,
    )
    inner = BertForMaskedLM(config).eval().bert
    inner.load_state_dict(part(weights, "transformer."))
    ids = torch.tensor([[2, 10, 3] + 9 * [0], [2, 7, 9, 8, 22, 19, 20, 4, 3, 0, 0, 0]])
    with torch.inference_mode():
        out = inner(ids, attention_mask=(ids > 0).long(), output_hidden_states=True)
    wanted = functional.normalize(out["hidden_states"][-1][:, 0] @ weights["text_projection"], dim=1)
    encoder = load_folder(small_spec(), folder, device="cpu")
    np.testing.assert_allclose(encoder.embed_texts(PROMPTS[:2]), wanted, atol=1e-6)


def test_cplip_reads_a_plain_table_under_its_own_name(folder: Path, weights: dict[str, Tensor]) -> None:
    expected = load_folder(small_spec(), folder, device="cpu").embed_texts(PROMPTS)
    (folder / "epoch_50.pt").unlink()
    torch.save(weights, folder / "CPLIP.bin")
    encoder = load_folder(small_spec("cplip"), folder, device="cpu")
    np.testing.assert_array_equal(encoder.embed_texts(PROMPTS), expected)


def test_a_vocabulary_may_be_smaller_than_the_table(folder: Path) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS[:30]), encoding="utf-8")
    spec = small_spec()
    with pytest.raises(EncoderError, match=r"vocab\.txt has 30 tokens and not the 40"):
        load_folder(spec, folder, device="cpu")
    encoder = load_folder(replace(spec, shape={**spec.shape, "tokens": 30}), folder, device="cpu")
    assert encoder.embed_texts(["benign"]).shape == (1, 10)


INDEX = "visual.trunk.layers.0.blocks.1.attn.relative_position_index"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("visual.trunk.layers.0.downsample.norm.bias"), r"lacks visual\.trunk\.layers\.0"),
        (lambda w: w.pop(INDEX), r"lacks visual\.trunk\.layers\.0\.blocks\.1\.attn\.relative_position_index"),
        (lambda w: w.pop("text_projection"), "lacks text_projection"),
        (
            lambda w: w.update({"transformer.pooler.dense.bias": torch.zeros(24)}),
            "unknown transformer.pooler",
        ),
        (lambda w: w.update({"visual.trunk.attn_mask": torch.zeros(2)}), "unknown visual.trunk.attn_mask"),
        (lambda w: w.update(text_projection=torch.zeros(10, 24)), r"\(10, 24\) instead of \(24, 10\)"),
        (lambda w: w.update(logit_scale=torch.tensor(float("nan"))), "not finite in logit_scale"),
        (lambda w: w.update({INDEX: w[INDEX].T}), rf"another order in {INDEX}"),
    ],
    ids=["missing", "missing index", "missing projection", "extra", "extra mask", "shape", "nan", "index"],
)
def test_other_files_are_refused(
    folder: Path, weights: dict[str, Tensor], change: Callable[[dict[str, Tensor]], object], message: str
) -> None:
    changed = dict(weights)
    change(changed)
    torch.save(published_layout(changed, SMALL, 96), folder / "epoch_50.pt")
    with pytest.raises(EncoderError, match=message):
        load_folder(small_spec(), folder, device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_length": 17}, "17 tokens of a text; its text tower has room for 16"),
        ({"input_size": 50}, "multiple of 24 pixels, not 50"),
        (
            {"shape": {**small_spec().shape, "vision_heads": [2]}},
            "2 stages needs as many numbers of heads, not 1",
        ),
        ({"shape": {"colour": 3}}, "unknown shape colour"),
        ({"shape": {"tokens": 41, "vocab_size": 40}}, "wants 41 tokens; its text tower knows 40"),
    ],
    ids=["context", "image", "heads", "unknown", "tokens"],
)
def test_entries_that_cannot_be_are_refused(folder: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        load_folder(small_spec(**changes), folder, device="cpu")


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_full_size_from_files_in_the_published_layout(name: str, tmp_path: Path) -> None:
    spec = registry()[name]
    shape = MiZeroShape(image_size=spec.input_size, dim=spec.dim, **spec.shape)
    weights = random_weights(names(shape))
    torch.save(published_layout(weights, shape, 448), tmp_path / next(iter(spec.files)))
    words = WORDS + [f"v{i}" for i in range((shape.tokens or shape.vocab_size) - len(WORDS))]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    encoder = load_folder(spec, tmp_path, device="cpu")

    images = encoder.embed_images(tiles(256, 2))
    timm = timm_swin(part(weights, "visual.trunk."), shape)
    prepare = spec.preprocessing
    with torch.inference_mode():
        described = timm(prepare.normalise(torch.from_numpy(prepare.fit(tiles(256, 2)))))
    wanted = functional.normalize(plain_linear(described, weights, "visual.head.proj"), dim=1)
    assert (images * wanted.numpy()).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert images[0] @ images[1] < 0.999

    texts = encoder.embed_texts(PROMPTS)
    ids = [WORDS.index(w) for w in ("[CLS]", "benign", "[SEP]")]
    wanted = functional.normalize(plain_text(ids, doubled(weights), shape), dim=0)
    assert texts[0] @ wanted.numpy() == pytest.approx(1, abs=1e-5)
    assert texts[0] @ texts[1] < 0.999
