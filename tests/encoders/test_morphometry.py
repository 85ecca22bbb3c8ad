"""The measures against independent references and pictures whose answer is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_histoalign.encoders.morphometry import NAMES, NUCLEI, Morphometry
from napari_histoalign.encoders.morphometry.filters import Gaussians, gaussian_matrix
from napari_histoalign.encoders.morphometry.granulometry import dilated, moments, openings, pattern_spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.07, 0.95, 0.30])


def stained(
    hematoxylin: NDArray[np.float64], eosin: NDArray[np.float64] | float = 0.25, lamp: float = 243.0
) -> NDArray[np.uint8]:
    """A picture uint8 (224, 224, 3) of these amounts of dye (Beer-Lambert, decadic)."""
    density = (
        hematoxylin[..., None] * HEMATOXYLIN + np.broadcast_to(eosin, hematoxylin.shape)[..., None] * EOSIN
    )
    return np.clip(lamp * 10**-density + 0.5, 0, 255).astype(np.uint8)


def discs(radii_um: NDArray[np.float64], seed: int = 0, pitch: int = 32) -> NDArray[np.float64]:
    """Hematoxylin of round nuclei of these radii (um) on a jittered lattice of 224 px at 0.5 um/px."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:224, 0:224] + 0.5
    picture = np.full((224, 224), 0.05)
    radii = iter(np.resize(radii_um, 10_000))
    for y in range(pitch // 2, 224, pitch):
        for x in range(pitch // 2, 224, pitch):
            cy, cx = y + rng.uniform(-2, 2), x + rng.uniform(-2, 2)
            picture[np.hypot(rows - cy, columns - cx) < 2 * next(radii)] = 0.6
    return np.asarray(ndimage.gaussian_filter(picture, 0.7))


def measured(*pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    tiles = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return dict(zip(NAMES, Morphometry()(tiles).numpy().T, strict=True))


@pytest.mark.parametrize("sigma", [0.8, 2.0, 9.0])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_gaussian_filters_are_those_of_scipy(sigma: float, order: int) -> None:
    image = np.random.default_rng(0).random((112, 112))
    expected = ndimage.gaussian_filter(image, sigma, order=(order, 0), mode="reflect", truncate=6)
    found = Gaussians(112).filter(torch.from_numpy(image).float()[None], sigma, down=order)[0].numpy()

    # derivatives are scipy's own up to sampling, which matters for the narrowest
    tolerance = 1e-3 if order == 0 else 0.05 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=tolerance)


def test_filter_rows_keep_the_mean() -> None:
    np.testing.assert_allclose(gaussian_matrix(50, 20.0).sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(gaussian_matrix(50, 3.0, 1).sum(1), 0, atol=1e-5)
    np.testing.assert_allclose(gaussian_matrix(50, 3.0, 2).sum(1), 0, atol=1e-5)


def octagon(radius: int) -> NDArray[np.bool_]:
    seed = np.zeros((2 * radius + 3,) * 2)
    seed[radius + 1, radius + 1] = 1
    return np.asarray(dilated(torch.from_numpy(seed)[None], radius)[0].numpy()[1:-1, 1:-1] > 0)


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_openings_are_those_of_scipy(radius: int) -> None:
    image = np.random.default_rng(1).random((60, 70))
    image = ndimage.gaussian_filter(image, 1)
    expected = ndimage.grey_opening(image, footprint=octagon(radius), mode="reflect")
    found = openings(torch.from_numpy(image)[None], radius)[-1][0].numpy()

    inner = slice(2 * radius, -2 * radius)
    np.testing.assert_allclose(found[inner, inner], expected[inner, inner], atol=1e-12)


def test_octagons_are_round() -> None:
    for radius in (2, 4, 6):
        shape = octagon(radius)
        assert shape[radius].sum() == shape[:, radius].sum() == 2 * radius + 1
        assert not shape[0, 0]
        assert 0.8 < shape.sum() / (np.pi * (radius + 0.5) ** 2) < 1.2


@pytest.mark.parametrize("radius", [2, 4])
def test_spectrum_stands_at_the_radius_of_the_discs(radius: int) -> None:
    image = np.zeros((1, 90, 90))
    for y in range(12, 90, 22):
        for x in range(12, 90, 22):
            size = 2 * radius + 1
            image[0, y - radius : y - radius + size, x - radius : x - radius + size] = octagon(radius)
    spectrum = pattern_spectrum(torch.from_numpy(image), 7, 1e-3)

    assert int(spectrum[0].argmax()) == radius
    assert float(spectrum[0, radius]) > 0.95 and float(spectrum.sum()) == pytest.approx(1)
    mean, variance = moments(spectrum)
    assert float(mean) == pytest.approx(radius + 1, abs=0.1) and float(variance) < 0.3


def test_nothing_has_no_size() -> None:
    spectrum = pattern_spectrum(torch.zeros(1, 40, 40), 5, 0.01)

    assert float(spectrum.sum()) == 0


def test_blobs_answer_at_their_own_scale() -> None:
    rows, columns = np.mgrid[0:112, 0:112] - 55.5
    gaussians = Gaussians(112)
    for width in (1.5, 2.7, 4.8):
        image = torch.from_numpy(np.exp(-(rows**2 + columns**2) / (2 * width**2))).float()[None]
        strengths = [
            float(gaussians.blobs(image, scale)[0][0, 55, 55]) for scale in (1.1, 1.5, 2.7, 4.8, 6.4)
        ]
        assert (1.1, 1.5, 2.7, 4.8, 6.4)[int(np.argmax(strengths))] == width
    line = torch.from_numpy(np.exp(-(rows**2) / 8)).float()[None]
    assert float(gaussians.blobs(line, 2.0)[1][0, 55, 55]) < 0.05
    assert float(gaussians.blobs(image, 4.8)[1][0, 55, 55]) > 0.9


def test_larger_nuclei_measure_larger() -> None:
    radii = (2.5, 3.5, 4.5, 5.5, 6.5)
    found = measured(*(stained(discs(np.array([radius]), pitch=40)) for radius in radii))

    for name in ("size", "core_size", "blob_scale", "blob_scale_weighted"):
        # blob scales are those of a short list, so that neighbours may share one
        assert (np.diff(found[name]) >= (-0.01 if name.startswith("blob") else 0.02)).all(), (
            f"{name}: {found[name]}"
        )
        assert found[name][-1] > 1.3 * found[name][0]
    # micrometres, and one for what is removed at radius 0; the masks are a little smaller than the nuclei
    np.testing.assert_allclose(found["size"] - 1, radii, rtol=0.3)


def test_uneven_nuclei_measure_uneven() -> None:
    even, uneven = discs(np.array([4.0]), pitch=40), discs(np.array([2.5, 6.5, 3.0, 4.0]), pitch=40)
    found = measured(stained(even), stained(uneven))

    for name in ("size_variance", "nuclear_size_variance", "core_size_variance", "blob_scale_deviation"):
        assert found[name][1] > 1.5 * found[name][0], f"{name}: {found[name]}"


def test_stain_and_lamp_hardly_change_what_nuclei_measure() -> None:
    picture = discs(np.array([3.0, 5.0, 4.0]), pitch=36)
    found = measured(
        stained(picture), stained(1.5 * picture), stained(picture, 0.4), stained(picture, lamp=215)
    )
    grey = stained(picture).mean(2, keepdims=True).repeat(3, axis=2).astype(np.uint8)
    found_grey = measured(grey)

    for name in NUCLEI:
        if name.startswith(("grey", "blob_scale_dev")):
            continue
        reference = found[name][0]
        np.testing.assert_allclose(found[name], reference, rtol=0.15, atol=0.03, err_msg=name)
        np.testing.assert_allclose(
            found_grey[name][0], reference, rtol=0.2, atol=0.05, err_msg=f"grey {name}"
        )


def test_turning_a_tile_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    picture = stained(
        discs(np.array([3.0, 5.0])), 0.2 + 0.1 * ndimage.gaussian_filter(rng.random((224, 224)), 4)
    )
    found = measured(picture, np.rot90(picture).copy(), picture[:, ::-1].copy())

    for name in NAMES:
        if name in ("contrast", "grey_small_share"):  # their sparse sampling of pixels runs along rows
            continue
        np.testing.assert_allclose(found[name], found[name][0], rtol=0.08, atol=0.02, err_msg=name)


def test_context_is_what_it_says() -> None:
    rows, columns = np.mgrid[0:224, 0:224]
    stripes = stained(0.15 + 0.12 * np.sin(rows / 2.5), 0.3)
    spots = stained(discs(np.array([3.5]), pitch=24), 0.5)
    blank = np.full((224, 224, 3), 243, np.uint8)
    holes = spots.copy()
    for y in range(40, 224, 72):
        for x in range(40, 224, 72):
            holes[np.hypot(rows - y, columns - x) < 26] = 243
    found = measured(stripes, spots, blank, holes)

    assert found["white"][2] > 0.95 > 0.05 > found["white"][1]
    assert found["coherence"][0] > 0.8 > 0.5 > found["coherence"][1]
    assert found["direction"][0] > 0.8
    assert found["blobs"][1] == pytest.approx(81 * 1000 / 112**2, rel=0.35), "nine by nine nuclei"
    assert found["roundness"][1] > 0.6
    assert found["holes_8um"][3] > 0.2 > 0.05 > found["holes_8um"][1]
    assert found["holes_28um"][3] < 0.5 * found["holes_8um"][3], "no hole is 28 um in radius"
    assert np.isfinite(np.stack(list(found.values()))).all()
