"""Where the results of several slides go."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def result_folders(slides: Sequence[Path], out: Path) -> list[Path]:
    """One folder a slide below `out`, named like the slide without its ending.

    Slides that would share a folder (``a.svs`` and ``a.tif``, or two of one name from
    different folders) keep their ending, and get a number where that does not tell them apart.
    """
    stems = Counter(slide.stem for slide in slides)
    names = [slide.stem if stems[slide.stem] == 1 else slide.name for slide in slides]
    taken: Counter[str] = Counter()
    folders = []
    for name in names:
        taken[name] += 1
        folders.append(out / (name if taken[name] == 1 else f"{name} ({taken[name]})"))
    return folders
