"""Write an encoder as two ONNX files that other programs can run, and check them against it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.onnx_pairs.description import IMAGE, PAIR, TEXT, TOKENIZERS, describe
from napari_histoalign.encoders.onnx_pairs.entries import onnx_spec
from napari_histoalign.encoders.onnx_pairs.models import require
from napari_histoalign.encoders.probe import TEXTS, probe_tiles
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import whole_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.base import Encoder
    from napari_histoalign.encoders.tokenizing import Tokenizer, Tokens
    from napari_histoalign.encoders.torch_encoder import TorchEncoder

LEAST = 0.9999
"""Cosine of an exported embedding with the encoder's own; rounding alone leaves 0.999999."""
PROMPTS = (
    *TEXTS,
    "A &amp;  b_c",
    "Naïve  Ärzte: 3+4=7 (Gleason), p<0.05!",
    "tumour_cells; CD3+ \u00b5m &amp; ki-67",
    "x",
)
"""Capitals, accents, signs and white space, on which tokenizers differ."""


@dataclass(frozen=True)
class Exported:
    """An encoder that was written as ONNX.

    Attributes
    ----------
    folder
        Where.
    files
        Bytes of each file, by name.
    images, texts
        Lowest cosine of an embedding of the written models with the encoder's own.
    notice
        What goes along: the terms of the weights.
    """

    folder: Path
    files: Mapping[str, int]
    images: float
    texts: float
    notice: str

    def describe(self) -> str:
        """A sentence or two for a person."""
        return (
            f"They give the encoder's own embeddings: lowest cosine {self.images:.6f} of images, "
            f"{self.texts:.6f} of texts. {self.notice}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "folder": str(self.folder),
            "files": dict(self.files),
            "lowest_cosine": {"images": self.images, "texts": self.texts},
            "notice": self.notice,
        }


def export_onnx(encoder: Encoder, folder: Path) -> Exported:
    """Write an encoder as an ONNX pair.

    The folder has ``image.onnx`` (``pixels``, float32 (n, 3, side, side), normalised, to ``embedding``),
    ``text.onnx`` (``ids``, int64 (k, length), and ``mask`` where the tower reads it, to ``embedding``),
    the files of the tokenizer, and ``onnx_pair.json``, which says the rest. Embeddings are not brought to
    length 1. `add_encoder` takes the folder as it is.

    Parameters
    ----------
    encoder
        On the CPU, in float32.
    folder
        Where to; it must not exist, or be empty.

    Raises
    ------
    EncoderError
        The encoder has no torch towers or runs elsewhere, a package is missing, the folder cannot be
        written, or what was written does not give the encoder's embeddings. Nothing is left behind.
    """
    source = _exportable(encoder)
    for package in ("onnx", "onnxscript", "onnxruntime"):
        require(package)
    if not folder.absolute().parent.is_dir():
        raise EncoderError(f"There is no folder {folder.absolute().parent} to write {folder.name} to.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EncoderError(f"{folder} exists already and is not empty. Name a new folder.")
    answers = _answers(source)  # before anything traces the towers
    try:
        with whole_folder(folder.absolute()) as new:
            try:
                return _write(source, new, folder, answers)
            except EncoderError as err:
                # the temporary folder means nothing to people
                raise EncoderError(str(err).replace(str(new), str(folder))) from err
    except OSError as err:
        raise EncoderError(
            f"{folder} cannot be written ({err.strerror or err}). Nothing was exported."
        ) from err


def _write(source: TorchEncoder, new: Path, folder: Path, answers: _Answers) -> Exported:
    """Write to `new`, which becomes `folder`, and compare."""
    spec, tokens = source.spec, source.parts.tokenizer(PROMPTS)
    described = describe(spec, source.parts, tokens.ids.shape[1], source.weights_hash)
    _tokenizer(source, described, tokens, new)
    about = {k: described[k] for k in ("title", "licence", "licence_url", "citation", "notice")}
    _towers(source, tokens, new, about)
    (new / PAIR).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    again = load_folder(onnx_spec(spec.name, new, role=None, mpp=None), new, device="cpu")
    images, texts = (_lowest(a, b) for a, b in zip(answers, _answers(again), strict=True))  # type: ignore[arg-type]
    if not (images >= LEAST and texts >= LEAST):  # nor where they are no numbers
        raise EncoderError(
            f"The ONNX files of {spec.title} do not give its embeddings (lowest cosine {images:.4f} of "
            f"images, {texts:.4f} of texts) and were removed: this version of torch exports it wrongly."
        )
    files = {p.name: p.stat().st_size for p in sorted(new.iterdir())}
    return Exported(folder, files, images, texts, described["notice"])


def _exportable(encoder: Encoder) -> TorchEncoder:
    from napari_histoalign.encoders.onnx_pairs.towers import OnnxTowers
    from napari_histoalign.encoders.torch_encoder import TorchEncoder

    title = encoder.spec.title
    if not isinstance(encoder, TorchEncoder):
        raise EncoderError(
            f"{title} is a demonstration encoder, which measures images: it cannot be written as ONNX."
        )
    if isinstance(encoder.parts.towers, OnnxTowers):
        raise EncoderError(f"{title} is an ONNX pair already: copy its folder.")
    if encoder.device != "cpu" or encoder.precision != "float32":
        raise EncoderError(f"{title} has to be loaded on the CPU in float32 to be written as ONNX.")
    return encoder


def _towers(source: TorchEncoder, tokens: Tokens, folder: Path, about: Mapping[str, str]) -> None:
    """Write both models."""
    import torch

    from napari_histoalign.encoders.onnx_pairs.tracing import ImageTower, TextTower, write_tower

    towers, prepare = source.parts.towers, source.spec.preprocessing
    pixels = prepare.normalise(torch.from_numpy(prepare.fit(probe_tiles()))).contiguous()
    ids, mask = torch.from_numpy(tokens.ids), torch.from_numpy(tokens.mask).to(torch.int64)
    write_tower(ImageTower(towers), {"pixels": pixels}, folder / IMAGE, about)
    write_tower(TextTower(towers), {"ids": ids, "mask": mask}, folder / TEXT, about)


def _tokenizer(source: TorchEncoder, described: Mapping[str, Any], tokens: Tokens, folder: Path) -> None:
    """Copy the tokenizer's files, and see that they give the same tokens."""
    from napari_histoalign.encoders.loaders.onnx_pair import load_tokenizer

    kind, length, cleaning = (described[k] for k in ("tokenizer", "context_length", "cleaning"))
    for path in source.files.values():
        if path.name in TOKENIZERS.get(kind, ()):
            shutil.copyfile(path, folder / path.name)
    if kind in TOKENIZERS:
        found = load_tokenizer(kind, folder, length, cleaning)(PROMPTS)
        if np.array_equal(found.ids, tokens.ids) and np.array_equal(found.mask, tokens.mask):
            return
    raise EncoderError(
        f"{source.spec.title} cannot be exported: its tokenizer ({kind}) cannot be read without the encoder."
    )


_Answers = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


def _answers(encoder: TorchEncoder) -> _Answers:
    """Embeddings of images and texts of several sizes, one by one and many at once."""
    side = encoder.input_size
    noise = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    tiles = probe_tiles()
    images = [tiles, tiles[:1, :200, :131], noise]
    texts = [PROMPTS, PROMPTS[:1], [_longest(encoder.parts.tokenizer)]]
    return tuple(  # type: ignore[return-value]
        np.concatenate(rows)
        for rows in ([encoder.embed_images(i) for i in images], [encoder.embed_texts(t) for t in texts])
    )


def _longest(tokenizer: Tokenizer) -> str:
    """A prompt that fills the context, as far as whole words do."""
    texts = ["cell " * n for n in range(1, tokenizer(["cell"]).ids.shape[1])]
    cut = {*tokenizer(texts).truncated, len(texts)}
    return texts[max(min(cut) - 1, 0)].strip()


def _lowest(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    return float((found.astype(np.float64) * wanted).sum(axis=1).min())
