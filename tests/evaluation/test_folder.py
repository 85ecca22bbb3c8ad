"""A person's own images: folders, tables, and pixels of whatever kind of file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trees import image

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset, pixels
from napari_histoalign.evaluation.datasets.pixels import read_rgb


def folders(root: Path) -> Path:
    for label in ("tumour", "normal"):
        for patient in ("p1", "p2"):
            image(root / label / f"{label}_{patient}" / "1.png", 1)
            image(root / label / f"{label}_{patient}" / "deep" / "2.jpg", 2)
    image(root / "normal" / "own.tif", 3)
    return root


def test_each_folder_is_a_class_however_deep_its_images(tmp_path: Path) -> None:
    found = open_dataset("folder", folders(tmp_path / "mine"))

    assert found.name == "mine"
    assert found.class_names == ("normal", "tumour")
    assert len(found.records) == 9
    assert [found.class_names[r.label] for r in found.records] == [
        r.name.split("/")[0] for r in found.records
    ]
    assert [r.patient for r in found.records] == [r.name for r in found.records]
    assert any("patient of its own" in note for note in found.notes)
    assert (found.positive, found.prompts) == (None, "")


def test_order_positive_class_patients_and_size_as_asked(tmp_path: Path) -> None:
    root = folders(tmp_path)

    found = open_dataset(
        "folder", root, class_names="tumour, normal", positive="tumour", patients="folder", mpp=0.5
    )

    assert (found.class_names, found.positive) == (("tumour", "normal"), 0)
    assert {r.patient for r in found.records if r.name != "normal/own.tif"} == {
        "tumour_p1", "tumour_p2", "normal_p1", "normal_p2"
    }  # fmt: skip
    assert {r.mpp for r in found.records} == {0.5}
    with pytest.raises(DatasetError, match="positive class 'cancer'"):
        open_dataset("folder", root, positive="cancer")
    with pytest.raises(DatasetError, match="each named once"):
        open_dataset("folder", root, class_names="tumour,tumour")
    image(tmp_path / "one/tumour/1.png")
    with pytest.raises(DatasetError, match="All images are of one class, 'tumour'"):
        open_dataset("folder", tmp_path / "one")


def test_folds_are_drawn_where_patients_are_known(tmp_path: Path) -> None:
    for n in range(12):
        image(tmp_path / "ab"[n % 2] / f"p{n // 2}" / f"{n}.png", n)

    found = open_dataset("folder", tmp_path, patients="folder", folds=3, seed=4)

    assert [f.name for f in found.folds] == [f"unofficial fold {i + 1}" for i in range(3)]
    for fold in found.folds:
        train, test = ({found.records[i].patient for i in part} for part in (fold.train, fold.test))
        assert train.isdisjoint(test) and test
    assert found.fold_note.startswith("Nobody publishes folds of a folder: the 3 folds are drawn (seed 4)")
    # nothing says whom an image is of: folds might have one person on both sides
    assert open_dataset("folder", tmp_path).folds == ()
    assert open_dataset("folder", tmp_path, patients="folder", folds=0).folds == ()
    few = open_dataset("folder", tmp_path, patients="folder", folds=9)
    assert few.folds == () and "patients cannot be dealt to 9" in few.fold_note
    for wrong in (1, -2, "many"):
        with pytest.raises(DatasetError, match="folds must be 2 or more"):
            open_dataset("folder", tmp_path, folds=wrong)


def test_classes_that_were_not_asked_for_are_left_out_and_told(tmp_path: Path) -> None:
    root = folders(tmp_path)
    image(root / "artefact/1.png")

    found = open_dataset("folder", root, class_names=("normal", "tumour", "stroma"))

    assert [(p.kind, p.name, p.left_out) for p in found.problems] == [
        ("other class", "artefact/1.png", True),
        ("empty class", "stroma", False),
    ]


def test_stray_files_links_and_names_are_told(tmp_path: Path) -> None:
    root = folders(tmp_path)
    image(root / "stray.png")
    (root / "normal" / "notes.txt").write_text("a word")
    (root / "normal" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "normal" / "round").symlink_to(root / "normal", target_is_directory=True)

    found = open_dataset("folder", root)

    assert len(found.records) == 9
    assert [(p.kind, p.name) for p in found.problems] == [
        ("missing", "normal/gone.png"),
        ("no image", "normal/notes.txt"),
        ("misplaced", "stray.png"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    root = folders(tmp_path)
    os.rename(bytes(root / "normal" / "own.tif"), bytes(root / "normal") + b"/caf\xe9.tif")  # noqa: PTH104

    found = open_dataset("folder", root)

    assert len(found.records) == 8
    (problem,) = found.problems
    assert problem.kind == "malformed name"
    problem.name.encode("utf-8")


def table(root: Path, content: str | bytes, name: str = "images.csv") -> Path:
    path = root / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_table_says_what_is_known(tmp_path: Path) -> None:
    for n in range(4):
        image(tmp_path / f"im/{n}.png", n)
    path = table(
        tmp_path,
        "\ufeffLabel;Path;Patient;Magnification;mpp;comment\r\n"
        "b;im/0.png;p1;40X;0.25;first\r\n"
        "\r\n"
        'a;im\\1.png;p2;;;"a; b"\r\n'
        "a;./im/2.png;p2;20X;0.5;\r\n",
    )

    for root in (path, tmp_path):
        found = open_dataset("folder", root, mpp=1)
        assert found.class_names == ("a", "b")
        assert [(r.name, r.label, r.patient, r.magnification, r.mpp) for r in found.records] == [
            ("im/0.png", 1, "p1", "40X", 0.25),
            ("im/1.png", 0, "p2", "", 1.0),
            ("im/2.png", 0, "p2", "20X", 0.5),
        ]
        assert found.problems == ()
        assert found.notes == ()
        assert found.read(found.records[1]).shape == (8, 12, 3)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("im/9.png,a,p,1", "there is no file 'im/9.png'"),
        ("im/2.png,a,p", "it has 3 fields, the first line has 4"),
        ("im/2.png,,p,1", "no path or no label"),
        (",a,p,1", "no path or no label"),
        ("../im/2.png,a,p,1", "does not lie below"),
        ("/etc/passwd,a,p,1", "does not lie below"),
        ("C:/im/2.png,a,p,1", "does not lie below"),
        ("im/2.png,a,p,wide", "number of micrometres"),
        ("im/2.png,a,p,-1", "number of micrometres"),
        ("im/1.png,a,p,1", "stood before, with another label"),
        ("im/0.png,a,p,1", "stood before."),
    ],
)
def test_a_line_that_cannot_be_used_is_told_with_its_number(line: str, what: str, tmp_path: Path) -> None:
    for n in range(3):
        image(tmp_path / f"im/{n}.png", n)
    path = table(tmp_path, f"path,label,patient,mpp\nim/0.png,a,p,1\nim/1.png,b,p,\n{line}\n")

    found = open_dataset("folder", path)

    assert [r.name for r in found.records] == ["im/0.png", "im/1.png"]
    (problem,) = found.problems
    assert problem.name == "images.csv, line 4"
    assert problem.what.startswith("Line 4 is passed over: ")
    assert what in problem.what
    assert problem.left_out
    assert ".." not in problem.what.removesuffix(".").replace("../im", "")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("file,class\na,b\n", "one column path and one label"),
        ("path,label,label\na,b,c\n", "one column label"),
        ("", "one column path"),
        (b"path,label\n\xff\xfe,a\n", "cannot be read as a table"),
        ('path,label\n"a,b\n', "cannot be read as a table"),
        ("path,label\na\0b,c\n", "holds no image|cannot be read as a table|one class"),
    ],
)
def test_a_table_that_is_none_is_refused(content: str | bytes, what: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=what):
        open_dataset("folder", table(tmp_path, content))


def test_of_several_tables_one_must_be_named(tmp_path: Path) -> None:
    folders(tmp_path)
    table(tmp_path, "some,thing\n1,2\n", "other.csv")
    assert len(open_dataset("folder", tmp_path).records) == 9
    for name in ("one.csv", "two.csv"):
        table(tmp_path, "path,label\nnormal/own.tif,a\ntumour/tumour_p1/1.png,b\n", name)

    with pytest.raises(DatasetError, match=r"2 tables \(one\.csv, two\.csv\)"):
        open_dataset("folder", tmp_path)
    assert len(open_dataset("folder", tmp_path / "two.csv").records) == 2


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_pixels_are_colours_whatever_the_file(mode: str, tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        Image.new(mode, (5, 4)).save(tmp_path / folder / "1.png")

    found = open_dataset("folder", tmp_path)

    pixels = found.read(found.records[0])
    assert pixels.shape == (4, 5, 3) and pixels.dtype == np.uint8


def test_transparent_pixels_lie_over_white(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 256, (40, 30, 4)).astype(np.uint8)
    Image.fromarray(colors, "RGBA").save(tmp_path / "a.png")

    alpha = colors[..., 3:] / 255.0
    expected = np.round(colors[..., :3] * alpha + 255 * (1 - alpha))
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), expected)


def test_exif_turns_and_further_pages_are_not_followed(tmp_path: Path) -> None:
    pages = [np.random.default_rng(i).integers(0, 256, (6, 9, 3)).astype(np.uint8) for i in range(2)]
    exif = Image.Exif()
    exif[0x0112] = 6
    first, second = (Image.fromarray(page) for page in pages)
    first.save(tmp_path / "turned.png", exif=exif)
    first.save(tmp_path / "pages.tif", save_all=True, append_images=[second])

    for name in ("turned.png", "pages.tif"):
        np.testing.assert_array_equal(read_rgb(tmp_path / name), pages[0])


@pytest.mark.parametrize(("kind", "word"), [("uint16", "16- or 32-bit grey"), ("float32", "floating-point")])
def test_values_that_are_no_colours_are_refused(kind: str, word: str, tmp_path: Path) -> None:
    Image.fromarray(np.ones((5, 5), kind)).save(tmp_path / "a.tif")

    with pytest.raises(DatasetError, match=word):
        read_rgb(tmp_path / "a.tif")


@pytest.mark.parametrize("cut", [0, 10, 60, 0.5, 0.9])
@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_files_cut_short_are_named(ending: str, cut: float, tmp_path: Path) -> None:
    path = image(tmp_path / f"a.{ending}", 0, (64, 64))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole)) if 0 < cut < 1 else int(cut)])

    with pytest.raises(DatasetError, match=rf"a\.{ending}"):
        read_rgb(path)


def test_images_beyond_measure_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = image(tmp_path / "a.png", 0, (64, 64))
    monkeypatch.setattr(pixels, "MAX_PIXELS", 64 * 63)
    with pytest.raises(DatasetError, match="64 x 64 pixels"):
        read_rgb(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DatasetError, match="far more"):
        read_rgb(path)
    with pytest.raises(DatasetError, match="not there any more"):
        read_rgb(tmp_path / "absent.png")
