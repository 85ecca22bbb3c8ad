"""Pairs of ONNX models that others made: found out by their names and shapes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto
from onnx_pairs import PROCESSOR, WORDS, Pair, cosines, entry, load, move_weights

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.encoders.onnx_pairs.models import OnnxModel, providers
from napari_histoalign.encoders.onnx_pairs.preparation import preparation
from napari_histoalign.errors import EncoderError

MEAN, STD = PROCESSOR["image_mean"], PROCESSOR["image_std"]
OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
TILES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
TEXTS = ["gland", "tumour of gland", "glass of glass of"]
MADE = {
    "transformers": Pair(),
    "boolean-mask": Pair(ids="ids", mask="mask", mask_type=TensorProto.BOOL),
    "int32-no-mask": Pair(ids="input", mask=None, id_type=TensorProto.INT32, hidden=False),
    "only-table": Pair(pixels="input", ids="tokens", outputs=("a", "b"), mask_type=TensorProto.FLOAT),
    "segments": Pair(segments="token_type_ids", mask_type=TensorProto.INT32),
    "float16-pixels": Pair(pixel_type=TensorProto.FLOAT16),
    "batch-of-two": Pair(batch=2),
    "width-not-said": Pair(vague=True),
    "free-sizes": Pair(side=None, length=None, tokenizer={**Pair().tokenizer, "model_max_length": 6}),
    "old-processor": Pair(outputs=("x", "text_features"), processor={**PROCESSOR, "size": 8, "crop_size": 8}),
}


@pytest.mark.parametrize("pair", MADE.values(), ids=MADE)
def test_names_and_kinds_of_inputs_are_matched(pair: Pair, tmp_path: Path) -> None:
    encoder = load(pair.save(tmp_path))

    found = encoder.embed_images(TILES)
    least = 1 - 1e-5 if pair.pixel_type == TensorProto.FLOAT16 else 1 - 1e-9
    assert cosines(found, pair.images(TILES, MEAN, STD)).min() > least
    assert cosines(found[:1], found[1:2]) < 0.999  # or the comparison says nothing
    np.testing.assert_allclose(encoder.embed_images(TILES[:1]), found[:1], atol=1e-6)
    assert cosines(encoder.embed_texts(TEXTS), pair.texts(TEXTS)).min() > 1 - 1e-9
    assert (encoder.spec.dim, encoder.input_size, encoder.spec.context_length) == (5, 8, 6)
    assert encoder.unknown_words("gland stroma") == ["stroma"]
    assert encoder.too_long(["gland", "gland " * 9]) == (1,)


def test_what_no_file_says_is_taken_from_clip_and_said(tmp_path: Path) -> None:
    pair = Pair(processor=None)

    encoder = load(pair.save(tmp_path))

    assert encoder.logit_scale == 100 and encoder.logit_bias == 0
    assert "logit scale: 100" in encoder.spec.notice and "CLIP's way" in encoder.spec.notice
    assert cosines(encoder.embed_images(TILES), pair.images(TILES, *OPENAI)).min() > 1 - 1e-9


def test_a_description_goes_before_all_other_files(tmp_path: Path) -> None:
    said = {
        "format": 1, "title": "Lab", "role": "pathology", "space": "lab", "licence": "CC-BY-4.0", "mpp": 0.25,
        "logit_scale": 17.5, "logit_bias": -3.0, "similarity": "sigmoid", "cleaning": "canonical",
        "normalisation": {"mean": [0, 0, 0], "std": [1, 1, 0.5]},
    }  # fmt: skip
    pair = Pair(description=said)

    encoder = load(pair.save(tmp_path))

    assert (encoder.logit_scale, encoder.logit_bias, encoder.mpp) == (17.5, -3.0, 0.25)
    spec = encoder.spec
    assert (spec.title, spec.role, spec.similarity, spec.space, spec.licence) == (
        "Lab", "pathology", "sigmoid", "lab", "CC-BY-4.0",
    )  # fmt: skip
    assert "logit scale" not in spec.notice
    assert cosines(encoder.embed_texts(["g.l_and!"]), encoder.embed_texts(["gl and"])) > 1 - 1e-6
    assert cosines(encoder.embed_images(TILES), pair.images(TILES, [0, 0, 0], [1, 1, 0.5])).min() > 1 - 1e-9
    given = entry(tmp_path, role="control", mpp=1.0)
    assert (given.role, given.mpp) == ("control", 1.0)


@pytest.mark.parametrize("lower", [True, False])
def test_a_vocabulary_of_bert_reads_capitals_as_its_configuration_says(lower: bool, tmp_path: Path) -> None:
    pair = Pair(tokenizer=None)
    pair.save(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lower}))

    encoder = load(tmp_path)

    assert encoder.spec.tokenizer == ("bert" if lower else "bert-cased")
    assert encoder.unknown_words("Gland") == ([] if lower else ["Gland"])
    assert cosines(encoder.embed_texts(TEXTS), pair.texts(TEXTS)).min() > 1 - 1e-9


def test_half_precision_changes_embeddings_by_rounding_only(tmp_path: Path) -> None:
    exact = load(Pair().save(tmp_path))

    for precision in ("float16", "bfloat16"):
        rough = load(tmp_path, precision=precision)
        assert cosines(rough.embed_images(TILES), exact.embed_images(TILES)).min() > 0.999
        np.testing.assert_array_equal(rough.embed_texts(TEXTS), exact.embed_texts(TEXTS))


@pytest.mark.parametrize("link", [False, True])
def test_a_pair_with_weights_beside_it_is_added_and_its_files_are_recorded(
    link: bool, tmp_path: Path
) -> None:
    pair, theirs = Pair(length=16), tmp_path / "theirs"
    pair.save(theirs)
    move_weights(theirs / "text.onnx", "text.onnx_data")
    (theirs / "text.onnx_data").write_bytes(pair.table.tobytes())
    library = EncoderLibrary(tmp_path / "library")

    added = add_encoder("theirs", theirs / "image.onnx", library, link=link)

    assert {
        "image.onnx",
        "text.onnx",
        "text.onnx_data",
        "tokenizer.json",
        "preprocessor_config.json",
    } <= added.record.files.keys()
    encoder = library.load("theirs", device="cpu")
    assert cosines(encoder.embed_texts(TEXTS), pair.texts(TEXTS, 16)).min() > 1 - 1e-9
    changed = added.folder / "text.onnx_data"
    changed.write_bytes(changed.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(EncoderError, match=r"text\.onnx_data is damaged or not the recorded file"):
        library.load("theirs", device="cpu")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, ("shortest", "bicubic", 8)),
        ({"resample": 2}, ("shortest", "bilinear", 8)),
        ({"size": {"height": 8, "width": 8}}, ("squash", "bicubic", 8)),
        ({"size": {"height": 9, "width": 9}, "do_center_crop": False}, ("squash", "bicubic", 9)),
        ({"size": {"height": 8, "width": 8}, "do_center_crop": None}, ("squash", "bicubic", 8)),
    ],
)
def test_preparations_of_transformers_are_understood(changes: dict, fields: tuple, tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**PROCESSOR, **changes}))

    found, remarks = preparation(tmp_path, {})

    assert (found["resize"], found["interpolation"], found["input_size"]) == fields
    assert found["normalisation"] == {"mean": MEAN, "std": STD} and not remarks


def test_sessions_use_the_processor_as_torch_does_and_the_graphics_card_only_where_they_can(
    tmp_path: Path,
) -> None:
    found = OnnxModel(Pair().save(tmp_path) / "image.onnx")

    options = found._session("cpu").get_session_options()
    assert options.intra_op_num_threads == torch.get_num_threads()
    assert found._session("cpu").get_providers() == ["CPUExecutionProvider"]
    cuda = [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "AzureExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert providers("cuda", cuda) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert (
        providers("cpu", cuda)
        == providers("mps", cuda)
        == providers("cuda", cuda[2:])
        == ("CPUExecutionProvider",)
    )
