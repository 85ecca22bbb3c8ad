"""A pair of ONNX models with their tokenizer: what `export` writes, or someone else's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.onnx_pairs.description import IMAGE, PAIR, TEXT, TOKENIZERS, read_description
from napari_histoalign.encoders.onnx_pairs.entries import DEFAULT_SCALE
from napari_histoalign.encoders.onnx_pairs.models import OnnxModel
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.onnx_pairs.towers import OnnxTowers
    from napari_histoalign.encoders.registry import EncoderSpec
    from napari_histoalign.encoders.tokenizing import Tokenizer


def load_onnx_pair(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Towers and tokenizer of ``image.onnx`` and ``text.onnx``.

    Parameters
    ----------
    spec
        Its entry, from `onnx_pairs.entries.onnx_spec`.
    files
        Every file it needs, those of the weights outside the models too.

    Raises
    ------
    EncoderError
        A file is damaged, does not fit the entry, or reaches for files that are not in `files`; or the
        packages for ONNX are not installed.
    """
    from napari_histoalign.encoders.onnx_pairs.towers import OnnxTowers

    models = OnnxModel(files[IMAGE]), OnnxModel(files[TEXT])
    for model in models:
        if strange := set(model.external) - files.keys():
            raise EncoderError(
                f"{model.path} keeps weights in {', '.join(sorted(strange))}, which is not among the files "
                f"of {spec.title}. Add the encoder again."
            )
    said = read_description(files[PAIR]) if PAIR in files else {}
    towers = OnnxTowers(*models, said.get("logit_scale", DEFAULT_SCALE), said.get("logit_bias", 0.0))
    _check(spec, towers, files)
    folder, cleaning = files[IMAGE].parent, said.get("cleaning", "none")
    return Parts(towers, load_tokenizer(spec.tokenizer, folder, spec.context_length, cleaning))


def load_tokenizer(kind: str, folder: Path, length: int, cleaning: str = "none") -> Tokenizer:
    """The tokenizer that lies in a folder.

    Parameters
    ----------
    kind
        One of `onnx_pairs.description.TOKENIZERS`.
    folder
        Where its files are.
    length
        Tokens of a text.
    cleaning
        What is done to a text first: a key of `cleaning.CLEANING`, or "none".

    Raises
    ------
    EncoderError
        A file is missing or damaged, or there is no such kind.
    """
    from napari_histoalign.encoders.tokenizing.cleaning import Cleaned

    read = _tokenizer(kind, folder, length)
    return read if cleaning == "none" else Cleaned(read, cleaning)


def _tokenizer(kind: str, folder: Path, length: int) -> Tokenizer:
    if kind not in TOKENIZERS:
        raise EncoderError(
            f"There is no tokenizer {kind!r} for ONNX models; there are {', '.join(TOKENIZERS)}."
        )
    if kind == "clip":
        from napari_histoalign.encoders.tokenizing.clip import ClipTokenizer

        return ClipTokenizer(length)
    path = folder / TOKENIZERS[kind][0]
    if kind in ("bert", "bert-cased"):
        from napari_histoalign.encoders.tokenizing.bert import WordPiece

        return WordPiece(path, kind == "bert", length)
    if kind == "conch":
        from napari_histoalign.encoders.tokenizing.conch import ConchTokenizer

        return ConchTokenizer(path, length)
    if kind == "musk":
        from napari_histoalign.encoders.tokenizing.musk import MuskTokenizer

        return MuskTokenizer(path, length)
    from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer

    return FolderTokenizer(folder, length)


def _check(spec: EncoderSpec, towers: OnnxTowers, files: Mapping[str, Path]) -> None:
    """Compare what the models say of themselves with the entry."""
    image, text = towers.image, towers.text
    for file, what, found, wanted in (
        (IMAGE, "images of side", image.side, spec.input_size),
        (IMAGE, "embeddings of width", image.width, spec.dim),
        (TEXT, "a context of", text.length, spec.context_length),
        (TEXT, "embeddings of width", text.width, spec.dim),
    ):
        if found not in (None, wanted):
            raise EncoderError(
                f"{files[file]} is another model than {spec.title}: {what} {found}, not {wanted}."
            )
