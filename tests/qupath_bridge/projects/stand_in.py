"""Stands in for QuPath's classes behind the same pipe: keeps an image's objects as JSON in data.qpdata.

Run as a process; its first argument is a fault to show, if any, and the next two the image's size.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from shapely import from_wkb, to_geojson
from shapely.geometry import box, mapping

from qupath_bridge.projects.errors import HelperError
from qupath_bridge.projects.protocol import private_stdout, serve

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""
SIZE = tuple(map(int, sys.argv[2:4])) if len(sys.argv) > 3 else (1000, 800)


def hello() -> dict[str, Any]:
    print("Java's log, on stdout", flush=True)
    os.system("echo a native library, on stdout")
    if FAULT == "silent":
        time.sleep(600)
    if FAULT == "dies":
        print("SIGSEGV in libjvm.so", file=sys.stderr, flush=True)
        os._exit(134)
    if FAULT == "raises":
        raise ValueError("java.lang.IllegalStateException: odd")
    if FAULT == "refuses":
        raise HelperError("This cannot be done. Do that instead.")
    if FAULT == "garbage":
        os.write(int(os.environ["ANSWERS"]), b"no JSON\n")
    return {"qupath": "0.5.1", "paquo": "0.9.0", "java": "17", "openslide": FAULT != "without openslide"}


def read(project: str, entry: str, out: str) -> dict[str, Any]:
    features = _load(Path(project).parent / "data" / entry)
    Path(out).write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    width, height = (999, 800) if FAULT == "other image" else SIZE
    return {"width": width, "height": height, "objects": len(features)}


def write(
    project: str,
    entry: str | None,
    image: str | None,
    remove: list[str],
    objects: str,
    classes: list[dict[str, Any]],
    create: bool,
) -> dict[str, Any]:
    file = Path(project)
    if create:
        file.write_text(json.dumps({"version": "0.5.1", "uri": file.as_uri(), "images": []}))
    content = json.loads(file.read_text(encoding="utf-8"))
    if entry is None:
        entry = str(content.get("lastID", 0) + 1)
        server = {"builderType": "uri", "uri": Path(str(image)).as_uri()}
        name = Path(str(image)).name
        content["images"].append({"serverBuilder": server, "entryID": int(entry), "imageName": name})
        # as QuPath does: the file is written anew, in this version's form
        file.write_text(json.dumps({"version": "0.5.1", "images": content["images"]}), encoding="utf-8")
    data = file.parent / "data" / entry
    data.mkdir(parents=True, exist_ok=True)
    kept = [f for f in _load(data) if f["id"] not in remove]
    lines = Path(objects).read_text(encoding="ascii").splitlines()
    new = [_feature(json.loads(line)) for line in lines]
    if FAULT == "loses one":
        new.pop()
    if FAULT == "changes others" and kept:
        kept[0]["properties"]["name"] = "changed"
    if FAULT == "half":
        (data / "data.qpdata").write_bytes(b"half")
        raise OSError(28, "No space left on device")
    (data / "data.qpdata").write_text(json.dumps([*kept, *new]), encoding="utf-8")
    (data / "summary.json").write_text(json.dumps({"objects": len(kept) + len(new)}), encoding="utf-8")
    (file.parent / "classifiers").mkdir(exist_ok=True)
    (file.parent / "classifiers/classes.json").write_text(json.dumps({"pathClasses": classes}))
    if FAULT == "dies after writing":
        os.kill(os.getpid(), 9)
    return {"entry": entry, "removed": len(remove), "added": len(new)}


def _load(data: Path) -> list[dict[str, Any]]:
    path = data / "data.qpdata"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def _feature(one: dict[str, Any]) -> dict[str, Any]:
    if "rectangle" in one:
        x, y, width, height = one["rectangle"]
        geometry = mapping(box(x, y, x + width, y + height))
    else:
        geometry = json.loads(to_geojson(from_wkb(one["wkb"])))
    properties = {
        "objectType": one["kind"],
        "classification": {"name": one["class"]},
        "measurements": one.get("measurements", {}),
    }
    if "metadata" in one and one["kind"] == "annotation":
        properties["metadata"] = one["metadata"]
    if "name" in one:
        properties["name"] = one["name"]
    return {"type": "Feature", "id": one["uuid"], "geometry": geometry, "properties": properties}


if __name__ == "__main__":
    answers = private_stdout()
    os.environ["ANSWERS"] = str(answers.fileno())
    serve({"hello": hello, "read": read, "write": write}, sys.stdin.buffer, answers)
