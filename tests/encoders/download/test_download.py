"""A download that works: what arrives, what is recorded, and who was told what."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hub_server import Hub, Repository, Request

from napari_histoalign.encoders import EncoderLibrary
from napari_histoalign.encoders.download import download_encoder, plan_download
from napari_histoalign.errors import EncoderError

MakeLibrary = Callable[..., EncoderLibrary]
REPOSITORY = "lab/small-clip"


@pytest.mark.parametrize("pinned", [False, True])
def test_files_arrive_as_published_and_the_encoder_works(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes], pinned: bool
) -> None:
    sums = {n: hashlib.sha256(small_clip[n]).hexdigest() if pinned else None for n in small_clip}
    library = make_library(files={n: sums[n] for n in ("model.safetensors", "config.json")})
    seen: list[tuple[int, int]] = []

    added = download_encoder("small", library, on_progress=lambda done, total: seen.append((done, total)))

    names = ("model.safetensors", "config.json")
    assert {n: (added.folder / n).read_bytes() for n in names} == {n: small_clip[n] for n in names}
    record = library.record("small")
    assert {n: (f.sha256, f.size) for n, f in record.files.items()} == {
        n: (hashlib.sha256(small_clip[n]).hexdigest(), len(small_clip[n])) for n in names
    }
    assert record.source == f"{hub.url}/{REPOSITORY}@{hub.repositories[REPOSITORY].main}"
    assert library.load("small", device="cpu").embed_texts(["a cell"]).shape == (1, 16)
    total = sum(len(small_clip[n]) for n in names)
    assert seen[0] == (0, total) and seen[-1] == (total, total)
    assert sorted(seen) == seen and len(seen) > 10
    assert [p.name for p in library.root.iterdir()] == ["small"]


def test_nothing_but_the_files_is_asked_for_and_nothing_told(hub: Hub, library: EncoderLibrary) -> None:
    download_encoder("small", library, token="hf_mine")

    commit = hub.repositories[REPOSITORY].main
    assert [r.path for r in hub.requests if r.server == "hub" and "resolve-cache" not in r.path] == [
        f"/{REPOSITORY}/resolve/main/model.safetensors",
        f"/{REPOSITORY}/resolve/{commit}/config.json",
        f"/{REPOSITORY}/resolve/{commit}/config.json",
        f"/{REPOSITORY}/resolve/{commit}/model.safetensors",
    ]
    told = {name.lower() for r in hub.requests for name in r.headers}
    assert told == {"host", "user-agent", "accept-encoding", "connection"}
    assert {r.headers["User-Agent"] for r in hub.requests} == {"napari-histoalign"}


def test_token_goes_to_the_hub_alone_and_only_where_it_asks(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes]
) -> None:
    hub.repositories[REPOSITORY].tokens = {"hf_mine": True}
    library = make_library(gated=True)

    added = download_encoder("small", library, token="hf_mine")

    assert (added.folder / "model.safetensors").read_bytes() == small_clip["model.safetensors"]
    shown = [(r.server, r.headers.get("Authorization")) for r in hub.requests]
    assert shown[0] == ("hub", None) and hub.requests[0].status == 401
    assert {value for server, value in shown[1:] if server == "hub"} == {"Bearer hf_mine"}
    assert {value for server, value in shown if server == "store"} == {None}
    assert hub.count()["store"] == 1
    assert not any(b"hf_mine" in p.read_bytes() for p in library.root.rglob("*") if p.is_file())


@pytest.mark.parametrize("way", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "home"])
def test_token_is_found_where_people_have_it(
    hub: Hub, make_library: MakeLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    hub.repositories[REPOSITORY].tokens = {"hf_mine": True}
    if way in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.setenv(way, "hf_mine")
    else:
        place = {"HF_TOKEN_PATH": "named", "HF_HOME": "hf/token", "home": ".cache/huggingface/token"}[way]
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("hf_mine\n", encoding="utf-8")
        monkeypatch.delenv("HF_HOME")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        for name in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(name, str(tmp_path))
        if way != "home":
            monkeypatch.setenv(way, str(tmp_path / (place if way == "HF_TOKEN_PATH" else "hf")))

    download_encoder("small", make_library(gated=True))

    assert "Bearer hf_mine" in {r.headers.get("Authorization") for r in hub.requests}


def test_all_files_are_of_the_commit_that_was_there_first(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    repository = hub.repositories[REPOSITORY]
    before = repository.main

    def publish(request: Request) -> None:
        if "config.json" in request.path and repository.main == before:
            repository.commit({"model.safetensors": b"newer", "config.json": b"{}"})

    hub.on_request = publish  # when the first file was asked for

    added = download_encoder("small", library)

    assert repository.main != before
    assert added.record.source.endswith(f"@{before}")
    assert (added.folder / "config.json").read_bytes() == small_clip["config.json"]


def test_second_name_is_taken_where_the_publisher_has_no_first(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes]
) -> None:
    """What is pinned is the first one's."""
    files = {n: small_clip[n] for n in ("pytorch_model.bin", "config.json")}
    hub.repositories[REPOSITORY] = Repository({})
    hub.repositories[REPOSITORY].commit(files)
    library = make_library(files={"model.safetensors|pytorch_model.bin": "0" * 64, "config.json": None})

    added = download_encoder("small", library)

    assert {n: (added.folder / n).read_bytes() for n in added.record.files} == files


def test_mark_of_the_delivering_host_is_not_taken_for_a_hash(
    hub: Hub, library: EncoderLibrary, small_clip: dict[str, bytes]
) -> None:
    """Mirrors may leave out what the hub states; the other host's ETag looks like a SHA-256 and is none."""
    hub.states = False
    seen: list[tuple[int, int]] = []

    added = download_encoder("small", library, on_progress=lambda done, total: seen.append((done, total)))

    assert (added.folder / "model.safetensors").read_bytes() == small_clip["model.safetensors"]
    assert {total for _, total in seen} == {0}


def test_file_of_another_repository_and_one_of_an_address(
    hub: Hub, make_library: MakeLibrary, small_clip: dict[str, bytes]
) -> None:
    hub.repositories["other/place"] = Repository({})
    hub.repositories["other/place"].commit({"clip.json": small_clip["config.json"]})
    hub.plain["weights"] = small_clip["model.safetensors"], '"1"'
    address = f"{hub.store}/plain/weights"
    library = make_library(
        hub="",
        files={"model.safetensors": None, "config.json": None},
        origins={"model.safetensors": address, "config.json": "hub:other/place/clip.json"},
    )

    added = download_encoder("small", library)

    assert added.record.source == f"{address}, {hub.url}/other/place@{hub.repositories['other/place'].main}"
    assert np.isfinite(library.load("small", device="cpu").logit_scale)


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return packed.getvalue()


@pytest.fixture
def zipped(hub: Hub, make_library: MakeLibrary) -> MakeLibrary:
    """A library whose weights come in an archive."""

    def make(**changes: object) -> EncoderLibrary:
        return make_library(origins={"model.safetensors": f"{hub.store}/plain/weights.zip?raw=1"}, **changes)

    return make


@pytest.mark.parametrize("pinned", [False, True])
def test_one_file_is_taken_out_of_an_archive(
    hub: Hub, zipped: MakeLibrary, small_clip: dict[str, bytes], tmp_path: Path, pinned: bool
) -> None:
    weights = small_clip["model.safetensors"]
    members = {
        "../../../evil": b"x",
        "/evil": b"x",
        "deep/down/model.safetensors": weights,
        "model.safetensors/": b"",
    }
    hub.plain["weights.zip"] = archive(members), '"1"'
    sha256 = hashlib.sha256(weights).hexdigest() if pinned else None

    added = download_encoder("small", zipped(files={"model.safetensors": sha256, "config.json": None}))

    assert (added.folder / "model.safetensors").read_bytes() == weights
    assert not [p for p in tmp_path.rglob("*") if "evil" in p.name or ".zip" in p.name]


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"other": b""}, "holds no file named model.safetensors"),
        ({"a/model.safetensors": b"1", "b/model.safetensors": b"2"}, "holds 2 files named model.safetensors"),
        ({"model.safetensors": bytes(17_000_000)}, r"has 17 MB, more than it can have \(16 MB\)"),
        (None, "no archive that can be unpacked"),
    ],
)
def test_archive_of_another_kind_is_refused(
    hub: Hub, zipped: MakeLibrary, members: dict[str, bytes] | None, complaint: str
) -> None:
    hub.plain["weights.zip"] = b"PK\x03\x04 cut" if members is None else archive(members), '"1"'
    library = zipped(files={"model.safetensors": None, "config.json": None})

    with pytest.raises(EncoderError, match=complaint):
        download_encoder("small", library)

    assert not [p for p in library.root.rglob("*") if "model" in p.name or "weights" in p.name]


def test_archive_with_another_file_than_pinned_is_refused(hub: Hub, zipped: MakeLibrary) -> None:
    hub.plain["weights.zip"] = archive({"model.safetensors": b"other"}), '"1"'
    library = zipped(files={"model.safetensors": "0" * 64, "config.json": None})

    with pytest.raises(
        EncoderError, match=r"another file than this version of the package expects \(SHA-256 d9298a"
    ):
        download_encoder("small", library)

    assert not list(library.root.rglob("*weights*")) and not list(library.root.rglob("model.*"))


def test_plan_says_what_would_be_fetched_without_a_connection(
    library: EncoderLibrary, make_library: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a plan needs no network"))

    plan = plan_download("small", make_library(gated=True, notice="For research only"))

    weights, config = plan.files
    assert weights.address == "https://huggingface.co/lab/small-clip/resolve/main/model.safetensors"
    assert (weights.name, weights.others, config.others) == ("model.safetensors", ("pytorch_model.bin",), ())
    assert plan.describe() == [
        "Small CLIP: about 4 MB.",
        "Licence: CC-BY-NC-ND-4.0 (https://example.org/licence).",
        "For research only.",
        "Its publisher wants to be asked first: visit https://example.org/small-clip, accept the licence "
        "there, and log in with `hf auth login` or set HF_TOKEN.",
        "From its publisher:",
        f"  model.safetensors or pytorch_model.bin: {weights.address}",
        "  config.json: https://huggingface.co/lab/small-clip/resolve/main/config.json",
        f"To {library.root / 'small'}.",
    ]
    assert not library.root.exists()


def test_every_entry_that_can_be_downloaded_has_a_plan() -> None:
    library = EncoderLibrary()
    wanted = [spec for spec in library.known.values() if spec.downloadable and not spec.folder]

    assert len(wanted) >= 20
    for spec in wanted:
        plan = plan_download(spec.name, library)
        assert [f.name for f in plan.files] == [names.split("|")[0] for names in spec.files]
        assert all(f.address.startswith("https://") for f in plan.files)
        assert plan.page.startswith("https://") and plan.size_mb > 0
