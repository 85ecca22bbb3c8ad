"""Encoders written as ONNX pairs: what is loaded back embeds as the encoder did, or nothing is left."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
from onnx_pairs import Pair, cosines, load
from onnx_sources import WORDS, Averaging, averaging, save_clip, save_custom

from napari_histoalign.encoders import Encoder, EncoderLibrary, add_encoder
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.onnx_pairs import export as exporting
from napari_histoalign.encoders.onnx_pairs import tracing
from napari_histoalign.encoders.onnx_pairs.export import Exported, export_onnx
from napari_histoalign.errors import EncoderError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:open_clip", "ignore::UserWarning:timm")

TILES = (
    np.random.default_rng(0)
    .integers(0, 256, (5, 9, 12, 3), dtype=np.uint8)
    .repeat(6, axis=1)
    .repeat(7, axis=2)
)
SAME, UNLIKE = 1 - 1e-6, 1 - 1e-4
TEXTS = ["an image of glands", "Tumour; 3+4!", "glass", "x", "tumour of glass, x; of an image"]


@pytest.fixture(scope="module", params=[save_clip, save_custom])
def exported(request: pytest.FixtureRequest, tmp_path_factory) -> tuple[Encoder, Exported]:
    """An encoder of a library, and what its export reports."""
    folder = tmp_path_factory.mktemp("source")
    with pytest.MonkeyPatch.context() as patch:
        create = timm.create_model
        patch.setattr(timm, "create_model", lambda name, **k: create(name, **{**k, "depth": 1}))
        encoder = load_folder(request.param(folder), folder, device="cpu")
    return encoder, export_onnx(encoder, tmp_path_factory.mktemp("exported"))


def test_what_is_loaded_back_embeds_as_the_encoder_did(exported) -> None:
    encoder, written = exported

    again = load(written.folder)

    images, texts = encoder.embed_images(TILES), encoder.embed_texts(TEXTS)
    assert cosines(again.embed_images(TILES), images).min() > SAME
    assert cosines(again.embed_images(TILES[:1]), images[:1]).min() > SAME
    assert cosines(again.embed_texts(TEXTS), texts).min() > SAME
    assert cosines(again.embed_texts(TEXTS[1:2]), texts[1:2]).min() > SAME
    # the comparison says something only where things differ
    assert (images @ images.T)[~np.eye(5, dtype=bool)].max() < UNLIKE
    assert (texts @ texts.T)[~np.eye(5, dtype=bool)].max() < UNLIKE


def test_tokens_scale_and_preparation_go_along(exported) -> None:
    encoder, written = exported

    again = load(written.folder)

    awkward = [*TEXTS, "Ünïcode \t &amp; <b>", "word " * 300]
    assert encoder.logit_scale == again.logit_scale and again.logit_bias == 0
    assert again.preprocessing == encoder.preprocessing
    assert again.too_long(awkward) == encoder.too_long(awkward) == (6,)
    for before, after in zip(
        encoder.parts.tokenizer(awkward).ids, again.parts.tokenizer(awkward).ids, strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_the_entry_keeps_terms_and_says_where_it_comes_from(exported) -> None:
    encoder, written = exported

    spec = load(written.folder).spec

    kept = (
        "role",
        "licence",
        "licence_url",
        "citation",
        "space",
        "mpp",
        "similarity",
        "dim",
        "input_size",
        "context_length",
    )
    assert [getattr(spec, k) for k in kept] == [getattr(encoder.spec, k) for k in kept]
    assert spec.title == "Lab CLIP (ONNX)"
    assert (
        spec.notice
        == "Not for diagnosis. Exported from Lab CLIP. The licence of its weights goes on: CC-BY-NC-ND-4.0"
    )
    source = json.loads((written.folder / "onnx_pair.json").read_text())["source"]
    assert source == {"name": encoder.spec.name, "weights_hash": encoder.weights_hash}
    assert spec.files.keys() == written.files.keys() and set(spec.files.values()) == {None}
    assert written.files == {p.name: p.stat().st_size for p in written.folder.iterdir()}
    assert 0.99999 < min(written.images, written.texts) <= 1.00001
    assert "CC-BY-NC-ND-4.0" in written.describe() and json.dumps(written.to_dict())


def test_other_programs_find_plain_names_free_batches_and_the_terms(exported) -> None:
    _, written = exported

    for name, inputs in {"image.onnx": ["pixels"], "text.onnx": ["ids"]}.items():
        path = written.folder / name
        found = onnx.load(path)
        onnx.checker.check_model(found, full_check=True)
        assert [i.name for i in found.graph.input] == inputs  # these text towers find padding without a mask
        assert [o.name for o in found.graph.output] == ["embedding"]
        assert found.graph.input[0].type.tensor_type.shape.dim[0].dim_param
        assert {p.key: p.value for p in found.metadata_props}["licence"] == "CC-BY-NC-ND-4.0"
        # nothing of where this computer keeps its programs
        assert (
            b"site-packages" not in path.read_bytes() and str(Path.home()).encode() not in path.read_bytes()
        )


def test_an_exported_pair_is_added_as_an_encoder_of_ones_own(exported, tmp_path: Path) -> None:
    encoder, written = exported
    library = EncoderLibrary(tmp_path / "library")

    add_encoder("again", written.folder, library, role="pathology")

    again = library.load("again", device="cpu")
    assert cosines(again.embed_images(TILES), encoder.embed_images(TILES)).min() > SAME
    with pytest.raises(EncoderError, match="is an ONNX pair already"):
        export_onnx(again, tmp_path / "twice")


def test_masks_biases_large_weights_and_fixed_batches_are_carried_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracing, "LARGEST", 0)  # so that these weights are large
    encoder = averaging(tmp_path)
    capfd.readouterr()

    written = export_onnx(encoder, tmp_path / "out")

    assert capfd.readouterr() == ("", "")
    assert {"image.onnx.data", "text.onnx.data", "vocab.txt"} <= written.files.keys()
    again = load(written.folder)
    found = onnx.load(written.folder / "text.onnx", load_external_data=False)
    assert [(i.name, i.type.tensor_type.elem_type) for i in found.graph.input] == [
        ("ids", onnx.TensorProto.INT64),
        ("mask", onnx.TensorProto.INT64),
    ]
    assert (again.logit_scale, again.logit_bias, again.spec.similarity) == (12.5, -7.0, "sigmoid")
    assert again.spec.tokenizer == "bert"
    texts = [*TEXTS, "Tumour tumour"]
    assert cosines(again.embed_texts(texts), encoder.embed_texts(texts)).min() > SAME
    assert cosines(again.embed_images(TILES), encoder.embed_images(TILES)).min() > SAME


class Branching(Averaging):
    """Does one thing or another by what it computes, which no graph can hold."""

    def encode_image(self, pixels):
        out = super().encode_image(pixels)
        return out if float(out.sum()) > 0 else -out


def test_towers_that_no_graph_can_hold_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="The image tower cannot be written as ONNX"):
        export_onnx(averaging(tmp_path, Branching()), tmp_path / "out")

    assert [p.name for p in tmp_path.iterdir()] == ["vocab.txt"]


def test_an_export_that_embeds_otherwise_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(widths=(6, 6), side=16, length=9, words=len(WORDS))  # an exporter gone wrong
    made = {"image.onnx": pair.image_model(), "text.onnx": pair.text_model()}
    monkeypatch.setattr(tracing, "write_tower", lambda t, e, path, about: onnx.save(made[path.name], path))

    with pytest.raises(
        EncoderError, match=r"do not give its embeddings \(lowest cosine -?0\.\d+ of images, -?0"
    ):
        export_onnx(averaging(tmp_path), tmp_path / "out")

    assert [p.name for p in tmp_path.iterdir()] == ["vocab.txt"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting.shutil, "copyfile", full)

    with pytest.raises(EncoderError, match="No space left on device"):
        export_onnx(averaging(tmp_path), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["vocab.txt"]


def test_folders_that_hold_something_are_not_written_to(tmp_path: Path) -> None:
    encoder = averaging(tmp_path)

    with pytest.raises(EncoderError, match="exists already and is not empty"):
        export_onnx(encoder, tmp_path)
    with pytest.raises(EncoderError, match="exists already"):
        export_onnx(encoder, tmp_path / "vocab.txt")
    with pytest.raises(EncoderError, match=r"There is no folder .*nowhere to write out to"):
        export_onnx(encoder, tmp_path / "nowhere" / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["vocab.txt"]


def test_encoders_without_torch_towers_are_refused(path_encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(
        EncoderError, match=r"Demo pathology encoder is a demonstration encoder.*cannot be written as ONNX"
    ):
        export_onnx(path_encoder, tmp_path / "out")
    half = averaging(tmp_path)
    half.precision = "float16"
    with pytest.raises(EncoderError, match="has to be loaded on the CPU in float32"):
        export_onnx(half, tmp_path / "out")
    with pytest.raises(EncoderError, match=r"its tokenizer \(words\) cannot be read without the encoder"):
        other = averaging(tmp_path)
        other.spec = replace(other.spec, tokenizer="words")
        export_onnx(other, tmp_path / "out")


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Pair().save(tmp_path / "pair")
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(EncoderError, match=rf'package {package}, .*pip install "napari-histoalign\[onnx\]"'):
        export_onnx(averaging(tmp_path), tmp_path / "out")
    if package != "onnxscript":  # which only exports need
        with pytest.raises(EncoderError, match=rf"package {package}, "):
            load(folder)
