"""Downloads that break off: what is kept, what is asked for again, and what is thrown away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from outcomes import MB, PART, REPOSITORY, WEIGHTS, left

from napari_histoalign.encoders import EncoderLibrary
from napari_histoalign.encoders.download import download_encoder, plan_download
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from hub_server import Hub, Request

MakeLibrary = Callable[..., EncoderLibrary]


def broken_off(hub: Hub, library: EncoderLibrary, at: int = MB) -> int:
    """Let a download break off for good; how many bytes of the weights are here."""
    hub.cut = [at, 0, 0, 0]
    with pytest.raises(EncoderError, match="The connection broke off"):
        download_encoder("small", library)
    assert hub.cut == []
    hub.requests.clear()
    return at


def weights_asked(hub: Hub) -> list[Request]:
    return [r for r in hub.requests if r.server == "store" and r.method == "GET"]


def test_a_connection_that_breaks_is_taken_up_again_where_it_was(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    hub.cut = [MB, 0, MB // 2, 0, 0, 1000]  # more breaks than tries, but it goes forward

    added = download_encoder("small", library)

    assert (added.folder / WEIGHTS).read_bytes() == small_clip[WEIGHTS]
    assert hub.sent(WEIGHTS) == len(small_clip[WEIGHTS])
    starts = [MB, MB, MB * 3 // 2, MB * 3 // 2, MB * 3 // 2, MB * 3 // 2 + 1000]
    assert [r.headers.get("Range") for r in weights_asked(hub)] == [None, *(f"bytes={s}-" for s in starts)]


def test_what_arrived_stays_and_the_next_download_asks_for_the_rest(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    size, config = len(small_clip[WEIGHTS]), len(small_clip["config.json"])
    hub.cut = [MB, 0, 0, 0]

    with pytest.raises(EncoderError) as error:
        download_encoder("small", library)

    assert str(error.value) == (
        f"The connection broke off within {WEIGHTS}. 1 MB of 3 MB of Small CLIP are here, and the same "
        "command goes on from there: histoalign encoders download small."
    )
    assert left(library) == {PART: MB, ".downloads/small/whole/config.json": config}
    assert (library.root / PART).read_bytes() == small_clip[WEIGHTS][:MB]
    assert not library.is_here("small") and library.own() == ()
    assert plan_download("small", library).here_bytes == MB + config
    assert "of which 1 MB are here already" in plan_download("small", library).describe()[0]

    hub.requests.clear()
    added = download_encoder("small", library)

    assert (added.folder / WEIGHTS).read_bytes() == small_clip[WEIGHTS]
    assert hub.sent(WEIGHTS) == size - MB
    assert hub.sent("config.json") == 0
    assert set(left(library)) == {f"small/{n}" for n in (WEIGHTS, "config.json", "encoder.json")}


def test_a_server_that_knows_no_ranges_sends_the_file_anew(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    broken_off(hub, library)
    hub.ranges = False

    added = download_encoder("small", library)

    assert [(r.headers["Range"], r.status) for r in weights_asked(hub)] == [(f"bytes={MB}-", 200)]
    assert (added.folder / WEIGHTS).read_bytes() == small_clip[WEIGHTS]


def test_a_file_that_changed_is_downloaded_anew(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    broken_off(hub, library)
    changed = small_clip[WEIGHTS][:-4] + b"\0\0\0\0"  # of the same size
    commit = hub.repositories[REPOSITORY].commit({**small_clip, WEIGHTS: changed})

    added = download_encoder("small", library)

    assert [r.headers.get("Range") for r in weights_asked(hub)] == [None]
    assert (added.folder / WEIGHTS).read_bytes() == changed
    assert added.record.source.endswith(f"@{commit}")


def test_a_new_commit_that_leaves_the_file_alone_loses_nothing(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    have = broken_off(hub, library)
    commit = hub.repositories[REPOSITORY].commit({**small_clip, "README.md": b"new words"})

    added = download_encoder("small", library)

    assert hub.sent(WEIGHTS) == len(small_clip[WEIGHTS]) - have
    assert added.record.source.endswith(f"@{commit}")


@pytest.mark.parametrize("changed", [False, True])
def test_without_a_hash_the_server_decides_whether_the_rest_fits(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes], changed: bool
) -> None:
    weights = small_clip[WEIGHTS]
    hub.plain["weights"] = weights, '"one"'
    library = make_library(
        files={WEIGHTS: None, "config.json": None}, origins={WEIGHTS: f"{hub.store}/plain/weights"}
    )
    broken_off(hub, library)
    if changed:  # between the question and the download
        weights = weights[:-4] + b"\0\0\0\0"
        hub.on_request = lambda r: hub.plain.update(weights=(weights, '"two"')) if r.method == "GET" else None

    added = download_encoder("small", library)

    (request,) = weights_asked(hub)
    assert (request.headers["Range"], request.headers["If-Range"]) == (f"bytes={MB}-", '"one"')
    assert request.status == (200 if changed else 206)
    assert (added.folder / WEIGHTS).read_bytes() == weights


@pytest.mark.parametrize("mark", ['W/"weak"', ""])
def test_without_a_hash_and_a_mark_a_part_is_worth_nothing(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes], mark: str
) -> None:
    hub.plain["weights"] = small_clip[WEIGHTS], mark
    library = make_library(
        files={WEIGHTS: None, "config.json": None}, origins={WEIGHTS: f"{hub.store}/plain/weights"}
    )
    broken_off(hub, library)

    added = download_encoder("small", library)

    assert [r.headers.get("Range") for r in weights_asked(hub)] == [None]
    assert (added.folder / WEIGHTS).read_bytes() == small_clip[WEIGHTS]


def test_busy_servers_and_links_that_ran_out_are_asked_again(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    hub.busy = [503, 403, 429]

    added = download_encoder("small", library)

    assert [r.status for r in weights_asked(hub)] == [503, 403, 429, 200]
    assert (added.folder / WEIGHTS).read_bytes() == small_clip[WEIGHTS]
    # the way begins at the hub each time, which gives new links
    assert len([r for r in hub.requests if r.method == "GET" and f"/{WEIGHTS}" in r.path]) == 8


def test_files_that_do_not_load_are_not_downloaded_twice(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes]
) -> None:
    with pytest.raises(
        EncoderError, match=r"embeddings of width 16, not 8.* The files that were downloaded stay in"
    ):
        download_encoder("small", make_library(dim=8))
    library = make_library()
    assert not library.is_here("small")
    hub.requests.clear()

    download_encoder("small", library)

    assert hub.sent(WEIGHTS) == hub.sent("config.json") == 0
    assert (library.folder("small") / WEIGHTS).read_bytes() == small_clip[WEIGHTS]


def test_a_whole_file_that_was_damaged_on_the_disk_comes_again(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    broken_off(hub, library)
    (library.root / ".downloads/small/whole/config.json").write_bytes(bytes(len(small_clip["config.json"])))

    added = download_encoder("small", library)

    assert (added.folder / "config.json").read_bytes() == small_clip["config.json"]
