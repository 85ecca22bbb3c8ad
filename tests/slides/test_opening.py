"""What can be opened, what a pixel measures, and what a person is told of what cannot."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from patterns import pattern_mean, write_ome, write_pyramid
from PIL import Image

from napari_histoalign.errors import SlideError
from napari_histoalign.slides import open_slide

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = np.rint(pattern_mean(0, 0, 300, 200, (300, 200))).astype(np.uint8)


def read(path: Path) -> np.ndarray:
    with open_slide(path) as slide:
        return slide.read_region((0, 0), 0, slide.dimensions)


# ---- kinds of pixels


def test_alpha_lies_over_white(tmp_path: Path) -> None:
    alpha = np.tile(np.arange(300) * 255 // 299, (200, 1)).astype(np.uint8)
    Image.fromarray(np.dstack([COLOURS, alpha])).save(tmp_path / "alpha.png")
    tifffile.imwrite(
        tmp_path / "alpha.tif",
        np.dstack([COLOURS, alpha]),
        photometric="rgb",
        extrasamples=["unassalpha"],
        compression="zlib",
    )

    share = alpha[..., None] / 255
    want = COLOURS * share + 255 * (1 - share)
    for name in ("alpha.png", "alpha.tif"):
        np.testing.assert_allclose(read(tmp_path / name), want, atol=0.51)


def test_premultiplied_alpha_is_not_multiplied_again(tmp_path: Path) -> None:
    half = np.full((200, 300, 1), 128, np.uint8)
    stored = np.rint(COLOURS * (128 / 255)).astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", np.dstack([stored, half]), photometric="rgb", extrasamples=["assocalpha"]
    )

    np.testing.assert_allclose(read(tmp_path / "a.tif"), stored + 127.0, atol=0.51)


@pytest.mark.parametrize("bits", [16, 12])
def test_sixteen_bits_become_eight(tmp_path: Path, bits: int) -> None:
    top = 2**bits - 1
    stored = np.rint(COLOURS * (top / 255)).astype(np.uint16)
    stored[0, 0] = top  # brightfield: something is white
    tifffile.imwrite(tmp_path / "rgb.tif", stored, photometric="rgb", compression="zlib")
    Image.fromarray(stored[..., 0]).save(tmp_path / "grey.png")

    assert np.abs(read(tmp_path / "rgb.tif")[1:].astype(int) - COLOURS[1:]).max() <= 1
    grey = read(tmp_path / "grey.png")[1:].astype(int)
    assert np.abs(grey - COLOURS[1:, :, :1]).max() <= 1


def test_bits_that_the_file_states_are_believed(tmp_path: Path) -> None:
    dark = np.full((64, 64, 3), 1000, np.uint16)
    write_ome(
        tmp_path / "dark.ome.tif",
        [dark],
        metadata={"axes": "YXS", "SignificantBits": 14},
        tile=(64, 64),
    )
    with tifffile.TiffFile(tmp_path / "dark.ome.tif") as tiff:
        assert "SignificantBits" in tiff.ome_metadata

    assert (read(tmp_path / "dark.ome.tif") == round(1000 / (2**14 - 1) * 255)).all()


def test_grey_inverted_palette_and_one_bit(tmp_path: Path) -> None:
    grey = COLOURS[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.jpg", quality=100)
    tifffile.imwrite(tmp_path / "white0.tif", 255 - grey, photometric="miniswhite")
    palette = Image.fromarray(COLOURS).quantize(64)
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette.tif")
    Image.fromarray(grey > 127).save(tmp_path / "bits.tif")

    want = np.repeat(grey[..., None], 3, axis=2)
    assert np.abs(read(tmp_path / "grey.jpg").astype(int) - want).max() <= 3
    np.testing.assert_array_equal(read(tmp_path / "white0.tif"), want)
    colours = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(read(tmp_path / "palette.png"), colours)
    np.testing.assert_array_equal(read(tmp_path / "palette.tif"), colours)
    np.testing.assert_array_equal(read(tmp_path / "bits.tif"), np.where(want > 127, 255, 0))


def test_cmyk_is_light_where_there_is_no_ink(tmp_path: Path) -> None:
    inks = np.zeros((64, 64, 4), np.uint8)
    inks[:, 32:, 0] = 255  # cyan
    Image.fromarray(inks, "CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    tifffile.imwrite(tmp_path / "cmyk.tif", inks, photometric="separated")

    for name in ("cmyk.jpg", "cmyk.tif"):
        image = read(tmp_path / name).astype(int)
        assert np.abs(image[32, 8] - 255).max() < 8
        assert np.abs(image[32, 56] - (0, 255, 255)).max() < 20


def test_planes_apart_and_strips_and_one_piece(tmp_path: Path) -> None:
    planes = np.moveaxis(COLOURS, 2, 0)
    tifffile.imwrite(
        tmp_path / "planar.tif", planes, photometric="rgb", planarconfig="separate", tile=(64, 64)
    )
    tifffile.imwrite(tmp_path / "c.ome.tif", planes, photometric="minisblack", metadata={"axes": "CYX"})
    tifffile.imwrite(tmp_path / "strips.tif", COLOURS, photometric="rgb", compression="lzw", rowsperstrip=7)
    tifffile.imwrite(tmp_path / "piece.tif", COLOURS, photometric="rgb")
    tifffile.imwrite(tmp_path / "be.tif", COLOURS.astype(np.uint16) * 257, photometric="rgb", byteorder=">")
    tifffile.imwrite(tmp_path / "predicted.tif", COLOURS, photometric="rgb", compression="zlib", predictor=2)

    for name in ("planar.tif", "c.ome.tif", "strips.tif", "piece.tif", "be.tif", "predicted.tif"):
        image = read(tmp_path / name)
        if name == "be.tif":
            assert np.abs(image.astype(int) - COLOURS).max() <= 1  # its brightest value is below 65535
        else:
            np.testing.assert_array_equal(image, COLOURS, err_msg=name)


def test_jpeg_tiles_with_shared_tables_have_the_colours_openslide_gives(tmp_path: Path) -> None:
    levels = [COLOURS, COLOURS[::2, ::2]]
    options = {"compression": "jpeg", "tile": (64, 64)}
    by_openslide = read(write_pyramid(tmp_path / "a.tif", levels, **options))
    by_tifffile = read(write_ome(tmp_path / "a.ome.tif", levels, **options))

    assert np.abs(by_openslide.astype(int) - by_tifffile).max() <= 3
    assert np.abs(by_openslide.astype(int) - COLOURS).mean() < 6


# ---- the size of a pixel


@pytest.mark.parametrize(
    ("resolution", "unit", "mpp"),
    [
        ((20_000, 20_000), "CENTIMETER", (0.5, 0.5)),
        ((50_800, 101_600), "INCH", (0.5, 0.25)),
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        ((600, 600), "INCH", None),
        ((28.35, 28.35), "CENTIMETER", None),
        ((20_000, 20_000), "NONE", None),
        ((20_000, 0), "CENTIMETER", None),
    ],
)
@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_resolution_tags_count_only_if_a_microscope_can_have_meant_them(
    tmp_path: Path, resolution, unit, mpp, tile
) -> None:
    path = tmp_path / "tags.tif"
    tifffile.imwrite(
        path, COLOURS, photometric="rgb", tile=tile, resolution=resolution, resolutionunit=unit, metadata=None
    )
    with open_slide(path) as slide:
        assert slide.backend == ("tifffile" if tile is None else "openslide")
        assert slide.mpp == (None if mpp is None else pytest.approx(mpp))
        assert slide.mpp_source == (None if mpp is None else "slide")


@pytest.mark.parametrize(
    ("metadata", "mpp"),
    [
        ({"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}, (0.5, 0.25)),
        ({"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25}, (0.25, 0.25)),
        ({"PhysicalSizeX": 5e-4, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 0.5}, (0.5, 0.5)),
        ({"PhysicalSizeX": 1.0, "PhysicalSizeXUnit": "pixel", "PhysicalSizeY": 1.0}, None),
        ({"PhysicalSizeX": 352.8, "PhysicalSizeY": 352.8}, None),
        ({"PhysicalSizeX": 0.5}, None),
        ({}, None),
    ],
)
def test_ome_states_sizes_with_a_unit(tmp_path: Path, metadata, mpp) -> None:
    path = write_ome(tmp_path / "size.ome.tif", [COLOURS], metadata={"axes": "YXS"} | metadata, tile=(64, 64))
    with open_slide(path) as slide:
        assert slide.mpp == (None if mpp is None else pytest.approx(mpp))


def test_a_persons_pixel_size_counts_more_than_the_slides(pyramid: Path) -> None:
    with open_slide(pyramid) as slide:
        assert (slide.mpp, slide.mpp_source) == (pytest.approx((0.5, 0.5)), "slide")
    with open_slide(pyramid, mpp=0.25) as slide:
        assert (slide.mpp, slide.mpp_source) == ((0.25, 0.25), "given")
    with open_slide(pyramid, mpp=(0.25, 0.26)) as slide:
        assert slide.mpp == (0.25, 0.26)


@pytest.mark.parametrize("mpp", [0, -0.5, float("nan"), float("inf"), 1e6, "half", (0.5,), (0.5, 0)])
def test_a_persons_nonsense_is_refused(pyramid: Path, mpp) -> None:
    with pytest.raises(SlideError, match="pixel size"):
        open_slide(pyramid, mpp=mpp)


def test_a_plain_image_has_no_pixel_size(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png", dpi=(50_800, 50_800))
    with open_slide(tmp_path / "a.png") as slide:
        assert slide.mpp is None


# ---- what cannot be opened


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nothing.svs", None, "does not exist"),
        ("empty.svs", b"", "is empty"),
        ("text.svs", b"this is no slide\n" * 50, "cannot be opened"),
        ("text.tif", b"this is no slide\n" * 50, "neither a slide nor an image"),
        ("notes.txt", b"this is no slide\n" * 50, "neither a slide nor an image"),
        ("head.tif", b"II*\0\x08\0\0\0", "cut short"),
        ("head.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "damaged image|neither"),
    ],
)
def test_what_is_no_slide_is_named(tmp_path: Path, name, content, says) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SlideError, match=says) as caught:
        open_slide(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SlideError, match="is a folder"):
        open_slide(tmp_path)


def test_an_mrxs_without_its_folder_is_not_opened_as_the_thumbnail_it_begins_with(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg")
    shutil.move(tmp_path / "a.jpg", tmp_path / "a.mrxs")
    with pytest.raises(SlideError, match="files that belong to it are missing"):
        open_slide(tmp_path / "a.mrxs")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_cut_image_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(COLOURS).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SlideError, match="damaged image"):
        open_slide(path)


def test_an_image_beyond_pillows_limit_is_refused_with_advice(tmp_path: Path, monkeypatch) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60_000)  # warns above, refuses from twice that
    with open_slide(tmp_path / "a.png") as slide:
        assert slide.dimensions == (300, 200)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(SlideError, match="pyramidal TIFF"):
        open_slide(tmp_path / "a.png")


def test_a_stack_and_floats_are_refused_by_their_axes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.ome.tif", np.zeros((5, 64, 64), np.uint8), metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "float.tif", np.zeros((64, 64), np.float32))
    with pytest.raises(SlideError, match="ZYX"):
        open_slide(tmp_path / "stack.ome.tif")
    with pytest.raises(SlideError, match="float32"):
        open_slide(tmp_path / "float.tif")
