"""Pairs of ONNX models that are damaged, reach out of their folder or do not fit: refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_pairs import PROCESSOR, Pair, entry, load, model, move_weights

from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.onnx_pairs.preparation import preparation
from napari_histoalign.errors import EncoderError


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models that onnxruntime was given."""
    import onnxruntime

    names: list[str] = []
    session = onnxruntime.InferenceSession

    def open_session(path: str, *args, **kwargs):
        names.append(Path(path).name)
        return session(path, *args, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    return names


@pytest.mark.parametrize(
    "location",
    ["../text.bin", "weights/text.bin", "{folder}/text.bin", "..", "", "*/_ORT_MEM_ADDR_/*", "a\\b", "c:x"],
)
def test_weights_outside_the_folder_are_refused_before_they_are_read(
    location: str, tmp_path: Path, opened: list[str]
) -> None:
    pair, folder = Pair(), tmp_path / "theirs"
    pair.save(folder)
    (folder / "weights").mkdir()
    for there in (tmp_path, folder / "weights"):
        (there / "text.bin").write_bytes(pair.table.tobytes())
    move_weights(folder / "text.onnx", location.format(folder=tmp_path))

    with pytest.raises(EncoderError, match=r"text\.onnx keeps weights in .*Only files beside it"):
        entry(folder)

    assert opened == ["image.onnx"]


def test_weights_in_a_step_of_a_branch_are_looked_at_too(tmp_path: Path, opened: list[str]) -> None:
    path = Pair().save(tmp_path) / "image.onnx"
    constant = numpy_helper.from_array(np.ones(3, np.float32), "secret")
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="../secret")
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])]
    branch = helper.make_graph([helper.make_node("Constant", [], ["y"], value=constant)], "branch", [], out)
    found = onnx.load(path)
    found.graph.node.append(helper.make_node("If", ["b"], ["z"], then_branch=branch, else_branch=branch))
    onnx.save(found, path)

    with pytest.raises(EncoderError, match=r"image\.onnx keeps weights in '\.\./secret'"):
        entry(tmp_path)

    assert opened == []


def test_weights_that_are_not_there_or_cut_off_are_refused(tmp_path: Path) -> None:
    pair = Pair()
    pair.save(tmp_path)
    move_weights(tmp_path / "text.onnx", "text.bin")

    with pytest.raises(EncoderError, match=r"text\.bin, which is not beside it"):
        entry(tmp_path)
    (tmp_path / "text.bin").write_bytes(pair.table.tobytes()[:-1])
    with pytest.raises(EncoderError, match=r"text\.onnx is no ONNX model that can be run"):
        entry(tmp_path)


def test_weights_that_the_record_does_not_name_are_not_read(tmp_path: Path) -> None:
    pair = Pair()
    spec = entry(pair.save(tmp_path))
    move_weights(tmp_path / "text.onnx", "text.bin")
    (tmp_path / "text.bin").write_bytes(pair.table.tobytes())

    with pytest.raises(EncoderError, match=r"text\.bin, which is not among the files"):
        load_folder(spec, tmp_path, device="cpu")


@pytest.mark.parametrize("name", ["image.onnx", "text.onnx"])
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "bytes", "name"])
def test_damaged_models_are_refused(name: str, damage: str, tmp_path: Path, capfd) -> None:
    path = Pair().save(tmp_path) / name
    whole = path.read_bytes()
    changed = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"<html>not found</html>",
        "bytes": whole[::-1],
        "name": whole.replace(b"last_hidden_state", b"\xff" * 17),
    }
    path.write_bytes(changed[damage])

    with pytest.raises(EncoderError, match=rf"{name} is no (whole )?ONNX"):
        entry(tmp_path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        (Pair(widths=(5, 4), vague=True), r"gives 5 numbers and .*gives 4"),
        (Pair(widths=(5, 4)), r"gives 5 numbers and .*text\.onnx gives 4"),
        (Pair(side=None, processor=None), r"images of any size.*preprocessor_config\.json"),
        (Pair(length=None), r"texts of any length.*model_max_length"),
        (Pair(length=None, tokenizer={"model_max_length": 10**30}), r"texts of any length"),
        (Pair(tokenizer=None), r"lacks the tokenizer of text\.onnx: add tokenizer\.json"),
        (Pair(channels_first=False), r"shape \(n, 8, 8, 3\); known is"),
        (Pair(pixel_type=TensorProto.UINT8), r"pixel_values as tensor\(uint8\)"),
        (
            Pair(id_type=TensorProto.INT32, mask="position_ids"),
            r"takes input_ids, position_ids; a text tower takes",
        ),
        (
            Pair(processor={**PROCESSOR, "size": 16, "crop_size": 16}),
            r"side 8, and the files beside it say 16",
        ),
        (Pair(description={"format": 1, "context_length": 7}), r"takes 6 tokens, and onnx_pair\.json says 7"),
        (Pair(description={"format": 1, "dim": 6}), r"give 5 numbers, and onnx_pair\.json says 6"),
        (Pair(description={"format": 2}), r"format 2; this version reads 1"),
        (Pair(description={"format": 1, "scale": 3}), r"unknown field 'scale'"),
        (Pair(description={"format": 1, "logit_scale": -1}), r"'-1' for logit_scale"),
        (Pair(description={"format": 1, "logit_bias": float("nan")}), r"'nan' for logit_bias"),
        (Pair(description={"format": 1, "input_size": True}), r"'True' for input_size"),
        (Pair(description={"format": 1, "tokenizer": ["clip"]}), r"for tokenizer, which it cannot be"),
        (
            Pair(description={"format": 1, "normalisation": {"mean": [0] * 3, "std": [1, 0, 1]}}),
            r"for normalisation",
        ),
        (Pair(description={"format": 1, "resize": "stretch"}), r"resize 'stretch'; there are"),
        (Pair(description={"format": 1, "role": "boss"}), r"role 'boss'; there are"),
    ],
)
def test_pairs_that_cannot_be_used_are_refused(pair: Pair, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=sentence):
        entry(pair.save(tmp_path))


def test_models_with_unclear_outputs_or_operators_of_others_are_refused(tmp_path: Path) -> None:
    Pair().save(tmp_path)
    pixels = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 8, 8])]
    tables = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3]) for n in ("p", "q")]
    means = [helper.make_node("ReduceMean", ["pixels"], [n], axes=[2, 3], keepdims=0) for n in ("p", "q")]
    onnx.save(model(means, pixels, tables, {}), tmp_path / "image.onnx")
    with pytest.raises(EncoderError, match="gives p, q, and which of them is the embedding is not clear"):
        entry(tmp_path)

    theirs = helper.make_node("Steal", ["pixels"], ["p"], domain="of.others")
    made = model([theirs], pixels, tables[:1], {})
    made.opset_import.append(helper.make_opsetid("of.others", 1))
    onnx.save(made, tmp_path / "image.onnx")
    with pytest.raises(EncoderError, match=r"image\.onnx is no ONNX model that can be run here"):
        entry(tmp_path)


def test_a_model_that_fails_says_so(tmp_path: Path) -> None:
    pair = Pair()
    encoder = load(pair.save(tmp_path))
    spec = replace(encoder.spec, tokenizer="clip")  # whose ids are far beyond the table

    with pytest.raises(EncoderError, match=r"text\.onnx cannot be run"):
        load_folder(spec, tmp_path, device="cpu").embed_texts(["gland"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"resample": 0}, "Pillow's interpolation 0"),
        ({"size": {"shortest_edge": 10}}, "brought to 10 pixels and 8 of them are cut out"),
        ({"size": {"height": 8, "width": 9}}, "9 x 8 pixels are no squares"),
        ({"do_rescale": False}, "not brought to between 0 and 1"),
        ({"rescale_factor": 1 / 127.5}, "not brought to between 0 and 1"),
        ({"image_std": [1, 0, 1]}, "three numbers"),
        ({"image_mean": [1, 2]}, "three numbers"),
        ({"size": "large"}, "cannot be read"),
    ],
)
def test_other_preparations_are_refused(changes: dict, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**PROCESSOR, **changes}))

    with pytest.raises(EncoderError, match=rf"preparation of pixels that is not known here: .*{sentence}"):
        preparation(tmp_path, {})
    # a person who knows better may say it
    assert preparation(
        tmp_path, {"resize": "squash", "interpolation": "bicubic", "normalisation": "half"}
    ) == ({}, [])


def test_models_that_repeat_steps_are_not_run(tmp_path: Path, opened: list[str]) -> None:
    path = Pair().save(tmp_path) / "image.onnx"
    found = onnx.load(str(path))
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
    )
    found.graph.node.append(helper.make_node("Loop", ["", "yes"], [], body=body))
    onnx.save(found, str(path))

    with pytest.raises(EncoderError, match=r"image\.onnx repeats steps \(Loop\)"):
        entry(tmp_path)

    assert opened == []
