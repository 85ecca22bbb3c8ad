"""A tiny CLIP of random weights in transformers' layout, for tests of what happens around encoders."""

from __future__ import annotations

from pathlib import Path

SIDE, DIM = 32, 16


def save_small_clip(folder: Path, *, seed: int = 0, dim: int = DIM) -> Path:
    """Write config.json and model.safetensors; returns the folder."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**tower, "vocab_size": 49408, "eos_token_id": 49407, "bos_token_id": 49406},
        vision_config={**tower, "image_size": SIDE, "patch_size": 8},
        projection_dim=dim,
    )
    torch.manual_seed(seed)
    model = CLIPModel(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    from safetensors.torch import save_file

    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
    return folder
