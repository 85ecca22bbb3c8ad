"""Encoders come: what is added works, and what was added before stays if it does not."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from looking import left_behind, state
from safetensors.torch import load_file, save_file
from small_clip import DIM, SIDE, save_small_clip

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.errors import EncoderError

TILES = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)


def test_an_added_encoder_is_listed_loads_and_goes_again(source, library) -> None:
    added = add_encoder("mine", source, library, role="pathology", mpp=0.25)

    row = state(library, "mine")
    assert row.usable and row.here and row.own and row.size == sum(p.stat().st_size for p in source.iterdir())
    encoder = library.load("mine", device="cpu")
    assert (encoder.spec.role, encoder.mpp, encoder.dim, encoder.input_size) == ("pathology", 0.25, DIM, SIDE)
    shutil.rmtree(source)  # it is the library's own now
    np.testing.assert_array_equal(
        library.load("mine", device="cpu").embed_images(TILES), encoder.embed_images(TILES)
    )
    assert -1 <= added.probe.images < 1
    library.remove("mine")
    assert left_behind(library) == []
    with pytest.raises(EncoderError, match="There is no encoder 'mine'"):
        library.load("mine")


def test_the_record_holds_the_sums_of_the_files(source, library) -> None:
    record = add_encoder("mine", source, library).record

    assert {n: f.sha256 for n, f in record.files.items()} == {
        n: hashlib.sha256((source / n).read_bytes()).hexdigest() for n in ("model.safetensors", "config.json")
    }
    assert library.record("mine") == record
    assert str(source) not in (library.folder("mine") / "encoder.json").read_text()


def test_weights_may_lie_under_another_name_and_as_pytorch_file(source, library) -> None:
    torch.save({"state_dict": load_file(source / "model.safetensors")}, source / "finetuned-3.pt")
    (source / "model.safetensors").unlink()

    add_encoder("mine", source, library)
    add_encoder("by-file", source / "finetuned-3.pt", library)

    assert library.load("mine").weights_hash == library.load("by-file").weights_hash


def test_linked_files_stay_where_they_are(source, library) -> None:
    add_encoder("mine", source, library, link=True)

    assert (library.folder("mine") / "model.safetensors").is_symlink()
    assert library.load("mine").dim == DIM
    library.remove("mine")
    assert (source / "model.safetensors").is_file() and left_behind(library) == []


def test_what_was_added_stays_when_its_replacement_is_refused(source, library) -> None:
    add_encoder("mine", source, library)
    before = library.load("mine").weights_hash
    with pytest.raises(EncoderError, match=r"already. Remove it first, or replace it"):
        add_encoder("mine", source, library)
    weights = load_file(source / "model.safetensors")
    del weights["logit_scale"]
    save_file(weights, source / "model.safetensors")
    with pytest.raises(EncoderError, match="logit_scale"):
        add_encoder("mine", source, library, replace=True)

    assert library.load("mine").weights_hash == before
    save_small_clip(source, seed=1)
    add_encoder("mine", source, library, replace=True)
    assert library.load("mine").weights_hash != before


@pytest.mark.parametrize("name", ["", "../up", "Has Capitals", ".hidden", "a/b", "x" * 65])
def test_names_that_are_none(source, library, name) -> None:
    with pytest.raises(EncoderError, match="is no name for an encoder"):
        add_encoder(name, source, library)


def test_the_shipped_ones_can_neither_be_replaced_nor_removed(source, library) -> None:
    with pytest.raises(EncoderError, match="ships with the package"):
        add_encoder("demo-path", source, library, replace=True)
    with pytest.raises(EncoderError, match="ships with the package"):
        library.remove("demo-path")


def test_no_room_is_said_before_anything_is_copied(source, library, monkeypatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 512))
    with pytest.raises(EncoderError, match=r"has 512 bytes left, and the files take 6\.\d MB"):
        add_encoder("mine", source, library)
    assert left_behind(library) == []


def test_progress_counts_every_byte(source, library) -> None:
    seen = []
    add_encoder("mine", source, library, on_progress=lambda done, total: seen.append((done, total)))

    total = sum(p.stat().st_size for p in source.iterdir())
    assert seen[-1] == (total, total) and all(a[0] < b[0] for a, b in pairwise(seen))


def test_the_librarys_own_files_are_no_source(source, library) -> None:
    add_encoder("mine", source, library)
    with pytest.raises(EncoderError, match="is kept already"):
        add_encoder("mine", library.folder("mine"), library, replace=True, link=True)
    assert library.load("mine", device="cpu").dim == DIM


@pytest.mark.parametrize("mpp", [0.0, -1.0, float("nan"), float("inf")])
def test_a_resolution_that_cannot_be_is_refused(source, library, mpp) -> None:
    with pytest.raises(EncoderError, match="mpp has to be a number above 0"):
        add_encoder("mine", source, library, mpp=mpp)
    assert left_behind(library) == []


def test_a_path_that_cannot_be_looked_at_is_named(source, library, tmp_path, close) -> None:
    (tmp_path / "loop").symlink_to("loop")
    close(source)
    for path in ("x\0y", "x" * 300, "\ud800", tmp_path / "loop", tmp_path / "loop" / "x", source):
        for name in ("mine", "plip"):
            with pytest.raises(
                EncoderError, match=r"cannot be read \(.+\)\. Nothing was added\.$"
            ) as refused:
                add_encoder(name, Path(path), library)
            assert str(path) in str(refused.value)
    assert left_behind(library) == []


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and gives nothing")
def test_a_source_that_breaks_while_it_is_read_is_named_and_not_the_library(source, library) -> None:
    (source / "model.safetensors").unlink()
    (source / "model.safetensors").symlink_to("/proc/self/mem")

    with pytest.raises(
        EncoderError, match=r"source/model\.safetensors cannot be read \(Input/output error\)"
    ):
        add_encoder("mine", source, library)
    assert left_behind(library) == []


def test_a_library_that_cannot_be_written_is_named(source, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(EncoderError, match=f"mine cannot be stored in {root}/mine .*Nothing was added"):
            add_encoder("mine", source, EncoderLibrary(root))


def test_errors_speak_of_the_persons_files(source, library) -> None:
    weights = load_file(source / "model.safetensors")
    save_file({"logit_scale": weights["logit_scale"]}, source / "model.safetensors")

    with pytest.raises(EncoderError) as refused:
        add_encoder("mine", source, library)
    assert str(source / "model.safetensors") in str(refused.value)
    assert str(library.root) not in str(refused.value)


def test_of_two_at_once_one_is_refused(source, library) -> None:
    going, go_on, added = threading.Event(), threading.Event(), []

    def slowly(done: int, total: int) -> None:
        going.set()
        assert go_on.wait(60)

    first = threading.Thread(
        target=lambda: added.append(add_encoder("mine", source, library, on_progress=slowly))
    )
    first.start()
    assert going.wait(60)
    try:
        for replace in (False, True):
            with pytest.raises(EncoderError, match=f"mine is being added already in process {os.getpid()}"):
                add_encoder("mine", source, library, replace=replace)
        assert not library.is_here("mine"), "nothing is seen of it before it is whole"
    finally:
        go_on.set()
        first.join()
    assert [a.record.spec.name for a in added] == ["mine"] and state(library, "mine").usable


def test_a_link_in_the_place_of_an_encoder_is_replaced_and_not_followed(source, library, tmp_path) -> None:
    save_small_clip(tmp_path / "elsewhere", seed=1)
    library.root.mkdir()
    for target in (tmp_path / "elsewhere", tmp_path / "nowhere"):
        (library.root / "mine").symlink_to(target)
        with pytest.raises(EncoderError, match="already"):
            add_encoder("mine", source, library)
        add_encoder("mine", source, library, replace=True)
        assert not (library.root / "mine").is_symlink() and state(library, "mine").usable
        library.remove("mine")
    assert {"config.json", "model.safetensors"} == {p.name for p in (tmp_path / "elsewhere").iterdir()}
    assert left_behind(library) == []
