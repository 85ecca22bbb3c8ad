"""Colours that people with any kind of colour vision can tell apart, in order."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.plugin.coloring import DIFFERENCE, DISAGREEMENT, UNCERTAINTY, class_ramp, colormap

# Machado, Oliveira & Fernandes, IEEE TVCG 2009, severity 1.0: matrices on linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(rgb, vision):
    """CIE L*a*b* (D65) of sRGB colours as somebody sees them."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = (linear @ VISION[vision].T).clip(0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def seen(ramp, values, vision, ground=(0.85, 0.62, 0.75)):
    """Colours of values as they look over tissue stained with H&E."""
    low, high = ramp.limits
    mapped = colormap(ramp).map((np.asarray(values) - low) / (high - low))
    alpha = mapped[:, 3:]
    return lab(mapped[:, :3] * alpha + np.asarray(ground) * (1 - alpha), vision)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("ramp", [UNCERTAINTY, DISAGREEMENT], ids=lambda ramp: ramp.name)
def test_more_is_lighter_for_everyone(ramp, vision):
    opaque = colormap(ramp).map(np.linspace(0, 1, 21))[:, :3]
    lightness = lab(opaque, vision)[:, 0]
    assert (np.diff(lightness) > 0).all()
    assert lightness[-1] - lightness[0] > 60


@pytest.mark.parametrize("vision", VISION)
def test_more_and_less_than_the_other_differ_for_everyone(vision):
    more, same, less = seen(DIFFERENCE, [0.5, 0.0, -0.5], vision)
    for one, two in ((more, less), (more, same), (less, same)):
        assert np.linalg.norm(one - two) > 15


def test_no_difference_is_clear_and_hues_do_not_mix_on_the_way():
    mapped = colormap(DIFFERENCE).map(np.array([0.5, 0.45, 0.55, 0.0, 1.0]))
    assert mapped[0, 3] < 1e-3
    np.testing.assert_allclose(mapped[1, :3], mapped[3, :3], atol=1e-6)
    np.testing.assert_allclose(mapped[2, :3], mapped[4, :3], atol=1e-6)
    np.testing.assert_allclose(mapped[1:3, 3], 0.1, atol=2e-3)


@pytest.mark.parametrize("ramp", [UNCERTAINTY, DISAGREEMENT, DIFFERENCE, class_ramp("a", "#d55e00")])
def test_what_is_unknown_is_clear(ramp):
    assert colormap(ramp).map(np.array([np.nan]))[0, 3] == 0
