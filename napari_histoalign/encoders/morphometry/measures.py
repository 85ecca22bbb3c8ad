"""What is measured on a tile: nuclei first, then everything around them.

All lengths are micrometres: a tile of 224 pixels at 0.5 um/px is measured at 1 um/px.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_histoalign.encoders.axes import SIZES, VARIATIONS
from napari_histoalign.encoders.morphometry.density import Densities, densities, share
from napari_histoalign.encoders.morphometry.filters import Gaussians
from napari_histoalign.encoders.morphometry.granulometry import (
    dilated,
    dilated_once,
    moments,
    openings,
    pattern_spectrum,
)

SIDE = 112
"""Pixels of a measured tile: half of the 224 that come in."""

BLOB_SCALES = (1.1, 1.5, 2.0, 2.7, 3.6, 4.8, 6.4)
SURROUND = 9.0
"""Width (um) of the surroundings a nucleus has to be darker than."""
WEAK, STRONG = 0.18, 0.35
"""How much darker, as shares of the tile's contrast."""
HOLES = (1, 2, 4, 8, 14)
"""Radii of white holes in pixels of 2 um."""

NUCLEI = SIZES + VARIATIONS
"""Measures of nuclei; nothing of colour or brightness is among them."""

CONTEXT = (
    "white", "contrast", "density", "saturation", "green_red", "green_blue", "blue_red",
    "nuclear_area", "core_area", "blobs", "blobs_per_tissue", "roundness", "spindles",
    "nuclear_density", "nuclear_density_variation",
    "epithelium", "crowding_deviation", "clumping",
    "grey_size", "grey_size_variance", "grey_large_share", "grey_small_share", "grey_rest",
    *(f"holes_{2 * radius}um" for radius in HOLES),
    "lining_4um", "rim_4um", "lining_8um", "rim_8um",
    "coherence", "direction", "variation",
    *(f"band_{width}um" for width in (1, 2, 4, 8, 16)),
    "plasma_texture", "plasma_share", "plasma_density",
)  # fmt: skip
"""Tissue around the nuclei: white space, colour, cell density, glands, fibres, texture."""

NAMES = NUCLEI + CONTEXT


class Morphometry(nn.Module):
    """Measure tiles; nothing in it is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.gaussians = Gaussians(SIDE)

    def forward(self, tiles: Tensor) -> Tensor:
        """Measure.

        Parameters
        ----------
        tiles
            uint8 (n, 3, 224, 224), RGB, 0.5 um/px.

        Returns
        -------
        float32 (n, len(NAMES))
        """
        seen = densities(tiles, self.gaussians)
        darker = seen.darker_than_around(self.gaussians, SURROUND)
        mask, core = self._nuclear_masks(seen, darker)
        found = self._sizes(seen, mask, core) | self._blobs(seen)
        found |= self._colours(seen) | self._cells(seen, darker, mask, core)
        found |= self._holes(seen, mask) | self._fibres(seen) | self._texture(seen, darker)
        return torch.stack([found[name] for name in NAMES], dim=1)

    def _nuclear_masks(self, seen: Densities, darker: Tensor) -> tuple[Tensor, Tensor]:
        """How nuclear each pixel is, 0 to 1, leniently and strictly: two (n, side, side)."""
        share = seen.of_contrast(darker)
        weak = torch.sigmoid((share - WEAK) / 0.04) * seen.tissue
        return weak, torch.sigmoid((share - STRONG) / 0.05) * seen.tissue

    def _sizes(self, seen: Densities, mask: Tensor, core: Tensor) -> dict[str, Tensor]:
        """Sizes of nuclei by granulometry: of the mask, of its core, and of the density itself."""
        spectrum = pattern_spectrum(mask, 7, 0.01)
        size, variance = moments(spectrum)
        # without the smallest and what is too large to be a nucleus
        inner = spectrum[:, 1:7] / spectrum[:, 1:7].sum(1, keepdim=True).clamp(min=0.01)
        core_size, core_variance = moments(pattern_spectrum(core, 6, 0.005))
        grey = pattern_spectrum(self.gaussians.blur(seen.red, 0.7) * seen.tissue, 7, 1e-3)
        grey_size, grey_variance = moments(grey)
        return {
            "size": size,
            "size_variance": variance,
            "size_deviation": variance.sqrt() / size.clamp(min=1),
            "large_share": spectrum[:, 5:].sum(1),
            "middle_share": spectrum[:, 3:5].sum(1),
            "nuclear_size_variance": moments(inner)[1],
            "core_size": core_size,
            "core_size_variance": core_variance,
            "grey_size": grey_size,
            "grey_size_variance": grey_variance,
            "grey_large_share": grey[:, 5:7].sum(1),
            "grey_small_share": grey[:, :2].sum(1),
            "grey_rest": grey[:, 7],
        }

    def _blobs(self, seen: Densities) -> dict[str, Tensor]:
        """Dark spots found over all scales: how many, how large, how round."""
        answers = [self.gaussians.blobs(seen.red, scale) for scale in BLOB_SCALES]
        strength, best = torch.stack([a[0] for a in answers], dim=1).max(1)
        roundness = torch.stack([a[1] for a in answers], dim=1).gather(1, best[:, None])[:, 0]
        around = dilated_once(dilated_once(strength, cross=False), cross=False)
        peak = ((strength >= around) & (strength > 0.2 * seen.contrast[:, None, None])).float()
        inside = torch.zeros_like(peak)
        inside[:, 4:-4, 4:-4] = 1
        peak = peak * inside
        weight = peak * strength
        total = weight.sum((1, 2)).clamp(min=1e-3)
        scale = torch.tensor(BLOB_SCALES, device=peak.device).log()[best]
        round_peak = peak * (roundness > 0.45)
        round_weight = round_peak * strength
        count = round_peak.sum((1, 2)).clamp(min=3)
        mean = (scale * round_peak).sum((1, 2)) / count
        spread = ((scale - mean[:, None, None]) ** 2 * round_peak).sum((1, 2)) / count
        rounds = round_weight.sum((1, 2)).clamp(min=1e-3)
        number = peak.sum((1, 2)) / (SIDE * SIDE * 1e-3)  # thousands per square millimetre
        return {
            "blob_scale": mean,
            "blob_scale_deviation": spread.sqrt(),
            "blob_scale_weighted": (scale * round_weight).sum((1, 2)) / rounds,
            "blobs": number,
            "blobs_per_tissue": number / seen.tissue_share,
            "roundness": (roundness * weight).sum((1, 2)) / total,
            "spindles": ((roundness < 0.35) * weight).sum((1, 2)) / total,
        }

    def _colours(self, seen: Densities) -> dict[str, Tensor]:
        """Mean optical density of the tissue and differences between its colours."""
        red, green, blue = seen.rgb.unbind(1)
        return {
            "white": 1 - seen.tissue_share,
            "contrast": seen.contrast,
            "density": seen.over_tissue(seen.dark),
            "saturation": seen.over_tissue(seen.rgb.amax(1) - seen.rgb.amin(1)),
            "green_red": seen.over_tissue(green - red),
            "green_blue": seen.over_tissue(green - blue),
            "blue_red": seen.over_tissue(blue - red),
        }

    def _cells(self, seen: Densities, darker: Tensor, mask: Tensor, core: Tensor) -> dict[str, Tensor]:
        """How much of the tissue is nuclear, and how evenly nuclei lie."""
        area = mask.mean((1, 2)).clamp(min=0.004)
        nuclear = (seen.red * mask).mean((1, 2)) / area
        swing = ((seen.red - nuclear[:, None, None]) ** 2 * mask).mean((1, 2)) / area
        local = self.gaussians.blur(mask, 8.0) / self.gaussians.blur(seen.tissue, 8.0).clamp(min=0.2)
        mean = seen.over_tissue(local)
        heaped = self.gaussians.blur(torch.relu(darker), 4.0)
        return {
            "nuclear_area": area / seen.tissue_share,
            "core_area": core.mean((1, 2)) / seen.tissue_share,
            "nuclear_density": nuclear,
            "nuclear_density_variation": swing.sqrt() / nuclear.clamp(min=0.02),
            "epithelium": seen.over_tissue(torch.sigmoid((local - 0.3) / 0.04)),
            "crowding_deviation": (seen.over_tissue(local**2) - mean**2).clamp(min=0).sqrt(),
            "clumping": seen.over_tissue(heaped**2) / seen.over_tissue(heaped).clamp(min=1e-3) ** 2,
        }

    def _holes(self, seen: Densities, mask: Tensor) -> dict[str, Tensor]:
        """White space by the size of its holes, and how nuclear the tissue around holes is."""
        white = 1 - functional.avg_pool2d(seen.tissue[:, None], 2)[:, 0]
        nuclear = functional.avg_pool2d(mask[:, None], 2)[:, 0]
        opened = dict(zip(HOLES, openings(white, HOLES[-1], HOLES), strict=True))
        found = {f"holes_{2 * radius}um": part.mean((1, 2)) for radius, part in opened.items()}
        for radius in (2, 4):
            rim = (dilated(opened[radius], 3) - opened[radius]).clamp(min=0) * (1 - white)
            size = rim.mean((1, 2))
            usual = mask.mean((1, 2)) / seen.tissue_share * size / (size + 0.01)
            found[f"lining_{2 * radius}um"] = (rim * nuclear).mean((1, 2)) / size.clamp(min=0.01) - usual
            found[f"rim_{2 * radius}um"] = size
        return found

    def _fibres(self, seen: Densities) -> dict[str, Tensor]:
        """How far edges run one way, near each place and over the tile (structure tensor)."""
        across = self.gaussians.filter(seen.dark, 1.0, 0, 1)
        down = self.gaussians.filter(seen.dark, 1.0, 1, 0)
        products = torch.stack([across**2, down**2, across * down], dim=1)
        local = [self.gaussians.blur(part, 5.0) for part in products.unbind(1)]
        return {
            "coherence": seen.over_tissue(_coherence(*local)),
            "direction": _coherence(*products.mean((2, 3)).unbind(1)),
        }

    def _texture(self, seen: Densities, darker: Tensor) -> dict[str, Tensor]:
        """Variance of the density by octave, and the texture between nuclei."""
        left = seen.dark - seen.dark.mean((1, 2), keepdim=True)
        total = (left**2).mean((1, 2)).clamp(min=1e-5)
        found = {"variation": total.sqrt()}
        centred = left
        for width in (1, 2, 4, 8, 16):
            smooth = self.gaussians.blur(centred, float(width))
            found[f"band_{width}um"] = ((left - smooth) ** 2).mean((1, 2)) / total
            left = smooth
        plasma = seen.tissue * torch.sigmoid((0.05 - seen.of_contrast(darker)) / 0.03)
        fine = (seen.dark - self.gaussians.blur(seen.dark, 2.0)).abs()
        found["plasma_texture"] = share(fine, plasma) / seen.contrast
        found["plasma_density"] = share(seen.dark, plasma) / seen.contrast
        found["plasma_share"] = plasma.mean((1, 2)) / seen.tissue_share
        return found


def _coherence(across: Tensor, down: Tensor, mixed: Tensor) -> Tensor:
    """0 where edges run all ways, 1 where they run one way."""
    return torch.sqrt((across - down) ** 2 + 4 * mixed**2) / (across + down + 1e-5)
