"""What we wrote to an entry last, kept beside QuPath's own data of it: how changes are told later."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qupath_bridge.projects.errors import ProjectError

NAME = "histoalign.json.gz"
VERSION = 1


@dataclass(frozen=True)
class Ledger:
    """What we wrote last.

    Attributes
    ----------
    run_id, slide
        Of the result that was written, and the slide's fingerprint.
    offset
        Corner (x, y) of QuPath's coordinates in level-0 pixels.
    stamps
        By UUID, how each object of ours looked when it had been written (`features.stamps`).
    regions
        By UUID, class and GeoJSON geometry of those that are annotations.
    """

    run_id: str = ""
    slide: str = ""
    offset: tuple[int, int] = (0, 0)
    stamps: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def write(self, data: Path) -> None:
        """Write it to the folder of an entry's data."""
        content = {
            "version": VERSION,
            "run": self.run_id,
            "slide": self.slide,
            "offset": list(self.offset),
            "stamps": dict(self.stamps),
            "regions": dict(self.regions),
        }
        text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
        (data / NAME).write_bytes(gzip.compress(text, 6, mtime=0))


def read_ledger(data: Path) -> Ledger:
    """What was written to an entry; empty where nothing was.

    Raises
    ------
    ProjectError
        The file is damaged, or a newer version's.
    """
    path = data / NAME
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
        if content["version"] > VERSION:
            raise ProjectError(
                f"{path} was written by a newer napari-histoalign. Update it to write to this project."
            )
        x, y = content["offset"]
        stamps, regions = dict(content["stamps"]), dict(content["regions"])
        return Ledger(str(content["run"]), str(content["slide"]), (int(x), int(y)), stamps, regions)
    except FileNotFoundError:
        return Ledger()
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as err:
        raise ProjectError(
            f"{path}, which tells our objects from others, is damaged ({err}). Delete it: objects of ours "
            "that are there then stay there."
        ) from err
