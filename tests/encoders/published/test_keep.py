"""KEEP: names and shapes of the published files, and embeddings as plain functions give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from keep_reference import State, plain_image, plain_text
from plain_bert import (
    PROMPTS,
    Named,
    affine,
    bert_names,
    linear,
    random_weights,
    write_vocabulary,
)
from safetensors.torch import save_file
from torch.nn import functional
from torchvision import transforms

from napari_histoalign.encoders import Encoder, EncoderSpec, registry
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.errors import EncoderError

PUBLISHED = {
    "image_size": 224, "patch_size": 16, "vision_width": 1024, "vision_layers": 24, "vision_heads": 16,
    "dim": 768, "vocab_size": 30522, "text_positions": 512, "text_layers": 12, "text_heads": 12,
}  # fmt: skip
REDUCED = {
    "image_size": 48, "patch_size": 16, "vision_width": 40, "vision_layers": 2, "vision_heads": 5,
    "dim": 24, "vocab_size": 220, "text_positions": 30, "text_layers": 3, "text_heads": 4,
}  # fmt: skip
CONTEXT = 26


def expected(s: Mapping[str, int]) -> Iterator[Named]:
    """Names and shapes of the publisher's ``pytorch_model.bin``, from the published description."""
    vision, dim = s["vision_width"], s["dim"]
    yield "logit_scale", ()
    yield "visual.cls_token", (1, 1, vision)
    yield "visual.pos_embed", (1, (s["image_size"] // s["patch_size"]) ** 2 + 1, vision)
    yield "visual.patch_embed.proj.weight", (vision, 3, s["patch_size"], s["patch_size"])
    yield "visual.patch_embed.proj.bias", (vision,)
    for i in range(s["vision_layers"]):
        block = f"visual.blocks.{i}"
        yield from affine(f"{block}.norm1", vision)
        yield from affine(f"{block}.attn.qkv", 3 * vision, vision)
        yield from affine(f"{block}.attn.proj", vision, vision)
        yield f"{block}.ls1.gamma", (vision,)
        yield from affine(f"{block}.norm2", vision)
        yield from affine(f"{block}.mlp.fc1", 4 * vision, vision)
        yield from affine(f"{block}.mlp.fc2", vision, 4 * vision)
        yield f"{block}.ls2.gamma", (vision,)
    yield from affine("visual.norm", vision)
    yield from affine("visual_head.0", dim, vision)
    yield from affine("visual_head.2", dim, dim)
    sizes = {"vocabulary": s["vocab_size"], "layers": s["text_layers"], "positions": s["text_positions"]}
    yield from bert_names("text", width=dim, **sizes)


def entry() -> EncoderSpec:
    """KEEP's entry with reduced sizes."""
    shape = {k: v for k, v in REDUCED.items() if k not in ("image_size", "dim")}
    spec = replace(registry()["keep"], input_size=REDUCED["image_size"], dim=REDUCED["dim"], shape=shape)
    return replace(spec, context_length=CONTEXT)


def save_hub(weights: State, folder: Path) -> None:
    """The file of the hub, where the layer scales have another name."""
    named = {
        n.replace("ls1.gamma", "ls1.weight").replace("ls2.gamma", "ls2.weight"): t for n, t in weights.items()
    }
    save_file({n: t.contiguous() for n, t in named.items()}, folder / "model.safetensors")


def save_drive(weights: State, folder: Path) -> None:
    """The file of the publisher's other address, with the buffers of older versions of transformers."""
    positions = torch.arange(weights["text.embeddings.position_embeddings.weight"].shape[0])[None]
    buffers = {"position_ids": positions, "token_type_ids": torch.zeros_like(positions)}
    torch.save(
        {**weights, **{f"text.embeddings.{n}": t for n, t in buffers.items()}}, folder / "pytorch_model.bin"
    )


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    made = random_weights(expected(REDUCED), 0.25)
    made["logit_scale"] = torch.tensor(41.5).log()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_vocabulary(tmp_path / "vocab.txt", REDUCED["vocab_size"])
    return tmp_path


@pytest.fixture(params=[save_hub, save_drive])
def encoder(request: pytest.FixtureRequest, weights: State, folder: Path) -> Encoder:
    request.param(weights, folder)
    return load_folder(entry(), folder, device="cpu")


def tiles(n: int, height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(2).integers(0, 256, (n, 6, 6, 3), dtype=np.uint8)
    return coarse.repeat(-(-height // 6), axis=1).repeat(-(-width // 6), axis=2)[:, :height, :width]


def test_names_shapes_and_counts_are_the_published_ones() -> None:
    from napari_histoalign.encoders.architectures.keep import Keep

    with torch.device("meta"):
        ours = Keep()
    assert {n: tuple(t.shape) for n, t in ours.state_dict().items()} == dict(expected(PUBLISHED))
    counts = [
        sum(p.numel() for p in part.parameters()) for part in (ours.visual, ours.text, ours.visual_head)
    ]
    assert counts == [303_350_784, 109_482_240, 1025 * 768 + 769 * 768]


def test_entry_says_what_the_published_code_does() -> None:
    spec = registry()["keep"]
    published = transforms.Compose(
        [
            transforms.Resize(224, interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    assert (spec.context_length, spec.dim, spec.similarity) == (256, 768, "softmax")
    for tile in (*tiles(1, 256, 256), *tiles(1, 190, 300), *tiles(1, 224, 224)):
        found = spec.preprocessing.normalise(torch.from_numpy(spec.preprocessing.fit(tile[None])))
        assert torch.equal(found[0], published(transforms.ToPILImage()(tile)))


@torch.inference_mode()
def test_images_are_embedded_as_plain_functions_do(encoder: Encoder, weights: State) -> None:
    seen = tiles(3, 60, 52)
    exact = {n: t.double() for n, t in weights.items()}
    prepare = encoder.spec.preprocessing
    pixels = prepare.normalise(torch.from_numpy(prepare.fit(seen))).double()
    reference = plain_image(exact, pixels, REDUCED["vision_heads"]).numpy()

    np.testing.assert_allclose(encoder.embed_images(seen), reference, atol=2e-6)
    assert (reference @ reference.T)[~np.eye(3, dtype=bool)].max() < 0.99, "the tiles have to differ"


@torch.inference_mode()
def test_texts_are_embedded_as_plain_functions_do(encoder: Encoder, weights: State) -> None:
    exact = {n: t.double() for n, t in weights.items()}
    tokens = encoder._tokenizer(PROMPTS)  # type: ignore[attr-defined]
    rows = [row[mask].tolist() for row, mask in zip(tokens.ids, tokens.mask, strict=True)]
    reference = torch.stack([plain_text(exact, row, REDUCED["text_heads"]) for row in rows]).numpy()

    np.testing.assert_allclose(encoder.embed_texts(PROMPTS), reference, atol=2e-6)
    assert len({len(r) for r in rows}) >= 5 and encoder.too_long(PROMPTS) == (2,)
    assert (reference @ reference.T)[~np.eye(len(rows), dtype=bool)].max() < 0.99
    singly = np.concatenate([encoder.embed_texts([p]) for p in PROMPTS])
    np.testing.assert_allclose(singly, reference, atol=2e-6)


def test_scale_and_words(encoder: Encoder) -> None:
    assert encoder.logit_scale == pytest.approx(41.5) and encoder.logit_bias == 0
    assert encoder.unknown_words("腺管 of Tissue 🔬") == ["管", "🔬"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("visual_head.2.bias"), r"lacks visual_head\.2\.bias"),
        (lambda w: w.pop("visual.blocks.1.ls2.gamma"), r"lacks visual\.blocks\.1\.ls2\.gamma"),
        (lambda w: w.update({"text.cls.bias": torch.zeros(3)}), r"unknown text\.cls\.bias"),
        (lambda w: w.update({"logit_scale": torch.zeros(1)}), r"logit_scale .*\(1,\) instead of \(\)"),
        (lambda w: w.update({"visual.cls_token": torch.full((1, 1, 40), torch.nan)}), "damaged"),
    ],
)
def test_other_files_are_refused(weights: State, folder: Path, change, message: str) -> None:
    changed = dict(weights)
    change(changed)
    save_drive(changed, folder)
    with pytest.raises(EncoderError, match=message):
        load_folder(entry(), folder, device="cpu")


def test_other_sizes_and_vocabularies_are_refused(weights: State, folder: Path) -> None:
    save_hub(weights, folder)
    spec = entry()
    with pytest.raises(EncoderError, match="unknown shape depth; there are patch_size, text_heads"):
        load_folder(replace(spec, shape={**spec.shape, "depth": 2}), folder, device="cpu")
    with pytest.raises(EncoderError, match="unknown shape dim"):
        load_folder(replace(spec, shape={**spec.shape, "dim": 24}), folder, device="cpu")
    write_vocabulary(folder / "vocab.txt", REDUCED["vocab_size"] + 1)
    with pytest.raises(EncoderError, match=r"vocab\.txt has 221 tokens and not the 220"):
        load_folder(spec, folder, device="cpu")


@pytest.mark.full
@torch.inference_mode()
def test_full_size_against_the_libraries_of_the_published_code(tmp_path: Path) -> None:
    import timm
    from transformers import BertConfig, BertModel

    spec = registry()["keep"]
    made = random_weights(expected(PUBLISHED), 0.02)
    made["logit_scale"] = torch.tensor(3.2)
    save_hub(made, tmp_path)
    write_vocabulary(tmp_path / "vocab.txt", PUBLISHED["vocab_size"])
    encoder = load_folder(spec, tmp_path, device="cpu")

    sizes = {
        "img_size": 224,
        "patch_size": 16,
        "init_values": 1e-5,
        "num_classes": 0,
        "dynamic_img_size": True,
    }
    visual = timm.create_model("vit_large_patch16_224", pretrained=False, **sizes).eval()
    text = BertModel(BertConfig()).eval()
    for part, root in ((visual, "visual."), (text, "text.")):
        part.load_state_dict(
            {n.removeprefix(root): t for n, t in made.items() if n.startswith(root)}, strict=True
        )
    seen = tiles(2, 256, 300)
    pixels = spec.preprocessing.normalise(torch.from_numpy(spec.preprocessing.fit(seen)))
    hidden = functional.gelu(linear(made, "visual_head.0", visual(pixels)))
    images = functional.normalize(linear(made, "visual_head.2", hidden), dim=-1).numpy()
    tokens = encoder._tokenizer(PROMPTS)  # type: ignore[attr-defined]
    out = text(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.mask).long()).pooler_output

    np.testing.assert_allclose(encoder.embed_images(seen), images, atol=1e-5)
    np.testing.assert_allclose(
        encoder.embed_texts(PROMPTS), functional.normalize(out, dim=-1).numpy(), atol=1e-5
    )
    assert tokens.ids.shape[1] == 256 and images[0] @ images[1] < 0.999
