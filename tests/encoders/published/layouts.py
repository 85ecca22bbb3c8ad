"""Encoders with seeded random weights, in the layouts of their publishers, full-size or reduced."""

from __future__ import annotations

import json
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from napari_histoalign.encoders import EncoderSpec, registry

BERT_WORDS = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PROMPTS = ["an H&E image of invasive ductal carcinoma", "glass", "tumour " * 100]
# what the files of these publishers hold but no architecture of open_clip's list describes
BERT_TEXT = {
    "biomedclip": {
        "hf_model_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
        "hf_tokenizer_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
        "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
        "context_length": 256,
    },
    "quiltnet-b16-pmb": {
        "hf_model_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
        "hf_tokenizer_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
        "proj": "mlp",
        "pooler_type": "cls_last_hidden_state_pooler",
        "context_length": 256,
    },
}
SMALL_BERT = {
    "vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 256,
}  # fmt: skip
SMALL_TIMM = {
    "vit_base_patch16_224": {"depth": 2, "embed_dim": 64, "num_heads": 4},
    "vit_base_patch16_siglip_224": {"depth": 2, "embed_dim": 64, "num_heads": 4},
    "vit_pe_core_base_patch16_224": {"depth": 2},
    "fastvit_mci2": {"layers": (1, 1, 1, 1)},
}


@dataclass(frozen=True)
class Published:
    """A folder as its publisher has it, the entry it belongs to, and the module its weights came from."""

    spec: EncoderSpec
    folder: Path
    source: torch.nn.Module
    config: dict[str, Any]


def open_clip_config(name: str, *, small: bool) -> dict[str, Any]:
    """``model_cfg`` of an entry of the registry."""
    spec = registry()[name]
    if name in BERT_TEXT:
        vision = {"timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": False, "timm_pool": ""}
        vision |= {"timm_proj": "linear", "image_size": 224}
        if name == "quiltnet-b16-pmb":
            vision = {"image_size": 224, "layers": 12, "width": 768, "patch_size": 16}
        config = {"embed_dim": 512, "vision_cfg": vision, "text_cfg": deepcopy(BERT_TEXT[name])}
    else:
        architecture = (
            spec.architecture or {32: "ViT-B-32", 16: "ViT-B-16", 14: "ViT-L-14"}[spec.shape["patch_size"]]
        )
        config = open_clip.get_model_config(architecture)
    if spec.loader == "transformers":
        config["quick_gelu"] = True
    if small:
        config["embed_dim"] = 64 if "siglip" in name else 32
        for part in (config["vision_cfg"], config["text_cfg"]):
            if "layers" in part:
                part.update(layers=2, width=64)
            part.pop("heads", None)
            part.pop("head_width", None)
        config["vision_cfg"].setdefault("timm_model_name", None)
        if config["vision_cfg"]["timm_model_name"] is None:
            del config["vision_cfg"]["timm_model_name"]
            config["vision_cfg"]["head_width"] = 16
        if "hf_model_name" not in config["text_cfg"]:
            config["text_cfg"]["heads"] = 4
        if "hf_tokenizer_name" in config["text_cfg"] and "hf_model_name" not in config["text_cfg"]:
            config["text_cfg"]["vocab_size"] = 300
    return config


def small_entry(name: str, config: dict[str, Any]) -> EncoderSpec:
    """The entry of a name, with the sizes of a reduced configuration."""
    spec = registry()[name]
    if "hf_model_name" in config["text_cfg"]:
        shape: dict[str, Any] = SMALL_BERT
    elif spec.loader == "transformers":
        shape = {**spec.shape, "layers": 2, "width": 64}
    else:
        shape = {part: config[part] for part in ("embed_dim", "vision_cfg", "text_cfg")}
    return replace(spec, dim=config["embed_dim"], shape=shape)


@contextmanager
def smaller_timm(small: bool):
    """Timm's towers with fewer blocks while the block runs: their names stay, their sizes do not."""
    with pytest.MonkeyPatch.context() as patch:
        if small:
            create = timm.create_model
            patch.setattr(
                timm, "create_model", lambda name, **k: create(name, **{**k, **SMALL_TIMM.get(name, {})})
            )
        yield


def build(spec: EncoderSpec, config: dict[str, Any], folder: Path, *, seed: int = 0) -> torch.nn.Module:
    """A module of open_clip with random weights that make every token and pixel count."""
    config = deepcopy(config)
    text = config["text_cfg"]
    if "hf_model_name" in text:
        bert = folder / "bert"
        bert.mkdir(exist_ok=True)
        sizes = spec.shape or {"vocab_size": 30522}
        (bert / "config.json").write_text(json.dumps({"model_type": "bert", **sizes}))
        text.update(hf_model_name=str(bert), hf_model_pretrained=False)
        for old, new in {"proj": "hf_proj_type", "pooler_type": "hf_pooler_type"}.items():
            if old in text:
                text[new] = text.pop(old)
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    torch.manual_seed(seed)
    model = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config).eval().requires_grad_(False)
    for name, p in model.named_parameters():
        if p.ndim > 0 and "logit" not in name:
            # weights large enough that what goes in decides what comes out
            p.add_(torch.randn_like(p), alpha=0.02 if p.ndim < 2 else max(0.02, 1.5 * float(p.std())))
        if name.endswith("gamma"):  # layer scales start so small that random branches would not count
            p.fill_(0.5)
    for name, b in model.named_buffers():  # batch norms of a trained network are not 0 and 1
        if name.endswith("running_mean"):
            b.normal_(0, 0.1)
        if name.endswith("running_var"):
            b.uniform_(0.8, 1.2)
    return model


def save_open_clip(spec: EncoderSpec, folder: Path, model: torch.nn.Module, config: dict[str, Any]) -> None:
    """Files under the names and in the form of the entry; the older, pickled form of the weights."""
    state = model.state_dict()
    if "hf_model_name" in config["text_cfg"]:
        length = state["text.transformer.embeddings.position_embeddings.weight"].shape[0]
        state["text.transformer.embeddings.position_ids"] = torch.arange(length)[None]
    for names in spec.files:
        options = names.split("|")
        file = next((o for o in options if Path(o).suffix in (".bin", ".pt")), options[0])
        if file == "open_clip_config.json":
            mean, std = ([*map(float, v)] for v in (spec.preprocessing.mean, spec.preprocessing.std))
            whole = {"model_cfg": config, "preprocess_cfg": {"mean": mean, "std": std}}
            (folder / file).write_text(json.dumps(whole))
        elif Path(file).suffix in (".bin", ".pt"):
            wrapped = {"epoch": 3, "name": "run", "state_dict": {f"module.{k}": v for k, v in state.items()}}
            torch.save(wrapped if file.endswith(".pt") else state, folder / file)
        elif file.endswith(".safetensors"):
            save_file({k: v.contiguous() for k, v in state.items()}, folder / file)
        elif file == "vocab.txt":
            (folder / file).write_text("\n".join(bert_vocabulary(spec.shape.get("vocab_size", 30522))) + "\n")
    if spec.tokenizer == "siglip":
        save_unigram(folder, 300)


def published(name: str, folder: Path, *, small: bool) -> Published:
    """An encoder of the registry with random weights, written as its publisher does."""
    config = open_clip_config(name, small=small)
    spec = small_entry(name, config) if small else registry()[name]
    spec = replace(spec, files=dict.fromkeys(spec.files))  # random weights have other sums than those pinned
    with smaller_timm(small):
        model = build(spec, config, folder)
    folder = folder / "published"
    folder.mkdir()
    save_open_clip(spec, folder, model, config)
    return Published(spec, folder, model, config)


def bert_vocabulary(size: int) -> list[str]:
    """Word pieces: marks, letters, and numbered filling."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = [*BERT_WORDS, *letters, *(f"##{c}" for c in letters)][: max(size, 10)]
    return [*words, *(f"[unused{i}]" for i in range(len(words), size))][:size]


def save_unigram(folder: Path, size: int) -> None:
    """tokenizer.json as SigLIP's: pieces of words with an end mark, which pads too."""
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("\u2581", -3.0)]
    pieces += [(c, -5.0) for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    pieces += [
        (f"\u2581{w}", -2.0) for w in ("an", "he", "image", "of", "carcinoma", "tumour", "glass", "ductal")
    ]
    pieces += [(f"<extra_{i}>", -20.0) for i in range(size - len(pieces))]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "</s>",
        "pad_token": "</s>",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def tiles(n: int = 2, height: int = 300, width: int = 260, seed: int = 0) -> np.ndarray:
    """Tiles that need to be resized and cut, uint8."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (n, 12, 12, 3), dtype=np.uint8)
    large = coarse.repeat(-(-height // 12), axis=1).repeat(-(-width // 12), axis=2)[:, :height, :width]
    return np.clip(large + random.normal(0, 8, large.shape), 0, 255).astype(np.uint8)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each row with its counterpart."""
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
