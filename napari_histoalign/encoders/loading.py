"""From a name to an encoder that runs."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from napari_histoalign.encoders.before_libraries import prepare_libraries
from napari_histoalign.encoders.device import choose_device
from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.torch_encoder import PRECISIONS, TorchEncoder
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.base import Encoder
    from napari_histoalign.encoders.loaders import Loader
    from napari_histoalign.encoders.loaders.parts import Parts
    from napari_histoalign.encoders.registry import EncoderSpec

LOADERS: Mapping[str, str] = MappingProxyType(
    {
        "conch": "conch:load_conch",
        "keep": "keep:load_keep",
        "medclip": "medclip:load_medclip",
        "mi-zero": "mi_zero:load_mi_zero",
        "musk": "musk:load_musk",
        "onnx": "onnx_pair:load_onnx_pair",
        "open-clip": "from_open_clip:load_open_clip",
        "transformers": "from_transformers:load_transformers",
    }
)
"""What the registry's ``loader`` may say, and which function of `loaders` that is; and "demo"."""
READ_BY_NAME = re.compile(r".*\.(json|model|jinja|py)|vocab\.txt|merges\.txt")
"""Files that transformers may look for in a folder, whether or not it was told of them."""


def load_folder(
    spec: EncoderSpec,
    folder: Path,
    *,
    device: str = "auto",
    precision: str = "float32",
    expected: Mapping[str, str] | None = None,
) -> Encoder:
    """Load an encoder from the folder its files are in.

    Parameters
    ----------
    spec
        Its entry.
    folder
        Where its files are.
    device
        "auto", "cpu", "cuda" or "mps".
    precision
        "float32", or "float16" or "bfloat16" for graphics processors.
    expected
        SHA-256 of each of its files, as recorded when they were added; by default those the entry pins.

    Raises
    ------
    EncoderError
        A file is missing, damaged or not what the entry says, or the device is absent.
    """
    if precision not in PRECISIONS:
        raise EncoderError(f"There is no precision {precision!r}; there are {', '.join(PRECISIONS)}.")
    if spec.loader != "demo" and spec.loader not in LOADERS:
        raise EncoderError(
            f"Encoder {spec.name!r} needs the loader {spec.loader!r}; "
            f"this version has {', '.join(sorted(['demo', *LOADERS]))}."
        )
    chosen = choose_device(device)
    files = find_files(spec, folder)
    hashes = {path.name: sha256(path) for path in files.values()}
    for path in files.values():
        if expected is not None and path.name not in expected:
            raise EncoderError(
                f"{spec.title} cannot be loaded: the record in {folder} does not say what {path.name} has to "
                "be. Add the encoder again."
            )
        wanted = spec.pinned(path.name) if expected is None else expected[path.name]
        _compare(path, hashes[path.name], wanted, spec.title)
    with one_sentence(f"{spec.title} cannot be loaded from {folder}"):
        if spec.loader == "demo":
            from napari_histoalign.encoders.demo import load_demo

            return load_demo(spec, folder, chosen)
        parts = _loader(spec.loader)(spec, files)
        _check_tokens(spec, parts, folder)
    return TorchEncoder(spec, parts, hashes, chosen, precision, files)


def _check_tokens(spec: EncoderSpec, parts: Parts, folder: Path) -> None:
    """Make sure that the text tower knows every token the tokenizer may give it."""
    known, used = parts.towers.vocabulary, parts.tokenizer.vocabulary
    if known is not None and used is not None and used > known:
        raise EncoderError(
            f"The tokenizer in {folder} has tokens up to number {used - 1}, and the text tower of "
            f"{spec.title} knows {known}: it belongs to another encoder."
        )


def find_files(spec: EncoderSpec, folder: Path) -> dict[str, Path]:
    """Where the files of an encoder are, by the first of their names in the entry.

    Raises
    ------
    EncoderError
        One is missing, and the message names all that are; or the folder cannot be read.
    """
    found, missing = {}, []
    try:
        for names in spec.files:
            first, *others = names.split("|")
            here = [folder / n for n in (first, *others) if (folder / n).is_file()]
            if here:
                found[first] = here[0]
            else:
                missing.append(" or ".join([first, *others]))
    except OSError as err:
        raise _closed(spec, folder, err) from err
    if missing:
        raise EncoderError(f"{spec.title} cannot be loaded: {folder} lacks {', '.join(missing)}.")
    return found


def check_folder(spec: EncoderSpec, folder: Path, recorded: Collection[str]) -> None:
    """Make sure that nothing lies beside an encoder's files that would be read with them.

    Parameters
    ----------
    spec
        The entry.
    folder
        Where its files are.
    recorded
        Their names.

    Raises
    ------
    EncoderError
        There is a file that libraries look for by its name, or the folder cannot be read.
    """
    try:
        here = {path.name for path in folder.iterdir()}
    except OSError as err:
        raise _closed(spec, folder, err) from err
    strange = sorted(name for name in here - set(recorded) if READ_BY_NAME.fullmatch(name))
    if strange:
        raise EncoderError(
            f"{spec.title} is not loaded: {folder / strange[0]} was not there when it was added, and might "
            "be read. Delete that file, or add the encoder again."
        )


def _closed(spec: EncoderSpec, folder: Path, err: OSError) -> EncoderError:
    return EncoderError(f"{spec.title} cannot be loaded: {folder} cannot be read ({err.strerror or err}).")


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise EncoderError(f"{path} cannot be read ({err.strerror or err}).") from err


def _compare(path: Path, found: str, expected: str | None, title: str) -> None:
    if expected is not None and found != expected:
        raise EncoderError(
            f"{title} cannot be loaded: {path} is damaged or not the recorded file (SHA-256 {found[:12]}..., "
            f"expected {expected[:12]}...). Get that file again."
        )


def _loader(name: str) -> Loader:
    """The function behind a loader's name; hub access is off before any library is imported."""
    prepare_libraries()
    module, function = LOADERS[name].split(":")
    loader: Loader = getattr(
        importlib.import_module(f"napari_histoalign.encoders.loaders.{module}"), function
    )
    return loader
