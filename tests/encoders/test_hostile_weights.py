"""Weights and configurations that would take any amount of memory, or are no weights, are refused."""

from __future__ import annotations

import json
import resource
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_clip import save_small_clip

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.encoders import archives as archives_module
from napari_histoalign.encoders.loaders.bounds import check_bounds
from napari_histoalign.encoders.weights import load_strict, read_weights
from napari_histoalign.errors import EncoderError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save_small_clip(tmp_path / "clip")


def add(source: Path, tmp_path: Path) -> None:
    add_encoder("mine", source, EncoderLibrary(tmp_path / "library"))


def change(path: Path, part: str | None, **fields: object) -> None:
    config = json.loads(path.read_text())
    (config[part] if part else config).update(fields)
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("text_config", {"vocab_size": 10**12}),
        ("text_config", {"vocab_size": -1}),
        ("text_config", {"num_hidden_layers": 10**6}),
        ("vision_config", {"image_size": 10**6}),
        ("vision_config", {"image_size": []}),
        ("vision_config", {"image_size": 1e400}),
        ("vision_config", {"image_size": True}),
        ("vision_config", {"image_size": "224"}),
        ("vision_config", {"hidden_size": 10**9}),
        (None, {"projection_dim": 2.5}),
    ],
)
def test_absurd_sizes_are_refused(part, fields, source: Path, tmp_path: Path) -> None:
    change(source / "config.json", part, **fields)
    with pytest.raises(EncoderError, match=f"config.json says {next(iter(fields))} .* whole number from 1"):
        add(source, tmp_path)


def test_a_model_far_larger_than_its_weights_takes_no_memory(source: Path, tmp_path: Path) -> None:
    change(source / "config.json", "text_config", vocab_size=2**21, hidden_size=2**12)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EncoderError, match=r"model of 8,.* million numbers, and .* holds 2 million"):
        add(source, tmp_path)
    # kilobytes; the model would take 34 GB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000


def test_published_configurations_are_within_bounds() -> None:
    import open_clip

    for name in open_clip.list_models():
        check_bounds(open_clip.get_model_config(name), Path(name))


def compressed(path: Path, out: Path) -> None:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part))


def test_archives_that_unpack_to_more_are_not_opened(tmp_path: Path, monkeypatch) -> None:
    torch.save({"w": torch.zeros(1 << 20)}, tmp_path / "plain.bin")
    compressed(tmp_path / "plain.bin", tmp_path / "packed.bin")
    assert read_weights(tmp_path / "plain.bin")["w"].shape == (1 << 20,)
    with pytest.raises(EncoderError, match=r"packed\.bin is packed as PyTorch packs no weights"):
        read_weights(tmp_path / "packed.bin")
    monkeypatch.setattr(archives_module, "LARGEST_TABLE", 10)
    with pytest.raises(EncoderError, match=r"plain\.bin is packed as PyTorch packs no weights"):
        read_weights(tmp_path / "plain.bin")


def test_a_pickle_that_asks_for_more_memory_than_there_is(tmp_path: Path) -> None:
    # bytearray(10**15), which the careful unpickler lets through
    call = b"\x80\x02cbuiltins\nbytearray\nq\x00\x8a\x07\x00\x80\xc6\xa4\x7e\x8d\x03\x85q\x01Rq\x02."
    (tmp_path / "weights.bin").write_bytes(call)
    with pytest.raises(EncoderError, match=r"weights\.bin (is no whole PyTorch file|holds Python objects)"):
        read_weights(tmp_path / "weights.bin")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3, 3).to_sparse(),
        torch.empty(3, device="meta"),
        torch.zeros(1).expand(1 << 40),
        torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8),
    ],
    ids=["sparse", "meta", "repeated", "quantised"],
)
def test_tensors_that_are_no_plain_numbers_are_refused(tensor, tmp_path: Path) -> None:
    torch.save({"w": tensor}, tmp_path / "w.bin")
    with pytest.raises(EncoderError, match=r"w\.bin (holds 'w' in a form|is no whole)"):
        read_weights(tmp_path / "w.bin")


def test_nothing_is_rounded_on_the_way(source: Path) -> None:
    weights = load_file(source / "model.safetensors")
    module = torch.nn.Linear(2, 2).half()
    with pytest.raises(EncoderError, match="would be rounded when read: bias, weight"):
        load_strict(module, {"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, source)
    assert all(t.dtype == torch.float32 for t in weights.values())
