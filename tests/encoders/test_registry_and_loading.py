"""The registry, and that only the recorded, whole files are loaded."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from napari_histoalign.encoders import choose_device, load_encoder, registry
from napari_histoalign.encoders.registry import make_spec
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import resource

NAMES = ("demo-path", "demo-general")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A registry of its own with copies of the weights: its path."""
    shutil.copyfile(resource("encoders.yaml"), tmp_path / "encoders.yaml")
    for name in NAMES:
        (tmp_path / "encoders" / name).mkdir(parents=True)
        for file in ("model.safetensors", "config.json"):
            shutil.copyfile(resource("encoders", name, file), tmp_path / "encoders" / name / file)
    return tmp_path / "encoders.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_demo_encoders_say_that_they_are_for_demonstration(name: str) -> None:
    spec = registry()[name]

    assert spec.name == name and spec.demo
    assert spec.notice == "Demonstration encoder, trained on drawn tissue only: not for diagnosis"
    assert (spec.input_size, spec.mpp, spec.space) == (224, 0.5, "demo")
    assert spec.role == {"demo-path": "pathology", "demo-general": "general"}[name]


def test_both_together_are_small() -> None:
    total = sum(path.stat().st_size for name in NAMES for path in resource("encoders", name).iterdir())

    assert total <= 20_000_000


def test_copied_files_load(copied: Path) -> None:
    encoder = load_encoder("demo-path", device="cpu", registry_path=copied)

    assert encoder.weights_hash == registry(copied)["demo-path"].files["model.safetensors"]


def test_one_changed_bit_is_noticed(copied: Path) -> None:
    path = copied.parent / "encoders" / "demo-path" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(data)

    with pytest.raises(EncoderError, match=r"model\.safetensors is damaged or not the recorded file"):
        load_encoder("demo-path", device="cpu", registry_path=copied)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_missing_file_is_named(copied: Path, file: str) -> None:
    (copied.parent / "encoders" / "demo-general" / file).unlink()

    with pytest.raises(EncoderError, match=file):
        load_encoder("demo-general", device="cpu", registry_path=copied)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 64])
def test_file_that_is_no_weights_is_refused_even_if_recorded(copied: Path, content: bytes) -> None:
    import hashlib

    path = copied.parent / "encoders" / "demo-path" / "model.safetensors"
    recorded = registry(copied)["demo-path"].files["model.safetensors"]
    path.write_bytes(content)
    text = copied.read_text(encoding="utf-8").replace(recorded, hashlib.sha256(content).hexdigest())
    copied.write_text(text, encoding="utf-8")

    with pytest.raises(EncoderError, match="cannot be used"):
        load_encoder("demo-path", device="cpu", registry_path=copied)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(EncoderError, match="demo-general, demo-path"):
        load_encoder("demo-pathology")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("demo-path: {title: x}", "lacks .*citation"),
        ("- a list", "map names to entries"),
        ("demo-path: 3", "list of fields"),
        ("a: [unclosed", "cannot be read"),
    ],
)
def test_broken_registry_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "encoders.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(EncoderError, match=complaint):
        registry(path)


def test_unknown_field_and_role_are_refused(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8")
    copied.write_text(text.replace("role: general", "role: oracle"), encoding="utf-8")
    with pytest.raises(EncoderError, match="oracle"):
        registry(copied)
    copied.write_text(text.replace("  dim: 26", "  dim: 26\n  colour: red", 1), encoding="utf-8")
    with pytest.raises(EncoderError, match="unknown fields colour"):
        registry(copied)


ENTRY = yaml.safe_load(resource("encoders.yaml").read_text(encoding="utf-8"))["plip"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"mpp": "coarse"}, "mpp has to be a number above 0, or null, not 'coarse'"),
        ({"mpp": float("nan")}, "mpp has to be"),
        ({"mpp": 0}, "mpp has to be"),
        ({"dim": 0}, "dim has to be a whole number"),
        ({"dim": True}, "dim has to be"),
        ({"input_size": 10**9}, "input_size has to be"),
        ({"context_length": 77.5}, "context_length has to be"),
        ({"title": ["PLIP"]}, "title has to be a text"),
        ({"gated": "no"}, "gated has to be true or false"),
        ({"files": {"../up.bin": None}}, "files has to be"),
        ({"files": {"a.bin|c:\\b.bin": None}}, "files has to be"),
        ({"files": {"a.bin": "abc"}}, "files has to be"),
        ({"files": ["a.bin"]}, "files has to be"),
        ({"normalisation": {"mean": [0, 0, 0], "std": [1, 1, 0]}}, "normalisation has to be"),
        ({"normalisation": {"mean": [0, 0], "std": [1, 1]}}, "normalisation has to be"),
        ({"normalisation": "guessed"}, "normalisation 'guessed'"),
        ({"origins": {"a": 3}}, "origins has to be"),
        ({"shape": [1]}, "shape has to be"),
    ],
)
def test_values_that_cannot_be_are_refused(change, complaint) -> None:
    with pytest.raises(EncoderError, match=re.escape(complaint)):
        make_spec("mine", {**ENTRY, **change}, Path("encoder.json"))


def test_every_entry_survives_being_written_and_read() -> None:
    for name, spec in registry().items():
        assert make_spec(name, json.loads(json.dumps(spec.to_dict())), Path("x")) == spec


def test_loader_of_a_later_version_is_named(copied: Path) -> None:
    text = copied.read_text(encoding="utf-8").replace("loader: demo", "loader: from-the-future")
    copied.write_text(text, encoding="utf-8")

    with pytest.raises(EncoderError, match="from-the-future"):
        load_encoder("demo-path", device="cpu", registry_path=copied)


def test_device_is_chosen_or_refused_in_a_sentence() -> None:
    import torch

    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in {"cpu", "cuda", "mps"}
    with pytest.raises(EncoderError, match="tpu"):
        choose_device("tpu")
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if there:
            assert choose_device(name) == name
        else:
            with pytest.raises(EncoderError, match="choose the device 'auto' or 'cpu'"):
                choose_device(name)
