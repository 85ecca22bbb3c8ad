"""The shipped encoders, loaded once for all tests here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from napari_histoalign.encoders import Encoder, load_encoder

# the judge of the encoders is a tool, so that anyone can print the figures the tests assert
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


@pytest.fixture(scope="session")
def path_encoder() -> Encoder:
    return load_encoder("demo-path", device="cpu")


@pytest.fixture(scope="session")
def general_encoder() -> Encoder:
    return load_encoder("demo-general", device="cpu")


@pytest.fixture(scope="session", params=["demo-path", "demo-general"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return load_encoder(request.param, device="cpu")
