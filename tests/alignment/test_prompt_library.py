"""The shipped prompt sets: an organ each, and colours that a colour-blind person can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.alignment import PromptSet, builtin_prompt_sets
from napari_histoalign.alignment.prompt_library import ANY_ORGAN, library, organ_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

BY_ORGAN = ("colon", "lung", "prostate", "skin")
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB."""
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(color: str, vision: str) -> NDArray[np.float64]:
    """CIELAB (D65) of ``#rrggbb`` as a person with that vision sees it."""
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    x, y, z = XYZ @ seen / [0.95047, 1, 1.08883]
    fx, fy, fz = (np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", [*BY_ORGAN, "breast", "generic", "histoalign-breast", "breast-binary"])
def test_no_two_classes_look_alike(name: str, vision: str) -> None:
    colors = [lab(color, vision) for color in PromptSet.load(name).colors]
    apart = [np.linalg.norm(a - b) for i, a in enumerate(colors) for b in colors[:i]]

    assert min(apart) > 15


@pytest.mark.parametrize("name", BY_ORGAN)
def test_sets_by_organ_are_whole(name: str) -> None:
    prompts = PromptSet.load(name)
    phrases = [p for c in prompts.classes for p in c.prompts]

    assert prompts.organ == name
    assert prompts.title and prompts.description
    assert {c.role for c in prompts.classes} == {"lesion", "tissue", "background"}
    assert all(len(c.prompts) >= (2 if c.is_background else 3) for c in prompts.classes)
    assert len(set(phrases)) == len(phrases)
    assert all(p.isascii() and p == p.strip() and not p.endswith(".") for p in phrases)
    assert len(prompts.with_context(templates=["organ"]).expand().texts) == 5 * len(phrases)


def test_the_library_lists_every_set_by_its_organ() -> None:
    entries = library()
    organs = {entry.name: entry.organ for entry in entries}

    assert set(organs) == set(builtin_prompt_sets())
    assert {organs[name] for name in ("breast", "breast-binary", "bach", "idc")} == {"breast"}
    assert (organs["colon"], organs["nct-crc"], organs["metastasis"]) == ("colon", "colon", "lymph node")
    assert (organs["lung-colon"], organs["generic"]) == ("lung and colon", ANY_ORGAN)
    assert [e.organ for e in entries] == [*sorted(e.organ for e in entries if e.organ), ANY_ORGAN]


def test_an_organ_given_counts_more_than_a_title() -> None:
    mine = PromptSet.load("breast").with_context(organ="axilla")

    assert organ_of(mine) == "axilla"
    assert organ_of(PromptSet.from_dict({**mine.to_dict(), "organ": "", "title": "No organ"})) == ANY_ORGAN
