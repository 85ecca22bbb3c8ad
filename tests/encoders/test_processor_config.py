"""preprocessor_config.json means here what it means to transformers, or is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from napari_histoalign.encoders.preprocessing import NORMALISATIONS, Preprocessing
from napari_histoalign.encoders.processor_config import read_processor
from napari_histoalign.errors import EncoderError

SHAPES = [(64, 64), (40, 90), (90, 40)]
CLIP, SIGLIP, VIT = "CLIPImageProcessor", "SiglipImageProcessor", "ViTImageProcessor"


def write(folder: Path, fields: dict[str, Any]) -> Path:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(fields))
    return path


def prepared(path: Path, image: np.ndarray) -> np.ndarray:
    fields = read_processor(path)
    numbers = fields["normalisation"]
    mean, std = NORMALISATIONS[numbers] if isinstance(numbers, str) else numbers.values()
    prepare = Preprocessing(
        fields["input_size"], fields["resize"], fields["interpolation"], tuple(mean), tuple(std)
    )
    return prepare.normalise(torch.from_numpy(prepare.fit(image[None])))[0].numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "fields",
    [
        {"image_processor_type": CLIP},
        {"image_processor_type": CLIP, "size": 32, "crop_size": 32, "resample": 2},
        {"image_processor_type": CLIP, "size": 32, "crop_size": 32, "default_to_square": True},
        {"image_processor_type": CLIP, "size": {"height": 32, "width": 32}, "do_center_crop": False},
        {"image_processor_type": SIGLIP},
        {"image_processor_type": SIGLIP, "size": {"height": 32, "width": 32}, "image_mean": [0.4, 0.5, 0.6]},
        {"image_processor_type": VIT},
        {"image_processor_type": VIT, "size": 32, "resample": 3, "do_pad": None},
        {"image_processor_type": VIT, "size": {"height": 32, "width": 32}, "do_normalize": False},
    ],
    ids=lambda fields: "-".join(map(str, fields.values()))[:40],
)
def test_pixels_are_those_of_transformers(fields: dict, shape: tuple, tmp_path: Path) -> None:
    """Within one step of 8 bits: its own resizing differs from Pillow's by that much."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (*shape, 3)).astype(np.uint8)
    theirs = getattr(transformers, fields["image_processor_type"] + "Pil").from_dict(dict(fields))
    path = write(tmp_path, fields)

    wanted = np.asarray(theirs(Image.fromarray(image), return_tensors="np")["pixel_values"][0])

    std = max(theirs.image_std) if fields.get("do_normalize", True) else 1.0
    assert np.abs(prepared(path, image) - wanted).max() * std <= 1 / 255 + 1e-6


def test_one_number_is_both_sides_to_siglip(tmp_path: Path) -> None:
    """As with transformers where pictures are squares; others it makes no squares of."""
    path = write(tmp_path, {"image_processor_type": SIGLIP, "size": 32})
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    theirs = transformers.SiglipImageProcessorPil.from_dict({"size": 32})
    wanted = np.asarray(theirs(Image.fromarray(image), return_tensors="np")["pixel_values"][0])

    assert np.abs(prepared(path, image) - wanted).max() * 0.5 <= 1 / 255 + 1e-6
    assert prepared(path, image[:, :40]).shape == (3, 32, 32)


@pytest.mark.parametrize("name", [CLIP, "CLIPImageProcessorFast", "CLIPFeatureExtractor", None])
def test_names_of_clips_processor(name: str | None, tmp_path: Path) -> None:
    key = "feature_extractor_type" if name and name.endswith("Extractor") else "image_processor_type"
    found = read_processor(write(tmp_path, {key: name, "size": 32, "crop_size": 32}))
    assert (found["resize"], found["normalisation"]) == ("shortest", "openai")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"image_processor_type": "ConvNextImageProcessor"}, "the processor 'ConvNext"),
        ({"image_processor_type": "EfficientNetImageProcessor"}, "the processor 'Efficient"),
        ({"size": {"height": 32, "width": 32}}, "the processor 'None'"),
        ({"image_processor_type": CLIP, "do_resize": False}, "keep their size"),
        ({"image_processor_type": CLIP, "do_center_crop": False}, "nothing is cut out"),
        ({"image_processor_type": SIGLIP, "size": {"shortest_edge": 32}}, "nothing is cut out"),
        ({"image_processor_type": CLIP, "crop_pct": 0.9}, "another size"),
        ({"image_processor_type": VIT, "rescale_offset": True}, "between -1 and 1"),
        ({"image_processor_type": CLIP, "do_pad": True}, "padded"),
        ({"image_processor_type": CLIP, "do_flip_channel_order": True}, "change places"),
        ({"image_processor_type": CLIP, "size": True}, "no number of pixels"),
        ({"image_processor_type": CLIP, "use_square_size": True}, "whatever their size says"),
        ({"image_processor_type": CLIP, "do_crop_margin": True}, "the step 'do_crop_margin'"),
        ({"image_processor_type": CLIP, "do_resize": "no"}, "cannot be read"),
        ({"image_processor_type": CLIP, "size": {"shortest_edge": 32, "longest_edge": 64}}, "cannot be read"),
        ({"image_processor_type": CLIP, "crop_size": {"shortest_edge": 224, "x": 1}}, "cannot be read"),
        ({"image_processor": {"image_processor_type": "Siglip2ImageProcessor"}}, "the processor 'Siglip2"),
        ({"image_processor": [1]}, "cannot be read"),
        ({"image_processor_type": CLIP, "size": {"longest_edge": 32}}, "cannot be read"),
        ({"image_processor_type": CLIP, "rescale_factor": 1e400}, "between 0 and 1"),
        ({"image_processor_type": ["x"]}, "the processor"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(fields: dict, sentence: str, tmp_path: Path) -> None:
    path = write(tmp_path, fields)
    with pytest.raises(EncoderError, match=f"preparation of pixels that is not known here: .*{sentence}"):
        read_processor(path)
