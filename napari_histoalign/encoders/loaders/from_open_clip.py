"""Files in the layout of open_clip: OpenCLIP, SigLIP, MobileCLIP, PE-Core, QuiltNet, BiomedCLIP."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.loaders.bounds import check_bounds, check_parameters
from napari_histoalign.encoders.loaders.configs import check_sizes, read_config
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.tokenizing.bert import WordPiece
from napari_histoalign.encoders.tokenizing.cleaning import Cleaned
from napari_histoalign.encoders.tokenizing.clip import ClipTokenizer
from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer
from napari_histoalign.encoders.weights import load_strict, read_weights
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec
    from napari_histoalign.encoders.tokenizing import Tokenizer

CONFIG = "open_clip_config.json"
BERT = {"vocab_size": 30522}
"""BERT's own sizes but for the vocabulary; the ``shape`` of an entry without architecture may change them."""
OLD_NAMES = {"proj": "hf_proj_type", "pooler_type": "hf_pooler_type"}
"""Fields of ``text_cfg`` that open_clip renamed."""
COMPARED = {
    "vision_cfg": ("image_size", "layers", "width", "patch_size", "timm_model_name"),
    "text_cfg": ("context_length", "vocab_size", "width", "heads", "layers"),
}
CHOICES = {"no_causal_mask": False, "pool_type": "argmax", "final_ln_after_pool": False}
"""Fields of ``text_cfg`` that no weight tells of, and open_clip's defaults."""
# the numbers 0, 1, 2, ... of the positions, which older versions of transformers saved
UNUSED = (r"text\.transformer\.embeddings\.position_ids",)


def load_open_clip(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Towers and tokenizer of a folder with open_clip_config.json, or of weights of a known architecture.

    Raises
    ------
    EncoderError
        A file is damaged, or does not fit the entry.
    """
    from napari_histoalign.encoders.library_towers import OpenClipTowers

    path = files.get(CONFIG)
    weights = next(p for name, p in files.items() if Path(name).suffix in (".safetensors", ".bin", ".pt"))
    config = _known(spec) if path is None else read_config(path).get("model_cfg")
    where = path or weights
    if not isinstance(config, dict) or not all(
        isinstance(config.get(k), dict) for k in ("vision_cfg", "text_cfg")
    ):
        raise EncoderError(
            f"{where} describes no model of open_clip: it needs model_cfg with vision_cfg and text_cfg."
        )
    check_bounds(config, where)
    _check(spec, where, config)
    found = read_weights(weights)
    check_parameters(lambda: _build(spec, config), where, found, weights)
    with one_sentence(f"{where} describes no model that can be built"):
        model = _build(spec, config)
    with one_sentence(f"{weights} does not hold these weights"):
        found = _renamed(model, found)
    load_strict(model, found, weights, UNUSED)
    text = config["text_cfg"]
    # BERT masks what pads a text; open_clip's own text towers take texts of full length only
    trims = "hf_model_name" in text
    return Parts(OpenClipTowers(model, trims_padding=trims), _tokenizer(spec, files, text))


def _known(spec: EncoderSpec) -> dict[str, Any]:
    """The architecture an entry names, with the sizes its ``shape`` changes; empty where it names none."""
    import open_clip

    if not spec.architecture:
        return {}
    config = open_clip.get_model_config(spec.architecture)
    if config is None:
        raise EncoderError(
            f"open_clip has no architecture {spec.architecture!r}, which {spec.title} needs: update it."
        )
    for name, value in spec.shape.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    return dict(config)


def _build(spec: EncoderSpec, published: Mapping[str, Any]) -> Any:
    """The module, without any access to a hub."""
    import open_clip

    from napari_histoalign.encoders.building import NoRandomStart

    config = deepcopy(dict(published))
    vision, text = config["vision_cfg"], config["text_cfg"]
    if ":" in str(vision.get("timm_model_name", "")) or "/" in str(vision.get("timm_model_name", "")):
        raise EncoderError(f"{spec.title} names an image tower outside timm ({vision['timm_model_name']}).")
    for part in (vision, text):
        part.pop("output_tokens", None)  # which would make a tower return more than the embedding
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    build = (
        open_clip.CLIP
        if not custom
        else open_clip.CoCa
        if "multimodal_cfg" in config
        else open_clip.CustomTextCLIP
    )
    with tempfile.TemporaryDirectory(prefix="histoalign-") as folder, NoRandomStart():
        if "hf_model_name" in text:
            for old, new in OLD_NAMES.items():
                if old in text:
                    text[new] = text.pop(old)
            # open_clip asks the hub for the text tower's configuration unless it is a folder
            (Path(folder) / "config.json").write_text(
                json.dumps({"model_type": "bert", **BERT, **spec.shape})
            )
            text.update(hf_model_name=folder, hf_model_pretrained=False)
        return build(**config)


def _renamed(model: Any, weights: dict[str, Any]) -> dict[str, Any]:
    """Weights under the names of this version of open_clip, which reads several older layouts."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    weights = convert_state_dict(model, weights)
    if "positional_embedding" in weights and not hasattr(model, "positional_embedding"):
        weights = convert_to_custom_text_state_dict(weights)
    for name in ("logit_scale", "logit_bias"):  # one number, saved with one dimension or none
        wanted = getattr(model, name, None)
        if wanted is not None and name in weights and weights[name].numel() == 1:
            weights[name] = weights[name].reshape(wanted.shape)
    return dict(weights)


def _tokenizer(spec: EncoderSpec, files: Mapping[str, Path], text: Mapping[str, Any]) -> Tokenizer:
    if spec.tokenizer == "bert":
        words = WordPiece(files["vocab.txt"], True, spec.context_length, {**BERT, **spec.shape}["vocab_size"])
        return Cleaned(words, "whitespace")
    if spec.tokenizer == "clip":
        return ClipTokenizer(spec.context_length)
    read = FolderTokenizer(next(iter(files.values())).parent, spec.context_length)
    return Cleaned(read, "canonical" if spec.tokenizer == "siglip" else "whitespace")


def _check(spec: EncoderSpec, path: Path, config: Mapping[str, Any]) -> None:
    """Compare a configuration with the entry, and with the architecture the entry names."""
    sizes = {"embeddings of width": (config.get("embed_dim"), spec.dim)}
    if "hf_model_name" not in config["text_cfg"]:
        sizes["a context of"] = (config["text_cfg"].get("context_length", 77), spec.context_length)
    image = config["vision_cfg"].get("image_size", 224)
    sizes["images of side"] = (image[0] if isinstance(image, list) else image, spec.input_size)
    known = _known(spec)
    for part, names in COMPARED.items():
        for name in names:
            if name in known.get(part, {}):
                sizes[f"{part}.{name}"] = (config[part].get(name), known[part][name])
    for name, default in CHOICES.items() if known else ():
        both = (config["text_cfg"].get(name, default), known["text_cfg"].get(name, default))
        sizes[f"text_cfg.{name}"] = both
    check_sizes(spec, path, sizes)
