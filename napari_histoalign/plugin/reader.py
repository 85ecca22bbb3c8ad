"""Open slides as lazily read multiscale image layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_histoalign.errors import SlideError

METADATA_KEY = "histoalign"
GENERIC_ENDINGS = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".dcm"})
"""Endings that other things than slides have too: these files are tried before they are claimed."""

LayerData = tuple[Any, dict[str, Any], str]
PathOrPaths = str | Path | Sequence[str | Path]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return `read_slides` if `path` can be opened as a slide (npe2 reader command).

    Parameters
    ----------
    path
        A file, or several files (one layer each).

    Returns
    -------
    callable or None
        None declines: a folder, a missing file, or a file with a general ending
        such as ``.tif`` that is no colour image. A file with a slide's own
        ending is always claimed, so that a damaged one is reported and not
        handed on to a reader that cannot know better.
    """
    paths = _paths(path)
    return read_slides if paths and all(map(_claimed, paths)) else None


def read_slides(path: PathOrPaths) -> list[LayerData]:
    """Open one or several slides.

    Parameters
    ----------
    path
        A file or several files.

    Returns
    -------
    list of (data, keyword arguments, "image")
        One layer a slide, as npe2 wants them.

    Raises
    ------
    SlideError
        If a file cannot be opened.
    """
    return [read_slide(p) for p in _paths(path)]


def read_slide(path: Path) -> LayerData:
    """Open a slide as one multiscale RGB layer in micrometres, or in pixels if its size is unknown.

    Raises
    ------
    SlideError
        If the file cannot be opened.
    """
    from napari_histoalign.plugin.levels import slide_levels
    from napari_histoalign.slides import open_slide

    slide = open_slide(path)
    options: dict[str, Any] = {
        "name": slide.name,
        "rgb": True,
        "multiscale": True,
        "axis_labels": ("y", "x"),
        "metadata": {METADATA_KEY: slide_metadata(path, slide.mpp, slide.mpp_source)},
    }
    if slide.mpp is not None:
        options |= {"scale": (slide.mpp[1], slide.mpp[0]), "units": ("um", "um")}
    return slide_levels(slide), options, "image"


def slide_metadata(path: Path, mpp: tuple[float, float] | None, source: str | None) -> dict[str, Any]:
    """What a slide layer carries under the key ``histoalign``, so that the dock finds the slide again.

    Parameters
    ----------
    path
        The slide.
    mpp
        Micrometres per level-0 pixel in x and y, or None if unknown.
    source
        Where `mpp` comes from: "slide", "given" (by the person) or None.
    """
    return {
        "path": str(path),
        "mpp": mpp,
        "mpp_source": source,
        "physical_size": "known" if mpp is not None else "unknown: coordinates are level-0 pixels",
    }


def _paths(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]


def _claimed(path: Path) -> bool:
    """Whether a file is ours to open (see `get_reader`)."""
    if not path.is_file():
        return False
    if path.suffix.lower() not in GENERIC_ENDINGS:
        return True
    from napari_histoalign.slides import open_slide

    try:
        with open_slide(path):
            return True
    except SlideError:
        return False
