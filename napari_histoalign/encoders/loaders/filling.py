"""Our own architectures, filled with a publisher's weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_histoalign.encoders.loaders.bounds import check_parameters
from napari_histoalign.encoders.weights import load_strict, read_weights

if TYPE_CHECKING:
    from napari_histoalign.encoders.towers import Towers

Shape = TypeVar("Shape")


def filled(
    kind: Callable[[Shape], Towers],
    shape: Shape,
    path: Path,
    unused: Sequence[str] = (),
    renamed: Callable[[str], str] = str,
) -> Towers:
    """Towers with the weights of a file; every one has to fit.

    Parameters
    ----------
    kind
        Builds the towers.
    shape
        Their sizes.
    path
        A safetensors or PyTorch file.
    unused
        Regular expressions of full names that are in the file and not in the towers, see
        `weights.load_strict`.
    renamed
        Turns a name of the file into that of the towers.

    Raises
    ------
    EncoderError
        The file cannot be read or does not fit, or `shape` cannot be built.
    """
    from napari_histoalign.encoders.building import NoRandomStart

    weights = {renamed(name): value for name, value in read_weights(path).items()}
    check_parameters(lambda: kind(shape), path, weights, path)
    with NoRandomStart():
        towers = kind(shape)
    load_strict(towers, weights, path, unused)
    return towers
