"""Run by test_offline in a process of its own: every way out is watched and shut while encoders load."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

WAYS_OUT = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg")
tried: list[str] = []


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Note and refuse whatever would leave this process; no code can get round an audit hook."""
    if event in WAYS_OUT:
        tried.append(f"{event} {args}")
        raise OSError("there is no network in this test")


COMMON = {
    "role": "general", "input_size": 32, "mpp": None, "dim": 16, "space": "x",
    "licence": "x", "licence_url": "", "citation": "",
}  # fmt: skip


def transformers_folder(folder: Path) -> Any:
    """A reduced CLIP with a tokenizer of its own, in the layout of transformers."""
    import torch
    import transformers
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    from napari_histoalign.encoders import EncoderSpec

    words = {"<pad>": 0, "<unk>": 1, "</s>": 2, "a": 3, "cell": 4}
    tokenizer = Tokenizer(models.WordLevel(words, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    marks = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", **marks}
    (folder / "tokenizer_config.json").write_text(json.dumps(kind))
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={
            **sizes,
            "vocab_size": 5,
            "max_position_embeddings": 8,
            "eos_token_id": 2,
            "bos_token_id": 1,
        },
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
        projection_dim=16,
    )
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    torch.manual_seed(0)
    state = transformers.CLIPModel(config).state_dict()
    save_file({n: t for n, t in state.items() if "position_ids" not in n}, folder / "model.safetensors")
    files = dict.fromkeys(("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"))
    return EncoderSpec(
        name="t",
        title="T",
        loader="transformers",
        files=files,
        context_length=8,
        tokenizer="folder",
        **COMMON,
    )


def open_clip_folder(folder: Path) -> Any:
    """A reduced CLIP whose text tower names a model of the hub, in the layout of open_clip."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    from napari_histoalign.encoders import EncoderSpec

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cell"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    bert = {
        "vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 16,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **bert}))
    text = {"hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 16}
    hub = {"hf_model_name": "lab/some-bert", "hf_tokenizer_name": "lab/some-bert"}
    vision = {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16}
    config = {"model_cfg": {"embed_dim": 16, "vision_cfg": vision, "text_cfg": {**text, **hub}}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    here = {**text, "hf_model_name": str(folder), "hf_model_pretrained": False}
    model = open_clip.CustomTextCLIP(embed_dim=16, vision_cfg=vision, text_cfg=here)
    save_file(
        {n: t.contiguous() for n, t in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    files = dict.fromkeys(("open_clip_model.safetensors", "open_clip_config.json", "vocab.txt"))
    return EncoderSpec(
        name="o",
        title="O",
        loader="open-clip",
        files=files,
        context_length=16,
        tokenizer="bert",
        shape=bert,
        **COMMON,
    )


def main(root: Path) -> dict[str, Any]:
    """What was tried while encoders were loaded and used, and by the same libraries with leave to connect."""
    import numpy as np

    from napari_histoalign.encoders.loading import load_folder
    from napari_histoalign.encoders.offline import hub_off

    hub_off()
    shapes = []
    for name, make in (("transformers", transformers_folder), ("open_clip", open_clip_folder)):
        folder = root / name
        folder.mkdir()
        encoder = load_folder(make(folder), folder, device="cpu")
        rows = encoder.embed_images(np.zeros((1, 40, 40, 3), np.uint8)), encoder.embed_texts(["a cell"])
        shapes += [row.shape for row in rows]
    while_loading = list(tried)
    import huggingface_hub

    huggingface_hub.constants.HF_HUB_OFFLINE = False
    with suppress(Exception):
        huggingface_hub.get_session().get("https://huggingface.co/lab/some-bert")
    return {"shapes": shapes, "tried": while_loading, "with leave": tried}


if __name__ == "__main__":
    sys.addaudithook(guard)
    print(json.dumps(main(Path(sys.argv[1]))))
