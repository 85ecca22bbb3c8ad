"""A small project, objects for it, and helper processes with a stand-in for QuPath's classes."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from shapely import box

from qupath_bridge.projects import Export, Helper, ProjectObject
from qupath_bridge.projects.lock import OURS

STAND_IN = Path(__file__).with_name("stand_in.py")
SIZE = (1000, 800)
SPACE = uuid.UUID(int=7)
FOREIGN: dict[str, Any] = {
    "type": "Feature",
    "id": "11111111-2222-4333-8444-555555555555",
    "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]]},
    "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}, "isLocked": True},
}


def helper(fault: str = "", limit_s: float = 60) -> Helper:
    """A helper process with a fault."""
    return Helper(command=(sys.executable, str(STAND_IN), fault), limit_s=limit_s)


def made_project(folder: Path) -> Path:
    """A project with two images, the first with an annotation that is not ours."""
    image = folder.parent / "slide.tif"
    image.write_bytes(b"pixels")
    images = [
        {
            "serverBuilder": {"builderType": "uri", "uri": f"file:{image}"},
            "entryID": number,
            "imageName": name,
            "metadata": {"stain": "H&E ü"},
        }
        for number, name in ((1, "slide.tif"), (3, "other.tif"))
    ]
    content = {"version": "0.4.4", "uri": "file:/elsewhere/project.qpproj", "lastID": 3, "images": images}
    (folder / "data/1").mkdir(parents=True)
    (folder / "data/3").mkdir()
    text = json.dumps({**content, "of another version": [1, 2]}, indent=3, ensure_ascii=False)
    (folder / "project.qpproj").write_text(text, encoding="utf-8")
    (folder / "data/1/data.qpdata").write_text(json.dumps([FOREIGN]), encoding="utf-8")
    (folder / "data/3/data.qpdata").write_text("[]", encoding="utf-8")
    (folder / "notes of a person.txt").write_text("kept", encoding="utf-8")
    return folder


def objects(count: int = 4, tag: str = "") -> list[ProjectObject]:
    """A region and tiles; the same tag and place give the same ids."""
    region = ProjectObject(
        uuid=str(uuid.uuid5(SPACE, f"region {tag}")),
        kind="annotation",
        class_name="malignant",
        color="#cc0000",
        geometry=box(100, 100, 500, 500).difference(box(200, 200, 300, 300)),
        measurements={"histoalign: P(malignant)": 0.9},
        metadata={"histoalign run": "run"},
        name="malignant",
    )
    tiles = [
        ProjectObject(
            uuid=str(uuid.uuid5(SPACE, f"tile {n}")),
            kind="tile",
            class_name="benign",
            color="#00cc00",
            rectangle=(n * 10, 0, 10, 10),
            measurements={"histoalign: P(malignant)": n / count},
        )
        for n in range(count)
    ]
    return [region, *tiles]


def export(count: int = 4, tag: str = "", **more: Any) -> Export:
    """An export to the first image."""
    about = {"size": SIZE, "run_id": "run", "slide": "print", "entry": "1", **more}
    return Export(objects(count, tag), **about)


def stored(project: Path, entry: str = "1") -> dict[str, dict[str, Any]]:
    """Objects of an image by their id."""
    return {f["id"]: f for f in json.loads((project / f"data/{entry}/data.qpdata").read_text())}


def change(project: Path, identity: str, entry: str = "1", **properties: Any) -> None:
    """Change an object as a person would in QuPath; `properties` None: delete it."""
    found = stored(project, entry)
    if not properties:
        del found[identity]
    else:
        found[identity]["properties"].update(properties)
    (project / f"data/{entry}/data.qpdata").write_text(json.dumps(list(found.values())))


def tree(project: Path) -> dict[str, str]:
    """Digest of each file, and the folders, but for what lies in our own folder."""
    paths = [path for path in project.rglob("*") if OURS not in path.parts]
    contents = [path.read_bytes() if path.is_file() else b"" for path in paths]
    return {
        str(path.relative_to(project)): hashlib.sha256(content).hexdigest()
        for path, content in zip(paths, contents, strict=True)
    }
