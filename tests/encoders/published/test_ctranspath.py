"""CTransPath: embeddings as attention to listed positions gives them, and as timm does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from mi_zero_layout import SMALL, pixels, random_weights, swin_names
from mi_zero_reference import doubled, plain_swin, timm_swin
from torch import Tensor

from napari_histoalign.encoders.architectures.ctranspath import CTransPath
from napari_histoalign.encoders.architectures.swin import SwinShape
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.architectures.mi_zero import MiZeroShape


def small_trunk(weights: Mapping[str, Tensor], s: MiZeroShape = SMALL) -> CTransPath:
    shape = SwinShape(s.image_size, s.vision_width, s.vision_depths, s.vision_heads, s.window)
    trunk = CTransPath(shape).eval().requires_grad_(False)
    trunk.load_state_dict(dict(weights))
    return trunk.double()


def test_ctranspath_has_the_parameters_of_swin_t() -> None:
    with torch.device("meta"):
        trunk = CTransPath(SwinShape())
    # Swin-T as its authors count it, less the classifier and the convolution that cut patches, and the stem
    classifier, patches, stem = 1000 * (768 + 1), 96 * (3 * 4 * 4 + 1), 324 + 24 + 2592 + 48 + 2400
    assert sum(p.numel() for p in trunk.parameters()) == 28_288_354 - classifier - patches + stem


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image_size": 24},  # the second stage is one window, which never moves
        {"image_size": 32, "window": 4},
    ],
    ids=["two moves", "one window last", "even window"],
)
def test_images_are_embedded_as_by_attention_to_listed_positions(changes: dict[str, int]) -> None:
    s = replace(SMALL, **changes)
    weights = doubled(random_weights(swin_names(s)))
    images = pixels(s.image_size)
    got = small_trunk(weights, s)(images)
    wanted = torch.stack([plain_swin(image, weights, s) for image in images])
    torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)
    assert (wanted[0] - wanted[1]).abs().max() > 0.1


def test_edges_that_do_not_touch_do_not_look_at_each_other() -> None:
    trunk = small_trunk(doubled(random_weights(swin_names(SMALL))))
    images = pixels(48)
    before = trunk(images)
    for module in trunk.modules():
        if isinstance(getattr(module, "attn_mask", None), Tensor):
            module.attn_mask.zero_()
    assert (trunk(images) - before).abs().max() > 1e-3


@pytest.mark.parametrize("image_size", [112, 56])
def test_images_are_embedded_as_by_timm(image_size: int) -> None:
    s = replace(SMALL, image_size=image_size, window=7)
    weights = doubled(random_weights(swin_names(s)))
    timm = timm_swin(weights, s)
    images = pixels(image_size)
    with torch.inference_mode():
        torch.testing.assert_close(small_trunk(weights, s)(images), timm(images), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [0, 256, 320])
def test_images_that_windows_do_not_fill_are_refused(size: int) -> None:
    with pytest.raises(EncoderError, match=f"multiple of 224 pixels, not {size}"):
        CTransPath(SwinShape(image_size=size))
