"""Sizes in a configuration, looked at before any memory is taken for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor, nn

LARGEST: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("layers", "num_hidden_layers", "depth", "depths"), 256),
        **dict.fromkeys(("heads", "num_attention_heads", "num_key_value_heads", "num_heads"), 512),
        **dict.fromkeys(("image_size", "patch_size", "head_width"), 4096),
        **dict.fromkeys(("width", "hidden_size", "embed_dim", "projection_dim", "proj_dim"), 1 << 15),
        **dict.fromkeys(("intermediate_size", "context_length", "max_position_embeddings"), 1 << 17),
        **dict.fromkeys(("vocab_size", "type_vocab_size"), 1 << 21),
    }
)
"""Of the fields that say how large a model is; published ones are far below."""
PATCH, MOST_PATCHES = 16, 128
"""Pixels of a patch's side where no file says; patches along a side: 1024 in all, 32 each way, are many."""
DEEPEST = 6
TIMES, SPARE = 2, 100_000_000


def check_bounds(config: Mapping[str, Any], path: Path) -> None:
    """Make sure that no size in a configuration is absurd.

    Parameters
    ----------
    config
        Fields, with tables in them.
    path
        The file, for the error.

    Raises
    ------
    EncoderError
        A size is no whole number from 1 to its bound (two or four of them for an image, a patch or stages),
        or images are cut into far too many patches.
    """
    for name, value in _sizes(config, 0):
        numbers = value if isinstance(value, list) and 1 <= len(value) <= 4 else [value]
        for number in numbers:
            whole = isinstance(number, int) and not isinstance(number, bool)
            if not whole or not 1 <= number <= LARGEST[name]:
                raise EncoderError(
                    f"{path} says {name} {str(value)[:40]!r}; it has to be a whole number from 1 to "
                    f"{LARGEST[name]}. Is it a model's configuration?"
                )
    for side, patch in _patches(config, 0):
        if side > MOST_PATCHES * patch:
            raise EncoderError(
                f"{path} cuts images of {side} pixels into patches of {patch}: embedding one would take "
                "hours. Is it a model's configuration?"
            )


def check_parameters(
    build: Callable[[], nn.Module], path: Path, weights: Mapping[str, Tensor], held_in: Path
) -> None:
    """Make sure that a model is not far larger than its weights, before memory is taken for it.

    Parameters
    ----------
    build
        Makes the module; it is called where tensors take no memory.
    path
        What describes the module, for the error.
    weights, held_in
        What shall fill it, and the file that came from.

    Raises
    ------
    EncoderError
        The module, with the numbers that it works out itself, is larger than `TIMES` its weights and `SPARE`,
        or cannot be built. (What differs by less is told by name when the module is filled.)
    """
    import torch

    from napari_histoalign.encoders.building import NoRandomStart

    with one_sentence(f"{path} describes no model that can be built"):
        with torch.device("meta"), NoRandomStart():
            module = build()
        count = sum(tensor.numel() for tensor in (*module.parameters(), *module.buffers()))
    # tensors may share their numbers, but a file has no more numbers than bytes
    held = min(sum(tensor.numel() for tensor in weights.values()), held_in.stat().st_size)
    if count > TIMES * held + SPARE:
        raise EncoderError(
            f"{path} describes a model of {count / 1e6:,.0f} million numbers, and {held_in} holds "
            f"{held / 1e6:,.0f} million: they do not belong together."
        )


def _sizes(config: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST or not isinstance(config, Mapping):
        return
    for name, value in config.items():
        if name in LARGEST and value is not None:
            yield name, value
        else:
            yield from _sizes(value, depth + 1)


def _patches(config: Any, depth: int) -> Iterator[tuple[int, int]]:
    """Largest side of an image and smallest of a patch, of every tower that says the image's."""
    if depth > DEEPEST or not isinstance(config, Mapping):
        return
    sides, patches = (
        value if isinstance(value, list) else [value]
        for value in (config.get("image_size"), config.get("patch_size") or PATCH)
    )
    if sides != [None]:
        yield max(sides), min(patches)
    for value in config.values():
        yield from _patches(value, depth + 1)
