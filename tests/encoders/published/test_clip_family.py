"""Every entry that transformers or open_clip can build: written as published, loaded back, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import open_clip
import pytest
import torch
import transformers
from layouts import PROMPTS, Published, cosines, published, save_unigram, smaller_timm, tiles
from PIL import Image
from references import bert_text, clip_config, clip_reference, clip_state, siglip_reference, vit_image

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.loading import load_folder

if TYPE_CHECKING:
    from napari_histoalign.encoders.torch_encoder import TorchEncoder

ENTRIES = registry()
TRANSFORMERS = [n for n, s in ENTRIES.items() if s.loader == "transformers"]
OPEN_CLIP = [n for n, s in ENTRIES.items() if s.loader == "open-clip"]
SIGLIP = [n for n in OPEN_CLIP if ENTRIES[n].tokenizer == "siglip"]
BERT = [n for n in OPEN_CLIP if ENTRIES[n].tokenizer == "bert"]
TIMM = ["mobileclip-s2", "pe-core-b16"]
PLAIN = [n for n in OPEN_CLIP if n not in {*SIGLIP, *BERT, *TIMM}]

SIZES = [pytest.param(True, id="reduced"), pytest.param(False, id="full", marks=pytest.mark.full)]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:open_clip", "ignore::UserWarning:timm")


def test_every_entry_of_these_libraries_is_compared_somewhere() -> None:
    assert {*TRANSFORMERS, *PLAIN, *SIGLIP, *BERT, *TIMM} == {*TRANSFORMERS, *OPEN_CLIP}
    assert len(PLAIN) >= 10 and len(SIGLIP) == len(BERT) == 2


@torch.inference_mode()
def assert_same(encoder: TorchEncoder, made: Published, images, texts) -> None:
    """Embeddings of tiles and prompts are those of the reference functions, to 1e-5 in cosine."""
    seen = tiles()
    prepare = made.spec.preprocessing
    transform = open_clip.image_transform(
        prepare.size,
        is_train=False,
        mean=prepare.mean,
        std=prepare.std,
        resize_mode=prepare.resize,
        interpolation=prepare.interpolation,
    )
    pixels = torch.stack([transform(Image.fromarray(t)) for t in seen])
    assert cosines(encoder.embed_images(seen), images(pixels).numpy()).min() > 1 - 1e-5
    tokens = encoder.parts.tokenizer(PROMPTS)
    reference = texts(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.mask)).numpy()
    found = encoder.embed_texts(PROMPTS)
    assert cosines(found, reference).min() > 1 - 1e-5
    assert found.shape == (len(PROMPTS), made.spec.dim)
    # the comparison means something only if things differ
    assert (
        cosines(found[:1], found[1:2])[0] < 0.9999
        and cosines(*np.split(images(pixels).numpy(), 2))[0] < 0.99999
    )


@pytest.mark.parametrize("small", SIZES)
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers_layout_against_open_clip(name: str, small: bool, tmp_path) -> None:
    made = published(name, tmp_path, small=small)
    config = clip_config(made.config)
    config.save_pretrained(made.folder)
    state = clip_state(made.source.state_dict())
    # what older versions of transformers saved beside the weights
    for tower, part in (("text_model", config.text_config), ("vision_model", config.vision_config)):
        table = state[f"{tower}.embeddings.position_embedding.weight"]
        state[f"{tower}.embeddings.position_ids"] = torch.arange(len(table))[None]
        assert part.hidden_size == table.shape[1]
    torch.save(state, made.folder / "pytorch_model.bin")

    encoder = load_folder(made.spec, made.folder, device="cpu")

    assert encoder.logit_scale == pytest.approx(float(made.source.logit_scale.exp()), rel=1e-6)
    assert_same(encoder, made, made.source.encode_image, lambda ids, mask: made.source.encode_text(ids))


@pytest.mark.parametrize("small", SIZES)
@pytest.mark.parametrize("name", PLAIN)
def test_open_clip_layout_against_transformers(name: str, small: bool, tmp_path) -> None:
    made = published(name, tmp_path, small=small)
    encoder = load_folder(made.spec, made.folder, device="cpu")
    reference = clip_reference(made.source.state_dict(), made.config)

    assert_same(
        encoder,
        made,
        lambda pixels: reference.get_image_features(pixel_values=pixels).pooler_output,
        lambda ids, mask: reference.get_text_features(input_ids=ids).pooler_output,
    )


@pytest.mark.parametrize("small", SIZES)
@pytest.mark.parametrize("name", SIGLIP)
def test_siglip_against_transformers(name: str, small: bool, tmp_path) -> None:
    made = published(name, tmp_path, small=small)
    with smaller_timm(small):
        encoder = load_folder(made.spec, made.folder, device="cpu")
    reference = siglip_reference(made.source.state_dict(), made.config, heads=4 if small else 12)

    assert encoder.logit_bias == pytest.approx(-10)
    assert_same(
        encoder,
        made,
        lambda pixels: reference.get_image_features(pixel_values=pixels).pooler_output,
        lambda ids, mask: reference.get_text_features(input_ids=ids).pooler_output,
    )


@pytest.mark.parametrize("small", SIZES)
@pytest.mark.parametrize("name", BERT)
def test_bert_text_towers_against_plain_functions(name: str, small: bool, tmp_path) -> None:
    made = published(name, tmp_path, small=small)
    with smaller_timm(small):
        encoder = load_folder(made.spec, made.folder, device="cpu")
    state = made.source.state_dict()
    timm_tower = "visual.trunk.cls_token" in state
    images = (
        (lambda pixels: vit_image(state, pixels, 4 if small else 12))
        if timm_tower
        else made.source.encode_image
    )

    assert_same(encoder, made, images, lambda ids, mask: bert_text(state, ids, mask, 2 if small else 12))


@pytest.mark.parametrize("small", SIZES)
@pytest.mark.parametrize("name", TIMM)
def test_timm_towers_against_open_clips_own_loading(name: str, small: bool, tmp_path) -> None:
    """No second implementation of these towers is at hand: this shows that loading changes nothing."""
    made = published(name, tmp_path, small=small)
    with smaller_timm(small):
        encoder = load_folder(made.spec, made.folder, device="cpu")
        reference = open_clip.create_model(f"local-dir:{made.folder}").eval()

    assert_same(encoder, made, reference.encode_image, lambda ids, mask: reference.encode_text(ids))


def test_names_of_the_transformers_layout_are_the_published_ones() -> None:
    """Transformers renames parameters now and then; the files of CLIP and PLIP stay as they are."""
    config = transformers.CLIPConfig(
        vision_config={"num_hidden_layers": 1}, text_config={"num_hidden_layers": 1}
    )
    with torch.device("meta"):
        found = set(transformers.CLIPModel(config).state_dict())
    layer = [
        *(f"self_attn.{p}_proj" for p in ("q", "k", "v", "out")),
        "layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2",
    ]  # fmt: skip
    norms = ["vision_model.pre_layrnorm", "vision_model.post_layernorm", "text_model.final_layer_norm"]
    both = [*norms, *(f"{t}_model.encoder.layers.0.{part}" for t in ("vision", "text") for part in layer)]
    assert found == {
        "logit_scale", "text_projection.weight", "visual_projection.weight",
        "text_model.embeddings.token_embedding.weight", "text_model.embeddings.position_embedding.weight",
        "vision_model.embeddings.class_embedding", "vision_model.embeddings.patch_embedding.weight",
        "vision_model.embeddings.position_embedding.weight",
        *(f"{name}.{end}" for name in both for end in ("weight", "bias")),
    }  # fmt: skip


def test_siglips_own_tokenizer_cleans_as_open_clip_does(tmp_path) -> None:
    from napari_histoalign.encoders.tokenizing.cleaning import Cleaned
    from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer

    save_unigram(tmp_path, 300)
    texts = [
        "An H&E image, of carcinoma!",
        "snake_case  and\ttabs",
        "",
        "x" * 200,
        "Crohn’s café 3+4",
        "浸润 🔬",
    ]
    reference = open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=64, clean="canonicalize")

    found = Cleaned(FolderTokenizer(tmp_path, 64), "canonical")(texts)

    np.testing.assert_array_equal(found.ids, reference(texts).numpy())
    assert found.truncated == (3,)


def test_bert_texts_are_cleaned_as_open_clip_does(tmp_path) -> None:
    made = published("biomedclip", tmp_path, small=True)
    with smaller_timm(True):
        encoder = load_folder(made.spec, made.folder, device="cpu")
    (made.folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": true}'
    )
    reference = open_clip.tokenizer.HFTokenizer(str(made.folder), context_length=256, clean="whitespace")
    texts = [*PROMPTS, "a &amp;amp; b", "schÃ¶n", "two\n\nlines", "Crohn’s café", "浸润 🔬"]

    np.testing.assert_array_equal(encoder.parts.tokenizer(texts).ids, reference(texts).numpy())
