"""The same on a real QuPath; `PAQUO_QUPATH_DIR` names its folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project_parts import objects, tree

from napari_histoalign.sample import draw_slide
from qupath_bridge.projects import (
    Export,
    Helper,
    HelperError,
    QuPathError,
    diagnose,
    entries_of,
    export_objects,
    find_qupath,
    read_entry,
)
from qupath_bridge.projects.lock import OURS

SIDE = 1024


@pytest.fixture(scope="module")
def process() -> Iterator[Helper]:
    """The real helper process; skips where no QuPath is named."""
    if not os.environ.get("PAQUO_QUPATH_DIR"):
        pytest.skip("no QuPath: set PAQUO_QUPATH_DIR to the folder of one (0.4 or later)")
    pytest.importorskip("paquo", reason="paquo is not installed: pip install napari-histoalign[qupath]")
    with Helper(find_qupath()) as helper:
        yield helper


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slides") / "a slide.tif"
    draw_slide(path, seed=5, size=SIDE)
    return path


@pytest.fixture
def made(process: Helper, image: Path, tmp_path: Path) -> Path:
    """A project with our objects in it."""
    project = tmp_path / "study v1.2"
    export_objects(project, _export(image=image, entry=None), process, create=True)
    return project


def _export(count: int = 50, **more: object) -> Export:
    about = {"size": (SIDE, SIDE), "run_id": "run", "slide": "print", "entry": "1", **more}
    return Export(objects(count), **about)  # type: ignore[arg-type]


def test_the_doctor_finds_it_well(process: Helper) -> None:
    found = diagnose()

    assert found.works, found.advice
    assert found.openslide


def test_objects_come_back_as_they_were_sent(process: Helper, made: Path) -> None:
    read = read_entry(made, entries_of(made)[0], process)

    assert read.size == (SIDE, SIDE)
    found = {one.uuid: one for one in read.found}
    for sent in objects(50):
        one = found.pop(sent.uuid)
        values = one.properties["measurements"]
        assert (one.kind, one.class_name, one.locked) == (sent.kind, sent.class_name, False)
        assert values == pytest.approx(dict(sent.measurements))
    assert not found
    region = next(one for one in read.found if one.kind == "annotation")
    assert len(region.feature["geometry"]["coordinates"]) == 2  # with its hole
    assert region.properties["metadata"] == {"histoalign run": "run"}
    assert region.properties["classification"]["color"] == [0xCC, 0, 0]


def test_again_replaces_ours_without_touching_the_list_of_images(process: Helper, made: Path) -> None:
    before = tree(made)

    done = export_objects(made, _export(count=20), process)

    assert (done.added, done.removed, done.kept) == (21, 51, ())
    after = tree(made)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"data/1/data.qpdata", "data/1/histoalign.json.gz", "data/1/summary.json"}


def test_what_another_program_put_there_stays(process: Helper, made: Path) -> None:
    # QuPath itself, without our notes: as if a person had drawn there
    notes = made / "data/1/histoalign.json.gz"
    notes.unlink()

    done = export_objects(made, _export(count=10), process)

    assert done.removed == 0
    assert {kept.reason for kept in done.kept} == {"unknown"}


def test_what_lies_within_ours_stays_when_ours_goes(process: Helper, made: Path) -> None:
    code = (
        "import sys; from paquo.projects import QuPathProject; from shapely import box\n"
        "project = QuPathProject(sys.argv[1] + '/project.qpproj', 'r+')\n"
        "hierarchy = project.images[0].hierarchy\n"
        "inner = hierarchy.add_annotation(box(310, 310, 320, 320))\n"
        "hierarchy.java_object.resolveHierarchy()\n"
        "assert inner.parent.name == 'malignant', inner.parent\n"
        "project.save()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(made)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

    exported = export_objects(made, _export(count=10), process)

    found = read_entry(made, entries_of(made)[0], process).found
    assert (exported.removed, exported.kept) == (51, ())
    assert [one.class_name for one in found if one.uuid not in {o.uuid for o in objects(10)}] == [""]


def test_a_second_image_is_added(process: Helper, made: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tif"
    draw_slide(other, seed=6, size=SIDE)

    done = export_objects(made, _export(image=other, entry=None), process)

    assert [entry.name for entry in entries_of(made)] == ["a slide.tif", "other.tif"]
    assert done.entry == "2"
    assert len(read_entry(made, entries_of(made)[0], process).found) == 51


def test_damaged_data_are_not_taken_for_empty(process: Helper, made: Path) -> None:
    (made / "data/1/data.qpdata").write_bytes(b"damaged")
    before = tree(made)

    with pytest.raises(HelperError, match="damaged"):
        export_objects(made, _export(), process)

    assert tree(made) == before


def test_a_file_that_is_no_image_is_not_added(process: Helper, made: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.tif"
    text.write_text("no image")
    before = tree(made)

    with pytest.raises(QuPathError):
        export_objects(made, _export(image=text, entry=None), process)

    assert tree(made) == before
    assert not list((made / OURS).glob("staging*"))
