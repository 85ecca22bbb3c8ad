"""Configurations that would take any amount of memory are refused before it is taken."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
import torch
from small_clip import save_small_clip

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.encoders.loaders.bounds import check_bounds, check_parameters
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


def test_numbers_that_a_model_works_out_itself_count_too(source: Path, tmp_path: Path) -> None:
    # open_clip's mask of which token looks at which: the square of a context that hardly any weight tells of
    tower = {"width": 8, "heads": 1, "layers": 1}
    config = {
        "embed_dim": 8,
        "vision_cfg": {"image_size": 32, "patch_size": 32, "width": 8, "head_width": 8, "layers": 1},
        "text_cfg": {**tower, "context_length": 1 << 16, "vocab_size": 49408},
    }
    source = tmp_path / "theirs"
    source.mkdir()
    (source / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    weights = {
        "positional_embedding": torch.zeros(1 << 16, 8),
        "token_embedding.weight": torch.zeros(49408, 8),
    }
    torch.save(weights, source / "open_clip_pytorch_model.bin")

    with pytest.raises(EncoderError, match=r"model of 4,29\d million numbers, and .* holds 1 million"):
        add(source, tmp_path)


def test_numbers_that_weights_share_count_once(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"1234")
    shared = dict.fromkeys(map(str, range(1000)), torch.zeros(1).expand(1 << 20))

    with pytest.raises(EncoderError, match=r"model of 400 million numbers, and .* holds 0 million"):
        check_parameters(lambda: torch.nn.Linear(20_000, 20_000), tmp_path, shared, tmp_path / "w.bin")


@pytest.mark.parametrize(("side", "patch"), [(4096, 1), (4096, None), ([2064, 16], 16), (1032, [8, 16])])
def test_images_of_too_many_patches_are_refused(
    side: object, patch: object, source: Path, tmp_path: Path
) -> None:
    change(source / "config.json", "vision_config", image_size=side, patch_size=patch)
    with pytest.raises(
        EncoderError, match=r"config\.json cuts images of \d+ pixels into patches of \d+: embedding"
    ):
        add(source, tmp_path)


def test_published_configurations_are_within_bounds() -> None:
    import open_clip

    for name in open_clip.list_models():
        check_bounds(open_clip.get_model_config(name), Path(name))
