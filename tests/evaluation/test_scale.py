"""The scale at which encoders see a set's images, from files to the pixels that reach them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_histoalign.alignment import PromptClass, PromptSet
from napari_histoalign.encoders import load_encoder
from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.evaluate import evaluate
from napari_histoalign.evaluation.plan import Plan

if TYPE_CHECKING:
    from napari_histoalign.encoders import Encoder

DISC_UM = 40.0
"""Diameter of what every image shows, in micrometres."""
PROMPTS = PromptSet(
    "two", (PromptClass("a", ("gland",), "#000000"), PromptClass("b", ("tumour",), "#ffffff"))
)


def disc(path: Path, mpp: float, shape: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """A dark disc in the middle of a light image, as it is at a resolution."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = np.hypot(y - (shape[0] - 1) / 2, x - (shape[1] - 1) / 2) <= DISC_UM / mpp / 2
    pixels = np.where(inside[..., None], colour, (240, 238, 242)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two resolutions, and images both larger and smaller than what an encoder takes in."""
    lines = ["path,label,mpp"]
    for name, label, mpp, shape in (
        ("fine.png", "a", 0.25, (700, 460)),
        ("coarse.png", "b", 1.0, (120, 150)),
        ("middle.png", "a", 0.5, (300, 224)),
    ):
        disc(tmp_path / name, mpp, shape, (90, 40, 120))
        lines.append(f"{name},{label},{mpp}")
    (tmp_path / "images.csv").write_text("\n".join(lines))
    return tmp_path / "images.csv"


def watched(monkeypatch: pytest.MonkeyPatch, encoder: Encoder) -> list[np.ndarray]:
    """Every image that reaches the encoder."""
    seen: list[np.ndarray] = []
    embed = encoder.embed_images

    def look(images: np.ndarray) -> np.ndarray:
        seen.extend(images)
        return embed(images)

    monkeypatch.setattr(encoder, "embed_images", look)
    return seen


def diameters(image: np.ndarray) -> tuple[int, int]:
    """Of the disc, down and across its middle, in pixels."""
    dark = image.min(axis=2) < 140
    return int(dark.any(axis=1).sum()), int(dark.any(axis=0).sum())


@pytest.mark.parametrize(("name", "wanted"), [("demo-path", None), ("demo-general", 0.8)])
def test_what_reaches_an_encoder_has_its_own_micrometres_per_pixel(
    name: str, wanted: float | None, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(name, device="cpu")
    if wanted is not None:
        monkeypatch.setattr(type(encoder), "mpp", wanted)
    mpp = encoder.mpp
    assert mpp is not None
    seen = watched(monkeypatch, encoder)

    evaluate(open_dataset("folder", table), [encoder], PROMPTS, Plan(scale="matched", views=("full",)))

    assert len(seen) == 3
    for image in seen:
        assert image.shape == (encoder.input_size, encoder.input_size, 3)
        assert diameters(image) == pytest.approx((DISC_UM / mpp, DISC_UM / mpp), abs=2.01)


def test_natively_images_are_seen_as_they_are(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder("demo-path", device="cpu")
    seen = watched(monkeypatch, encoder)

    evaluate(open_dataset("folder", table), [encoder], PROMPTS, Plan(views=("full",)))

    by_shape = {image.shape[:2]: diameters(image) for image in seen}
    assert by_shape.keys() == {(700, 460), (120, 150), (300, 224)}
    for shape, mpp in (((700, 460), 0.25), ((120, 150), 1.0), ((300, 224), 0.5)):
        assert by_shape[shape] == pytest.approx((DISC_UM / mpp, DISC_UM / mpp), abs=1.01)


def test_unknown_scales_are_refused_before_anything_is_embedded(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder("demo-path", device="cpu")
    seen = watched(monkeypatch, encoder)
    found = open_dataset("folder", table)
    last = replace(found.records[-1], mpp=None)

    with pytest.raises(DatasetError, match=r"1 of 3 images is not known \(middle.png .*--set mpp=0.5"):
        evaluate(
            replace(found, records=(*found.records[:-1], last)), [encoder], PROMPTS, Plan(scale="matched")
        )

    assert seen == []
