"""Provenance: the same in, the same identity and text out; nothing that JSON cannot hold."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_histoalign.errors import ResultError
from napari_histoalign.results import Run, run_identity
from napari_histoalign.results.provenance import NAMESPACE

PARTS: dict[str, Any] = {
    "slide": "ab12",
    "grid": "0-0-448-448-10-6-224",
    "encoders": [["demo-path", "f00d", "1"], ["demo-general", "beef", "1"]],
    "prompts": {"classes": [{"name": "tumour", "prompts": ["a", "b"]}]},
    "alignment": {"name": "mean-fusion", "temperature": 1.0},
}


def make_run(**changes: Any) -> Run:
    return Run(
        **{
            "run_id": run_identity(**PARTS),
            "software": {"napari-histoalign": "0.1.0", "python": "3.11"},
            "slide": {"name": "Größe µm 肿瘤", "dimensions": (2220, 2967), "path": Path("a") / "b.svs"},
            "grid": {"tile_px": np.int64(448), "origin": np.array([0, 0])},
            "tissue": None,
            "encoders": ({"name": "demo-path"},),
            "prompts": PARTS["prompts"],
            "alignment": {**PARTS["alignment"], "details": {"weights": np.array([0.25, 0.75])}},
            "threshold": np.float64(0.5),
            "counts": {"tiles": 7},
            "seconds": {"embedding": 1.5},
            "notes": ("One.", "Two."),
            **changes,
        }
    )


def test_identity_is_a_uuid5_of_the_canonical_parts() -> None:
    text = json.dumps(PARTS, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = bytearray(hashlib.sha1(NAMESPACE.bytes + text).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # RFC 9562, 5.5: version 5
    digest[8] = digest[8] & 0x3F | 0x80
    assert run_identity(**PARTS) == str(uuid.UUID(bytes=bytes(digest)))


def test_identity_does_not_depend_on_the_order_of_keys_or_the_kind_of_sequence() -> None:
    prompts = {"classes": [{"prompts": ("a", "b"), "name": "tumour"}]}
    same = dict(reversed(PARTS.items())) | {"prompts": prompts}
    assert run_identity(**same) == run_identity(**PARTS)


@pytest.mark.parametrize(
    "change",
    [
        {"slide": "ab13"},
        {"grid": "other"},
        {"encoders": PARTS["encoders"][::-1]},
        {"encoders": PARTS["encoders"][:1]},
        {"prompts": {"classes": [{"name": "tumour", "prompts": ["b", "a"]}]}},
        {"alignment": {"name": "mean-fusion", "temperature": 1.1}},
        {"views": ["full"]},
    ],
)
def test_identity_follows_whatever_changes_the_numbers(change: dict[str, Any]) -> None:
    assert run_identity(**{**PARTS, **change}) != run_identity(**PARTS)


def test_a_run_comes_back_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    run = make_run()
    run.write(tmp_path / "run.json")
    back = Run.read(tmp_path / "run.json")

    assert back == run
    back.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "run.json").read_bytes()


def test_the_text_is_utf_8_json_with_keys_in_order() -> None:
    text = make_run().to_json()
    content = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    keys = [key for key, _ in content]

    assert keys == sorted(keys) and text.endswith("}\n") and "\r" not in text
    assert "Größe µm 肿瘤" in text
    found = json.loads(text)
    assert found["schema"] == 1
    assert found["threshold"] == 0.5
    assert found["slide"]["dimensions"] == [2220, 2967]
    assert found["alignment"]["details"]["weights"] == [0.25, 0.75]
    assert datetime.fromisoformat(found["created"]).utcoffset() == timedelta(0)


def test_sections_are_copies() -> None:
    counts = {"tiles": 7}
    run = make_run(counts=counts)
    counts["tiles"] = 8
    assert run.counts == {"tiles": 7}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param({"threshold": float("nan")}, "threshold is nan", id="nan"),
        pytest.param(
            {"alignment": {"details": {"weights": np.array([1, np.inf])}}},
            r"alignment\.details\.weights\[1\] is inf",
            id="inf",
        ),
        pytest.param({"counts": {"tiles": {1, 2}}}, r"counts\.tiles is a set", id="set"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_name(change: dict[str, Any], where: str) -> None:
    with pytest.raises(ResultError, match=where):
        make_run(**change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ('{"schema": 2}', "newer"),
        ('{"schema": 1}', "lacks a part"),
    ],
)
def test_files_that_are_no_provenance_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ResultError, match=rf"run\.json .*{message}"):
        Run.read(tmp_path / "run.json")
    with pytest.raises(ResultError, match="no provenance"):
        Run.read(tmp_path / "absent.json")


def test_a_fault_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    make_run().write(path)
    before = path.read_bytes()

    def full_disk(self: Path, *args: object, **options: object) -> None:
        with self.open("w") as file:
            file.write("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(ResultError, match=r"run\.json could not be written"):
        dataclasses.replace(make_run(), threshold=0.9).write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
