"""The review log: nothing that was done is lost, and nothing that was changed goes unseen."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review import (
    UNSURE,
    Act,
    AreaTarget,
    Label,
    ReviewBusyError,
    ReviewLog,
    TileTarget,
    fold,
    read_log,
)

SLIDE = "ab" * 32
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}


def tile(index: int) -> TileTarget:
    return TileTarget("x0y0t224s224c10r13i224", index, (224 * (index % 10), 224 * (index // 10)), 224)


def mark(index: int, label: Label = UNSURE, who: str = "Dr. Müller") -> Act:
    return Act(who, "mark", tile(index), after=label.to_plain())


def open_log(path: Path, slide: str = SLIDE) -> ReviewLog:
    return ReviewLog(path, slide=slide, slide_file="a.svs")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A log with four acts, one after the other."""
    path = tmp_path / "review.jsonl"
    with open_log(path) as log:
        for index in range(4):
            log.append(mark(index, Label.of("malignant")))
    return path


def kinds(path: Path) -> list[tuple[int, str]]:
    return [(problem.line, problem.kind) for problem in read_log(path).problems]


def indices(path: Path) -> list[int]:
    return [act.target.index for act in read_log(path).acts]


def test_every_part_of_an_act_comes_back(tmp_path: Path) -> None:
    act = Act(
        "Zoë \udcff \u2028",
        "redraw",
        AreaTarget("7", SQUARE),
        before=SQUARE,
        after={"type": "Polygon", "coordinates": [[[0, 0], [9.5, 0], [9.5, 9], [0, 0]]]},
        note="one line\nand another \N{MICROSCOPE}",
        blinded=True,
        model={"class": "benign", "probability": 0.125},
        gesture="g",
    )
    comment = Act("Zoë", "comment", note="faded stain")
    path = tmp_path / "review.jsonl"
    with open_log(path) as log:
        log.append(act, comment)

    content = read_log(path)

    assert content.acts == (act, comment)
    assert (content.slide, content.slide_file, content.problems) == (SLIDE, "a.svs", ())
    assert path.read_bytes().count(b"\n") == 3  # the slide's line, and one an act whatever it says


def test_acts_are_on_the_disk_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "review.jsonl"
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(path.stat().st_size), real(handle))[1])
    with open_log(path) as log:
        for index in range(3):
            log.append(mark(index))
            assert synced[-1] == path.stat().st_size


def test_a_process_killed_after_an_act_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "review.jsonl"
    code = (
        "import os, sys; from pathlib import Path\n"
        "from napari_histoalign.results.review import *\n"
        "log = ReviewLog(Path(sys.argv[1]), slide='ab' * 32, slide_file='a.svs')\n"
        "log.append(Act('A', 'mark', TileTarget('g', 5, (0, 0), 8), after=UNSURE.to_plain()))\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)

    assert indices(path) == [5]
    with open_log(path) as log:  # and its lock went with it
        log.append(mark(6))
    assert indices(path) == [5, 6]


def test_what_is_cut_at_any_byte_is_told_and_everything_before_it_is_kept(written: Path) -> None:
    whole = written.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    last = ends[-2]
    for cut in (last + 1, last + 40, len(whole) - 20, len(whole) - 2):
        written.write_bytes(whole[:cut])

        assert kinds(written) == [(5, "torn")]
        assert indices(written) == [0, 1, 2]

    written.write_bytes(whole[:-1])  # only the line's end is missing: the act is whole
    assert kinds(written) == []
    assert indices(written) == [0, 1, 2, 3]


def test_after_a_torn_line_the_review_goes_on_and_the_torn_bytes_stay(written: Path) -> None:
    torn = written.read_bytes()[:-30]
    written.write_bytes(torn)

    with open_log(written) as log:
        assert "cut short" in log.problems[0].text
        assert written.read_bytes() == torn  # looking changes nothing
        log.append(mark(7))
        log.append(mark(8))

    assert written.read_bytes().startswith(torn + b"\n")
    assert indices(written) == [0, 1, 2, 7, 8]
    assert kinds(written) == [(5, "torn")]


def test_zeros_that_a_power_loss_leaves_are_a_torn_line(written: Path) -> None:
    written.write_bytes(written.read_bytes() + bytes(300))

    with open_log(written) as log:
        log.append(mark(9))

    assert indices(written) == [0, 1, 2, 3, 9]
    assert kinds(written) == [(6, "torn")]


def test_a_crash_within_the_very_first_line(written: Path) -> None:
    written.write_bytes(written.read_bytes()[:25])

    with open_log(written) as log:
        log.append(mark(1))

    content = read_log(written)
    assert content.slide == SLIDE
    assert indices(written) == [1]
    assert kinds(written) == [(1, "torn")]


def test_a_damaged_line_in_the_middle_costs_that_act_alone(written: Path) -> None:
    lines = written.read_bytes().split(b"\n")
    lines[2] = lines[2][:50] + b"\x00\xff" + lines[2][60:]
    written.write_bytes(b"\n".join(lines))

    assert kinds(written) == [(3, "damaged")]
    assert indices(written) == [0, 2, 3]
    with open_log(written) as log:
        log.append(mark(4))
    assert written.read_bytes().startswith(b"\n".join(lines))
    assert indices(written) == [0, 2, 3, 4]


@pytest.mark.parametrize("line", [2, 3, 4, 5])
def test_an_edited_line_is_told_and_not_believed(written: Path, line: int) -> None:
    lines = written.read_bytes().split(b"\n")
    assert b"malignant" in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(b"malignant", b"benign")
    written.write_bytes(b"\n".join(lines))

    problems = read_log(written).problems

    assert [(p.line, p.kind) for p in problems] == [(line, "altered")]
    assert "mark by Dr. M" in problems[0].text
    assert indices(written) == [i for i in range(4) if i != line - 2]


def test_an_edited_line_whose_own_hash_was_made_again_breaks_the_chain(written: Path) -> None:
    from napari_histoalign.results.review.lines import write_line

    lines = written.read_bytes().split(b"\n")
    forged = json.loads(lines[2].replace(b"malignant", b"benign"))
    lines[2] = write_line({"act": forged["act"]}, forged["previous"])
    written.write_bytes(b"\n".join(lines))

    assert kinds(written) == [(4, "gap")]


@pytest.mark.parametrize("change", ["removed", "exchanged", "inserted"])
def test_lines_taken_out_exchanged_or_put_in_are_told(written: Path, change: str) -> None:
    lines = written.read_bytes().split(b"\n")
    if change == "removed":
        del lines[2]
    elif change == "exchanged":
        lines[2], lines[3] = lines[3], lines[2]
    else:
        lines.insert(3, lines[4])
    written.write_bytes(b"\n".join(lines))

    assert "gap" in [kind for _, kind in kinds(written)]


def test_last_lines_taken_off_are_told_by_who_noted_the_length(written: Path) -> None:
    with open_log(written) as log:
        noted = log.mark
        log.append(mark(9))
    assert read_log(written).goes_on_from(noted["lines"], noted["head"])

    lines = written.read_bytes().split(b"\n")
    written.write_bytes(b"\n".join(lines[:3]) + b"\n")

    assert kinds(written) == []
    assert not read_log(written).goes_on_from(noted["lines"], noted["head"])


def test_a_second_writer_is_refused_in_words_while_readers_are_not(written: Path) -> None:
    before = written.read_bytes()
    code = (
        "import sys; from pathlib import Path\n"
        "from napari_histoalign.results.review import ReviewBusyError, ReviewLog\n"
        "try: ReviewLog(Path(sys.argv[1]), slide='ab' * 32, slide_file='a.svs')\n"
        "except ReviewBusyError as err: print(err)"
    )
    with open_log(written):
        with pytest.raises(ReviewBusyError, match="open in another window"):
            open_log(written)
        other = subprocess.run(
            [sys.executable, "-c", code, str(written)], check=True, capture_output=True, text=True
        )
        assert "open in another window" in other.stdout
        assert indices(written) == [0, 1, 2, 3]

    assert written.read_bytes() == before
    open_log(written).close()


def test_without_locks_the_second_to_write_is_told(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def no_locks(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with open_log(written) as one, open_log(written) as two:
        assert one.locked is two.locked is False
        one.append(mark(10))
        with pytest.raises(ResultError, match="changed by another program"):
            two.append(mark(11))

    assert indices(written) == [0, 1, 2, 3, 10]
    assert kinds(written) == []


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_log_that_is_gone_takes_no_act_in_silence(written: Path, how: str) -> None:
    with open_log(written) as log:
        content = written.read_bytes()
        written.unlink()
        if how == "replaced":
            written.write_bytes(content)
        with pytest.raises(ResultError, match="moved, deleted or changed"):
            log.append(mark(5))
        assert len(log.acts) == 4


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_full_disk_is_told_and_leaves_the_log_as_it_was(
    written: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = written.read_bytes()
    real = os.write
    with open_log(written) as log:
        with monkeypatch.context() as patch:

            def full(handle: int, *data: bytes) -> int:
                if failing == "write" and len(data[0]) > 20:
                    return real(handle, data[0][:20])  # half of it finds room
                raise OSError(errno.ENOSPC, "No space left on device")

            patch.setattr(os, failing, full)
            with pytest.raises(ResultError, match=r"No space left.*does not count"):
                log.append(mark(5))
        assert written.read_bytes() == before
        log.append(mark(6))

    assert indices(written) == [0, 1, 2, 3, 6]
    assert kinds(written) == []


def test_another_slides_log_is_refused_and_left_alone(written: Path) -> None:
    before = written.read_bytes()

    with pytest.raises(ResultError, match=r"review of another slide \(a\.svs\)"):
        open_log(written, slide="cd" * 32)

    assert written.read_bytes() == before
    open_log(written).close()


def test_lines_of_a_newer_version_and_unknown_acts_are_kept_and_told(written: Path) -> None:
    from napari_histoalign.results.review.lines import digest

    content = read_log(written)
    newer = json.dumps({"v": 2, "act": {}, "previous": content.head}, separators=(",", ":"))[:-1]
    line = f'{newer},"hash":"{digest(newer.encode())}"}}'
    body = json.dumps(
        {
            "v": 1,
            "act": {"id": "1", "time": "2026-01-01T00:00:00+00:00", "who": "A", "what": "praise"},
            "previous": digest(line.encode()),
        },
        separators=(",", ":"),
    )[:-1]
    other = f'{body},"hash":"{digest(body.encode())}"}}'
    written.write_bytes(written.read_bytes() + line.encode() + b"\n" + other.encode() + b"\n")

    assert kinds(written) == [(6, "newer"), (7, "unknown")]
    with open_log(written) as log:
        log.append(mark(4))
    assert line in written.read_text(encoding="ascii")
    assert indices(written) == [0, 1, 2, 3, 4]


def test_an_act_that_stands_twice_counts_once(written: Path) -> None:
    from napari_histoalign.results.review.lines import write_line

    content = read_log(written)
    again = write_line({"act": content.acts[1].to_plain()}, content.head)
    written.write_bytes(written.read_bytes() + again + b"\n")

    assert kinds(written) == [(6, "repeated")]
    assert indices(written) == [0, 1, 2, 3]
    with open_log(written) as log, pytest.raises(ResultError, match="given twice"):
        log.append(content.acts[0])


@pytest.mark.parametrize("junk", [b"[" * 100_000 + b"\n", b'{"previous": 5}\n', b"\xff\xfe\n", b"7\n"])
def test_whatever_a_file_holds_it_is_read_or_told(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "review.jsonl"
    path.write_bytes(junk)

    assert read_log(path).acts == ()
    assert {kind for _, kind in kinds(path)} == {"torn", "nameless"}


def test_places_that_hold_no_log_are_refused_in_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path, "cannot be opened"), (tmp_path / "pipe", "no ordinary file")):
        with pytest.raises(ResultError, match=words):
            open_log(path)
    with pytest.raises(ResultError, match="cannot be opened"):
        open_log(tmp_path / "none" / "review.jsonl")
    with pytest.raises(ResultError, match="no review log"):
        read_log(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"who": " "}, "name of the person"),
        ({"what": "praise"}, "nothing that a review knows"),
        ({"target": None}, "what it is about"),
        ({"refers": "x"}, "refers to the act"),
        ({"time": "2026-01-01T00:00:00"}, "zone"),
        ({"time": "yesterday"}, "no time"),
        ({"model": {"probability": float("nan")}}, "JSON"),
    ],
)
def test_what_is_no_act_is_refused_before_it_is_written(parts: dict, words: str) -> None:
    with pytest.raises(ResultError, match=words):
        Act(**{"who": "A", "what": "mark", "target": tile(1), "after": UNSURE.to_plain(), **parts})


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, float("inf")], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": SQUARE["coordinates"]},
        None,
    ],
)
def test_an_outline_that_is_none_is_refused(geometry: object) -> None:
    with pytest.raises(ResultError, match="outline"):
        AreaTarget("1", geometry)


def test_the_log_alone_gives_the_state(written: Path) -> None:
    state = fold(read_log(written).acts)

    assert {mark.label.name for mark in state.tiles.values()} == {"malignant"}
    assert sorted(key[1] for key in state.tiles) == [0, 1, 2, 3]
