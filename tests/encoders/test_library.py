"""Encoders come and go: what is added works, what does not fit is refused and leaves nothing behind."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_clip import DIM, SIDE, save_small_clip

from napari_histoalign.encoders import EncoderLibrary, add_encoder, encoders_dir, list_encoders, load_encoder
from napari_histoalign.errors import EncoderError, SettingsError
from napari_histoalign.settings import Settings, save_settings, settings_path

TILES = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory) -> Path:
    return save_small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def source(clip_folder, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(clip_folder, tmp_path / "source"))


@pytest.fixture
def library(tmp_path) -> EncoderLibrary:
    return EncoderLibrary(tmp_path / "encoders")


def state(library: EncoderLibrary, name: str):
    return next(row for row in list_encoders(library) if row.spec.name == name)


def left_behind(library: EncoderLibrary) -> list[str]:
    return sorted(p.name for p in library.root.rglob("*")) if library.root.exists() else []


def test_an_added_encoder_is_listed_loads_and_goes_again(source, library) -> None:
    added = add_encoder("mine", source, library, role="pathology", mpp=0.25)

    row = state(library, "mine")
    assert row.usable and row.here and row.own and row.size == sum(p.stat().st_size for p in source.iterdir())
    encoder = library.load("mine", device="cpu")
    assert (encoder.spec.role, encoder.mpp, encoder.dim, encoder.input_size) == ("pathology", 0.25, DIM, SIDE)
    shutil.rmtree(source)  # it is the library's own now
    np.testing.assert_array_equal(
        library.load("mine", device="cpu").embed_images(TILES), encoder.embed_images(TILES)
    )
    assert -1 <= added.probe.images < 1
    library.remove("mine")
    assert left_behind(library) == []
    with pytest.raises(EncoderError, match="There is no encoder 'mine'"):
        library.load("mine")


def test_the_record_holds_the_sums_of_the_files(source, library) -> None:
    import hashlib

    record = add_encoder("mine", source, library).record

    assert {n: f.sha256 for n, f in record.files.items()} == {
        n: hashlib.sha256((source / n).read_bytes()).hexdigest() for n in ("model.safetensors", "config.json")
    }
    assert library.record("mine") == record
    assert str(source) not in (library.folder("mine") / "encoder.json").read_text()


def test_embeddings_depend_on_no_neighbour_and_have_length_one(source, library) -> None:
    add_encoder("mine", source, library)
    encoder = library.load("mine", device="cpu")
    texts = ["carcinoma", "a much longer prompt about glands and stroma of the breast", "x"]

    together, alone = encoder.embed_texts(texts), np.concatenate([encoder.embed_texts([t]) for t in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(encoder.embed_images(TILES)[1], encoder.embed_images(TILES[1:2])[0], atol=1e-6)
    assert encoder.too_long(["short", "word " * 90]) == (1,)


def test_an_overlong_prompt_is_cut_with_a_warning(source, library, caplog) -> None:
    add_encoder("mine", source, library)
    library.load("mine", device="cpu").embed_texts(["word " * 90])

    assert "reads 77 tokens" in caplog.text and "word word" in caplog.text


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_stays_near_single_and_is_kept_apart(source, library, precision) -> None:
    add_encoder("mine", source, library)
    full, half = (library.load("mine", device="cpu", precision=p) for p in ("float32", precision))

    cosines = (full.embed_images(TILES) * half.embed_images(TILES)).sum(1)
    assert cosines.min() > 0.999
    assert full.preprocessing != half.preprocessing, "stored embeddings of both must not mix"


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_on_a_graphics_processor(source, library, precision) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA graphics processor")
    add_encoder("mine", source, library)
    full = library.load("mine", device="cpu")
    half = library.load("mine", device="cuda", precision=precision)

    assert (full.embed_images(TILES) * half.embed_images(TILES)).sum(1).min() >= 0.999
    texts = ["carcinoma", "glass"]
    assert (full.embed_texts(texts) * half.embed_texts(texts)).sum(1).min() >= 0.999


def test_weights_may_lie_under_another_name_and_as_pytorch_file(source, library) -> None:
    torch.save({"state_dict": load_file(source / "model.safetensors")}, source / "finetuned-3.pt")
    (source / "model.safetensors").unlink()

    add_encoder("mine", source, library)
    add_encoder("by-file", source / "finetuned-3.pt", library)

    assert library.load("mine").weights_hash == library.load("by-file").weights_hash


def test_linked_files_stay_where_they_are(source, library) -> None:
    add_encoder("mine", source, library, link=True)

    assert (library.folder("mine") / "model.safetensors").is_symlink()
    assert library.load("mine").dim == DIM
    library.remove("mine")
    assert (source / "model.safetensors").is_file() and left_behind(library) == []


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


def test_what_was_added_stays_when_its_replacement_is_refused(source, library) -> None:
    add_encoder("mine", source, library)
    before = library.load("mine").weights_hash
    with pytest.raises(EncoderError, match=r"already. Remove it first, or replace it"):
        add_encoder("mine", source, library)
    weights = load_file(source / "model.safetensors")
    _drop(weights)
    save_file(weights, source / "model.safetensors")
    with pytest.raises(EncoderError, match="logit_scale"):
        add_encoder("mine", source, library, replace=True)

    assert library.load("mine").weights_hash == before
    save_small_clip(source, seed=1)
    add_encoder("mine", source, library, replace=True)
    assert library.load("mine").weights_hash != before


def test_another_model_than_the_entrys_is_refused(source, library) -> None:
    with pytest.raises(
        EncoderError, match=r"describes another model than PLIP: embeddings of width 16, not 512"
    ):
        add_encoder("plip", source, library)
    assert not state(library, "plip").here


@pytest.mark.parametrize("name", ["", "../up", "Has Capitals", ".hidden", "a/b", "x" * 65])
def test_names_that_are_none(source, library, name) -> None:
    with pytest.raises(EncoderError, match="is no name for an encoder"):
        add_encoder(name, source, library)


def test_the_shipped_ones_can_neither_be_replaced_nor_removed(source, library) -> None:
    with pytest.raises(EncoderError, match="ships with the package"):
        add_encoder("demo-path", source, library, replace=True)
    with pytest.raises(EncoderError, match="ships with the package"):
        library.remove("demo-path")


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


def test_changes_after_adding_are_noticed(source, library) -> None:
    add_encoder("mine", source, library)
    weights = library.folder("mine") / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    assert state(library, "mine").usable, "same size: only loading reads it"
    with pytest.raises(EncoderError, match="damaged or not the recorded file"):
        library.load("mine")

    weights.write_bytes(data[:-9])
    assert "cut off or changed" in state(library, "mine").problem
    weights.unlink()
    assert "missing" in state(library, "mine").problem
    (library.folder("mine") / "encoder.json").write_text("{")
    assert "cannot be read" in state(library, "mine").problem
    library.remove("mine")


def test_an_encoder_of_the_registry_that_is_not_here_says_how_to_get_it(library) -> None:
    with pytest.raises(
        EncoderError, match=r"PLIP is not on this computer.*histoalign encoders download plip"
    ):
        library.load("plip")
    with pytest.raises(EncoderError, match=r"CPLIP.*Add the files you have"):
        library.load("cplip")
    assert {row.spec.role for row in list_encoders(library)} == {"pathology", "general", "control"}


def test_no_room_is_said_before_anything_is_copied(source, library, monkeypatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 0))
    with pytest.raises(EncoderError, match=r"has 0\.0 GB left"):
        add_encoder("mine", source, library)
    assert left_behind(library) == []


def test_the_folder_moves_by_setting_and_by_environment(source, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HISTOALIGN_ENCODERS")
    assert encoders_dir().is_relative_to(tmp_path / "data")
    save_settings(Settings(encoders_folder=str(tmp_path / "lab")))
    add_encoder("mine", source, EncoderLibrary())
    assert (tmp_path / "lab" / "mine" / "encoder.json").is_file()
    monkeypatch.setenv("HISTOALIGN_ENCODERS", str(tmp_path / "other"))
    assert EncoderLibrary().own() == ()
    monkeypatch.delenv("HISTOALIGN_ENCODERS")
    assert load_encoder("mine", device="cpu").dim == DIM

    settings_path().write_text(json.dumps({"encoders_folder": None, "of_a_later_version": "kept"}))
    save_settings(replace(Settings(), encoders_folder=None))
    assert json.loads(settings_path().read_text())["of_a_later_version"] == "kept"
    settings_path().write_text("[1")
    with pytest.raises(SettingsError, match=r"settings\.json cannot be read"):
        encoders_dir()


def test_progress_counts_every_byte(source, library) -> None:
    seen = []
    add_encoder("mine", source, library, on_progress=lambda done, total: seen.append((done, total)))

    total = sum(p.stat().st_size for p in source.iterdir())
    assert seen[-1] == (total, total) and all(a[0] < b[0] for a, b in pairwise(seen))


def test_the_librarys_own_files_are_no_source(source, library) -> None:
    add_encoder("mine", source, library)
    with pytest.raises(EncoderError, match="is kept already"):
        add_encoder("mine", library.folder("mine"), library, replace=True, link=True)
    assert library.load("mine", device="cpu").dim == DIM


def test_safetensors_whose_length_begins_like_a_pickle_are_read(source, library) -> None:
    path = source / "model.safetensors"
    weights = load_file(path)
    for filling in range(300):
        save_file(weights, path, metadata={"note": "x" * filling})
        if path.read_bytes()[:1] == b"\x80":
            break
    assert path.read_bytes()[:1] == b"\x80"
    assert add_encoder("mine", source, library).record.spec.dim == DIM


@pytest.mark.parametrize("mpp", [0.0, -1.0, float("nan"), float("inf")])
def test_a_resolution_that_cannot_be_is_refused(source, library, mpp) -> None:
    with pytest.raises(EncoderError, match="mpp has to be a number above 0"):
        add_encoder("mine", source, library, mpp=mpp)
    assert left_behind(library) == []
