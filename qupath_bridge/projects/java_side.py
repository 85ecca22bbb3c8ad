"""What runs in the helper process: QuPath's own classes, through paquo and JPype. As little as can be.

Everything here works on a copy of the project; what may be taken over is decided elsewhere, without Java.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qupath_bridge.projects.errors import HelperError

if TYPE_CHECKING:
    from qupath_bridge.projects.protocol import Operation

BACKUP_ENDING = ".bkp"
"""Of the file in which QuPath keeps an image's data while it saves them."""


@cache
def _java() -> Any:
    """Paquo's module of Java classes; importing it starts Java."""
    try:
        from paquo import java
    except ImportError as err:
        raise HelperError(
            f"paquo cannot be used ({err}). Install it: pip install 'napari-histoalign[qupath]'."
        ) from err
    except (ValueError, OSError, RuntimeError) as err:
        raise HelperError(f"Java could not be started with this QuPath ({err}).") from err
    if java.LogManager is not None:
        java.LogManager.setError()
    return java


@cache
def _class(name: str) -> Any:
    """A Java class; None where this QuPath has none of that name."""
    _java()
    from paquo.jpype_backend import JClass

    try:
        return JClass(name)
    except TypeError:
        return None


def hello() -> dict[str, Any]:
    """Versions of QuPath, paquo and Java, and whether OpenSlide can be used."""
    import paquo

    java = _java()
    return {
        "qupath": str(java.qupath_version),
        "paquo": str(paquo.__version__),
        "java": str(java.System.getProperty("java.version")),
        "openslide": _load_openslide(),
    }


def read(project: str, entry: str, out: str) -> dict[str, Any]:
    """Write all objects of an entry to a GeoJSON file, as QuPath writes them.

    Parameters
    ----------
    project
        Its ``project.qpproj``.
    entry
        The entry's id.
    out
        File to write.

    Returns
    -------
    dict
        ``width`` and ``height`` of the image as QuPath sees it; number of ``objects``.
    """
    _load_openslide()
    data = _read_data(_entry(_project(project, "r"), entry))
    return _dump(data, out)


def write(
    project: str,
    entry: str | None,
    image: str | None,
    remove: list[str],
    objects: str,
    classes: list[dict[str, Any]],
    create: bool,
) -> dict[str, Any]:
    """Take objects from an entry, put others there, and save.

    Parameters
    ----------
    project, entry
        As for `read`; `entry` None: `image` is added first.
    image
        File of the image to add.
    remove
        UUIDs of objects to take away; what lies in them stays.
    objects
        File with the objects to put there (`qupath_bridge.projects.objects.write_objects`).
    classes
        Classes of those objects: ``name``, ``color`` (packed) and whether it is ``new``: only then it is
        given that colour.
    create
        Make the project first.

    Returns
    -------
    dict
        Id of the ``entry``, numbers of objects ``removed`` and ``added``.
    """
    _load_openslide()
    handle = _project(project, "x" if create else "r+")
    if entry is None:
        added = handle.add_image(image)
        handle.save(images=False)
        target = added[0] if isinstance(added, list) else added
    else:
        target = _entry(handle, entry)
    data = _read_data(target)
    hierarchy = data.getHierarchy()
    unwanted = set(remove)
    gone = [found for found in hierarchy.getAllObjects(False) if str(found.getID()) in unwanted]
    if gone:
        hierarchy.removeObjects(_list(gone), True)
    made = _made(objects, {c["name"]: _path_class(c) for c in classes})
    hierarchy.addObjects(_list(made))
    target.java_object.saveImageData(data)
    _add_classes(handle.java_object, classes)
    return {"entry": str(target.entry_id), "removed": len(gone), "added": len(made)}


OPERATIONS: dict[str, Operation] = {"hello": hello, "read": read, "write": write}


def _load_openslide() -> bool:
    """QuPath 0.5 loads OpenSlide in its window only; without it Bio-Formats would read slides, slowly."""
    loader = _class("qupath.lib.images.servers.openslide.jna.OpenSlideLoader")
    try:
        return loader is not None and bool(loader.tryToLoadQuietly())
    except Exception:  # whatever Java says, other readers may do
        return False


def _project(path: str, mode: str) -> Any:
    _java()
    from paquo.projects import QuPathProject

    return QuPathProject(path, mode)


def _entry(project: Any, identity: str) -> Any:
    for entry in project.images:
        if entry.entry_id == identity:
            return entry
    raise HelperError(f"The project has no image with the id {identity}.")


def _read_data(entry: Any) -> Any:
    """The data of an entry, or an error: QuPath itself goes on with empty data where a file is damaged."""
    java = _java()
    file = Path(entry.entry_path) / "data.qpdata"
    if file.with_name(file.name + BACKUP_ENDING).exists():
        raise HelperError(
            f"QuPath was interrupted while it saved {entry.image_name}. Open the image in QuPath and save it "
            "there first."
        )
    try:
        data = entry.java_object.readImageData()
    except (java.IOException, java.RuntimeException) as err:
        raise HelperError(
            f"QuPath cannot open the image {entry.image_name} ({err}). Check that its file is where the "
            "project has it; QuPath asks for the new place when the project is opened there."
        ) from err
    if data is None or data.getServer() is None:
        raise HelperError(f"QuPath cannot open the image {entry.image_name}.")
    if file.exists() and data.getLastSavedPath() is None:
        raise HelperError(
            f"What QuPath keeps of {entry.image_name} is damaged (data.qpdata), and writing would lose it."
        )
    return data


def _dump(data: Any, out: str) -> dict[str, Any]:
    objects = data.getHierarchy().getAllObjects(False)
    options = _class("qupath.lib.io.PathIO$GeoJsonExportOptions")
    _java().PathIO.exportObjectsAsGeoJSON(_java().File(out), objects, options.FEATURE_COLLECTION)
    server = data.getServer()
    return {
        "width": int(server.getWidth()),
        "height": int(server.getHeight()),
        "objects": int(objects.size()),
    }


def _list(values: Iterable[Any]) -> Any:
    made = _java().ArrayList()
    for value in values:
        made.add(value)
    return made


def _path_class(about: Mapping[str, Any]) -> Any:
    java = _java()
    found = java.PathClass.fromString(java.String(about["name"]), java.Integer(about["color"]))
    if about["new"]:
        found.setColor(java.Integer(about["color"]))
    return found


def _made(path: str, classes: Mapping[str, Any]) -> list[Any]:
    """Java objects from a file of ours.

    Made one by one through JPype: paquo's own calls, and GeoJSON, take five to ten times as long.
    """
    java = _java()
    plane = _class("qupath.lib.regions.ImagePlane").getDefaultPlane()
    identity = _class("java.util.UUID").fromString
    wkb = java.WKBReader()
    rectangle, roi_of = java.ROIs.createRectangleROI, java.GeometryTools.geometryToROI
    factories = {
        "annotation": java.PathObjects.createAnnotationObject,
        "tile": java.PathObjects.createTileObject,
    }
    made = []
    with Path(path).open(encoding="ascii") as lines:
        for line in lines:
            about = json.loads(line)
            if "rectangle" in about:
                roi = rectangle(*map(float, about["rectangle"]), plane)
            else:
                roi = roi_of(wkb.read(java.WKBReader.hexToBytes(about["wkb"])), plane)
            one = factories[about["kind"]](roi, classes[about["class"]])
            one.setID(identity(about["uuid"]))
            if "name" in about:
                one.setName(about["name"])
            if about.get("locked"):
                one.setLocked(True)
            values = one.getMeasurementList()
            for name, value in about.get("measurements", {}).items():
                values.put(name, float(value))
            values.close()
            if "metadata" in about:
                _keep_texts(one, about["metadata"])
            made.append(one)
    return made


def _keep_texts(one: Any, texts: Mapping[str, str]) -> None:
    """Metadata, where this QuPath has them for objects of this kind (0.5 and newer)."""
    if hasattr(one, "getMetadata"):
        kept = one.getMetadata()
        for name, text in texts.items():
            kept.put(name, text)


def _add_classes(project: Any, classes: list[dict[str, Any]]) -> None:
    """Let QuPath's list of classes show ours as well."""
    known = list(project.getPathClasses())
    names = {str(one.toString()) for one in known}
    new = [_path_class(about) for about in classes if about["name"] not in names]
    if new:
        project.setPathClasses(_list([*known, *new]))
