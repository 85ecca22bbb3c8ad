"""Where QuPath is: named by the person, by a setting, by the environment, or found by paquo. No Java."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qupath_bridge.projects.errors import NoQuPathError

VARIABLE = "PAQUO_QUPATH_DIR"
OLDEST = (0, 4)
"""Earlier versions give objects no UUIDs, so that ours could not be told from others."""
GEOJSON_WORKS = (
    "Everything but projects works without it: regions.geojson and tiles.geojson open in QuPath by dragging "
    "them onto the image, and QuPath's annotations come back by --roi and --examples."
)


@dataclass(frozen=True)
class FoundQuPath:
    """A QuPath installation.

    Attributes
    ----------
    folder
        Where it is installed.
    source
        What named it, for people.
    version
        As its files tell; empty where they do not.
    """

    folder: Path
    source: str
    version: str = ""


def find_qupath(
    named: Path | None = None, *, setting: str | None = None, environment: Mapping[str, str] | None = None
) -> FoundQuPath:
    """Find QuPath; the first that is named counts, and what is named has to be there.

    Parameters
    ----------
    named
        What the person named now (``--qupath``).
    setting
        What stands in the settings.
    environment
        The environment; the process's own by default.

    Raises
    ------
    NoQuPathError
        There is none, or a folder that was named is none.
    """
    environment = os.environ if environment is None else environment
    for folder, source in (
        (named, "--qupath"),
        (setting, "the settings"),
        (environment.get(VARIABLE), f"the environment variable {VARIABLE}"),
    ):
        if folder:
            return _installation(Path(folder).expanduser().absolute(), source)
    found = _by_paquo()
    if found is None:
        raise NoQuPathError(
            "QuPath was not found. Install QuPath 0.5 or newer, and name its folder with --qupath DIR or in "
            f"the environment variable {VARIABLE}. {GEOJSON_WORKS}"
        )
    return _installation(found, "paquo's search")


def _installation(folder: Path, source: str) -> FoundQuPath:
    app, machine = parts_of(folder)
    lacking = [path for path in (app, machine) if not path.exists()]
    if lacking:
        raise NoQuPathError(
            f"{folder}, named by {source}, is no QuPath that can be used: {lacking[0]} is not there. Name "
            f"the folder that QuPath was unpacked or installed to. {GEOJSON_WORKS}"
        )
    version = version_of(app)
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if version and numbers < OLDEST:
        raise NoQuPathError(
            f"QuPath {version} in {folder} is too old for projects: its objects have no lasting ids. Install "
            f"QuPath 0.5 or newer. {GEOJSON_WORKS}"
        )
    return FoundQuPath(folder, source, version)


def parts_of(folder: Path, system: str | None = None) -> tuple[Path, Path]:
    """Folder of QuPath's jars, and its Java machine, on this system."""
    match system or platform.system():
        case "Darwin":
            return folder / "Contents/app", folder / "Contents/runtime/Contents/Home/lib/libjli.dylib"
        case "Windows":
            return folder / "app", folder / "runtime/bin/server/jvm.dll"
        case _:
            return folder / "lib/app", folder / "lib/runtime/lib/server/libjvm.so"


def version_of(app: Path) -> str:
    """Version that the names of QuPath's jars tell; empty where they do not."""
    for jar in sorted(app.glob("qupath-core-[0-9]*.jar")):
        if found := re.match(r"qupath-core-(\d+\.\d+\.\d+[\w.-]*)\.jar$", jar.name):
            return found[1]
    return ""


def _by_paquo() -> Path | None:
    """What paquo's configuration and search find."""
    try:
        from paquo import settings
        from paquo._config import to_kwargs
        from paquo.jpype_backend import find_qupath as search
    except ImportError as err:
        raise NoQuPathError(
            "QuPath projects need paquo, which is not installed: pip install 'napari-histoalign[qupath]'. "
            f"{GEOJSON_WORKS}"
        ) from err
    try:
        app = Path(search(**to_kwargs(settings)).app_dir)
    except (ValueError, OSError):
        return None
    return app.parent.parent if platform.system() == "Linux" else app.parents[platform.system() == "Darwin"]
