"""What an export does to a project, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project_parts import FOREIGN, change, export, helper, objects, stored, tree

from qupath_bridge.projects import ProjectError, entries_of, export_objects, read_entry
from qupath_bridge.projects.lock import OURS

REGION = objects()[0].uuid
TILES = [one.uuid for one in objects()[1:]]


def test_objects_arrive_and_only_the_images_own_files_change(project: Path) -> None:
    before = tree(project)

    with helper() as process:
        done = export_objects(project, export(), process)

    assert (done.entry, done.added, done.removed, done.kept) == ("1", 5, 0, ())
    assert set(stored(project)) == {FOREIGN["id"], REGION, *TILES}
    assert stored(project)[FOREIGN["id"]] == FOREIGN
    assert stored(project)[REGION]["properties"]["measurements"] == {"histoalign: P(malignant)": 0.9}
    changed = {name for name, digest in tree(project).items() if before.get(name) != digest}
    assert changed == {
        "classifiers",
        "classifiers/classes.json",
        "data/1/data.qpdata",
        "data/1/histoalign.json.gz",
        "data/1/summary.json",
    }
    assert done.backup is not None
    assert json.loads((done.backup / "data/1/data.qpdata").read_text()) == [FOREIGN]
    assert not list((project / OURS).glob("staging*"))
    assert not (project / OURS / "lock").exists()


def test_again_replaces_ours_and_nothing_else(project: Path) -> None:
    with helper() as process:
        export_objects(project, export(count=6), process)
        done = export_objects(project, export(count=3, tag="moved"), process)

    assert (done.added, done.removed, done.kept) == (4, 7, ())
    assert set(stored(project)) == {FOREIGN["id"], *(one.uuid for one in objects(3, "moved"))}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"isLocked": True}, "locked"),
        ({"classification": {"name": "benign"}}, "edited"),
        ({"name": "look here"}, "edited"),
        ({"metadata": {"histoalign run": "run", "ANNOTATION_DESCRIPTION": "a note"}}, "edited"),
        ({"measurements": {"histoalign: P(malignant)": 0.9, "Num Cells": 12}}, "edited"),
    ],
)
def test_what_a_person_locked_or_changed_stays(project: Path, edit: dict[str, object], reason: str) -> None:
    with helper() as process:
        export_objects(project, export(), process)
        change(project, REGION, **edit)
        kept = stored(project)[REGION]
        done = export_objects(project, export(), process)
        again = export_objects(project, export(tag="other"), process)

    assert [(k.uuid, k.reason) for k in done.kept] == [(REGION, reason)]
    assert (done.added, done.removed) == (4, 4)
    assert stored(project)[REGION] == kept
    assert [(k.uuid, k.reason) for k in again.kept] == [(REGION, reason)]


def test_a_redrawn_outline_stays_and_another_beginning_of_the_same_one_does_not(project: Path) -> None:
    with helper() as process:
        export_objects(project, export(), process)
        path = project / "data/1/data.qpdata"
        features = json.loads(path.read_text())
        for feature in features:
            if feature["id"] == REGION:  # the same outline, begun elsewhere and the other way round
                ring = feature["geometry"]["coordinates"][0][:-1][::-1]
                feature["geometry"]["coordinates"][0] = [*ring[1:], ring[0], ring[1]]
            if feature["id"] == TILES[0]:
                feature["geometry"]["coordinates"][0][1][0] += 1
        path.write_text(json.dumps(features))
        done = export_objects(project, export(), process)

    assert [(k.uuid, k.reason) for k in done.kept] == [(TILES[0], "edited")]


def test_without_our_notes_of_it_nothing_is_taken_for_unchanged(project: Path) -> None:
    with helper() as process:
        export_objects(project, export(), process)
        (project / "data/1/histoalign.json.gz").unlink()
        done = export_objects(project, export(tag="other"), process)

    assert {(k.uuid, k.reason) for k in done.kept} == {(i, "unknown") for i in (REGION, *TILES)}
    assert (done.added, done.removed) == (1, 0)


def test_replacing_none_adds_what_is_not_there(project: Path) -> None:
    with helper() as process:
        export_objects(project, export(count=2), process)
        done = export_objects(project, export(count=4), process, replace="none")

    assert (done.added, done.removed, done.kept) == (2, 0, ())


def test_an_image_is_added_and_the_rest_of_the_project_file_stays(project: Path) -> None:
    before = json.loads((project / "project.qpproj").read_text(encoding="utf-8"))
    (project / "data/9").mkdir()  # left over from an image that was removed
    slide = project.parent / "new.tif"
    slide.write_bytes(b"pixels")

    with helper() as process:
        done = export_objects(project, export(entry=None, image=slide), process)

    after = json.loads((project / "project.qpproj").read_text(encoding="utf-8"))
    assert done.entry == "10"
    assert after["images"][:2] == before["images"]
    assert {**after, "images": 0, "lastID": 0} == {**before, "images": 0, "lastID": 0}
    assert after["lastID"] == 10
    assert entries_of(project)[2].files == (slide,)
    assert set(stored(project, "10")) == {one.uuid for one in objects()}


def test_a_project_is_made_where_there_is_none(tmp_path: Path) -> None:
    slide = tmp_path / "new.tif"
    slide.write_bytes(b"pixels")
    folder = tmp_path / "a folder" / "new"

    with helper() as process:
        done = export_objects(folder, export(entry=None, image=slide), process, create=True)

    content = json.loads((folder / "project.qpproj").read_text(encoding="utf-8"))
    assert content["uri"].endswith("/a%20folder/new/project.qpproj")
    assert OURS not in (folder / "project.qpproj").read_text()
    assert len(content["images"]) == 1
    assert done.backup is None
    assert set(stored(folder, done.entry)) == {one.uuid for one in objects()}


def test_a_folder_with_other_things_is_no_place_for_a_new_project(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")

    with helper() as process, pytest.raises(ProjectError, match="empty folder"):
        export_objects(tmp_path, export(entry=None), process, create=True)

    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_what_was_written_can_be_read(project: Path) -> None:
    with helper() as process:
        export_objects(project, export(), process)
        before = tree(project)
        read = read_entry(project, entries_of(project)[0], process)

    assert tree(project) == before
    assert {one.uuid for one in read.found if read.is_ours(one)} == {REGION, *TILES}
    assert set(read.ledger.regions) == {REGION}
    assert read.size == (1000, 800)
