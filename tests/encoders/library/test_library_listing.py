"""What is told of the encoders on this computer, in whatever state they are."""

from __future__ import annotations

import pytest
from looking import state
from small_clip import DIM

from napari_histoalign.encoders import add_encoder, list_encoders
from napari_histoalign.errors import EncoderError


def test_changes_after_adding_are_noticed(source, library) -> None:
    add_encoder("mine", source, library)
    weights = library.folder("mine") / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    assert state(library, "mine").usable, "same size: only loading reads it"
    with pytest.raises(EncoderError, match="damaged or not the recorded file"):
        library.load("mine")

    weights.write_bytes(data[:-9])
    assert "cut off or changed" in state(library, "mine").problem
    weights.unlink()
    assert "missing" in state(library, "mine").problem
    (library.folder("mine") / "encoder.json").write_text("{")
    assert "cannot be read" in state(library, "mine").problem
    library.remove("mine")


def test_an_encoder_of_the_registry_that_is_not_here_says_how_to_get_it(library) -> None:
    with pytest.raises(
        EncoderError, match=r"PLIP is not on this computer.*histoalign encoders download plip"
    ):
        library.load("plip")
    with pytest.raises(EncoderError, match=r"CPLIP.*Add the files you have"):
        library.load("cplip")
    assert {row.spec.role for row in list_encoders(library)} == {"pathology", "general", "control"}


def test_files_of_unknown_origin_beside_an_encoders_are_not_read(source, library) -> None:
    add_encoder("mine", source, library)
    for name in ("README.md", "LICENSE.txt", ".DS_Store", "Thumbs.db"):
        (library.folder("mine") / name).write_text("harmless")
    assert library.load("mine", device="cpu").dim == DIM

    (library.folder("mine") / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    assert "tokenizer_config.json was not there when it was added" in state(library, "mine").problem
    with pytest.raises(EncoderError, match=r"tokenizer_config\.json was not there when it was added"):
        library.load("mine")


def test_one_closed_folder_is_its_own_problem(source, library, tmp_path, close) -> None:
    add_encoder("mine", source, library)
    add_encoder("theirs", source, library)
    close(library.root / "theirs")

    assert state(library, "mine").usable
    assert "(Permission denied)" in state(library, "theirs").problem
    with pytest.raises(EncoderError, match="Permission denied"):
        library.load("theirs")


def test_linked_files_that_are_closed_are_not_called_missing(source, library, close) -> None:
    add_encoder("mine", source, library, link=True)
    close(source)

    assert "cannot be read (Permission denied)" in state(library, "mine").problem
    with pytest.raises(EncoderError, match=r"cannot be read \(Permission denied\)"):
        library.load("mine")
