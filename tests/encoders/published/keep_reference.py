"""KEEP's towers in plain functions, from the weights alone."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from plain_bert import bert_states, linear, norm
from torch.nn import functional

State = Mapping[str, torch.Tensor]


def plain_image(state: State, pixels: torch.Tensor, heads: int) -> torch.Tensor:
    """The image tower in plain functions."""
    kernel = state["visual.patch_embed.proj.weight"]
    side = kernel.shape[-1]
    patches = functional.unfold(pixels, side, stride=side).transpose(1, 2)
    x = patches @ kernel.flatten(1).T + state["visual.patch_embed.proj.bias"]
    x = torch.cat([state["visual.cls_token"].expand(len(x), -1, -1), x], 1) + state["visual.pos_embed"]
    for i in range(1 + max(int(k.split(".")[2]) for k in state if k.startswith("visual.blocks."))):
        block = f"visual.blocks.{i}"
        mixed = linear(state, f"{block}.attn.qkv", norm(state, f"{block}.norm1", x, 1e-6))
        q, k, v = mixed.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        seen = ((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + state[f"{block}.ls1.gamma"] * linear(state, f"{block}.attn.proj", seen)
        grown = functional.gelu(linear(state, f"{block}.mlp.fc1", norm(state, f"{block}.norm2", x, 1e-6)))
        x = x + state[f"{block}.ls2.gamma"] * linear(state, f"{block}.mlp.fc2", grown)
    x = norm(state, "visual.norm", x, 1e-6)[:, 0]
    return functional.normalize(
        linear(state, "visual_head.2", functional.gelu(linear(state, "visual_head.0", x))), dim=-1
    )


def plain_text(state: State, ids: list[int], heads: int) -> torch.Tensor:
    """The text tower in plain functions."""
    last = bert_states(state, "text", ids, heads)[-1]
    return functional.normalize(linear(state, "text.pooler.dense", last[0]).tanh(), dim=-1)
