"""Downloads that are stopped, killed, or started twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outcomes import MB, PART, WEIGHTS, left

from napari_histoalign.encoders.download import DownloadCancelled, download_encoder
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from hub_server import Hub, Request

    from napari_histoalign.encoders import EncoderLibrary


def test_a_download_that_is_stopped_keeps_what_arrived(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    done = [0]

    with pytest.raises(DownloadCancelled, match=r"was stopped. \d+ (kB|MB) are here; the next one goes on"):
        download_encoder(
            "small",
            library,
            on_progress=lambda d, total: done.__setitem__(0, d),
            cancelled=lambda: done[0] > MB,
        )

    have = left(library)[PART]
    assert MB - len(small_clip["config.json"]) < have < len(small_clip[WEIGHTS])
    hub.requests.clear()
    download_encoder("small", library)
    assert hub.sent(WEIGHTS) == len(small_clip[WEIGHTS]) - have


def test_waiting_for_another_try_can_be_stopped(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_histoalign.encoders.fetching.job.WAITS", (3600.0,))
    hub.busy = [503]
    stop = threading.Event()
    hub.on_block = lambda request: stop.set()  # the small file has come; then the store is busy

    with pytest.raises(DownloadCancelled):
        download_encoder("small", library, cancelled=lambda: stop.is_set() and not hub.busy)


def test_a_second_download_is_told_of_the_first(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    here, go_on = threading.Event(), threading.Event()

    def hold(request: Request) -> None:
        here.set()
        go_on.wait(60)

    hub.on_block = hold
    first = threading.Thread(target=download_encoder, args=("small", library))
    first.start()
    try:
        assert here.wait(60)
        with pytest.raises(
            EncoderError, match=f"being downloaded already in process {os.getpid()}. Wait for it"
        ):
            download_encoder("small", library)
    finally:
        go_on.set()
        first.join(60)

    assert (library.folder("small") / WEIGHTS).read_bytes() == small_clip[WEIGHTS]
    assert [p.name for p in library.root.iterdir()] == ["small"]


def test_a_download_whose_process_was_killed_goes_on_in_another(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes], tmp_path: Path
) -> None:
    here, go_on = threading.Event(), threading.Event()

    def hold(request: Request) -> None:
        if request.server == "store" and request.sent >= MB:
            here.set()
            go_on.wait(60)

    hub.on_block = hold
    code = (
        "import sys; from pathlib import Path; from napari_histoalign.encoders import EncoderLibrary; "
        "from napari_histoalign.encoders.download import download_encoder; "
        "download_encoder('small', EncoderLibrary(Path(sys.argv[1]), registry_path=Path(sys.argv[2])))"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(library.root), str(tmp_path / "encoders.yaml")])
    try:
        assert here.wait(60)
        lock, end = library.root / ".downloads" / "small.lock", time.monotonic() + 60
        while not left(library).get(PART) and time.monotonic() < end:  # sent is not arrived
            time.sleep(0.01)
        assert lock.read_text(encoding="ascii") == str(child.pid)
    finally:
        child.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        child.wait(60)
        go_on.set()
    hub.on_block = lambda request: None
    hub.requests.clear()
    have = left(library)[PART]
    assert have > 0 and lock.exists()

    download_encoder("small", library)

    assert (library.folder("small") / WEIGHTS).read_bytes() == small_clip[WEIGHTS]
    assert hub.sent(WEIGHTS) == len(small_clip[WEIGHTS]) - have
    assert [p.name for p in library.root.iterdir()] == ["small"]
