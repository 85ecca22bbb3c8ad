"""What does not fit is refused with the reason and leaves nothing behind."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from looking import left_behind, state
from safetensors.torch import load_file, save_file
from small_clip import DIM

from napari_histoalign.encoders import add_encoder
from napari_histoalign.errors import EncoderError


def _drop(weights):
    del weights["logit_scale"]


def _extra(weights):
    weights["decoder.weight"] = torch.zeros(2)


def _shape(weights):
    weights["visual_projection.weight"] = torch.zeros(DIM, 7)


def _nan(weights):
    weights["text_projection.weight"][0, 0] = float("nan")


def _integers(weights):
    weights["text_projection.weight"] = torch.zeros_like(weights["text_projection.weight"], dtype=torch.int32)


def _blind(weights):
    weights["vision_model.embeddings.patch_embedding.weight"].zero_()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (_drop, r"lacks logit_scale"),
        (_extra, r"unknown decoder\.weight"),
        (_shape, r"visual_projection\.weight is \(16, 7\) instead of \(16, 32\)"),
        (_nan, r"not finite in text_projection\.weight"),
        (_integers, r"other kinds of numbers than weights in text_projection\.weight"),
        (_blind, r"two different images the same embedding"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_the_reason(source, library, damage, complaint) -> None:
    weights = load_file(source / "model.safetensors")
    damage(weights)
    save_file(weights, source / "model.safetensors")

    with pytest.raises(EncoderError, match=complaint):
        add_encoder("mine", source, library)
    assert left_behind(library) == []


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_with_code_is_refused_and_not_run(source, library, tmp_path) -> None:
    (source / "model.safetensors").unlink()
    torch.save({"logit_scale": Bomb(tmp_path / "ran")}, source / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="could run code: it is not opened"):
        add_encoder("mine", source, library)

    (source / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    with pytest.raises(EncoderError, match=r"could run code: it is not opened|no whole PyTorch file"):
        add_encoder("mine", source, library)
    assert not (tmp_path / "ran").exists() and left_behind(library) == []


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_a_truncated_file_is_refused(source, library, kind, share) -> None:
    path = source / "model.safetensors"
    if kind == "bin":
        torch.save(load_file(path), source / "pytorch_model.bin")
        path.unlink()
        path = source / "pytorch_model.bin"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(EncoderError, match=f"{path.name}.*(no whole|holds no)"):
        add_encoder("mine", source, library)
    assert left_behind(library) == []


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("config.json", "{", "cannot be read as JSON"),
        ("config.json", "[]", "holds no configuration"),
        ("config.json", '{"model_type": "resnet"}', "'resnet'"),
        ("config.json", '{"model_type": "clip", "vision_config": {"hidden_size": "wide"}}', "config"),
    ],
)
def test_a_configuration_that_is_none_is_refused(source, library, file, content, complaint) -> None:
    (source / file).write_text(content)

    with pytest.raises(EncoderError, match=complaint) as refused:
        add_encoder("mine", source, library)
    assert str(source) in str(refused.value)
    assert left_behind(library) == []


def test_another_model_than_the_entrys_is_refused(source, library) -> None:
    with pytest.raises(
        EncoderError, match=r"describes another model than PLIP: embeddings of width 16, not 512"
    ):
        add_encoder("plip", source, library)
    assert not state(library, "plip").here


def test_missing_files_are_named_with_where_they_are_had(tmp_path, library) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        EncoderError,
        match=r"lacks what KEEP needs: .*vocab\.txt \(from https://huggingface\.co/Astaxanthin/KEEP\)",
    ):
        add_encoder("keep", tmp_path / "empty", library)
    with pytest.raises(EncoderError, match="no layout that is known here"):
        add_encoder("mine", tmp_path / "empty", library)
    with pytest.raises(EncoderError, match="no file or folder"):
        add_encoder("mine", tmp_path / "nowhere", library)


def test_safetensors_whose_length_begins_like_a_pickle_are_read(source, library) -> None:
    path = source / "model.safetensors"
    weights = load_file(path)
    for filling in range(300):
        save_file(weights, path, metadata={"note": "x" * filling})
        if path.read_bytes()[:1] == b"\x80":
            break
    assert path.read_bytes()[:1] == b"\x80"
    assert add_encoder("mine", source, library).record.spec.dim == DIM
