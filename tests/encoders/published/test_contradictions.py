"""Folders that say otherwise than the registry: refused where no weight would tell, else told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from layouts import Published, published, smaller_timm
from references import clip_config, clip_state

from napari_histoalign.encoders import Encoder, registry
from napari_histoalign.encoders.folder_says import said_otherwise
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.errors import EncoderError

OPEN_CLIP = "open_clip_config.json"


def change(path: Path, part: tuple[str, ...], **fields: Any) -> None:
    """Write fields into a table of a configuration; None takes one out."""
    whole = json.loads(path.read_text())
    table = whole
    for name in part:
        table = table[name]
    table.update(fields)
    for name in [n for n, value in fields.items() if value is None]:
        del table[name]
    path.write_text(json.dumps(whole))


def load(made: Published) -> Encoder:
    with smaller_timm(True):
        return load_folder(made.spec, made.folder, device="cpu")


@pytest.fixture
def clip(tmp_path: Path) -> Published:
    """CLIP as transformers has it."""
    made = published("clip-b32", tmp_path, small=True)
    clip_config(made.config).save_pretrained(made.folder)
    torch.save(clip_state(made.source.state_dict()), made.folder / "pytorch_model.bin")
    return made


@pytest.mark.parametrize("towers", [("text_config",), ("vision_config",), ("text_config", "vision_config")])
def test_another_activation_than_the_encoders_own_is_refused(
    clip: Published, towers: tuple[str, ...]
) -> None:
    for tower in towers:
        change(clip.folder / "config.json", (tower,), hidden_act="gelu")

    both = "" if len(towers) == 2 else " and quick_gelu"
    with pytest.raises(EncoderError, match=rf"config\.json .*the activation gelu{both}, not quick_gelu"):
        load(clip)


def test_an_activation_that_is_not_said_is_transformers_own(clip: Published) -> None:
    wanted = load(clip).embed_texts(["gland"])
    for tower in ("text_config", "vision_config"):
        change(clip.folder / "config.json", (tower,), hidden_act=None)

    assert (load(clip).embed_texts(["gland"]) == wanted).all()


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("siglip-b16", {"no_causal_mask": False}, "text_cfg.no_causal_mask False, not True"),
        ("siglip-b16", {"no_causal_mask": None}, "text_cfg.no_causal_mask False, not True"),
        ("siglip-b16", {"pool_type": None}, "text_cfg.pool_type argmax, not last"),
        ("openclip-b32", {"no_causal_mask": True}, "text_cfg.no_causal_mask True, not False"),
        ("openclip-b32", {"pool_type": "first"}, "text_cfg.pool_type first, not argmax"),
        ("openclip-b32", {"final_ln_after_pool": True}, "text_cfg.final_ln_after_pool True, not False"),
    ],
)
def test_another_way_to_read_texts_is_refused(
    name: str, fields: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    made = published(name, tmp_path, small=True)
    change(made.folder / OPEN_CLIP, ("model_cfg", "text_cfg"), **fields)

    with pytest.raises(EncoderError, match=rf"{OPEN_CLIP} describes another model than .*{sentence}"):
        load(made)


def test_what_is_open_clips_default_may_be_said(tmp_path: Path) -> None:
    made = published("openclip-b32", tmp_path, small=True)
    wanted = load(made).embed_texts(["gland"])
    change(made.folder / OPEN_CLIP, ("model_cfg", "text_cfg"), no_causal_mask=False, pool_type="argmax")
    change(made.folder / OPEN_CLIP, ("model_cfg",), quick_gelu=False)

    assert (load(made).embed_texts(["gland"]) == wanted).all()
    assert said_otherwise(registry()["openclip-b32"], made.folder) == ()


PIXELS = {
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "squash",
    "size": 224,
}


@pytest.mark.parametrize(
    ("pixels", "model", "told"),
    [
        ({}, {}, []),
        ({"size": [224, 224]}, {}, []),
        (None, {}, []),
        ({"mean": [0.5001, 0.5, 0.5]}, {}, []),
        ({"mean": [0.4] * 3}, {}, ["other means and deviations"]),
        ({"mean": "high"}, {}, ["other means and deviations"]),
        ({"mean": [10**400] * 3}, {}, ["other means and deviations"]),
        ({"std": None}, {}, ["other means and deviations"]),
        ({"resize_mode": "shortest"}, {}, ["says resize shortest; the registry has squash, which is used"]),
        ({"interpolation": "bilinear"}, {}, ["says interpolation bilinear; the registry has bicubic"]),
        ({"size": [256, 256]}, {}, ["says input_size 256; the registry has 224"]),
        ({"size": [224, 256]}, {}, [r"says input_size \[224, 256\]"]),
        ([1], {}, []),
        ({}, {"quick_gelu": True}, ["says True for quick_gelu, where False is known; it is used"]),
        ({}, {"text_cfg": {}}, ["says None for norm_kwargs in text_cfg, where {'eps': 1e-06} is known"]),
        (
            {},
            {"text_cfg": 3, "vision_cfg": [2]},
            ["for norm_kwargs in text_cfg", "for timm_pool in vision_cfg"],
        ),
    ],
)
def test_other_choices_of_an_open_clip_folder_are_told(
    pixels: Any, model: dict[str, Any], told: list[str], tmp_path: Path
) -> None:
    import open_clip

    said = {**open_clip.get_model_config("ViT-B-16-SigLIP"), **model}
    pixels = {**PIXELS, **pixels} if isinstance(pixels, dict) else pixels
    (tmp_path / OPEN_CLIP).write_text(json.dumps({"model_cfg": said, "preprocess_cfg": pixels}))

    found = said_otherwise(registry()["siglip-b16"], tmp_path)

    assert len(found) == len(told), found
    for sentence, part in zip(found, told, strict=True):
        assert str(tmp_path / OPEN_CLIP) in sentence and part.replace("\\", "") in sentence


def test_another_preparation_in_a_folder_of_transformers_is_told(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    processor = {"image_processor_type": "CLIPImageProcessor", "size": 224, "crop_size": 224, "resample": 3}
    path.write_text(json.dumps(processor))
    spec = registry()["clip-b32"]
    assert said_otherwise(spec, tmp_path) == said_otherwise(spec, tmp_path / "config.json") == ()
    path.write_text(json.dumps({**processor, "image_mean": [0.5] * 3, "resample": 2}))
    interpolation, means = said_otherwise(spec, tmp_path)
    assert "says interpolation bilinear; the registry has bicubic" in interpolation
    assert "other means and deviations of pixels" in means
