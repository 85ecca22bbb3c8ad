"""A probability map as OME-Zarr (NGFF 0.5), which lies over the slide in any viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_folder
from napari_histoalign.results.probability_map import ProbabilityMap

if TYPE_CHECKING:
    from collections.abc import Mapping

NGFF = "0.5"
CHUNK = 512
OWN = "napari-histoalign"
"""Key of what NGFF has no place for: the map's place in level-0 pixels, to the bit."""


def write_probability_zarr(
    folder: Path,
    map: ProbabilityMap,
    *,
    mpp: tuple[float, float] | None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a map as an OME-Zarr image, whole or not at all.

    Axes are c, y, x, one channel a class, with its name, colour and a window of
    0..1. NGFF places the centres of pixels: pixel (0, 0) of the slide has its
    centre at 0, so that of the map has it at ``origin + step / 2 - 1 / 2`` level-0
    pixels. Pixels that were not scored are NaN, which is the fill value.

    Parameters
    ----------
    folder
        The ``.zarr`` folder; its parent must exist. An earlier one is replaced.
    map
        What to write.
    mpp
        Micrometres per level-0 pixel in x and y. Without it coordinates are level-0
        pixels and axes have no unit.
    about
        Texts kept in the attributes, such as the run's identity and a notice.

    Raises
    ------
    ResultError
        The folder cannot be written.
    """
    import zarr

    own = {
        "origin": [float(v) for v in map.origin],
        "step": float(map.step),
        "mpp": None if mpp is None else [float(v) for v in mpp],
        "scored": int(map.scored().sum()),
        "about": dict(about or {}),
    }
    attributes: dict[str, Any] = {"ome": _image(map, mpp, Path(folder).stem), OWN: own}
    try:
        with whole_folder(folder) as temporary:
            group = zarr.open_group(temporary, mode="w", zarr_format=3, attributes=attributes)
            array = group.create_array(
                "0",
                shape=map.data.shape,
                dtype=np.dtype(np.float32),
                chunks=(1, min(CHUNK, map.rows), min(CHUNK, map.columns)),
                dimension_names=("c", "y", "x"),
                fill_value=float("nan"),
            )
            array[...] = map.data
    except OSError as err:
        raise ResultError(
            f"The probabilities {folder} could not be written ({err.strerror or err}). Check that the folder "
            "around it exists, can be written and has room."
        ) from err


def read_probability_zarr(folder: Path) -> tuple[ProbabilityMap, tuple[float, float] | None]:
    """Read a map that `write_probability_zarr` wrote.

    Parameters
    ----------
    folder
        The ``.zarr`` folder.

    Returns
    -------
    map
        In level-0 pixels.
    mpp
        Micrometres per level-0 pixel in x and y; None if it was written without.

    Raises
    ------
    ResultError
        The folder is absent, damaged, or not such an image.
    """
    import zarr

    if not Path(folder).is_dir():
        raise ResultError(f"There are no probabilities at {folder}. Check the path, or run the slide.")
    try:
        group: Any = zarr.open_group(folder, mode="r")
        own, channels = group.attrs[OWN], group.attrs["ome"]["omero"]["channels"]
        map = ProbabilityMap(
            data=np.asarray(group["0"][...], np.float32),
            origin=(float(own["origin"][0]), float(own["origin"][1])),
            step=float(own["step"]),
            class_names=tuple(str(c["label"]) for c in channels),
            colors=tuple("#" + str(c["color"]).lower() for c in channels),
        )
        found, mpp = int(map.scored().sum()), own["mpp"]
        if found != own["scored"]:  # a lost chunk reads as NaN, which is what was not scored
            raise ValueError(f"{found} of {own['scored']} pixels are left")
        return map, None if mpp is None else (float(mpp[0]), float(mpp[1]))
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as err:
        raise ResultError(
            f"{folder} does not hold probabilities written by napari-histoalign, or they are damaged "
            f"({err}). Run the slide again to write them anew."
        ) from err


def _image(map: ProbabilityMap, mpp: tuple[float, float] | None, name: str) -> Mapping[str, Any]:
    """The ``ome`` attribute."""
    scale = (1.0, 1.0) if mpp is None else (float(mpp[0]), float(mpp[1]))
    unit = {} if mpp is None else {"unit": "micrometer"}
    centre = [o + map.step / 2 - 0.5 for o in map.origin]
    return {
        "version": NGFF,
        "multiscales": [
            {
                "name": name,
                "axes": [
                    {"name": "c", "type": "channel"},
                    {"name": "y", "type": "space", **unit},
                    {"name": "x", "type": "space", **unit},
                ],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [
                            {"type": "scale", "scale": [1.0, map.step * scale[1], map.step * scale[0]]},
                            {
                                "type": "translation",
                                "translation": [0.0, centre[1] * scale[1], centre[0] * scale[0]],
                            },
                        ],
                    }
                ],
            }
        ],
        "omero": {
            "channels": [
                {
                    "label": name,
                    "color": color.removeprefix("#").upper(),
                    "active": i == 0,
                    "window": {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0},
                }
                for i, (name, color) in enumerate(zip(map.class_names, map.colors, strict=True))
            ]
        },
    }
