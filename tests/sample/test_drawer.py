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
        assert area[malignant].mean() > 1.6 * area[benign].mean()
        assert area[malignant].std() / area[malignant].mean() > 2 * area[benign].std() / area[benign].mean()
        assert cells.nucleoli[malignant].mean() > 0.2 > cells.nucleoli[benign].mean()


def test_blocks_meet_without_a_seam() -> None:
    from napari_histoalign.sample.paint import paint
    from napari_histoalign.sample.plan import plan_slide

    plan = plan_slide(3, 1024)
    whole = paint(plan, 300, 300, 400, 400)
    part = paint(plan, 433, 387, 150, 151)

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
