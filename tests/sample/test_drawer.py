"""The drawn slide: the same bytes again, readable by openslide, and true to its labels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openslide
import pytest
from PIL import Image
from scipy import ndimage

from napari_histoalign.sample import CLASSES, EVALUATION_STAINS, SampleSlide, draw_slide, drawer, sample_slide

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 2048


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> SampleSlide:
    return draw_slide(tmp_path_factory.mktemp("slide") / "drawn.tiff", seed=3, size=SIZE)


@pytest.fixture(scope="module")
def pixels(drawn: SampleSlide) -> NDArray[np.float64]:
    """Brightness under each label pixel (mean of 8 x 8), float (256, 256)."""
    with openslide.OpenSlide(drawn.slide) as slide:
        rgb = np.asarray(slide.read_region((0, 0), 0, (SIZE, SIZE)).convert("RGB"), dtype=np.float64)
    step = drawn.label_downsample
    return rgb.mean(axis=2).reshape(SIZE // step, step, SIZE // step, step).mean(axis=(1, 3))


def labels_of(drawn: SampleSlide) -> NDArray[np.uint8]:
    with Image.open(drawn.labels) as image:
        return np.asarray(image)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = draw_slide(tmp_path / "a" / "s.tiff", seed=5, size=768)
    second = draw_slide(tmp_path / "b" / "s.tiff", seed=5, size=768)

    for one, other in (
        (first.slide, second.slide),
        (first.labels, second.labels),
        (first.legend, second.legend),
    ):
        assert digest(one) == digest(other)


def test_seed_changes_the_tissue_and_stain_only_the_colour(tmp_path: Path) -> None:
    plain = draw_slide(tmp_path / "plain.tiff", seed=5, size=768)
    seeded = draw_slide(tmp_path / "seeded.tiff", seed=6, size=768)
    stained = draw_slide(tmp_path / "stained.tiff", seed=5, size=768, stain=EVALUATION_STAINS[0])

    assert (labels_of(plain) != labels_of(seeded)).mean() > 0.05
    assert (labels_of(plain) == labels_of(stained)).all()
    assert digest(plain.slide) != digest(stained.slide)


def test_openslide_reads_levels_and_micrometres(drawn: SampleSlide) -> None:
    with openslide.OpenSlide(drawn.slide) as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert slide.level_dimensions == ((2048, 2048), (1024, 1024), (512, 512))
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5, rel=1e-3)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(0.5, rel=1e-3)
        assert slide.properties["openslide.level[0].tile-width"] == "256"
        full = np.asarray(slide.read_region((0, 0), 0, (2048, 2048)).convert("L"), dtype=float)
        half = np.asarray(slide.read_region((0, 0), 1, (1024, 1024)).convert("L"), dtype=float)
    # the second level shows the same tissue in the same place
    assert np.abs(full.reshape(1024, 2, 1024, 2).mean(axis=(1, 3)) - half).mean() < 2.0


def test_legend_names_every_label(drawn: SampleSlide) -> None:
    legend = json.loads(drawn.legend.read_text(encoding="utf-8"))
    labels = labels_of(drawn)

    assert legend["downsample"] * labels.shape[0] == SIZE
    assert [legend["classes"][str(i)] for i in range(len(CLASSES))] == list(CLASSES)
    shares = np.bincount(labels.ravel(), minlength=len(CLASSES)) / labels.size
    named = dict(zip(CLASSES, shares, strict=True))
    assert min(named[name] for name in ("glass", "stroma", "fat", "benign", "malignant")) > 0.01


def test_labels_lie_on_their_pixels(drawn: SampleSlide, pixels: NDArray[np.float64]) -> None:
    labels = labels_of(drawn)
    brightness = {
        name: pixels[ndimage.binary_erosion(labels == CLASSES.index(name), iterations=2)]
        for name in ("glass", "stroma", "fat", "malignant")
    }

    assert brightness["glass"].min() > 225
    assert brightness["fat"].mean() > 215
    assert brightness["malignant"].mean() < brightness["stroma"].mean() - 15
    # a label map turned or shifted by 40 um no longer separates tissue from glass
    for moved in (labels.T, labels[:, ::-1], np.roll(labels, 10, axis=0)):
        assert pixels[ndimage.binary_erosion(moved == 0, iterations=2)].min() < 215


def test_malignant_nuclei_are_larger_darker_and_more_uneven() -> None:
    from napari_histoalign.sample.cells import LUMINAL, TUMOUR
    from napari_histoalign.sample.plan import plan_slide

    for seed in (3, 4, 5):
        cells = plan_slide(seed, SIZE).cells
        area = cells.area() * 0.25
        benign, malignant = cells.kind == LUMINAL, cells.kind == TUMOUR
        assert benign.sum() > 200 and malignant.sum() > 200
        # what the ranges of Grade.drawn leave at least
        assert area[malignant].mean() > 1.4 * area[benign].mean()
        assert area[malignant].std() / area[malignant].mean() > 1.4 * area[benign].std() / area[benign].mean()
        assert cells.nucleoli[malignant].mean() > 0.2 > cells.nucleoli[benign].mean()


def test_muscle_is_pinker_than_collagen_and_mucin_is_pale() -> None:
    from napari_histoalign.sample.paint import paint
    from napari_histoalign.sample.plan import plan_slide

    for seed in (3, 4):
        plan = plan_slide(seed, SIZE)
        painted = paint(plan, 0, 0, SIZE, SIZE)
        where = {
            name: ndimage.binary_erosion(painted.labels == CLASSES.index(name), iterations=16)
            for name in ("stroma", "muscle", "mucin")
        }
        assert min(mask.sum() for mask in where.values()) > 5000
        eosin = {name: float(np.median(painted.eosin[mask])) for name, mask in where.items()}
        hematoxylin = float(np.median(painted.hematoxylin[where["mucin"]]))
        assert eosin["muscle"] > 1.1 * eosin["stroma"] > 3 * eosin["mucin"]
        assert eosin["mucin"] < 0.15 and 0.08 < hematoxylin < 0.2


def test_muscle_and_mucin_overlap_no_other_zone() -> None:
    from napari_histoalign.sample.plan import plan_slide

    for seed, size in ((3, SIZE), (4, SIZE), (3, 6144)):
        zones = plan_slide(seed, size).zones
        late = [zone for zone in zones if zone.growth in ("muscle", "mucin")]
        assert {zone.growth for zone in late} == {"muscle", "mucin"}
        for zone in late:
            for other in zones:
                apart = np.hypot(zone.x - other.x, zone.y - other.y)
                shared = 0.9 if other.growth == "foci" else 1.0
                assert other is zone or apart > 0.99 * zone.radius + shared * other.radius


def test_nuclei_of_muscle_are_long_and_run_with_its_fibres() -> None:
    from napari_histoalign.sample.cells import MUSCLE_CELL, at
    from napari_histoalign.sample.muscle import frame
    from napari_histoalign.sample.plan import plan_slide

    for seed in (3, 4):
        plan = plan_slide(seed, SIZE)
        cells = plan.cells[plan.cells.kind == MUSCLE_CELL]
        area_mm2 = float((plan.ground.muscle > 0.6).sum()) * (8 * plan.mpp / 1000) ** 2
        assert 1300 < len(cells) / area_mm2 < 2700
        assert 12 < np.median(2 * cells.a) * plan.mpp < 20 and 3 < np.median(2 * cells.b) * plan.mpp < 4.2
        # a small step along a nucleus hardly leaves its fibre
        ends = []
        for step in (-4.0, 4.0):
            x, y = cells.x + step * np.cos(cells.angle), cells.y + step * np.sin(cells.angle)
            ends.append(frame(plan.bundles, x, y, at(plan.ground.sway, cells.x, cells.y), plan.mpp))
        slope = (ends[1].across - ends[0].across) / 8
        assert np.median(np.abs(slope)) < 0.2
        doubled = np.exp(2j * cells.angle)
        assert np.abs(doubled.mean()) > 0.7


def test_mixed_grades_change_nuclei_and_leave_the_tissue() -> None:
    from napari_histoalign.sample.cells import LUMINAL, TUMOUR
    from napari_histoalign.sample.paint import paint
    from napari_histoalign.sample.plan import plan_slide

    ratios = []
    for seed in range(3, 9):
        plain, mixed = plan_slide(seed, 1536), plan_slide(seed, 1536, mixed=True)
        if seed == 3:
            one, other = (paint(plan, 0, 0, 1536, 1536).labels for plan in (plain, mixed))
            np.testing.assert_array_equal(one, other)
        assert mixed.zones == plain.zones and mixed.glands == plain.glands
        area = {kind: mixed.cells.area()[mixed.cells.kind == kind].mean() for kind in (LUMINAL, TUMOUR)}
        ratios.append(area[TUMOUR] / area[LUMINAL])
    # which of the two is larger no longer follows from what they are
    assert min(ratios) < 0.8 and max(ratios) > 1.25


@pytest.mark.parametrize("tissue", ["muscle", "mucin"])
def test_blocks_beside_a_zone_can_be_painted(tissue: str) -> None:
    from napari_histoalign.sample.paint import paint
    from napari_histoalign.sample.plan import plan_slide

    plan = plan_slide(3, SIZE)
    rows, columns = np.nonzero(getattr(plan.ground, tissue))
    for shift in range(-3, 4):
        for x, y in ((int(columns.max()) + shift, int(rows[0])), (int(columns[0]), int(rows.max()) + shift)):
            assert paint(plan, 8 * x, 8 * y, 96, 96).labels.shape == (96, 96)
            assert paint(plan, 8 * x - 96, 8 * y - 96, 96, 96).labels.shape == (96, 96)


@pytest.mark.parametrize("tissue", ["anything", "muscle", "mucin"])
def test_blocks_meet_without_a_seam(tissue: str) -> None:
    from napari_histoalign.sample.paint import paint
    from napari_histoalign.sample.plan import plan_slide

    plan = plan_slide(3, SIZE)
    x, y = next(((int(z.x), int(z.y)) for z in plan.zones if z.growth == tissue), (900, 900))
    # across the border of the zone, where there is one
    radius = next((int(z.radius) for z in plan.zones if z.growth == tissue), 0)
    x, y = x + radius - 200, y - 200
    whole = paint(plan, x, y, 400, 400)
    part = paint(plan, x + 133, y + 87, 150, 151)

    if tissue in CLASSES:
        assert (part.labels == CLASSES.index(tissue)).any()
    inside = (slice(87, 87 + 151), slice(133, 133 + 150))
    np.testing.assert_allclose(whole.hematoxylin[inside], part.hematoxylin, atol=2e-3)
    np.testing.assert_allclose(whole.eosin[inside], part.eosin, atol=2e-3)
    assert (whole.labels[inside] == part.labels).mean() > 0.999


@pytest.mark.parametrize(("size", "mpp"), [(500, 0.5), (1001, 0.5), (1024, 0.01)])
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, size: int, mpp: float) -> None:
    with pytest.raises(ValueError, match=r"drawn slide"):
        draw_slide(tmp_path / "no.tiff", size=size, mpp=mpp)
    assert list(tmp_path.iterdir()) == []


def test_other_resolution_draws_the_same_anatomy_in_micrometres(tmp_path: Path) -> None:
    from napari_histoalign.sample.cells import LUMINAL
    from napari_histoalign.sample.plan import plan_slide

    fine, coarse = plan_slide(3, 2048, 0.5).cells, plan_slide(3, 2048, 1.0).cells
    areas = [
        float((cells.area() * mpp**2)[cells.kind == LUMINAL].mean())
        for cells, mpp in ((fine, 0.5), (coarse, 1.0))
    ]
    assert areas[0] == pytest.approx(areas[1], rel=0.4)


def test_sample_slide_is_drawn_once_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = draw_slide

    def small(path: Path, **options: object) -> SampleSlide:
        calls.append(1)
        return real(path, **{**options, "size": 768})  # type: ignore[arg-type]

    monkeypatch.setattr(drawer, "draw_slide", small)
    seen: list[tuple[int, int]] = []

    first = sample_slide(lambda done, total: seen.append((done, total)))
    before = digest(first)
    second = sample_slide()

    assert calls == [1] and first == second and digest(second) == before
    assert seen[-1][0] == seen[-1][1]
    assert f"v{drawer.DRAWING_VERSION}" in first.name
    assert openslide.OpenSlide.detect_format(first) == "generic-tiff"


def test_interrupted_drawing_leaves_nothing(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        draw_slide(tmp_path / "half.tiff", size=768, progress=stop)
    assert list(tmp_path.iterdir()) == []
