"""Small encoders of random weights, to be written as ONNX."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from napari_histoalign.encoders import EncoderSpec
from napari_histoalign.encoders.loaders import Parts
from napari_histoalign.encoders.tokenizing.bert import WordPiece
from napari_histoalign.encoders.torch_encoder import TorchEncoder
from napari_histoalign.encoders.towers import Towers

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]",
    "an", "image", "of", "tumour", "glass", "x", "##s", "gland", ";", "3", "+",
]  # fmt: skip
MARKED = {
    "title": "Lab CLIP", "role": "pathology", "licence": "CC-BY-NC-ND-4.0", "licence_url": "https://example.org/terms",
    "citation": "A. Author, 2024", "mpp": 0.5, "space": "shared", "notice": "Not for diagnosis.",
}  # fmt: skip


def loud(model: torch.nn.Module, seed: int, deviation: float = 0.15) -> torch.nn.Module:
    """Weights so large that every pixel and token counts."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim:
                p.normal_(1.0 if "norm" in name and name.endswith("weight") else 0.0, deviation)
    return model.eval()


def save_clip(folder: Path) -> EncoderSpec:
    """The CLIP of transformers, reduced, with a learned scale of its own."""
    import transformers

    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**sizes, "vocab_size": 49408, "eos_token_id": 49407, "bos_token_id": 49406},
        vision_config={**sizes, "image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    model = loud(transformers.CLIPModel(config), 0)
    model.logit_scale.data.fill_(3.5)
    config.save_pretrained(folder)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
    files = {"config.json": None, "model.safetensors": None}
    fields = {"loader": "transformers", "files": files, "input_size": 32, "dim": 12, "context_length": 77}
    return EncoderSpec(name="lab-clip", tokenizer="clip", **fields, **MARKED)


def save_custom(folder: Path) -> EncoderSpec:
    """open_clip's CustomTextCLIP with timm's image tower and a BERT, reduced."""
    import open_clip

    bert = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    bert |= {"vocab_size": len(WORDS), "max_position_embeddings": 24}
    vision = {
        "timm_model_name": "test_vit",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
    }
    text = {
        "hf_model_name": "some/bert",
        "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
    }
    config = {
        "embed_dim": 12,
        "vision_cfg": {**vision, "image_size": 160},
        "text_cfg": {**text, "context_length": 20},
    }
    (folder / "bert").mkdir()
    (folder / "bert" / "config.json").write_text(json.dumps({"model_type": "bert", **bert}))
    here = {**text, "hf_model_name": str(folder / "bert"), "hf_model_pretrained": False, "context_length": 20}
    model = loud(open_clip.CustomTextCLIP(**{**config, "text_cfg": here}), 1, 0.4)
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    files = {"open_clip_model.safetensors": None, "open_clip_config.json": None, "vocab.txt": None}
    fields = {"loader": "open-clip", "files": files, "input_size": 160, "dim": 12, "context_length": 20}
    fields |= {"resize": "squash", "interpolation": "bilinear", "normalisation": "imagenet"}
    return EncoderSpec(name="lab-bert", tokenizer="bert", shape=bert, **fields, **{**MARKED, "mpp": None})


class Averaging(Towers):
    """Towers of a few steps: mean colours times weights, mean words that the mask shows."""

    trims_padding = True

    def __init__(self, image_step=lambda x: x) -> None:
        super().__init__()
        self.colours, self.words = torch.nn.Linear(3, 6), torch.nn.Embedding(len(WORDS), 6)
        self.embedding = torch.nn.Parameter(torch.ones(6))  # called as the output is
        self.image_step = image_step
        loud(self, 2)

    def encode_image(self, pixels):
        # len() is what an exporter stumbles over
        return self.image_step(self.colours(pixels.mean(dim=(2, 3)))) + self.embedding.expand(len(pixels), -1)

    def encode_text(self, ids, mask):
        return (self.words(ids) * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)

    @property
    def scale(self) -> float:
        return 12.5

    @property
    def bias(self) -> float:
        return -7.0


def averaging(folder: Path, towers: Towers | None = None, **fields) -> TorchEncoder:
    """An encoder of `Averaging`."""
    path = folder / "vocab.txt"
    path.write_text("\n".join(WORDS) + "\n")
    known = {
        "input_size": 16,
        "dim": 6,
        "context_length": 9,
        "similarity": "sigmoid",
        "loader": "keep",
        **fields,
    }
    spec = EncoderSpec(name="averaging", files={}, tokenizer="bert", **known, **MARKED)
    parts = Parts(towers or Averaging(), WordPiece(path, lowercase=True, context_length=9))
    return TorchEncoder(spec, parts, {"vocab.txt": "0" * 64}, "cpu", files={"vocab.txt": path})
