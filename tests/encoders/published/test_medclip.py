"""MedCLIP: names and shapes of the published file, and embeddings on a second path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from medclip_reference import TEXT, VISION, State, plain_text, timm_swin
from plain_bert import (
    PROMPTS,
    Named,
    affine,
    bert_names,
    linear,
    random_weights,
    write_vocabulary,
)
from torch.nn import functional

from napari_histoalign.encoders import Encoder, EncoderSpec, registry
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.errors import EncoderError

PUBLISHED: dict[str, Any] = {
    "image_size": 224, "patch_size": 4, "window": 7, "vision_width": 96,
    "vision_blocks": (2, 2, 6, 2), "vision_heads": (3, 6, 12, 24), "dim": 512,
    "vocab_size": 28996, "text_positions": 512, "text_width": 768, "text_layers": 12, "text_heads": 12,
}  # fmt: skip
# windows of three patches: 9, 3 and 1 a side in the three stages
REDUCED: dict[str, Any] = {
    "image_size": 24, "patch_size": 2, "window": 3, "vision_width": 12,
    "vision_blocks": (2, 4, 2), "vision_heads": (1, 2, 3), "dim": 16,
    "vocab_size": 220, "text_positions": 30, "text_width": 24, "text_layers": 4, "text_heads": 3,
}  # fmt: skip
CONTEXT = 26


def expected(s: Mapping[str, Any]) -> Iterator[Named]:
    """Names and shapes of the published ``pytorch_model.bin`` but for its buffers."""
    width = s["vision_width"]
    yield "logit_scale", ()
    projection = f"{VISION}.embeddings.patch_embeddings.projection"
    yield f"{projection}.weight", (width, 3, s["patch_size"], s["patch_size"])
    yield f"{projection}.bias", (width,)
    yield from affine(f"{VISION}.embeddings.norm", width)
    last = len(s["vision_blocks"]) - 1
    for stage, (count, heads) in enumerate(zip(s["vision_blocks"], s["vision_heads"], strict=True)):
        for i in range(count):
            block = f"{VISION}.encoder.layers.{stage}.blocks.{i}"
            yield from affine(f"{block}.layernorm_before", width)
            yield f"{block}.attention.self.relative_position_bias_table", ((2 * s["window"] - 1) ** 2, heads)
            for part in ("query", "key", "value"):
                yield from affine(f"{block}.attention.self.{part}", width, width)
            yield from affine(f"{block}.attention.output.dense", width, width)
            yield from affine(f"{block}.layernorm_after", width)
            yield from affine(f"{block}.intermediate.dense", 4 * width, width)
            yield from affine(f"{block}.output.dense", width, 4 * width)
        if stage < last:
            yield f"{VISION}.encoder.layers.{stage}.downsample.reduction.weight", (2 * width, 4 * width)
            yield from affine(f"{VISION}.encoder.layers.{stage}.downsample.norm", 4 * width)
            width *= 2
    yield from affine(f"{VISION}.layernorm", width)
    yield "vision_model.projection_head.weight", (s["dim"], width)
    sizes = {"vocabulary": s["vocab_size"], "layers": s["text_layers"], "positions": s["text_positions"]}
    yield from bert_names(TEXT, width=s["text_width"], **sizes)
    yield "text_model.projection_head.weight", (s["dim"], s["text_width"])


def entry() -> EncoderSpec:
    """MedCLIP's entry with reduced sizes; tuples are lists in the registry's file."""
    shape = {k: list(v) if isinstance(v, tuple) else v for k, v in REDUCED.items()}
    spec = replace(
        registry()["medclip"], input_size=shape.pop("image_size"), dim=shape.pop("dim"), shape=shape
    )
    return replace(spec, context_length=CONTEXT)


def save(weights: State, folder: Path) -> None:
    """The published file, with the buffers that transformers 4.24 saved."""
    positions = torch.arange(weights[f"{TEXT}.embeddings.position_embeddings.weight"].shape[0])[None]
    buffers = {f"{TEXT}.embeddings.position_ids": positions}
    for name in weights:
        if name.endswith("relative_position_bias_table"):
            # what stands there does not matter, for it follows from the size of the windows
            buffers[name.replace("bias_table", "index")] = torch.zeros(9, 9, dtype=torch.int64)
    torch.save({**weights, **buffers}, folder / "pytorch_model.bin")


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    made = random_weights(expected(REDUCED), 0.3)
    made["logit_scale"] = torch.tensor(33.3).log()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_vocabulary(tmp_path / "vocab.txt", REDUCED["vocab_size"])
    return tmp_path


@pytest.fixture
def encoder(weights: State, folder: Path) -> Encoder:
    save(weights, folder)
    return load_folder(entry(), folder, device="cpu")


def tiles(n: int, height: int, width: int) -> np.ndarray:
    """Tiles in colour with flat places and edges."""
    coarse = np.random.default_rng(4).integers(0, 256, (n, 11, 11, 3), dtype=np.uint8)
    return coarse.repeat(-(-height // 11), axis=1).repeat(-(-width // 11), axis=2)[:, :height, :width]


def test_names_shapes_and_counts_are_the_published_ones() -> None:
    from napari_histoalign.encoders.architectures.medclip import MedClip

    with torch.device("meta"):
        ours = MedClip()
    assert {n: tuple(t.shape) for n, t in ours.state_dict().items()} == dict(expected(PUBLISHED))
    parts = (ours.vision_model.model, ours.text_model.model)
    assert [sum(p.numel() for p in part.parameters()) for part in parts] == [27_519_354, 108_310_272]


@torch.inference_mode()
def test_images_are_embedded_as_timm_does(encoder: Encoder, weights: State) -> None:
    seen = tiles(3, 40, 31)
    prepare = encoder.spec.preprocessing
    pixels = prepare.normalise(torch.from_numpy(prepare.fit(seen)))
    swin = timm_swin(weights, REDUCED).double()
    pooled = swin(pixels.double()) @ weights["vision_model.projection_head.weight"].double().T
    reference = functional.normalize(pooled, dim=-1).numpy()

    np.testing.assert_allclose(encoder.embed_images(seen), reference, atol=2e-6)
    assert (reference @ reference.T)[~np.eye(3, dtype=bool)].max() < 0.998, "the tiles have to differ"


@torch.inference_mode()
def test_texts_are_embedded_as_plain_functions_do_each_alone(encoder: Encoder, weights: State) -> None:
    exact = {n: t.double() for n, t in weights.items()}
    tokens = encoder._tokenizer(PROMPTS)  # type: ignore[attr-defined]
    rows = [row[mask].tolist() for row, mask in zip(tokens.ids, tokens.mask, strict=True)]
    reference = torch.stack([plain_text(exact, row, REDUCED["text_heads"]) for row in rows]).numpy()

    np.testing.assert_allclose(encoder.embed_texts(PROMPTS), reference, atol=2e-6)
    singly = np.concatenate([encoder.embed_texts([p]) for p in PROMPTS])
    np.testing.assert_allclose(singly, reference, atol=2e-6)
    assert len({len(r) for r in rows}) >= 5 and encoder.too_long(PROMPTS) == (2,)
    assert (reference @ reference.T)[~np.eye(len(rows), dtype=bool)].max() < 0.99


def test_capitals_do_not_count(encoder: Encoder) -> None:
    capitals, small = encoder.embed_texts(["INVASIVE Carcinoma", "invasive carcinoma"])
    assert (capitals == small).all()
    assert encoder.unknown_words("腺管 of Tissue") == ["管"]


@pytest.mark.parametrize(("saved", "scale"), [(33.3, 33.3), (250.0, 100.0), (0.5, 1.0)])
def test_scale_stays_where_the_published_code_keeps_it(
    weights: State, folder: Path, saved: float, scale: float
) -> None:
    save({**weights, "logit_scale": torch.tensor(saved).log()}, folder)
    assert load_folder(entry(), folder, device="cpu").logit_scale == pytest.approx(scale, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: w.pop("vision_model.projection_head.weight"),
            r"lacks vision_model\.projection_head\.weight",
        ),
        (lambda w: w.update({"vision_model.fc.weight": torch.zeros(3)}), r"unknown vision_model\.fc\.weight"),
        (lambda w: w.update({"logit_scale": torch.zeros(1)}), r"logit_scale .*\(1,\) instead of \(\)"),
        (lambda w: w.update({f"{VISION}.layernorm.bias": torch.full((48,), torch.inf)}), "damaged"),
    ],
)
def test_other_files_are_refused(weights: State, folder: Path, change, message: str) -> None:
    changed = dict(weights)
    change(changed)
    save(changed, folder)
    with pytest.raises(EncoderError, match=message):
        load_folder(entry(), folder, device="cpu")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"windows": 3}, "unknown shape windows; there are patch_size, text_heads"),
        ({"window": 5}, "Windows of 5 patches of 2 pixels do not fill 24 pixels"),
        ({"vocab_size": 221}, r"vocab\.txt has 220 tokens and not the 221"),
    ],
)
def test_other_sizes_are_refused(weights: State, folder: Path, shape: dict[str, int], message: str) -> None:
    save(weights, folder)
    spec = entry()
    with pytest.raises(EncoderError, match=message):
        load_folder(replace(spec, shape={**spec.shape, **shape}), folder, device="cpu")


@pytest.mark.full
@torch.inference_mode()
def test_full_size_against_timm_and_transformers(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    spec = registry()["medclip"]
    made = random_weights(expected(PUBLISHED), 0.04)
    made["logit_scale"] = torch.tensor(4.2)
    save(made, tmp_path)
    write_vocabulary(tmp_path / "vocab.txt", PUBLISHED["vocab_size"])
    encoder = load_folder(spec, tmp_path, device="cpu")

    seen = tiles(2, 256, 300)
    pixels = spec.preprocessing.normalise(torch.from_numpy(spec.preprocessing.fit(seen)))
    pooled = timm_swin(made, PUBLISHED)(pixels)
    images = functional.normalize(linear(made, "vision_model.projection_head", pooled), dim=-1).numpy()
    bert = BertModel(BertConfig(vocab_size=PUBLISHED["vocab_size"], output_hidden_states=True)).eval()
    root = f"{TEXT}."
    bert.load_state_dict(
        {n.removeprefix(root): t for n, t in made.items() if n.startswith(root)}, strict=True
    )
    tokens = encoder._tokenizer(PROMPTS)  # type: ignore[attr-defined]
    texts = []
    for ids, mask in zip(tokens.ids, tokens.mask, strict=True):
        states = bert(torch.from_numpy(ids[mask])[None]).hidden_states
        mean = torch.stack([states[1], states[2], states[-1]]).mean(0).mean(1)
        texts.append(functional.normalize(linear(made, "text_model.projection_head", mean), dim=-1))

    np.testing.assert_allclose(encoder.embed_images(seen), images, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_texts(PROMPTS), torch.cat(texts).numpy(), atol=1e-5)
    assert tokens.ids.shape[1] == 77 and images[0] @ images[1] < 0.999
