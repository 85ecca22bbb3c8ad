"""A hub with a reduced CLIP of random weights, and a library that knows where it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_server import Hub, Repository

from napari_histoalign.encoders import EncoderLibrary
from napari_histoalign.encoders.fetching import job

ENTRY: dict[str, Any] = {
    "title": "Small CLIP",
    "role": "general",
    "loader": "transformers",
    "hub": "lab/small-clip",
    "files": {"model.safetensors|pytorch_model.bin": None, "config.json": None},
    "input_size": 32,
    "mpp": None,
    "dim": 16,
    "context_length": 77,
    "tokenizer": "clip",
    "space": "small-clip",
    "licence": "CC-BY-NC-ND-4.0",
    "licence_url": "https://example.org/licence",
    "size_mb": 4,
    "citation": "nobody",
    "page": "https://example.org/small-clip",
}


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of a CLIP in the layout of transformers, by name; about 3 MB."""
    import torch
    import transformers
    from safetensors.torch import save_file

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**sizes, "vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407},
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(0)
    model = transformers.CLIPModel(config)
    for parameter in model.parameters():
        if parameter.ndim > 1:  # large enough that what goes in decides what comes out
            torch.nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("small-clip")
    weights = {n: t for n, t in model.state_dict().items() if not n.endswith("position_ids")}
    save_file(weights, folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(small_clip: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Both servers; the person's own token and proxies are out of reach, and nobody waits between tries."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(job, "WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(job, "FIRST_WAITS", (0.0,))
    with Hub() as servers:
        files = {name: data for name, data in small_clip.items() if name != "pytorch_model.bin"}
        servers.repositories["lab/small-clip"] = Repository({})
        servers.repositories["lab/small-clip"].commit(files)
        monkeypatch.setenv("HF_ENDPOINT", servers.url)
        yield servers


@pytest.fixture
def make_library(tmp_path: Path) -> Callable[..., EncoderLibrary]:
    """Make a library whose registry has "small", with other fields than `ENTRY` where they are given."""

    def make(**changes: Any) -> EncoderLibrary:
        path = tmp_path / "encoders.yaml"
        path.write_text(yaml.safe_dump({"small": {**ENTRY, **changes}}, sort_keys=False), encoding="utf-8")
        return EncoderLibrary(tmp_path / "library", registry_path=path)

    return make


@pytest.fixture
def library(make_library: Callable[..., EncoderLibrary]) -> EncoderLibrary:
    """A library whose registry has "small" as `ENTRY` has it."""
    return make_library()
