"""A drawn slide with its ground truth, and one run over it that several tests look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_histoalign.encoders import load_encoder
from napari_histoalign.sample import draw_slide
from napari_histoalign.workflow import RunSettings, RunSummary, run_slide

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_histoalign.encoders import Encoder


@dataclass(frozen=True)
class Drawn:
    """A drawn slide and its label map."""

    path: Path
    labels: np.ndarray
    names: list[str]
    downsample: int

    def share(self, name: str, x: float, y: float, side: float) -> float:
        """Share of a class in a square of level-0 pixels, from the drawer's own label map."""
        d = self.downsample
        part = self.labels[int(y / d) : int((y + side) / d), int(x / d) : int((x + side) / d)]
        return float((part == self.names.index(name)).mean()) if part.size else 0.0


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """2500 px a side, so that the last row and column of tiles overhang."""
    sample = draw_slide(tmp_path_factory.mktemp("slides") / "drawn.tif", seed=91, size=2504)
    legend = json.loads(sample.legend.read_text(encoding="utf-8"))
    names = [legend["classes"][str(i)] for i in range(len(legend["classes"]))]
    return Drawn(sample.slide, np.asarray(Image.open(sample.labels)), names, sample.label_downsample)


@pytest.fixture(scope="session")
def encoders() -> Sequence[Encoder]:
    """The embedded pair."""
    return [load_encoder(name, device="cpu") for name in RunSettings().encoders]


@pytest.fixture(scope="session")
def summary(
    drawn: Drawn, encoders: Sequence[Encoder], tmp_path_factory: pytest.TempPathFactory
) -> RunSummary:
    """The drawn slide, run with the defaults."""
    folder = tmp_path_factory.mktemp("results") / "drawn"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HISTOALIGN_CACHE", str(tmp_path_factory.mktemp("cache")))
        done = run_slide(drawn.path, folder, RunSettings(), encoders)
    assert done is not None
    return done
