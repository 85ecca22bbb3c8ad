"""Weights that would take any amount of memory or time, or are no weights, are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_clip import save_small_clip

from napari_histoalign.encoders import pickles as pickles_module
from napari_histoalign.encoders.weights import load_strict, read_weights
from napari_histoalign.errors import EncoderError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save_small_clip(tmp_path / "clip")


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
    monkeypatch.setattr(pickles_module, "LARGEST", 10)
    torch.save({"w": torch.zeros(3)}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    for name in ("plain", "old"):
        with pytest.raises(EncoderError, match=rf"{name}\.bin is packed as PyTorch packs no weights"):
            read_weights(tmp_path / f"{name}.bin")


def with_pickle(path: Path, pickled: bytes, *, old: bool) -> Path:
    """A PyTorch file whose table is this pickle."""
    torch.save({"w": torch.zeros(3)}, path, _use_new_zipfile_serialization=not old)
    if old:
        data = path.read_bytes()
        start = data.index(b"\x80\x02}q\x00X\x01")  # of the table, behind three other pickles
        path.write_bytes(data[:start] + pickled + data[data.index(b"s.\x80", start) + 2 :])
        return path
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, pickled if name.endswith("data.pkl") else content)
    return path


def calling(name: str, argument: bytes) -> bytes:
    """A pickle of {"w": name(argument)}."""
    return b"\x80\x02}X\x01\x00\x00\x00w" + f"c{name}\n".encode() + argument + b"\x85Rs."


KINDS = (
    torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.int64, torch.int32, torch.uint8,
    torch.bool,
)  # fmt: skip
PAIRS = b"h\x01h\x01\x86q\x01"
"""(x, x) of the x that is kept under 1, kept there again: thirty of them are a thousand million values."""
INT, OLD = "holds '(w|tuple)', which is a int and no weight", "no whole PyTorch file .storage key"
HUGE = b"\x8a\x06" + (1 << 45).to_bytes(6, "little")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("pickled", "sentence"),
    [
        (calling("builtins\nbytearray", HUGE), r"Python objects besides weights \(builtins\.bytearray\)"),
        (calling("torch.storage\nUntypedStorage", HUGE), r"form that .* \(torch\.storage\.UntypedStorage\)"),
        (calling("torch\nFloatTensor", HUGE), r"form that weights do not have \(torch\.FloatTensor\)"),
        (calling("torch._utils\n_rebuild_qtensor", b"K\x01"), r"form that .*_rebuild_qtensor\)"),
        (calling("_codecs\nencode", b"X\x01\x00\x00\x00a"), r"Python objects besides .*_codecs\.encode"),
        (b"\x80\x02K\x01\x85q\x01" + 30 * PAIRS + b"}h\x01K\x01s.", "any amount of memory"),
        (b"\x80\x02]q\x01K\x01a" + 30 * b"h\x01a" + b"}X\x01\x00\x00\x00wh\x01s.", "any amount of memory"),
        (b"\x80\x02}h\x07.", "its table of weights is damaged"),
        (b"\x80\x02}K\x01s.", "its table of weights is damaged"),
        (b"\x80\x04}\x8c\x01wK\x01s.", "its table of weights is damaged"),
        (b"\x80\x02}X\x01\x00\x00\x00wK\x01s.", f"{INT}|{OLD}"),
        (b"\x80\x02}K\x01\x85K\x01s.", f"{INT}|{OLD}"),
    ],
)
def test_pickles_that_would_grow_or_are_damaged_are_refused(
    pickled: bytes, sentence: str, old: bool, tmp_path: Path
) -> None:
    path = with_pickle(tmp_path / "w.bin", pickled, old=old)
    with pytest.raises(EncoderError, match=rf"w\.bin .*{sentence}") as caught:
        read_weights(path)
    assert "weights_only" not in str(caught.value)  # advice to read it carelessly


@pytest.mark.parametrize("old", [False, True])
def test_what_training_keeps_beside_weights_is_passed_over(old: bool, tmp_path: Path) -> None:
    linear = torch.nn.Linear(3, 2)
    adam = torch.optim.Adam(linear.parameters())
    linear(torch.ones(1, 3)).sum().backward()
    adam.step()
    steps = torch.optim.lr_scheduler.MultiStepLR(adam, [1, 2])
    checkpoint = {
        "state_dict": linear.state_dict(), "optimizer": adam.state_dict(), "scheduler": steps.state_dict(),
        "epoch": 3, "best": (0.5, None, {1, 2}), "seen": torch.Size([4]), "type": torch.float16,
        "parameter": torch.nn.Parameter(torch.ones(2)), "device": torch.device("cpu"), "big": 1 << 40,
        "name": "é" * 300, "log": [[i, float(i)] for i in range(5000)],
        "kinds": [torch.ones(2).to(kind) for kind in KINDS],
    }  # fmt: skip
    torch.save(checkpoint, tmp_path / "w.bin", _use_new_zipfile_serialization=not old)
    found = read_weights(tmp_path / "w.bin")
    assert found.keys() == {"weight", "bias"} and found["weight"].equal(linear.weight)


def test_numbers_that_are_not_in_the_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"  # by that name, it is not mapped, and what is claimed is made
    torch.save({"w": torch.zeros(3)}, path)
    with zipfile.ZipFile(path) as archive:
        table = next(archive.read(part) for part in archive.infolist() if part.filename.endswith(".pkl"))
    assert table.count(b"K\x03") == 2
    with_pickle(path, table.replace(b"K\x03", b"\x8a\x05" + (1 << 28).to_bytes(5, "little")), old=False)
    with pytest.raises(EncoderError, match=r"w\.safetensors (holds 'w' in a form|is no whole PyTorch file)"):
        read_weights(path)


def test_names_and_shapes_in_a_sentence_are_short(tmp_path: Path) -> None:
    weights = {
        "aaaa\x1b[31m" * 10_000: torch.zeros(2),
        "weight": torch.zeros([1] * 60),
        "bias": torch.zeros(2),
    }
    with pytest.raises(EncoderError, match="unknown aaaa") as caught:
        load_strict(torch.nn.Linear(2, 2), weights, tmp_path)
    assert len(str(caught.value)) < 1000 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3, 3).to_sparse(),
        torch.empty(3, device="meta"),
        torch.zeros(1).expand(1 << 40),
    ],
    ids=["sparse", "meta", "repeated"],
)
def test_tensors_that_are_no_plain_numbers_are_refused(tensor, tmp_path: Path) -> None:
    torch.save({"w": tensor}, tmp_path / "w.bin")
    with pytest.raises(EncoderError, match=r"w\.bin holds ('w'|tensors) in a form that weights do not have"):
        read_weights(tmp_path / "w.bin")


def test_nothing_is_rounded_on_the_way(source: Path) -> None:
    weights = load_file(source / "model.safetensors")
    module = torch.nn.Linear(2, 2).half()
    with pytest.raises(EncoderError, match="would be rounded when read: bias, weight"):
        load_strict(module, {"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, source)
    assert all(t.dtype == torch.float32 for t in weights.values())
