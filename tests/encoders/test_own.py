"""A person's own folders: what their files say is what is done."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from small_clip import save_small_clip

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.errors import EncoderError

sys.path.insert(0, str(Path(__file__).parent / "published"))
from layouts import save_unigram

TILES = np.random.default_rng(1).integers(0, 256, (2, 50, 70, 3), dtype=np.uint8)
TEXTS = ["an image of carcinoma", "glass"]


@pytest.fixture
def library(tmp_path) -> EncoderLibrary:
    return EncoderLibrary(tmp_path / "encoders")


def save_small_open_clip(folder: Path, **preprocess: object) -> torch.nn.Module:
    """open_clip_config.json with every choice open_clip offers for pixels, and weights."""
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})
    )
    torch.manual_seed(3)
    model = open_clip.CLIP(**config).eval()
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return model


@torch.inference_mode()
def test_an_open_clip_folder_embeds_as_open_clip_does(tmp_path, library) -> None:
    pixels = {
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.3, 0.4],
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    folder = tmp_path / "source"
    save_small_open_clip(folder, **pixels)
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")

    add_encoder("mine", folder, library)
    encoder = library.load("mine", device="cpu")

    images = model.eval().encode_image(
        torch.stack([transform(Image.fromarray(t)) for t in TILES]), normalize=True
    )
    np.testing.assert_allclose(encoder.embed_images(TILES), images.numpy(), atol=1e-5)
    np.testing.assert_allclose(
        encoder.embed_texts(TEXTS), model.encode_text(tokens(TEXTS), normalize=True), atol=1e-5
    )
    assert encoder.spec.context_length == 20 and encoder.preprocessing.startswith(
        "squash-bilinear-32-0.5,0.4,0.3"
    )


@torch.inference_mode()
def test_a_siglip_folder_embeds_as_transformers_does(tmp_path, library) -> None:
    from transformers import AutoTokenizer, SiglipConfig, SiglipImageProcessorPil, SiglipModel

    folder = tmp_path / "source"
    folder.mkdir()
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={**tower, "vocab_size": 300, "max_position_embeddings": 16, "projection_size": 32},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
    )
    torch.manual_seed(0)
    model = SiglipModel(config).eval()
    config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    save_unigram(folder, 300)

    add_encoder("mine", folder, library)
    encoder = library.load("mine", device="cpu")

    ids = AutoTokenizer.from_pretrained(folder)(
        TEXTS, padding="max_length", max_length=16, return_tensors="pt"
    )
    seen = SiglipImageProcessorPil.from_pretrained(folder)(
        [Image.fromarray(t) for t in TILES], return_tensors="pt"
    )
    for found, reference in (
        (encoder.embed_texts(TEXTS), model.get_text_features(ids["input_ids"]).pooler_output),
        (encoder.embed_images(TILES), model.get_image_features(seen["pixel_values"]).pooler_output),
    ):
        expected = torch.nn.functional.normalize(reference, dim=-1).numpy()
        assert (found * expected).sum(1).min() > 1 - 1e-5
    assert encoder.spec.similarity == "sigmoid" and encoder.logit_bias == pytest.approx(
        float(model.logit_bias)
    )


def test_code_in_a_folder_is_never_run(tmp_path, library) -> None:
    """`auto_map` is how a folder asks for its own Python to be run; here its tokenizer is refused instead."""
    folder = save_small_clip(tmp_path / "source")
    save_unigram(folder, 300)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}})
    )
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "own.Own", "AutoConfig": "own.Own"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")

    with pytest.raises(EncoderError, match=r"tokenizer in .*source"):
        add_encoder("mine", folder, library)
    assert not (tmp_path / "ran").exists()


def test_an_image_tower_from_a_hub_is_refused(tmp_path, library) -> None:
    save_small_open_clip(tmp_path / "source")
    path = tmp_path / "source" / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"]["timm_model_name"] = "hf-hub:somebody/something"
    path.write_text(json.dumps(config))

    with pytest.raises(EncoderError, match="outside timm"):
        add_encoder("mine", tmp_path / "source", library)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("open_clip_config.json", {"model_cfg": {"embed_dim": 16}}),
        ("open_clip_config.json", {}),
        ("open_clip_config.json", {"model_cfg": {"embed_dim": 16, "vision_cfg": {}, "text_cfg": 3}}),
        ("config.json", {"model_type": "clip", "projection_dim": "many"}),
    ],
)
def test_configurations_that_lack_something_are_refused(tmp_path, library, file, content) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / file).write_text(json.dumps(content))
    (tmp_path / "source" / "model.safetensors").write_bytes(b"")

    with pytest.raises(EncoderError, match=r"source"):
        add_encoder("mine", tmp_path / "source", library)
    assert not library.root.exists() or not list(library.root.iterdir())
