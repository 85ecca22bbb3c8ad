"""Downloads that are refused: one clear sentence each, and nothing wrong left behind."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outcomes import BY_HAND, REPOSITORY, WEIGHTS, left, refused

from napari_histoalign.encoders import EncoderLibrary
from napari_histoalign.encoders.download import download_encoder
from napari_histoalign.encoders.fetching import job, parts

if TYPE_CHECKING:
    from hub_server import Hub

MakeLibrary = Callable[..., EncoderLibrary]


def test_gated_without_a_token(hub: Hub, make_library: MakeLibrary) -> None:
    hub.repositories[REPOSITORY].tokens = {}
    library = make_library(gated=True)

    assert refused(library) == (
        "Small CLIP is given only to those who asked for it (Access to model lab/small-clip is restricted. "
        "Please log in). Visit https://example.org/small-clip, accept its licence (CC-BY-NC-ND-4.0), log in "
        "with `hf auth login` or set HF_TOKEN, and run histoalign encoders download small."
    )
    assert left(library) == {} and hub.count() == {"hub": 1}


def test_gated_with_a_token_that_was_not_given_access_yet(hub: Hub, make_library: MakeLibrary) -> None:
    hub.repositories[REPOSITORY].tokens = {"hf_mine": False}

    text = refused(make_library(gated=True), token="hf_mine")

    assert text.startswith(
        "Your account has not been given access to Small CLIP (Your request is awaiting a review from the "
        "authors). Ask for it on https://example.org/small-clip"
    )
    assert text.endswith("Then run histoalign encoders download small.")


def test_gated_with_a_token_nobody_knows(hub: Hub, make_library: MakeLibrary) -> None:
    hub.repositories[REPOSITORY].tokens = {"hf_other": True}

    assert refused(make_library(gated=True), token="hf_mine").startswith(
        "The hub does not know the token it was shown for Small CLIP (Invalid credentials in Authorization "
        "header). Log in anew with `hf auth login`, or set HF_TOKEN"
    )


def test_token_that_is_none(hub: Hub, library: EncoderLibrary) -> None:
    assert refused(library, token="two words\r\nX-Evil: 1").startswith("The token for the hub holds spaces")
    assert not hub.requests


def test_file_that_is_not_there(hub: Hub, library: EncoderLibrary) -> None:
    hub.repositories[REPOSITORY].commit({"config.json": b"{}"})

    text = refused(library)

    assert text.startswith(f"Small CLIP needs {WEIGHTS} or pytorch_model.bin. 127.0.0.1:")
    assert f"/{REPOSITORY}/resolve/main/{WEIGHTS} (404 Not Found: Entry not found)" in text
    assert text.endswith(f"see https://example.org/small-clip. Files that you have can be added: {BY_HAND}.")
    assert left(library) == {}


def test_repository_that_is_not_there(hub: Hub, library: EncoderLibrary) -> None:
    hub.repositories.clear()

    assert "(401 Unauthorized: Repository not found). Its publisher may have moved it" in refused(library)


@pytest.mark.parametrize("file", [WEIGHTS, "config.json"])
def test_another_file_than_the_hub_states_is_deleted(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes], file: str
) -> None:
    wrong = bytearray(small_clip[file])
    wrong[len(wrong) // 2] ^= 1
    hub.replaced[file] = bytes(wrong)

    text = refused(library)

    kind = {WEIGHTS: "SHA-256", "config.json": "git's SHA-1"}[file]
    assert f"{file} came as another file than its publisher states ({kind} " in text
    assert "was deleted. Run the same again" in text
    assert not [name for name in left(library) if file in name]
    assert not library.is_here("small")

    hub.replaced.clear()
    download_encoder("small", library)
    assert (library.folder("small") / file).read_bytes() == small_clip[file]


def test_another_file_than_the_entry_pins_is_deleted(hub: Hub, make_library: MakeLibrary) -> None:
    """The hub states git's hash of a small file only, so that it has to come first."""
    library = make_library(files={WEIGHTS: None, "config.json": "0" * 64})

    assert "config.json came as another file than this version of the package expects (SHA-256 " in refused(
        library
    )
    assert left(library) == {} and hub.sent(WEIGHTS) == 0


def test_large_file_that_differs_from_the_pinned_one_does_not_come_at_all(
    hub: Hub, make_library: MakeLibrary
) -> None:
    text = refused(make_library(files={WEIGHTS: "0" * 64, "config.json": None}))

    assert text.startswith(
        f"{WEIGHTS} of Small CLIP is another file at its publisher than the one this version"
    )
    assert ", not 000000000000...), and was not downloaded." in text and text.endswith(
        f"trust them: {BY_HAND}."
    )
    assert {r.method for r in hub.requests} == {"HEAD"}


@pytest.mark.parametrize("more", [-5, 5])
def test_another_size_than_the_hub_states(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes], more: int
) -> None:
    size = len(small_clip[WEIGHTS])
    hub.replaced[WEIGHTS] = small_clip[WEIGHTS][: size + min(more, 0)] + bytes(max(more, 0))

    assert refused(library).startswith(f"{WEIGHTS} has {size + more} bytes now and had {size} just before")


def test_disk_without_room_is_seen_before(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=2_000_000)
    monkeypatch.setattr(job.shutil, "disk_usage", lambda path: usage)

    text = refused(library)

    assert text.startswith(
        f"Small CLIP needs 3 MB on the disk of {library.root} until it is downloaded and checked, "
    )
    assert "2 MB are free" in text
    assert left(library) == {} and {r.method for r in hub.requests} == {"HEAD"}


def test_disk_that_fills_up_keeps_what_arrived(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: parts.Part, *given: object) -> None:
        receive(self, *given)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    receive = parts.Part._receive
    monkeypatch.setattr(parts.Part, "_receive", full)

    text = refused(library)

    assert text.startswith(f"The disk of {library.root} is full. Make room: what arrived of Small CLIP stays")
    assert list(left(library)) == [".downloads/small/config.json.part"]


def test_folder_that_cannot_be_written(hub: Hub, library: EncoderLibrary) -> None:
    library.root.write_text("a file where the folder should be")

    text = refused(library)

    assert text.startswith(f"Small CLIP cannot be downloaded to {library.root} (")
    assert "HISTOALIGN_ENCODERS" in text
    assert hub.requests == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_folder_that_is_for_reading_only(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)

    assert f"cannot be downloaded to {library.root} ({os.strerror(number)}). Name a folder" in refused(
        library
    )


def test_entry_that_nothing_can_download(hub: Hub, make_library: MakeLibrary) -> None:
    library = make_library(hub="", origins={})

    assert refused(library) == (
        "Small CLIP cannot be downloaded by a program. Get its files from https://example.org/small-clip "
        f"({WEIGHTS} or pytorch_model.bin, config.json), then add them: {BY_HAND}."
    )
    assert hub.requests == []


def test_encoder_that_is_here(hub: Hub, library: EncoderLibrary) -> None:
    download_encoder("small", library)
    hub.requests.clear()

    assert refused(library).startswith(
        f"Small CLIP is on this computer already, in {library.folder('small')}."
    )
    assert hub.requests == []


def test_names_that_are_no_entries(tmp_path: Path) -> None:
    library = EncoderLibrary(tmp_path)

    assert refused(library, "plop").startswith("There is no encoder 'plop'.")
    assert "ships with the package: there is nothing to download." in refused(library, "demo-path")
