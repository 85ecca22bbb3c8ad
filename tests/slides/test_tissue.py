"""Tissue is kept, pale tissue too; glass, pen, dust and borders are not."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from patterns import write_pyramid
from PIL import Image, ImageDraw
from scipy import ndimage

from napari_histoalign.errors import SlideError
from napari_histoalign.slides import TileGrid, TissueMask, find_tissue, open_slide, tissue_from_geometry
from napari_histoalign.slides.tissue import otsu, tissue_of

HEIGHT, WIDTH = 500, 700
GLASS = (243.0, 242.0, 244.0)
PENS = {
    "blue": (35, 60, 170),
    "pale blue": (60, 110, 200),
    "green": (30, 140, 80),
    "pale green": (110, 190, 90),
    "red": (205, 25, 45),
    "bright red": (225, 50, 60),
    "black": (25, 25, 30),
}


def glass(seed: int = 0, colour=GLASS) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH, 3)) * 1.5
    return np.asarray(colour) + noise


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def tissue_colour(seed: int = 1) -> np.ndarray:
    """Eosin and haematoxylin in patches of a few pixels."""
    blotch = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH)), 2)
    share = np.clip(0.5 + 4 * blotch, 0, 1)[..., None]
    return share * np.array([205, 120, 175]) + (1 - share) * np.array([130, 80, 150])


def stroke(image: np.ndarray, points, colour, width: int = 14) -> np.ndarray:
    """Draw a pen stroke that takes light away, as ink does; returns where it is."""
    canvas = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(canvas).line(points, fill=255, width=width, joint="curve")
    cover = ndimage.gaussian_filter(np.asarray(canvas) / 255, 1.5)
    image *= 1 - cover[..., None] * (1 - np.asarray(colour) / 255)
    return cover > 0.1


def find(image: np.ndarray, pixel_um: float = 8.0, threshold: float | None = None) -> np.ndarray:
    return tissue_of(np.clip(image, 0, 255).astype(np.uint8), pixel_um, threshold)[0]


def test_tissue_is_found_to_its_edge() -> None:
    image, where = glass(), disc(300, 250, 150)
    image[where] = tissue_colour()[where]
    mask = find(image)

    assert mask[where].mean() > 0.995
    assert mask[~disc(300, 250, 154)].mean() < 0.001


def test_pale_tissue_is_kept() -> None:
    image, pale, usual = glass(), disc(560, 120, 60), disc(200, 300, 100)
    image[usual] = tissue_colour()[usual]
    image[pale] += np.array([236, 222, 234]) - GLASS

    assert find(image)[pale].mean() > 0.95


def test_fat_is_kept_beside_tissue() -> None:
    image, tissue, fat = glass(), disc(250, 250, 120), disc(420, 250, 90)
    image[tissue] = tissue_colour()[tissue]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    membranes = (rows % 10 == 0) | ((columns + 5 * (rows // 10 % 2)) % 10 == 0)  # cells of 80 um
    image[fat & membranes & ~tissue] = (226, 196, 216)

    assert find(image)[fat].mean() > 0.9


@pytest.mark.parametrize("pen", PENS)
def test_pen_is_no_tissue(pen: str) -> None:
    image, where = glass(), disc(300, 250, 120)
    image[where] = tissue_colour()[where]
    ink = stroke(image, [(60, 60), (250, 40), (480, 70), (600, 200), (560, 420)], PENS[pen])
    mask = find(image)

    assert mask[ink].mean() < 0.01
    assert mask[where].mean() > 0.99


@pytest.mark.parametrize("pen", PENS)
def test_pen_alone_is_no_tissue(pen: str) -> None:
    image = glass()
    stroke(image, [(60, 60), (250, 40), (480, 370)], PENS[pen], width=20)

    assert find(image).mean() == 0.0


@pytest.mark.parametrize(
    "colour",
    [
        pytest.param((130, 80, 150), id="nuclei"),
        pytest.param((90, 50, 120), id="lymphocytes"),
        pytest.param((60, 30, 80), id="dense"),
        pytest.param((205, 120, 175), id="stroma"),
        pytest.param((235, 170, 200), id="pale stroma"),
        pytest.param((190, 60, 90), id="blood"),
        pytest.param((200, 75, 85), id="red cells"),
        pytest.param((150, 130, 190), id="bluish"),
    ],
)
def test_the_dyes_are_not_taken_for_ink(colour) -> None:
    image, where = glass(), disc(300, 250, 120)
    image[where] = np.asarray(colour) + np.random.default_rng(3).normal(size=(HEIGHT, WIDTH, 3))[where] * 6

    assert find(image)[where].mean() > 0.99


def test_brown_dab_and_blue_counterstain_are_kept() -> None:
    image, brown, blue = glass(), disc(180, 250, 100), disc(480, 250, 100)
    image[brown], image[blue] = (150, 100, 60), (170, 180, 215)
    mask = find(image)

    assert mask[brown].mean() > 0.99 and mask[blue].mean() > 0.99


def test_dust_and_black_borders_are_dropped() -> None:
    image = glass()
    rng = np.random.default_rng(5)
    for y, x in zip(rng.integers(20, 480, 60), rng.integers(20, 680, 60), strict=True):
        image[y : y + 3, x : x + 3] *= 0.5
    image[:, :12], image[-6:] = 6, 0

    assert find(image).mean() == 0.0


@pytest.mark.parametrize(
    "colour", [GLASS, (255, 255, 255), (225, 222, 214), (232, 228, 236), (210, 210, 212)]
)
def test_nothing_but_glass_has_no_tissue(colour) -> None:
    assert find(glass(colour=colour)).mean() < 0.001


def test_uneven_light_is_no_tissue() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    fall = 1 - 0.08 * ((columns / WIDTH - 0.5) ** 2 + (rows / HEIGHT - 0.5) ** 2) / 0.5

    assert find(glass() * fall[..., None]).mean() < 0.001


@pytest.mark.parametrize("colour", [None, (205, 120, 175), (232, 200, 222)])
def test_nothing_but_tissue_is_tissue(colour) -> None:
    noise = np.random.default_rng(2).normal(size=(HEIGHT, WIDTH, 3)) * 5
    image = tissue_colour() if colour is None else np.asarray(colour) + noise

    assert find(image).mean() > 0.999


def test_holes_and_specks_go_by_their_area() -> None:
    image, where = glass(), disc(350, 250, 200)
    lumen, cavity, crumb, piece = disc(300, 200, 5), disc(420, 300, 40), disc(60, 60, 4), disc(640, 440, 12)
    image[(where | crumb | piece) & ~lumen & ~cavity] = (205, 120, 175)
    mask = find(image)

    assert mask[lumen].all()  # 80 um wide
    assert mask[cavity].mean() < 0.2  # 640 um wide
    assert not mask[crumb].any()  # 64 um wide
    assert mask[piece].mean() > 0.95  # 190 um wide


def test_a_threshold_by_hand_is_used() -> None:
    image, pale, dark = glass(), disc(180, 250, 100), disc(480, 250, 100)
    image[pale], image[dark] = (236, 222, 234), (130, 80, 150)
    mask, used = tissue_of(np.clip(image, 0, 255).astype(np.uint8), 8.0, 0.1)

    assert used == 0.1
    assert mask[pale].mean() < 0.01 and mask[dark].mean() > 0.95


@pytest.mark.parametrize("threshold", [0.0, -0.1, float("nan")])
def test_a_threshold_that_makes_no_sense_is_refused(pyramid, threshold) -> None:
    with open_slide(pyramid) as slide, pytest.raises(SlideError, match="optical density"):
        find_tissue(slide, threshold=threshold)


def test_otsu_separates_two_classes() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.1, 0.02, 5000), rng.normal(0.5, 0.05, 2000)])
    assert 0.15 < otsu(values) < 0.4
    assert otsu(np.empty(0)) == 0.0 and otsu(np.zeros(9)) == 0.0


def test_the_mask_lies_on_the_slide(tmp_path) -> None:
    level = np.full((2400, 3100, 3), 243, np.uint8)
    level[805:1607, 1203:2411] = np.rint(tissue_colour()[:1, :1]).astype(np.uint8)
    with open_slide(write_pyramid(tmp_path / "s.tif", [level], mpp=0.5)) as slide:
        tissue = find_tissue(slide)

    rows, columns = np.flatnonzero(tissue.mask.any(axis=1)), np.flatnonzero(tissue.mask.any(axis=0))
    edges = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]]) * tissue.downsample
    np.testing.assert_allclose(edges, [[1203, 805], [2411, 1607]], atol=1.5 * 16)
    assert tissue.share([[1300, 900], [0, 0]], 448) == pytest.approx([1.0, 0.0])
    assert tissue.area_share == pytest.approx(1208 * 802 / (2400 * 3100), rel=0.05)


def test_share_is_exact_within_mask_pixels() -> None:
    rng = np.random.default_rng(4)
    mask = rng.random((7, 9)) < 0.5
    tissue = TissueMask(mask, (10.0, 20.0), (5.0, -4.0), 0.1)
    fine = np.kron(mask, np.ones((20, 10)))  # one level-0 pixel each
    for x, y, size in [(5, -4, 20), (33, 41, 30), (-10, -10, 30), (80, 120, 40), (200, 0, 10)]:
        x0, y0 = x - 5, y + 4
        part = fine[max(0, y0) : max(0, y0 + size), max(0, x0) : max(0, x0 + size)]
        assert tissue.share([[x, y]], size)[0] == pytest.approx(part.sum() / size**2)


def test_a_drawn_region_is_the_mask(pyramid) -> None:
    with open_slide(pyramid) as slide:
        ring = shapely.Point(700, 500).buffer(400).difference(shapely.Point(700, 500).buffer(150))
        tissue = tissue_from_geometry(slide, ring)
        covered = tissue.mask.sum() * tissue.downsample[0] * tissue.downsample[1]
        assert covered == pytest.approx(ring.area, rel=0.01)
        assert tissue.share([[690, 490], [430, 490]], 20) == pytest.approx([0, 1])

        speck = tissue_from_geometry(slide, shapely.box(900.2, 800.2, 900.4, 800.4))
        assert speck.mask.sum() == 1 and speck.share([[900, 800]], 1)[0] > 0
        outside = tissue_from_geometry(slide, shapely.box(-500, -500, -100, -100))
        assert not outside.mask.any() and outside.area_share == 0


def test_real_slides(real_slide, test_data) -> None:
    with open_slide(real_slide) as slide:
        tissue = find_tissue(slide)
        grid = TileGrid.over(slide)
        assert 0.35 < tissue.area_share < 0.5
        # places looked up by eye: epidermis, stroma; glass left and right
        assert tissue.share([[1100, 1800], [900, 2700]], 100) == pytest.approx([1, 1])
        assert tissue.share([[100, 300], [100, 2000], [2000, 2500]], 150) == pytest.approx([0, 0, 0])
        assert 55 <= len(grid.on(tissue)) <= 85
    with open_slide(test_data / "slides" / "TCGA-CR-7395-01A-01-TS1.svs") as slide:
        assert slide.mpp is None
        tissue = find_tissue(slide)
        assert 0.6 < tissue.area_share < 0.7
        assert tissue.share([[1500, 1500], [3300, 3000]], 300) == pytest.approx([1, 1], abs=0.02)
        assert tissue.share([[300, 3000], [4000, 100]], 300) == pytest.approx([0, 0])
