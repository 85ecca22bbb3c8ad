"""A file out of an archive of unknown origin: that file, whole, or a sentence."""

from __future__ import annotations

import zipfile

import pytest

from napari_histoalign.encoders.fetching.archives import take_out
from napari_histoalign.errors import EncoderError

CONTENT = bytes(range(256)) * 400
KINDS = {
    "bzip2": zipfile.ZIP_BZIP2,
    "deflate": zipfile.ZIP_DEFLATED,
    "lzma": zipfile.ZIP_LZMA,
    "none": zipfile.ZIP_STORED,
}


@pytest.fixture(params=KINDS)
def archive(request, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", KINDS[request.param]) as made:
        made.writestr("some/where/weights.pt", CONTENT)
    return path


def test_the_file_comes_out_wherever_it_lies(archive, tmp_path) -> None:
    take_out(archive, "weights.pt", tmp_path / "out", len(CONTENT), lambda: False)
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_damaged_data_are_a_sentence_and_leave_nothing(archive, tmp_path) -> None:
    data = bytearray(archive.read_bytes())
    start = 30 + len("some/where/weights.pt")
    for position in range(start, start + 60, 7):
        changed = bytearray(data)
        changed[position : position + 4] = b"\xff\x00\xff\x00"
        archive.write_bytes(changed)
        with pytest.raises(EncoderError, match=r"^x\.zip is no archive that can be unpacked \(.+\)\.$"):
            take_out(archive, "weights.pt", tmp_path / "out", len(CONTENT), lambda: False)
        assert not (tmp_path / "out").exists()
