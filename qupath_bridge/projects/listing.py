"""The entries of a project, read from its file without Java."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from napari_histoalign.files import read_json
from qupath_bridge.projects.errors import ProjectError

PROJECT = "project.qpproj"
LARGEST = 256 << 20
"""Bytes of a project file that is read."""


@dataclass(frozen=True)
class Entry:
    """An image of a project.

    Attributes
    ----------
    id, name
        As QuPath numbers and shows it.
    uris
        Where its pixels lie.
    size
        (width, height) in pixels as QuPath sees the image, where the file tells.
    provider
        Java class that reads the pixels.
    """

    id: str
    name: str
    uris: tuple[str, ...]
    size: tuple[int, int] | None = None
    provider: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files among its URIs."""
        return tuple(path for uri in self.uris if (path := path_of(uri)) is not None)

    @property
    def missing(self) -> tuple[Path, ...]:
        """Files that are not where the project has them."""
        return tuple(path for path in self.files if not path.exists())


def project_file(path: Path) -> Path:
    """The ``project.qpproj`` of a project that is named by it or by its folder."""
    path = Path(path).expanduser().absolute()
    return path if path.suffix == ".qpproj" else path / PROJECT


def read_project(path: Path) -> dict[str, Any]:
    """What a project's file holds.

    Raises
    ------
    ProjectError
        There is no project, or its file is damaged.
    """
    file = project_file(path)
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError("it is too large for a project")
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("images"), list):
            raise ValueError("it lists no images")
    except FileNotFoundError as err:
        raise ProjectError(
            f"There is no QuPath project at {file}. Check the path; --create makes a new project."
        ) from err
    except (OSError, ValueError, RecursionError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ProjectError(
            f"The project {file} cannot be read ({reason}). Nothing was changed. QuPath keeps the version "
            f"before the last in {file.name}.backup."
        ) from err
    return content


def entries_of(path: Path) -> tuple[Entry, ...]:
    """The images of a project, in its order.

    Raises
    ------
    ProjectError
        There is no project, or its file is damaged.
    """
    return tuple(_entries(read_project(path), project_file(path)))


def _entries(content: Mapping[str, Any], file: Path) -> Iterator[Entry]:
    for number, image in enumerate(content["images"], start=1):
        if not isinstance(image, Mapping) or not str(image.get("entryID", "")).isdigit():
            raise ProjectError(f"Image {number} of the project {file} has no id. Open it in QuPath first.")
        builder = image.get("serverBuilder")
        found = list(_builders(builder))
        size = _size(found[0])
        yield Entry(
            id=str(image["entryID"]),
            name=str(image.get("imageName") or image["entryID"]),
            uris=tuple(str(part["uri"]) for part in found if isinstance(part.get("uri"), str)),
            size=size or _size_of_server(file.parent / "data" / str(image["entryID"]) / "server.json"),
            provider=next((str(p["providerClassName"]) for p in found if "providerClassName" in p), ""),
        )


def _builders(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """A server and, where it changes another one (rotated, say), that as well."""
    if isinstance(value, Mapping) and depth < 20:
        yield value
        for part in value.values():
            for one in part if isinstance(part, list) else (part,):
                if isinstance(one, Mapping) and ("builderType" in one or "uri" in one):
                    yield from _builders(one, depth + 1)
    elif depth == 0:
        yield {}


def _size(builder: Mapping[str, Any]) -> tuple[int, int] | None:
    metadata = builder.get("metadata")
    if isinstance(metadata, Mapping):
        width, height = metadata.get("width"), metadata.get("height")
        if type(width) is int and type(height) is int:
            return width, height
    return None


def _size_of_server(path: Path) -> tuple[int, int] | None:
    """What QuPath noted of the image when it saved its data."""
    try:
        content = read_json(path, LARGEST)
    except (OSError, ValueError):
        return None
    return _size(content) if isinstance(content, Mapping) else None


def path_of(uri: str) -> Path | None:
    """The file of a ``file:`` URI, in Java's form or in the usual one; None for anything else."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    path = unquote(parts.path)
    if parts.netloc:  # a share of Windows: file://server/share/...
        path = f"//{parts.netloc}{path}"
    if os.name == "nt" and path[:1] == "/" and path[2:3] == ":":
        path = path[1:]
    return Path(path)
