"""The same weights in implementations that share no code with the one that is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn import functional

State = Mapping[str, Tensor]


def _block(state: State, old: str, new: str) -> dict[str, Tensor]:
    """A residual block of open_clip under transformers' names."""
    names = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    names["attn.out_proj"] = "self_attn.out_proj"
    out = {
        f"{new}.{b}.{end}": state[f"{old}.{a}.{end}"] for a, b in names.items() for end in ("weight", "bias")
    }
    for end in ("weight", "bias"):
        for part, value in zip("qkv", state[f"{old}.attn.in_proj_{end}"].chunk(3), strict=True):
            out[f"{new}.self_attn.{part}_proj.{end}"] = value
    return out


def _blocks(state: State, old: str, new: str) -> dict[str, Tensor]:
    count = 1 + max(int(k[len(old) + 1 :].split(".")[0]) for k in state if k.startswith(old + "."))
    return {k: v for i in range(count) for k, v in _block(state, f"{old}.{i}", f"{new}.{i}").items()}


def _norm(state: State, old: str, new: str) -> dict[str, Tensor]:
    return {f"{new}.{end}": state[f"{old}.{end}"] for end in ("weight", "bias")}


def clip_state(state: State) -> dict[str, Tensor]:
    """Weights of open_clip's CLIP under the names of transformers' CLIPModel."""
    vision, text = "vision_model", "text_model"
    return {
        "logit_scale": state["logit_scale"],
        f"{vision}.embeddings.class_embedding": state["visual.class_embedding"],
        f"{vision}.embeddings.position_embedding.weight": state["visual.positional_embedding"],
        f"{vision}.embeddings.patch_embedding.weight": state["visual.conv1.weight"],
        **_norm(state, "visual.ln_pre", f"{vision}.pre_layrnorm"),
        **_norm(state, "visual.ln_post", f"{vision}.post_layernorm"),
        **_blocks(state, "visual.transformer.resblocks", f"{vision}.encoder.layers"),
        "visual_projection.weight": state["visual.proj"].T.contiguous(),
        f"{text}.embeddings.token_embedding.weight": state["token_embedding.weight"],
        f"{text}.embeddings.position_embedding.weight": state["positional_embedding"],
        **_norm(state, "ln_final", f"{text}.final_layer_norm"),
        **_blocks(state, "transformer.resblocks", f"{text}.encoder.layers"),
        "text_projection.weight": state["text_projection"].T.contiguous(),
    }


def clip_config(config: Mapping[str, Any]) -> transformers.CLIPConfig:
    """Transformers' configuration of an architecture of open_clip."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    activation = "quick_gelu" if config.get("quick_gelu") else "gelu"
    common = {"projection_dim": config["embed_dim"], "hidden_act": activation}
    return transformers.CLIPConfig(
        projection_dim=config["embed_dim"],
        vision_config={
            **common, "hidden_size": vision["width"], "num_hidden_layers": vision["layers"],
            "intermediate_size": int(vision["width"] * vision.get("mlp_ratio", 4)),
            "num_attention_heads": vision["width"] // vision.get("head_width", 64),
            "patch_size": vision["patch_size"], "image_size": vision["image_size"],
        },
        text_config={
            **common, "hidden_size": text["width"], "num_hidden_layers": text["layers"],
            "intermediate_size": 4 * text["width"], "num_attention_heads": text["heads"],
            "vocab_size": text["vocab_size"], "max_position_embeddings": text["context_length"],
            "bos_token_id": 49406, "eos_token_id": 49407,
        },
    )  # fmt: skip


def clip_reference(state: State, config: Mapping[str, Any]) -> transformers.CLIPModel:
    """Transformers' CLIPModel with weights of open_clip's CLIP."""
    model = transformers.CLIPModel(clip_config(config)).eval()
    model.load_state_dict(clip_state(state), strict=True)
    return model


def siglip_reference(state: State, config: Mapping[str, Any], heads: int) -> transformers.SiglipModel:
    """Transformers' SiglipModel with weights of open_clip's CustomTextCLIP."""
    vision, text, trunk = "vision_model", "text_model", "visual.trunk"
    depth = 1 + max(int(k.split(".")[3]) for k in state if k.startswith(f"{trunk}.blocks."))
    width = state[f"{trunk}.pos_embed"].shape[-1]
    out = {
        "logit_scale": state["logit_scale"].reshape(1),
        "logit_bias": state["logit_bias"].reshape(1),
        **_norm(state, f"{trunk}.patch_embed.proj", f"{vision}.embeddings.patch_embedding"),
        f"{vision}.embeddings.position_embedding.weight": state[f"{trunk}.pos_embed"][0],
        **_norm(state, f"{trunk}.norm", f"{vision}.post_layernorm"),
        f"{vision}.head.probe": state[f"{trunk}.attn_pool.latent"],
        **_norm(state, f"{trunk}.attn_pool.proj", f"{vision}.head.attention.out_proj"),
        **_norm(state, f"{trunk}.attn_pool.norm", f"{vision}.head.layernorm"),
        **_norm(state, f"{trunk}.attn_pool.mlp.fc1", f"{vision}.head.mlp.fc1"),
        **_norm(state, f"{trunk}.attn_pool.mlp.fc2", f"{vision}.head.mlp.fc2"),
        f"{text}.embeddings.token_embedding.weight": state["text.token_embedding.weight"],
        f"{text}.embeddings.position_embedding.weight": state["text.positional_embedding"],
        **_blocks(state, "text.transformer.resblocks", f"{text}.encoder.layers"),
        **_norm(state, "text.ln_final", f"{text}.final_layer_norm"),
        **_norm(state, "text.text_projection", f"{text}.head"),
    }
    for end in ("weight", "bias"):
        q, kv = (state[f"{trunk}.attn_pool.{n}.{end}"] for n in ("q", "kv"))
        out[f"{vision}.head.attention.in_proj_{end}"] = torch.cat([q, kv])
    for i in range(depth):
        old, new = f"{trunk}.blocks.{i}", f"{vision}.encoder.layers.{i}"
        pairs = {"norm1": "layer_norm1", "norm2": "layer_norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
        for a, b in {**pairs, "attn.proj": "self_attn.out_proj"}.items():
            out |= _norm(state, f"{old}.{a}", f"{new}.{b}")
        for end in ("weight", "bias"):
            for part, value in zip("qkv", state[f"{old}.attn.qkv.{end}"].chunk(3), strict=True):
                out[f"{new}.self_attn.{part}_proj.{end}"] = value
    text_cfg = config["text_cfg"]
    model = transformers.SiglipModel(
        transformers.SiglipConfig(
            vision_config={
                "hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads,
                "intermediate_size": state[f"{trunk}.blocks.0.mlp.fc1.bias"].shape[0],
                "image_size": config["vision_cfg"]["image_size"], "patch_size": 16,
            },
            text_config={
                "hidden_size": text_cfg["width"], "num_hidden_layers": text_cfg["layers"],
                "num_attention_heads": text_cfg["heads"], "intermediate_size": 4 * text_cfg["width"],
                "vocab_size": text_cfg["vocab_size"], "max_position_embeddings": text_cfg["context_length"],
                "projection_size": config["embed_dim"],
            },
        )
    ).eval()  # fmt: skip
    model.load_state_dict(out, strict=True)
    return model


def bert_text(state: State, ids: Tensor, mask: Tensor, heads: int) -> Tensor:
    """BERT's class token after the last layer, then the projection: written out in plain functions."""
    root = "text.transformer"

    def linear(x: Tensor, name: str) -> Tensor:
        return functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], 1e-12)

    emb = f"{root}.embeddings"
    x = (
        state[f"{emb}.word_embeddings.weight"][ids]
        + state[f"{emb}.position_embeddings.weight"][: ids.shape[1]]
    )
    x = norm(x + state[f"{emb}.token_type_embeddings.weight"][0], f"{emb}.LayerNorm")
    depth = 1 + max(int(k.split(".")[4]) for k in state if k.startswith(f"{root}.encoder.layer."))
    hidden = torch.where(mask, 0.0, -torch.inf)[:, None, None]
    for i in range(depth):
        layer = f"{root}.encoder.layer.{i}"
        q, k, v = (
            linear(x, f"{layer}.attention.self.{n}").unflatten(-1, (heads, -1)).transpose(1, 2)
            for n in ("query", "key", "value")
        )
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + hidden).softmax(-1)
        attended = (weights @ v).transpose(1, 2).flatten(2)
        x = norm(
            linear(attended, f"{layer}.attention.output.dense") + x, f"{layer}.attention.output.LayerNorm"
        )
        grown = functional.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(linear(grown, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    return linear(functional.gelu(linear(x[:, 0], "text.proj.0")), "text.proj.2")


def vit_image(state: State, pixels: Tensor, heads: int) -> Tensor:
    """Timm's ViT read at its class token, then a linear projection: written out in plain functions."""
    root = "visual.trunk"

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], 1e-6)

    def linear(x: Tensor, name: str) -> Tensor:
        return functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    kernel = state[f"{root}.patch_embed.proj.weight"]
    x = functional.conv2d(pixels, kernel, state[f"{root}.patch_embed.proj.bias"], stride=kernel.shape[-1])
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([state[f"{root}.cls_token"].expand(len(x), -1, -1), x], 1) + state[f"{root}.pos_embed"]
    depth = 1 + max(int(k.split(".")[3]) for k in state if k.startswith(f"{root}.blocks."))
    for i in range(depth):
        block = f"{root}.blocks.{i}"
        qkv = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv")
        q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in qkv.chunk(3, -1))
        attended = ((q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + linear(attended, f"{block}.attn.proj")
        x = x + linear(
            functional.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1")), f"{block}.mlp.fc2"
        )
    return linear(norm(x, f"{root}.norm")[:, 0], "visual.head.proj")
