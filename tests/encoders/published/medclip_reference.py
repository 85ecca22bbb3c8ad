"""MedCLIP's towers on a second path: timm's Swin transformer, and BERT in plain functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from plain_bert import bert_states
from timm.models.swin_transformer import SwinTransformer
from torch.nn import functional

State = Mapping[str, torch.Tensor]
VISION, TEXT = "vision_model.model", "text_model.model"


def timm_swin(state: State, s: Mapping[str, Any]) -> SwinTransformer:
    """A Swin transformer of timm with the weights of MedCLIP's."""
    model = SwinTransformer(
        img_size=s["image_size"], patch_size=s["patch_size"], window_size=s["window"], num_classes=0,
        embed_dim=s["vision_width"], depths=s["vision_blocks"], num_heads=s["vision_heads"],
    )  # fmt: skip
    ends = ("weight", "bias")
    found = {
        f"patch_embed.proj.{e}": state[f"{VISION}.embeddings.patch_embeddings.projection.{e}"] for e in ends
    }
    found |= {f"patch_embed.norm.{e}": state[f"{VISION}.embeddings.norm.{e}"] for e in ends}
    found |= {f"norm.{e}": state[f"{VISION}.layernorm.{e}"] for e in ends}
    pairs = {
        "layernorm_before": "norm1", "attention.output.dense": "attn.proj", "layernorm_after": "norm2",
        "intermediate.dense": "mlp.fc1", "output.dense": "mlp.fc2",
    }  # fmt: skip
    for stage, count in enumerate(s["vision_blocks"]):
        layer = f"{VISION}.encoder.layers.{stage}"
        for i in range(count):
            old, new = f"{layer}.blocks.{i}", f"layers.{stage}.blocks.{i}"
            found |= {f"{new}.{b}.{e}": state[f"{old}.{a}.{e}"] for a, b in pairs.items() for e in ends}
            for e in ends:
                parts = [state[f"{old}.attention.self.{p}.{e}"] for p in ("query", "key", "value")]
                found[f"{new}.attn.qkv.{e}"] = torch.cat(parts)
            table = "relative_position_bias_table"
            found[f"{new}.attn.{table}"] = state[f"{old}.attention.self.{table}"]
        if f"{layer}.downsample.norm.weight" in state:
            # timm's steps stand before the stage, and not behind it
            new = f"layers.{stage + 1}.downsample"
            found[f"{new}.reduction.weight"] = state[f"{layer}.downsample.reduction.weight"]
            found |= {f"{new}.norm.{e}": state[f"{layer}.downsample.norm.{e}"] for e in ends}
    model.load_state_dict(found, strict=True)
    return model.eval()


def plain_text(state: State, ids: list[int], heads: int) -> torch.Tensor:
    """The text tower in plain functions, for one text without padding."""
    states = bert_states(state, TEXT, ids, heads)
    mean = (states[1] + states[2] + states[-1]).sum(0) / (3 * len(ids))
    return functional.normalize(state["text_model.projection_head.weight"] @ mean, dim=-1)
