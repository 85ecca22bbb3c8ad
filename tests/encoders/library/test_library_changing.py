"""Encoders go; whatever is interrupted leaves nothing in sight, and nothing for ever."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from looking import left_behind, state

from napari_histoalign.encoders import add_encoder
from napari_histoalign.encoders.changing import STAGING, changing
from napari_histoalign.encoders.lock import only_one
from napari_histoalign.errors import EncoderError

ADDS_SLOWLY = """
import sys, time
from pathlib import Path
from napari_histoalign.encoders.changing import changing
from napari_histoalign.files import whole_folder
root, name = Path(sys.argv[1]), sys.argv[2]
with changing(root, name, "X is being added") as staging, whole_folder(root / name, staging) as new:
    (new / "weights").write_text("half of them")
    print("going", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def adder(library):
    """Starts a process that is in the middle of adding an encoder."""
    library.root.mkdir()
    started = []

    def start(name: str) -> subprocess.Popen:
        child = subprocess.Popen(
            [sys.executable, "-c", ADDS_SLOWLY, library.root, name], stdout=subprocess.PIPE, text=True
        )
        started.append(child)
        assert child.stdout.readline() == "going\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def touch(library, name: str) -> None:
    """Change something, as adding and removing do."""
    with changing(library.root, name, "It is being changed"):
        pass


def test_what_a_killed_process_left_goes_and_that_of_a_living_one_stays(library, adder) -> None:
    killed, living = adder("killed"), adder("living")
    with (
        pytest.raises(
            EncoderError, match=f"^K already in process {killed.pid}. Wait for it, or stop it there"
        ),
        changing(library.root, "killed", "K"),
    ):
        pass
    touch(library, "third")
    assert len([n for n in left_behind(library) if n.startswith(("killed-", "living-"))]) == 2

    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert any(n.startswith("killed-") for n in left_behind(library))
    touch(library, "third")

    assert [n[:7] for n in left_behind(library) if n != STAGING] == ["living-", "living.", "weights"]
    assert library.own() == ()
    living.kill()
    living.wait()
    touch(library, "third")
    assert left_behind(library) == []


def test_what_was_being_replaced_when_its_process_was_killed_comes_back(source, library) -> None:
    add_encoder("mine", source, library)
    folder, staging = library.folder("mine"), library.root / STAGING
    staging.mkdir()
    folder.rename(staging / "mine-abcd1234-old")  # killed here: the new one had not come yet
    shutil.copytree(source, staging / "mine-abcd1234")
    touch(library, "other")

    assert state(library, "mine").usable and not staging.exists()
    shutil.copytree(folder, staging / "mine-abcd1234-old")  # killed later: it had
    touch(library, "mine")
    assert state(library, "mine").usable and not staging.exists()


def test_only_what_is_its_own_is_cleared_away(library, tmp_path) -> None:
    library.root.mkdir()
    kept = [".snapshot-abcdefgh", ".mine-abcdefgh-old", f"{STAGING}/notes", f"{STAGING}/mine-toolongtobeours"]
    for name in kept:
        (library.root / name).mkdir(parents=True)
    touch(library, "mine")
    assert all((library.root / name).is_dir() for name in kept)

    shutil.rmtree(library.root / STAGING)
    (tmp_path / "elsewhere" / "mine-abcdefgh").mkdir(parents=True)
    (library.root / STAGING).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EncoderError, match=r"\.changing is a link"):
        touch(library, "mine")
    assert (tmp_path / "elsewhere" / "mine-abcdefgh").is_dir()


def test_without_locks_nothing_is_cleared_away_for_somebody_may_be_at_it(library, monkeypatch) -> None:
    if os.name != "posix":
        pytest.skip("needs flock")
    import errno
    import fcntl

    def none(*args: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    (library.root / STAGING / "mine-abcdefgh").mkdir(parents=True)
    touch(library, "mine")

    assert (library.root / STAGING / "mine-abcdefgh").is_dir()


def test_a_lock_overwrites_no_file_that_a_link_points_to(tmp_path) -> None:
    (tmp_path / "precious").write_text("all of it")
    (tmp_path / "x.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"), only_one(tmp_path / "x.lock", "It is done"):
        pass
    assert (tmp_path / "precious").read_text() == "all of it"


def test_removing_is_not_stopped_by_what_another_removal_left(source, library) -> None:
    add_encoder("mine", source, library)
    for name in (".mine-removed", f"{STAGING}/mine-abcdefgh"):
        (library.root / name).mkdir(parents=True)
        (library.root / name / "model.safetensors").write_text("")
    library.remove("mine")
    assert not library.is_here("mine") and left_behind(library) == [".mine-removed", "model.safetensors"]


def test_an_encoder_that_is_a_link_is_unlinked(source, library, tmp_path) -> None:
    add_encoder("mine", source, library)
    library.folder("mine").rename(tmp_path / "shared")
    library.folder("mine").symlink_to(tmp_path / "shared")
    assert state(library, "mine").usable
    library.remove("mine")
    assert (tmp_path / "shared" / "model.safetensors").is_file() and left_behind(library) == []


def test_an_encoder_that_cannot_be_moved_stays_as_it_is(source, library, monkeypatch) -> None:
    add_encoder("mine", source, library)

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(
        EncoderError, match=r"mine cannot be deleted \(Permission denied\)\. It is as it was\."
    ):
        library.remove("mine")
    assert state(library, "mine").usable and not (library.root / STAGING).exists()


def test_what_cannot_be_deleted_is_out_of_the_list_and_named(source, library, monkeypatch) -> None:
    add_encoder("mine", source, library)
    real = shutil.rmtree

    def refuse(path: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(
        EncoderError, match=r"was removed, but (.+) cannot be deleted \(Permission denied\)"
    ) as e:
        library.remove("mine")
    left = next((library.root / STAGING).glob("mine-*"))
    assert str(left) in str(e.value) and library.own() == ()
    monkeypatch.setattr(shutil, "rmtree", real)
    touch(library, "other")
    assert left_behind(library) == []


def test_a_library_in_which_nothing_can_be_locked_is_a_sentence(source, library, monkeypatch) -> None:
    add_encoder("mine", source, library)

    def refuse(self: Path, **options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(EncoderError, match=r"mine cannot be deleted \(Read-only file system\)"):
        library.remove("mine")


def test_what_is_no_added_encoder_is_not_removed(library, tmp_path) -> None:
    (tmp_path / "precious").mkdir()
    library.root.mkdir()
    for name in ("../precious", "..", ".", "", ".downloads", "nothing", "demo-path"):
        with pytest.raises(EncoderError, match=r"no name|nothing was removed|ships with"):
            library.remove(name)
    assert (tmp_path / "precious").is_dir() and library.root.is_dir()
