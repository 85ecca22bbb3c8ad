"""Ship the top-level `napari.yaml` and `resources/` inside the package.

npe2 and `importlib.resources` both look inside the package directory, while
people look at the top of the repository. One real copy stays at the top; a
wheel gets copies, an editable install gets links.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("napari.yaml", "resources")
PACKAGE = "napari_histoalign"


class ShipTopLevelFiles(BuildHookInterface[Any]):
    """Copy the shipped files into a wheel, or link them for an editable install.

    Files are linked one by one, never their directory: hatchling visits each
    real directory once, so a directory link would hide the original from the
    source distribution.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Register or link every shipped file (called by hatchling)."""
        root = Path(self.root)
        for source in shipped_files(root):
            target = Path(PACKAGE, source.relative_to(root))
            if version == "editable":
                link(source, root / target)
            else:
                build_data["force_include"][str(source)] = target.as_posix()


def shipped_files(root: Path) -> list[Path]:
    """Every file that is shipped, as absolute paths below `root`."""
    files: list[Path] = []
    for name in SHIPPED:
        top = root / name
        files += [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file())
    return files


def link(source: Path, target: Path) -> None:
    """Link `target` to `source`; copy where the system refuses links (Windows)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(os.path.relpath(source, target.parent))
    except OSError:
        shutil.copyfile(source, target)
