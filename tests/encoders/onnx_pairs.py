"""ONNX pairs as others make them: small graphs written node by node, with the same arithmetic in numpy."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.onnx_pairs.entries import onnx_spec
from napari_histoalign.encoders.torch_encoder import TorchEncoder

if TYPE_CHECKING:
    from napari_histoalign.encoders import EncoderSpec

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "gland", "tumour", "glass", "of"]
PROCESSOR = {
    "image_processor_type": "CLIPImageProcessor", "do_center_crop": True, "do_resize": True, "resample": 3,
    "size": {"shortest_edge": 8}, "crop_size": {"height": 8, "width": 8}, "rescale_factor": 1 / 255,
    "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3],
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """What a made pair shall be like; the defaults are those of an export of transformers' CLIP."""

    pixels: str = "pixel_values"
    ids: str = "input_ids"
    mask: str | None = "attention_mask"
    segments: str | None = None
    outputs: tuple[str, str] = ("image_embeds", "text_embeds")
    side: int | None = 8
    length: int | None = 6
    batch: int | None = None
    pixel_type: int = TensorProto.FLOAT
    id_type: int = TensorProto.INT64
    mask_type: int = TensorProto.INT64
    hidden: bool = True
    widths: tuple[int, int] = (5, 5)
    channels_first: bool = True
    vague: bool = False
    words: int = len(WORDS)
    processor: dict[str, Any] | None = field(default_factory=lambda: dict(PROCESSOR))
    tokenizer: dict[str, Any] | None = field(
        default_factory=lambda: {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    )
    description: dict[str, Any] | None = None

    @property
    def image_weights(self) -> np.ndarray:
        """(3, width): what the mean colour is multiplied by."""
        return np.random.default_rng(1).normal(size=(3, self.widths[0])).astype(np.float32)

    @property
    def table(self) -> np.ndarray:
        """(words, width): what each token stands for."""
        return np.random.default_rng(2).normal(size=(self.words, self.widths[1])).astype(np.float32)

    @property
    def segment_table(self) -> np.ndarray:
        """(2, width)."""
        return np.random.default_rng(3).normal(size=(2, self.widths[1])).astype(np.float32)

    def save(self, folder: Path) -> Path:
        """Write models, tokenizer and configurations; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(self.image_model(), folder / "image.onnx")
        onnx.save(self.text_model(), folder / "text.onnx")
        if self.tokenizer is not None:
            save_tokenizer(folder)
            (folder / "tokenizer_config.json").write_text(json.dumps(self.tokenizer))
        for name, content in {
            "preprocessor_config.json": self.processor,
            "onnx_pair.json": self.description,
        }.items():
            if content is not None:
                (folder / name).write_text(json.dumps(content))
        return folder

    def image_model(self) -> onnx.ModelProto:
        side = self.side or "side"
        shape = (
            [self.batch or "n", 3, side, side] if self.channels_first else [self.batch or "n", side, side, 3]
        )
        middle = [2, 3] if self.channels_first else [1, 2]
        nodes = [
            helper.make_node("Cast", [self.pixels], ["exact"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["exact"], ["colour"], axes=middle, keepdims=0),
            helper.make_node("MatMul", ["colour", "weights"], ["rows"]),
            # how much is kept of the rows only shows when it is run
            helper.make_node(
                "Compress" if self.vague else "Identity",
                ["rows", "all"][: 1 + self.vague],
                [self.outputs[0]],
                **({"axis": 1} if self.vague else {}),
            ),
        ]
        outputs = [
            helper.make_tensor_value_info(
                self.outputs[0], TensorProto.FLOAT, [self.batch or "n", self.widths[0]]
            )
        ]
        if self.hidden:
            nodes.append(helper.make_node("Identity", ["exact"], ["last_hidden_state"]))
            outputs.insert(0, helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape))
        inputs = [helper.make_tensor_value_info(self.pixels, self.pixel_type, shape)]
        return model(
            nodes, inputs, outputs, {"weights": self.image_weights, "all": np.ones(self.widths[0], bool)}
        )

    def text_model(self) -> onnx.ModelProto:
        shape = [self.batch or "n", self.length or "length"]
        inputs = [helper.make_tensor_value_info(self.ids, self.id_type, shape)]
        nodes = [helper.make_node("Gather", ["table", self.ids], ["words"])]
        weights = {"table": self.table, "axis": np.array([1]), "last": np.array([2])}
        tokens = "words"
        if self.segments:
            inputs.append(helper.make_tensor_value_info(self.segments, self.id_type, shape))
            nodes += [helper.make_node("Gather", ["segment_table", self.segments], ["kinds"])]
            nodes += [helper.make_node("Add", ["words", "kinds"], ["both"])]
            weights["segment_table"], tokens = self.segment_table, "both"
        if self.mask:
            inputs.append(helper.make_tensor_value_info(self.mask, self.mask_type, shape))
            nodes += [
                helper.make_node("Cast", [self.mask], ["real"], to=TensorProto.FLOAT),
                helper.make_node("Unsqueeze", ["real", "last"], ["column"]),
                helper.make_node("Mul", [tokens, "column"], ["kept"]),
            ]
            tokens = "kept"
        nodes.append(helper.make_node("ReduceSum", [tokens, "axis"], [self.outputs[1]], keepdims=0))
        outputs = [
            helper.make_tensor_value_info(
                self.outputs[1], TensorProto.FLOAT, [self.batch or "n", self.widths[1]]
            )
        ]
        if self.hidden:
            nodes.append(helper.make_node("Identity", ["words"], ["last_hidden_state"]))
            outputs.append(
                helper.make_tensor_value_info(
                    "last_hidden_state", TensorProto.FLOAT, [*shape, self.widths[1]]
                )
            )
        return model(nodes, inputs, outputs, weights)

    def images(self, tiles: np.ndarray, mean: Any, std: Any) -> np.ndarray:
        """Embeddings of tiles of the right size, brought to length 1."""
        pixels = (tiles / 255 - np.asarray(mean)) / np.asarray(std)
        return unit(pixels.mean(axis=(1, 2)) @ self.image_weights.astype(float))

    def texts(self, texts: list[str], length: int = 6) -> np.ndarray:
        """Embeddings of texts of known words, brought to length 1."""
        rows = []
        for text in texts:
            ids = [2, *(WORDS.index(w) for w in text.split()), 3][:length]
            ids += [] if self.mask else [0] * (length - len(ids))
            row = self.table[ids].astype(float)
            rows.append((row + self.segment_table[0] if self.segments else row).sum(axis=0))
        return unit(np.array(rows))


def model(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: dict[str, np.ndarray]
) -> onnx.ModelProto:
    """A model of an operator set that every onnxruntime of the last years runs."""
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "tower", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save_tokenizer(folder: Path) -> None:
    """tokenizer.json with whole words, and a beginning and end as BERT has them."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(WORDS[:4])
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each row with its counterpart, in float64."""
    return (unit(a.astype(float)) * unit(b.astype(float))).sum(axis=1)


def entry(folder: Path, **given: Any) -> EncoderSpec:
    """The entry of a pair that is pointed at."""
    return onnx_spec("theirs", folder, **{"role": None, "mpp": None, **given})


def load(folder: Path, **given: Any) -> TorchEncoder:
    """A pair that is pointed at, as an encoder."""
    encoder = load_folder(entry(folder), folder, device="cpu", **given)
    assert isinstance(encoder, TorchEncoder)
    return encoder


def move_weights(path: Path, location: str) -> None:
    """Say that the first weights of a model are in another file."""
    found = onnx.load(path)
    tensor = found.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    onnx.save(found, path)
