"""Entries for encoders of a person's own, read from what stands in their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_histoalign.encoders.before_libraries import prepare_libraries
from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.encoders.loaders.from_transformers import read_model_config
from napari_histoalign.encoders.preprocessing import NORMALISATIONS
from napari_histoalign.encoders.processor_config import PROCESSOR, WHOLE, find_processor, read_processor
from napari_histoalign.encoders.registry import ROLES, EncoderSpec, make_spec
from napari_histoalign.errors import EncoderError

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "vocab.txt", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model",
)  # fmt: skip
"""What transformers reads tokenizers from; those that are there are taken along."""
VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
)
"""Those of them that hold the tokens themselves."""
SAYS_ITS_KIND = ("tokenizer.json", "tokenizer_config.json")
"""Those that say what reads the tokens."""
CLEANINGS = ("whitespace", "canonicalize")
"""What open_clip's configurations may ask to be done to a text before."""
LICENCE = "your own: see where you got it"


def own_spec(name: str, path: Path, *, role: str | None, mpp: float | None) -> EncoderSpec:
    """An entry for a folder in the layout of transformers, open_clip, or with an ONNX pair.

    Parameters
    ----------
    name
        What it shall be called.
    path
        The folder, or a file in it.
    role
        "pathology", "general" or "control"; None for what the folder says, else "general".
    mpp
        Micrometres per pixel of a tile it is meant for; None for what the folder says, else any.

    Raises
    ------
    EncoderError
        The folder is in none of these layouts, or its configuration cannot be used.
    """
    if role is not None and role not in ROLES:
        raise EncoderError(f"There is no role {role!r}; there are {', '.join(ROLES)}.")
    prepare_libraries()  # before transformers is imported to read a configuration
    folder = path if path.is_dir() else path.parent
    if (folder / "image.onnx").is_file() and (folder / "text.onnx").is_file():
        from napari_histoalign.encoders.onnx_pairs.entries import onnx_spec

        return onnx_spec(name, folder, role=role, mpp=mpp)
    common = {
        "name": name,
        "title": name,
        "role": role or "general",
        "mpp": mpp,
        "space": f"own {name}",
        "licence": LICENCE,
    }
    common |= {"licence_url": "", "citation": ""}
    try:
        if (folder / "open_clip_config.json").is_file():
            return make_spec(name, _open_clip(common, folder).to_dict(), folder / "open_clip_config.json")
        if (folder / "config.json").is_file():
            return make_spec(name, _transformers(common, folder).to_dict(), folder / "config.json")
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as err:
        raise EncoderError(
            f"The configuration in {folder} is incomplete ({type(err).__name__}: {err})."
        ) from err
    raise EncoderError(
        f"{folder} is in no layout that is known here. Needed is config.json with weights "
        "(transformers: CLIP, SigLIP), open_clip_config.json with weights, or image.onnx and text.onnx "
        "with a tokenizer."
    )


def _transformers(common: dict[str, Any], folder: Path) -> EncoderSpec:
    full = read_model_config(folder / "config.json")
    kind = full.model_type
    side, length = full.vision_config.image_size, full.text_config.max_position_embeddings
    return EncoderSpec(
        **common,
        loader="transformers",
        files=_files(folder, ("config.json",), "model.safetensors|pytorch_model.bin"),
        input_size=side,
        dim=full.projection_dim if kind == "clip" else full.vision_config.hidden_size,
        context_length=length,
        tokenizer="folder" if _has_tokenizer(folder) else _no_tokenizer(folder, kind),
        similarity="softmax" if kind == "clip" else "sigmoid",
        **_processor(folder, kind, side),
    )


def _open_clip(common: dict[str, Any], folder: Path) -> EncoderSpec:
    config = read_config(folder / "open_clip_config.json")
    model, pixels = config["model_cfg"], config.get("preprocess_cfg") or {}
    text, side = model["text_cfg"], model["vision_cfg"].get("image_size", 224)
    if isinstance(side, list):
        if len(set(side)) != 1:
            raise ValueError(f"pictures of {side} pixels are no squares")
        side = side[0]
    return EncoderSpec(
        **common,
        loader="open-clip",
        files=_files(
            folder, ("open_clip_config.json",), "open_clip_model.safetensors|open_clip_pytorch_model.bin"
        ),
        input_size=side,
        dim=model["embed_dim"],
        context_length=text.get("context_length", 77),
        tokenizer=_open_clip_tokenizer(text, folder),
        similarity="sigmoid" if model.get("init_logit_bias") is not None else "softmax",
        resize=pixels.get("resize_mode", "shortest"),
        interpolation=pixels.get("interpolation", "bicubic"),
        normalisation=_numbers(pixels.get("mean"), pixels.get("std")),
    )


def _open_clip_tokenizer(text: dict[str, Any], folder: Path) -> str:
    """What reads the texts; a sentence where open_clip would read them in another way than is known here."""
    options = dict(text.get("tokenizer_kwargs") or {})
    cleaning = options.pop("clean", None)
    others = [
        name for name, value in {**options, "tokenizer_mode": text.get("tokenizer_mode")}.items() if value
    ]
    theirs = "hf_model_name" in text or "hf_tokenizer_name" in text
    if others or cleaning not in (None, *(CLEANINGS if theirs else ("lower",))):
        what = ", ".join([*others, *([f"clean {cleaning!r}"] if not others else [])])
        raise EncoderError(f"{folder} asks for a way of reading texts that is not known here: {what[:80]}.")
    if not theirs:
        return "clip"
    named = str(text.get("hf_tokenizer_name") or text.get("hf_model_name"))
    if not any((folder / name).is_file() for name in SAYS_ITS_KIND) and "hf_model_name" in text:
        if not (folder / "vocab.txt").is_file() or ("cased" in named and "uncased" not in named):
            raise EncoderError(
                f"{folder} has a text tower of BERT's kind ({named[:60]}) and needs its tokenizer beside the "
                "weights: tokenizer.json, or vocab.txt where capitals do not matter."
            )
        return "bert"
    if not _has_tokenizer(folder):
        raise EncoderError(f"{folder} lacks its tokenizer ({named[:60]}): tokenizer.json or the like.")
    return "siglip" if cleaning == "canonicalize" else "folder"


def _processor(folder: Path, kind: str, side: int) -> dict[str, Any]:
    """Preparation of pixels from the folder's image processor, else what models of this kind have."""
    path = find_processor(folder)
    if path is None:
        return {} if kind == "clip" else {"resize": "squash", "normalisation": "half"}
    found = read_processor(path)
    if found.pop("input_size") != side:
        raise EncoderError(f"{path} prepares pictures of another size than the {side} pixels of config.json.")
    return found


def _numbers(mean: Any, std: Any) -> str | dict[str, list[float]]:
    """Of a configuration of open_clip, which has those of OpenAI where it does not say."""
    if mean is None and std is None:
        return "openai"
    usual = NORMALISATIONS["openai"]
    both = (usual[0] if mean is None else mean, usual[1] if std is None else std)
    return dict(zip(("mean", "std"), ([float(v) for v in values] for values in both), strict=True))


def _files(folder: Path, configs: tuple[str, ...], weights: str) -> dict[str, None]:
    """Files of an own encoder, the weights first."""
    others = [n for n in (*configs, PROCESSOR, WHOLE, *TOKENIZER_FILES) if (folder / n).is_file()]
    return dict.fromkeys([weights, *others])


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / n).is_file() for n in VOCABULARIES)


def _no_tokenizer(folder: Path, kind: str) -> str:
    """CLIP's own byte pairs where a CLIP folder has no tokenizer; a sentence for others."""
    if kind == "clip":
        return "clip"
    raise EncoderError(f"{folder} lacks its tokenizer: tokenizer.json or spiece.model.")
