"""Folders that ask for something unusual, and models that fail while they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_clip import save_small_clip

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.own import own_spec
from napari_histoalign.encoders.tokenizing import Tokenizer, Tokens
from napari_histoalign.encoders.torch_encoder import TorchEncoder
from napari_histoalign.encoders.towers import Towers
from napari_histoalign.errors import EncoderError

TILES = np.zeros((1, 224, 224, 3), np.uint8)


class Panic(BaseException):
    """What code in Rust raises."""


def open_clip_folder(folder: Path, text: dict[str, Any], image_size: Any = 32, **pixels: Any) -> Path:
    model = {"embed_dim": 16, "vision_cfg": {"image_size": image_size}, "text_cfg": text}
    config = {"model_cfg": model, "preprocess_cfg": pixels}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    (folder / "open_clip_model.safetensors").touch()
    return folder


def read(folder: Path):
    return own_spec("mine", folder, role=None, mpp=None)


BERT = {"hf_model_name": "lab/bert-uncased", "hf_tokenizer_name": "lab/bert-uncased"}
THEIRS = {"hf_tokenizer_name": "lab/words"}


@pytest.mark.parametrize(
    ("text", "files", "tokenizer"),
    [
        ({}, [], "clip"),
        ({"tokenizer_kwargs": {"clean": "lower"}}, [], "clip"),
        (THEIRS, ["tokenizer.json"], "folder"),
        ({**THEIRS, "tokenizer_kwargs": {"clean": "canonicalize"}}, ["spiece.model"], "siglip"),
        ({**THEIRS, "tokenizer_kwargs": {"strip_sep_token": False}}, ["vocab.txt"], "folder"),
        (BERT, ["vocab.txt"], "bert"),
        (BERT, ["vocab.txt", "tokenizer_config.json"], "folder"),
    ],
)
def test_texts_are_read_as_open_clips_configuration_says(
    text: dict, files: list[str], tokenizer: str, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).touch()
    spec = read(open_clip_folder(tmp_path, text))
    assert (spec.tokenizer, spec.context_length) == (tokenizer, 77)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ({**THEIRS, "tokenizer_kwargs": {"strip_sep_token": True}}, "not known here: strip_sep_token"),
        ({**THEIRS, "tokenizer_mode": "clips"}, "not known here: tokenizer_mode"),
        ({**THEIRS, "tokenizer_kwargs": {"clean": "lower"}}, "not known here: clean 'lower'"),
        ({"tokenizer_kwargs": {"clean": "canonicalize"}}, "not known here: clean 'canonicalize'"),
        ({"tokenizer_kwargs": {"reduction_mask": "simple"}}, "not known here: reduction_mask"),
        ({"tokenizer_kwargs": 7}, "incomplete"),
        ({**BERT, "hf_tokenizer_name": "lab/bert-cased"}, r"\(lab/bert-cased\) and needs its tokenizer"),
    ],
)
def test_texts_that_would_be_read_wrongly_are_refused(text: dict, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").touch()
    with pytest.raises(EncoderError, match=sentence):
        read(open_clip_folder(tmp_path, text))


@pytest.mark.parametrize(
    ("size", "pixels", "sentence"),
    [
        ([32, 64], {}, "no squares"),
        ([], {}, "no squares"),
        (32, {"mean": [10**400, 0, 0]}, "incomplete"),
        (32, {"mean": 0.5}, "incomplete"),
        (32, {"std": [0, 1, 1]}, "std above 0"),
        (32, {"resize_mode": "longest"}, "'longest'; there are"),
        (10**9, {}, "input_size has to be"),
    ],
)
def test_pixels_that_no_tower_takes_are_refused(
    size: Any, pixels: dict, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match=sentence):
        read(open_clip_folder(tmp_path, {}, size, **pixels))


def test_a_mean_without_a_deviation_is_kept(tmp_path: Path) -> None:
    spec = read(open_clip_folder(tmp_path, {}, [32, 32], mean=[0.1, 0.2, 0.3]))
    assert spec.input_size == 32
    assert spec.preprocessing.mean == (0.1, 0.2, 0.3)
    assert spec.preprocessing.std == pytest.approx((0.26862954, 0.26130258, 0.27577711))


@pytest.mark.parametrize("beside", [False, True])
def test_pixels_are_those_of_the_newer_processor_file(beside: bool, tmp_path: Path) -> None:
    """Version 5 saves one file for both halves of a processor, and prefers it where both are there."""
    from transformers import AutoImageProcessor, CLIPImageProcessor

    folder = save_small_clip(tmp_path / "clip")
    said = {"size": {"shortest_edge": 32}, "crop_size": 32, "image_mean": [0.1, 0.2, 0.3]}
    part = CLIPImageProcessor(**said).to_dict()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": part}))
    if beside:
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder)

    spec = read(folder)

    assert spec.preprocessing.mean == (0.1, 0.2, 0.3)
    assert list(AutoImageProcessor.from_pretrained(folder).image_mean) == [0.1, 0.2, 0.3]
    assert "processor_config.json" in spec.files


class Words(Tokenizer):
    """Raises what it is given, if it is given anything; else every text is padding."""

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error

    def __call__(self, texts):
        if self._error:
            raise self._error
        return Tokens(np.zeros((len(texts), 4), np.int64), np.zeros((len(texts), 4), bool))

    def unknown(self, text):
        raise self._error


class Failing(Towers):
    """The same for towers."""

    trims_padding = True
    scale = 1.0

    def __init__(self, error: BaseException | None = None) -> None:
        super().__init__()
        self._error = error

    def encode_image(self, pixels):
        raise self._error

    def encode_text(self, ids, mask):
        if self._error:
            raise self._error
        return torch.ones(len(ids), 512)

    def _apply(self, fn, recurse=True):
        if isinstance(self._error, torch.OutOfMemoryError):
            raise self._error
        return super()._apply(fn, recurse)


ERRORS = [IndexError("index 9"), RuntimeError("sizes\nand more"), MemoryError(), Panic("slice")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_fails_in_an_encoder_names_it(error: BaseException) -> None:
    spec = registry()["plip"]
    towers, words = (
        TorchEncoder(spec, parts, {}, "cpu")
        for parts in (Parts(Failing(error), Words()), Parts(Failing(), Words(error)))
    )
    for ask in (
        lambda: towers.embed_images(TILES),
        lambda: towers.embed_texts(["gland"]),
        lambda: words.embed_texts(["gland"]),
        lambda: words.too_long(["gland"]),
        lambda: words.unknown_words("gland"),
    ):
        with pytest.raises(EncoderError, match=r"^PLIP cannot (embed|read) [a-z ]+ \([^\n]+\)\.$"):
            ask()


def test_a_device_without_room_is_one_sentence() -> None:
    full = Failing(torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(EncoderError, match=r"PLIP cannot be brought to the device cpu \(CUDA out of memory"):
        TorchEncoder(registry()["plip"], Parts(full, Words()), {}, "cpu")


def test_a_person_can_stop_an_encoder() -> None:
    encoder = TorchEncoder(registry()["plip"], Parts(Failing(KeyboardInterrupt()), Words()), {}, "cpu")
    with pytest.raises(KeyboardInterrupt):
        encoder.embed_images(TILES)


def test_a_text_of_which_nothing_is_left_is_embedded_as_padding() -> None:
    encoder = TorchEncoder(registry()["plip"], Parts(Failing(), Words()), {}, "cpu")
    assert encoder.embed_texts(["\u200b?"]).shape == (1, 512)
