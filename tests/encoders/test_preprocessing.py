"""Pixels are prepared as the publishers' own code does it: bit for bit."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torchvision import transforms

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.preprocessing import INTERPOLATIONS, NORMALISATIONS, Preprocessing

SHAPES = [(224, 224), (448, 448), (101, 223), (350, 97), (97, 97), (225, 224), (700, 460)]


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise with large shapes in it."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 7), np.cos(y / 5), np.sin((x + y) / 11)], -1) * 90 + 128
    return np.clip(waves + random.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_pixels_are_those_of_open_clips_transform(shape, interpolation, resize) -> None:
    mean, std = NORMALISATIONS["openai"]
    prepare = Preprocessing(224, resize, interpolation, mean, std)
    reference = open_clip.image_transform(
        224, is_train=False, mean=mean, std=std, resize_mode=resize, interpolation=interpolation
    )
    image = picture(*shape)

    found = prepare.normalise(torch.from_numpy(prepare.fit(image[None])))

    assert torch.equal(found[0], reference(Image.fromarray(image)))


@pytest.mark.parametrize("shape", SHAPES)
def test_pixels_are_those_of_torchvisions_resize_and_crop(shape) -> None:
    """What CONCH, KEEP, MI-Zero and MUSK say in their READMEs, for another side."""
    mean, std = NORMALISATIONS["imagenet"]
    prepare = Preprocessing(96, "shortest", "bicubic", mean, std)
    reference = transforms.Compose(
        [
            transforms.Resize(96, interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop((96, 96)),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    image = picture(*shape)

    found = prepare.normalise(torch.from_numpy(prepare.fit(image[None])))

    assert torch.equal(found[0], reference(Image.fromarray(image)))


@pytest.mark.parametrize("shape", SHAPES)
def test_pixels_are_those_of_transformers_image_processor(shape) -> None:
    """PLIP and CLIP."""
    from transformers import CLIPImageProcessorPil

    prepare = Preprocessing(224)
    image = picture(*shape)
    processor = CLIPImageProcessorPil()

    found = prepare.normalise(torch.from_numpy(prepare.fit(image[None])))[0].numpy()
    reference = np.asarray(processor(Image.fromarray(image), return_tensors="np")["pixel_values"][0])

    std = np.asarray(NORMALISATIONS["openai"][1])[:, None, None]
    assert np.abs((found - reference) * std).max() <= 1 / 255 + 1e-6


# Two rows of an 8 x 8 ramp (14 a column, 35 a row) shrunk to 4 x 4. The bilinear ones follow by hand: a
# triangle two pixels wide to each side weighs 1, 3, 3, 1 and, at the edge, 3, 3, 1: the first value is
# (3 * 14 + 28) / 7 + (3 * 35 + 70) / 7.
GOLDEN = {
    "bicubic": [[27, 53, 83, 109], [94, 120, 150, 177]],
    "bilinear": [[35, 60, 88, 113], [98, 123, 151, 176]],
}


@pytest.mark.parametrize("rule", list(GOLDEN))
def test_golden_values_of_each_interpolation(rule) -> None:
    ramp = (np.arange(8)[None] * 14 + np.arange(8)[:, None] * 35).clip(0, 255).astype(np.uint8)
    image = np.repeat(ramp[None, ..., None], 3, axis=-1)

    found = Preprocessing(4, "squash", rule).fit(image)

    np.testing.assert_array_equal(found[0, :2, :, 0], GOLDEN[rule])
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_what_fits_is_not_copied_and_every_rule_of_the_registry_is_known() -> None:
    fits = picture(224, 224)[None]
    assert Preprocessing(224).fit(fits) is fits
    keys = {name: spec.preprocessing.key for name, spec in registry().items()}
    assert {spec.interpolation for spec in registry().values()} <= set(INTERPOLATIONS)
    assert keys["plip"] == "shortest-bicubic-224-openai"
    assert keys["conch"] == "shortest-bicubic-448-openai"
    assert keys["mobileclip-s2"] == "shortest-bilinear-256-none"


def test_a_preparation_of_ones_own_is_named_by_its_numbers() -> None:
    odd = Preprocessing(32, mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 0.5))
    assert odd.key == "shortest-bicubic-32-0.1,0.2,0.3/1,1,0.5"
    assert odd.normalise(torch.zeros((1, 32, 32, 3), dtype=torch.uint8))[
        0, :, 0, 0
    ].tolist() == pytest.approx([-0.1, -0.2, -0.6])
