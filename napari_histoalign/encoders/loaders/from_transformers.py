"""Folders in the layout of transformers: CLIP, PLIP, SigLIP and their kin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.loaders.bounds import check_bounds, check_parameters
from napari_histoalign.encoders.loaders.configs import check_sizes, read_config
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.tokenizing.clip import ClipTokenizer
from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer
from napari_histoalign.encoders.weights import load_strict, read_weights
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec
    from napari_histoalign.encoders.tokenizing import Tokenizer

KINDS = ("clip", "siglip")
"""What ``model_type`` may say. (SigLIP 2 of fixed image size is published as "siglip".)"""

NOT_OURS = ("dtype", "torch_dtype", "attn_implementation", "_attn_implementation", "return_dict")
"""Fields that would round the weights, ask for code from the hub, or change what a model returns."""

# older versions of transformers saved the numbers 0, 1, 2, ... of the positions
UNUSED = (r"(text|vision)_model\.embeddings\.position_ids",)


def load_transformers(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Towers and tokenizer of a folder with config.json and weights.

    Raises
    ------
    EncoderError
        A file is damaged, or does not fit the entry.
    """
    from napari_histoalign.encoders.building import NoRandomStart
    from napari_histoalign.encoders.library_towers import TransformersTowers

    path = files["config.json"]
    weights = next(file for name, file in files.items() if Path(name).suffix in (".safetensors", ".bin"))
    config = read_model_config(path)
    _check(spec, path, config)
    kind = _model_class(config.model_type)
    found = read_weights(weights)
    check_parameters(lambda: kind(config), path, found, weights)
    with one_sentence(f"{path} describes no model that can be built"), NoRandomStart():
        model = kind(config)
    load_strict(model, found, weights, UNUSED)
    return Parts(TransformersTowers(model, causal=config.model_type == "clip"), _tokenizer(spec, path.parent))


def read_model_config(path: Path) -> Any:
    """Transformers' configuration of a CLIP or SigLIP; what the file does not say has its defaults.

    Raises
    ------
    EncoderError
        It cannot be read, or is one of another model.
    """
    import transformers

    raw = read_config(path)
    kind = raw.get("model_type")
    if kind not in KINDS:
        raise EncoderError(
            f"{path} describes a model of type {kind!r}; those that can be used are {' and '.join(KINDS)}."
        )
    towers = [raw.get(f"{tower}_config{older}") for tower in ("text", "vision") for older in ("", "_dict")]
    for part in (raw, *towers):
        if isinstance(part, dict):
            for name in NOT_OURS:
                part.pop(name, None)
    check_bounds(raw, path)
    with one_sentence(f"{path} describes no model"):
        return (transformers.CLIPConfig if kind == "clip" else transformers.SiglipConfig).from_dict(raw)


def _model_class(kind: str) -> Any:
    import transformers

    return transformers.CLIPModel if kind == "clip" else transformers.SiglipModel


def _tokenizer(spec: EncoderSpec, folder: Path) -> Tokenizer:
    if spec.tokenizer == "clip":
        return ClipTokenizer(spec.context_length)
    return FolderTokenizer(folder, spec.context_length)


def _check(spec: EncoderSpec, path: Path, config: Any) -> None:
    """Compare the configuration with the entry."""
    vision, text = config.vision_config, config.text_config
    dim = config.projection_dim if config.model_type == "clip" else vision.hidden_size
    acts = {str(vision.hidden_act), str(text.hidden_act)}
    known = {
        "patch_size": ("a vision tower's patch_size of", vision.patch_size),
        "layers": ("a vision tower's layers of", vision.num_hidden_layers),
        "width": ("a vision tower's width of", vision.hidden_size),
        # no weight tells it, and another gives embeddings that are wrong by little
        "activation": ("the activation", " and ".join(sorted(acts))),
    }
    check_sizes(
        spec,
        path,
        {
            "embeddings of width": (dim, spec.dim),
            "images of side": (vision.image_size, spec.input_size),
            "a context of": (text.max_position_embeddings, spec.context_length),
            **{known[name][0]: (known[name][1], wanted) for name, wanted in spec.shape.items()},
        },
    )
