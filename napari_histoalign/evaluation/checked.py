"""What reading every image of a set found, kept until an image changes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from napari_histoalign.evaluation.embedding import fingerprint
from napari_histoalign.evaluation.leakage import ImageCheck, check_images
from napari_histoalign.evaluation.records import ImageSet, Problem
from napari_histoalign.files import cache_dir, read_json, whole_file

log = logging.getLogger(__name__)

LARGEST = 256 << 20
"""Bytes of a kept check; a line an image."""


def kept_check(
    image_set: ImageSet, on_progress: Callable[[int, int], None] | None = None, *, cache: Path | None = None
) -> ImageCheck:
    """`check_images`, once for images of the same names, sizes, times and classes.

    Parameters
    ----------
    image_set, on_progress
        See `check_images`.
    cache
        Folder of kept checks; in the package's own cache by default.
    """
    said = [(record.label, record.patient) for record in image_set.records]
    key = sha256(json.dumps([fingerprint(image_set), image_set.class_names, said]).encode()).hexdigest()
    path = (cache or cache_dir("checks")) / f"{key}.json"
    try:
        found = read_json(path, LARGEST)
        return ImageCheck(dict(found["hashes"]), tuple(Problem(**problem) for problem in found["problems"]))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as err:
        log.warning("The kept check %s cannot be read and is made again (%s).", path, err)
    checked = check_images(image_set, on_progress)
    plain = {"hashes": dict(checked.hashes), "problems": [asdict(problem) for problem in checked.problems]}
    try:
        with whole_file(path) as new:
            new.write_text(json.dumps(plain), encoding="utf-8")
    except OSError as err:
        log.warning("What reading the images found is not kept: %s.", err)
    return checked
