"""A session comes back as it was left, and is saved as it goes; to look at a slide leaves nothing behind."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from session_stand_ins import CHOICES, Bench, make_slide, mark
from stand_ins import OTHER

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.errors import ResultError
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.workflow.session import Session
from napari_histoalign.workflow.session_place import beside

CHANGED = replace(
    CHOICES,
    prompts=OTHER,
    alignment=Alignment("one-to-one", sharpness=1.5),
    refinement=Refinement(few_shot="gda", smoothing=1.0),
    other=Alignment("mean-fusion"),
    encoders=("plip",),
    mpp=0.25,
    tile=64,
    threshold=0.7,
)


@pytest.fixture
def slide(tmp_path):
    return make_slide(tmp_path / "slides" / "a b.png")


@pytest.fixture
def bench():
    with closing(Bench()) as found:
        yield found


@pytest.fixture
def left(slide):
    """A session with everything in it: what was chosen, two marks, and how layers looked."""
    with closing(Bench()) as bench:
        layer = bench.open(slide)
        bench.window.give_mpp(0.5)
        bench.window.change(**{name: getattr(CHANGED, name) for name in CHANGED.__dataclass_fields__})
        bench.desk.run([3, 4, 5, 9], mpp=0.25, tile=64)
        bench.desk.result("malignant", layer)
        bench.desk.result("benign", layer, visible=True).opacity = 0.25
        bench.window.log.append(mark(4), mark(5))
    return beside(slide)


def saved(folder) -> dict:
    return json.loads((folder / "session.json").read_text())


def test_to_look_at_a_slide_leaves_nothing_behind(bench, slide):
    bench.open(slide)
    bench.window.change(threshold=0.8)
    bench.wait(60)
    bench.close()
    assert [p.name for p in slide.parent.iterdir()] == [slide.name]


def test_a_run_begins_a_session_and_changes_are_saved_after_a_second(bench, slide):
    bench.open(slide)
    assert bench.view.page.folder == beside(slide)
    assert (bench.view.page.saved, bench.view.page.there) == ("", False)
    bench.desk.run([1, 2, 3])
    assert not beside(slide).exists()
    bench.wait()
    assert saved(beside(slide))["grid"]["tiles"] == "1-3"
    assert (bench.view.page.saved, bench.view.page.there) == ("12:03", True)
    bench.window.change(threshold=0.8)
    assert saved(beside(slide))["thresholds"] == {"regions": 0.5}
    bench.wait()
    assert saved(beside(slide))["thresholds"] == {"regions": 0.8}


def test_everything_comes_back(left, slide, bench):
    layer = bench.open(slide)
    assert bench.window.choices == CHANGED
    assert bench.window.called("give_mpp") == [0.5]
    assert bench.window.called("show_again") == [[3, 4, 5, 9]]
    assert [act.target.index for act in bench.window.log.acts] == [4, 5]
    assert bench.view.page.notes == ()
    assert any("2 acts" in text for text, _ in bench.desk.said)
    bench.desk.result("malignant", layer, visible=True)
    bench.desk.run([3, 4, 5, 9], mpp=0.25, tile=64)
    assert bench.window.called("show_layer") == ["benign"]
    late = bench.desk.result("benign", layer)
    looks = {la.name: (la.visible, la.opacity) for la in bench.desk.viewer.layers if la is not layer}
    assert looks == {"malignant": (False, 0.6), "benign": (True, 0.25)}
    late.opacity = 0.5
    bench.wait()
    assert saved(left)["layers"]["benign"] == {"visible": True, "opacity": 0.5}


def test_a_session_that_is_only_reopened_is_not_written(left, slide):
    before = {p.name: p.read_bytes() for p in left.iterdir()}
    with closing(Bench()) as bench:
        layer = bench.open(slide)
        bench.desk.result("malignant", layer, visible=True)
        bench.desk.run([3, 4, 5, 9], mpp=0.25, tile=64)
        bench.desk.result("benign", layer)
        bench.window.chosen_changed.emit(bench.window.choices)  # told late of what was given back
        bench.wait(60)
    assert {p.name: p.read_bytes() for p in left.iterdir()} == before


def test_what_is_not_on_this_computer_is_said_and_not_forgotten(left, slide):
    with closing(Bench(here=("demo-path", "demo-general"))) as bench:
        bench.open(slide)
        assert bench.window.choices.encoders == ("demo-path", "demo-general")
        assert bench.window.choices.prompts == OTHER
        assert bench.view.page.notes == ("plip is not on this computer.",)
        assert bench.window.called("show_again") == [], "these tiles were embedded by another encoder"
        bench.window.chosen_changed.emit(bench.window.choices)  # told late of what was given back
        bench.window.change(threshold=0.9)
        bench.wait()
        assert saved(left)["encoders"] == ["plip"]
        assert saved(left)["thresholds"] == {"regions": 0.9}
        assert saved(left)["grid"]["tiles"] == "3-5 9"
        bench.desk.run([1], mpp=0.25, tile=64)
        bench.wait(10)
        assert saved(left)["encoders"] == ["demo-path", "demo-general"], "now they count"


def test_what_cannot_be_read_stays_as_it_is_in_the_window(left, slide, bench):
    plain = saved(left)
    plain["alignment"] = {"name": "telepathy"}
    plain["prompts"] = {"name": "x", "classes": []}
    plain["grid"]["mpp"] = "half"
    plain["future"] = {"kept": True}
    (left / "session.json").write_text(json.dumps(plain))
    bench.open(slide)
    chosen = bench.window.choices
    assert (chosen.alignment, chosen.prompts, chosen.mpp) == (CHOICES.alignment, CHOICES.prompts, 0.5)
    assert (chosen.threshold, chosen.encoders) == (0.7, ("plip",))
    assert len(bench.view.page.notes) == 3
    assert "alignment" in " ".join(bench.view.page.notes)
    bench.window.change(threshold=0.1)
    bench.wait()
    assert saved(left)["future"] == {"kept": True}


def test_tiles_that_are_laid_out_differently_are_not_shown_again(left, slide, bench):
    plain = saved(left)
    plain["grid"]["key"] = "x0y0t7s7c9r9i7"
    (left / "session.json").write_text(json.dumps(plain))
    bench.open(slide)
    assert bench.window.called("show_again") == []
    assert "run again" in bench.view.page.notes[0]


@pytest.mark.parametrize("tiles", ["0-999999", "5-3", "x", "1 - 3", "0-999999999999", 7])
def test_tiles_that_make_no_sense_are_left_alone(left, slide, bench, tiles):
    plain = saved(left)
    plain["grid"]["tiles"] = tiles
    (left / "session.json").write_text(json.dumps(plain))
    bench.open(slide)
    assert bench.window.called("show_again") == []
    assert bench.window.choices.threshold == 0.7


def test_scores_that_are_there_already_are_not_asked_for_again(left, slide):
    for indices, asked in (([3, 4, 5, 9, 10], []), ([3, 4], [[3, 4, 5, 9, 10]])):
        with closing(Bench()) as bench:
            layer = bench.desk.add(slide)
            bench.desk.look(layer)
            bench.window.give_mpp(0.5)
            bench.desk.run(indices, mpp=0.25, tile=64)  # faster than the session
            bench.desk.finish()
            assert bench.window.called("show_again") == asked
            bench.wait(10)
            assert saved(left)["grid"]["tiles"].startswith("3-5 9")


def test_during_a_run_tiles_are_saved_every_ten_seconds_only(bench, slide):
    bench.open(slide)
    writes = []
    for second in range(35):
        bench.desk.run(np.arange(second % 24 + 1))
        before = (beside(slide) / "session.json").stat().st_ino if beside(slide).exists() else None
        bench.wait(1)
        after = (beside(slide) / "session.json").stat().st_ino
        if after != before:
            writes.append(second)
    assert len(writes) <= 5
    bench.wait(10)
    assert saved(beside(slide))["grid"]["tiles"] == "0-10"


def test_two_slides_have_a_session_each(bench, tmp_path):
    one = make_slide(tmp_path / "one.png", 1)
    two = make_slide(tmp_path / "two.png", 2)
    first = bench.open(one)
    bench.desk.run([1])
    bench.window.change(threshold=0.6)
    second = bench.open(two)
    assert bench.window.choices.threshold == 0.6, "a slide without a session takes what is there"
    log = bench.window.log
    bench.desk.run([2])
    bench.window.change(threshold=0.9)
    log.append(mark(2))
    bench.desk.look(first)
    assert bench.window.choices.threshold == 0.6
    assert bench.window.log.acts == ()
    assert bench.window.called("show_again")[-1] == [1]
    bench.desk.look(second)
    assert bench.window.choices.threshold == 0.9
    assert bench.window.log is log
    bench.desk.finish()
    bench.close()
    assert [saved(beside(p))["thresholds"]["regions"] for p in (one, two)] == [0.6, 0.9]
    assert [saved(beside(p))["grid"]["tiles"] for p in (one, two)] == ["1", "2"]
    assert [len(log.acts) for log in (Session(p, f) for p, f in prints(one, two))] == [0, 1]


def prints(*paths):
    for path in paths:
        yield path, json.loads((beside(path) / "session.json").read_text())["slide"]["fingerprint"]


def test_a_slide_that_is_taken_out_is_saved_and_let_go(bench, slide):
    layer = bench.open(slide)
    bench.desk.run([1])
    result = bench.desk.result("malignant", layer, visible=True)
    bench.wait()
    bench.window.change(threshold=0.9)
    bench.desk.viewer.layers.remove(result)  # as napari does one by one when it closes
    bench.desk.viewer.layers.remove(layer)
    assert saved(beside(slide))["thresholds"] == {"regions": 0.9}
    assert saved(beside(slide))["layers"]["malignant"]["visible"] is True
    assert bench.window.log is None
    with closing(Bench()) as other:
        other.open(slide)
        assert not other.view.page.read_only
    bench.desk.look(None)
    assert bench.view.page.folder is None


def test_a_second_window_can_look_and_not_write_until_the_first_lets_go(bench, slide, left):
    bench.open(slide)
    with closing(Bench()) as other:
        other.open(slide)
        assert other.window.choices == CHANGED
        assert len(other.window.log.acts) == 2
        assert other.view.page.read_only
        assert "another window" in " ".join(other.view.page.notes)
        with pytest.raises(ResultError, match="Nothing was saved"):
            other.window.log.append(mark(7))
        other.window.change(threshold=0.2)
        other.wait(60)
        bench.window.log.append(mark(8))
        bench.window.change(threshold=0.3)
        bench.close()
        other.keeper.retry()
        other.desk.finish()
        assert not other.view.page.read_only
        assert other.window.choices.threshold == 0.3
        assert [act.target.index for act in other.window.log.acts] == [4, 5, 8]
        other.window.log.append(mark(9))


def test_another_slides_session_is_refused_and_left_alone(tmp_path, bench):
    slide = make_slide(tmp_path / "a.png", 1)
    with closing(Bench()) as first:
        first.open(slide)
        first.desk.run([1])
    before = (beside(slide) / "session.json").read_bytes()
    make_slide(slide, 2)
    bench.open(slide)
    assert "another slide" in bench.view.page.notes[0]
    assert bench.view.page.read_only
    assert bench.desk.said[-1][1]
    bench.window.change(threshold=0.9)
    bench.desk.run([1])
    bench.wait(60)
    bench.close()
    assert (beside(slide) / "session.json").read_bytes() == before


def test_a_damaged_session_is_set_aside_and_said(left, slide, bench):
    (left / "session.json").write_text("{")
    bench.open(slide)
    assert "damaged" in bench.view.page.notes[0]
    assert len(bench.window.log.acts) == 2
    assert list(left.glob("session.damaged-*"))
    assert bench.window.choices == CHOICES


def test_a_slide_that_cannot_be_read_is_said(tmp_path, bench):
    path = tmp_path / "broken.svs"
    path.write_bytes(b"no slide")
    bench.open(path)
    assert bench.desk.said[-1][1]
    assert "broken.svs" in bench.view.page.notes[0]
    bench.keeper.report()
    bench.keeper.open_folder()
    assert bench.view.opened == []


def test_what_cannot_be_saved_is_said_once_and_tried_again(bench, slide):
    bench.open(slide)
    bench.desk.run([1])
    bench.wait()
    file = beside(slide) / "session.json"
    mine = file.read_text()
    file.write_text(mine.replace("0.5", "0.51"))  # another program
    for threshold in (0.6, 0.7):
        bench.window.change(threshold=threshold)
        bench.wait()
    assert [error for _, error in bench.desk.said].count(True) == 1
    assert "changed by another program" in bench.view.page.notes[-1]
    file.write_text(mine)
    bench.window.change(threshold=0.8)
    bench.wait()
    assert saved(beside(slide))["thresholds"]["regions"] == 0.8
    assert bench.view.page.notes == ()


def test_all_sessions_can_be_kept_in_one_folder(tmp_path, slide):
    root = tmp_path / "sessions"
    with closing(Bench(root=root)) as bench:
        bench.open(slide)
        bench.desk.run([1])
        folder = bench.view.page.folder
    assert folder.parent == root
    assert (folder / "session.json").exists()
    assert not beside(slide).exists()


def test_a_session_that_nobody_waits_for_any_more_is_not_left_open(left, slide):
    bench = Bench()
    bench.desk.look(bench.desk.add(slide))
    bench.close()  # before it was opened
    bench.desk.finish()
    gone = Bench()
    layer = gone.desk.add(slide)
    gone.desk.look(layer)
    gone.desk.viewer.layers.remove(layer)
    gone.desk.look(None)
    gone.desk.finish()
    with closing(Bench()) as other:
        other.open(slide)
        assert not other.view.page.read_only
    gone.close()


def test_without_usable_prompts_it_waits_for_some(left, slide, bench):
    bench.window.choices = None
    bench.open(slide)
    bench.wait(60)
    assert saved(left)["thresholds"] == {"regions": 0.7}
    bench.window.choices = CHOICES
    bench.window.change(threshold=0.1)
    assert bench.window.choices == CHANGED, "what was saved is not lost to what the window began with"


def test_renamed_slides_keep_their_layers_looks(bench, slide):
    layer = bench.open(slide)
    bench.desk.run([1])
    first = bench.desk.result("malignant", layer, visible=True)
    layer.name = "renamed"
    bench.desk.result("benign", layer)
    first.opacity = 0.3
    bench.wait(10)
    looks = saved(beside(slide))["layers"]
    assert looks == {
        "malignant": {"visible": True, "opacity": 0.3},
        "benign": {"visible": False, "opacity": 0.6},
    }
    assert METADATA_KEY in first.metadata
