"""The architectures of ours as ONNX, reduced: every step of theirs is one that the exporter knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest
import torch

from napari_histoalign.encoders.onnx_pairs.models import OnnxModel
from napari_histoalign.encoders.onnx_pairs.towers import OnnxTowers
from napari_histoalign.encoders.onnx_pairs.tracing import ImageTower, TextTower, write_tower

if TYPE_CHECKING:
    from napari_histoalign.encoders.towers import Towers

pytestmark = pytest.mark.full  # some seconds each

LENGTH, WORDS = 16, 60
TEXT = {"text_layers": 1, "text_heads": 2, "vocab_size": WORDS}
VISION = {"image_size": 32, "vision_width": 16, "vision_layers": 1, "vision_heads": 2}


def conch() -> Towers:
    from napari_histoalign.encoders.architectures.conch import Conch, ConchShape

    rest = {"patch_size": 8, "pooler_heads": 2, "caption_width": 16, "caption_queries": 3, "text_width": 16}
    return Conch(ConchShape(dim=8, context_length=LENGTH, **VISION, **TEXT, **rest))


def keep() -> Towers:
    from napari_histoalign.encoders.architectures.keep import Keep, KeepShape

    return Keep(KeepShape(dim=16, patch_size=8, text_positions=LENGTH, **VISION, **TEXT))


def medclip() -> Towers:
    from napari_histoalign.encoders.architectures.medclip import MedClip, MedClipShape

    vision = {"image_size": 32, "window": 4, "vision_width": 8, "vision_blocks": (2,), "vision_heads": (2,)}
    return MedClip(
        MedClipShape(dim=8, text_positions=LENGTH, text_width=16, **vision, **{**TEXT, "text_layers": 2})
    )


def mi_zero() -> Towers:
    from napari_histoalign.encoders.architectures.mi_zero import MiZero, MiZeroShape

    return MiZero(MiZeroShape(image_size=224, dim=8, positions=LENGTH, text_width=16, **TEXT))


def musk() -> Towers:
    from napari_histoalign.encoders.architectures.beit3 import Beit3Shape
    from napari_histoalign.encoders.architectures.musk import Musk

    sizes = {
        "image_size": 32,
        "patch_size": 8,
        "layers": 2,
        "heads": 2,
        "hidden": 24,
        "positions": LENGTH + 2,
    }
    return Musk(Beit3Shape(dim=8, vocab_size=WORDS, **sizes))


def assert_same(found: torch.Tensor, wanted: torch.Tensor, all_rows: torch.Tensor) -> None:
    """Differences are a thousandth, at most, of those between one input and another."""
    apart = (all_rows.amax(dim=0) - all_rows.amin(dim=0)).max()
    assert (found - wanted).abs().max() < 1e-3 * apart


@pytest.mark.parametrize("build", [conch, keep, medclip, mi_zero, musk])
def test_exported_towers_give_the_same_numbers_for_any_batch(build, tmp_path: Path) -> None:
    torch.manual_seed(0)
    towers = build().eval().requires_grad_(False)
    for parameter in towers.parameters():
        if parameter.ndim:
            parameter.normal_(0, 0.3)
    side = 224 if build is mi_zero else 32
    pixels, ids = (
        torch.randn(5, 3, side, side) + torch.randn(5, 3, 1, 1),
        torch.randint(5, WORDS, (5, LENGTH)),
    )
    mask = torch.arange(LENGTH) < torch.tensor([[3], [LENGTH], [5], [9], [2]])
    ids[~mask] = 1 if build is musk else 0

    image, text = tmp_path / "image.onnx", tmp_path / "text.onnx"
    write_tower(ImageTower(towers), {"pixels": pixels[:2]}, image, {})
    write_tower(TextTower(towers), {"ids": ids[:2], "mask": mask[:2].long()}, text, {})

    found = OnnxTowers(OnnxModel(image), OnnxModel(text), 1.0)
    assert found.image.batch is None and found.text.batch is None and found.text.mask is not None
    images, texts = towers.encode_image(pixels), towers.encode_text(ids, mask)
    for rows in (slice(0, 1), slice(1, 2), slice(0, 5)):
        assert_same(found.encode_image(pixels[rows]), images[rows], images)
        assert_same(found.encode_text(ids[rows], mask[rows]), texts[rows], texts)
    onnx.checker.check_model(str(image), full_check=True)
    onnx.checker.check_model(str(text), full_check=True)
