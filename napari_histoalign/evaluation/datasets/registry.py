"""Every data set that can be opened, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.bach import open_bach
from napari_histoalign.evaluation.datasets.breakhis import open_breakhis
from napari_histoalign.evaluation.datasets.folder import open_folder
from napari_histoalign.evaluation.datasets.idc import open_idc
from napari_histoalign.evaluation.datasets.lc25000 import open_lc25000
from napari_histoalign.evaluation.datasets.nct_crc import open_nct_crc
from napari_histoalign.evaluation.datasets.pcam import open_pcam

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

DATASETS: Mapping[str, Callable[..., ImageSet]] = {
    "breakhis": open_breakhis,
    "idc": open_idc,
    "nct-crc": open_nct_crc,
    "pcam": open_pcam,
    "bach": open_bach,
    "lc25000": open_lc25000,
    "folder": open_folder,
}
"""What opens each: takes the root and options of its own."""


def options_of(name: str) -> tuple[str, ...]:
    """Names of a data set's options.

    Raises
    ------
    DatasetError
        There is no such data set.
    """
    return tuple(inspect.signature(_opener(name)).parameters)[1:]


def open_dataset(name: str, root: str | Path, **options: Any) -> ImageSet:
    """Labelled images of a known layout, found below a folder; no image is opened.

    Parameters
    ----------
    name
        One of `DATASETS`.
    root
        Where it lies.
    options
        Of that data set: see its opener.

    Raises
    ------
    DatasetError
        There is no such data set or option, or nothing usable at the root.
    """
    opener = _opener(name)
    known = options_of(name)
    if unknown := sorted(set(options) - set(known)):
        raise DatasetError(f"The data set {name} has no option {unknown[0]!r}; it has {', '.join(known)}.")
    return opener(root, **options)


def _opener(name: str) -> Callable[..., ImageSet]:
    if name not in DATASETS:
        raise DatasetError(f"There is no data set {name!r}; there are {', '.join(DATASETS)}.")
    return DATASETS[name]
