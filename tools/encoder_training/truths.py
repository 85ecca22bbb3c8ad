"""What is true of a drawn tile: the answer every head is taught, and where it is asked at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from encoder_training.tiles import MEASURES
from napari_histoalign.encoders.axes import HEADS, NUCLEAR_HEADS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float32]


def ramp(values: Values, low: float, high: float) -> Values:
    """0 below `low`, 1 above `high`, straight between."""
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def answers(measures: Values) -> tuple[Values, Values]:
    """Truth and weight of every head on every tile.

    Parameters
    ----------
    measures
        float32 (n, len(MEASURES)), what the drawing says of each tile.

    Returns
    -------
    truth, weight
        Each float32 (n, len(HEADS)), 0 to 1. What nuclei of epithelium are like is not asked where there
        are none, nor of tiles whose nuclei were drawn without regard to the tissue.
    """
    m = {name: measures[:, i] for i, name in enumerate(MEASURES)}
    epithelium = m["benign"] + m["malignant"]
    enough = ramp(m["epithelial_nuclei"], 8, 16)
    blank = ramp(m["glass"], 0.75, 0.95)
    true = {
        "tumour nuclei": m["malignant"] / np.maximum(epithelium, 1e-3),
        "large nuclei": ramp(m["nuclear_area_um2"], 42, 85),
        "uneven nuclei": ramp(m["area_variation"], 0.18, 0.45),
        "mitoses": ramp(m["mitoses"], 0.4, 1.6),
        "epithelium": ramp(epithelium, 0.04, 0.2),
        "glass": blank,
        "margin": ramp(m["glass"], 0.08, 0.25) * (1 - blank),
        "fat": ramp(m["fat"], 0.25, 0.55),
        "stroma": ramp(m["stroma"], 0.35, 0.65),
        "lymphocytes": ramp(m["lymphocytes"], 8, 24),
        "necrosis": ramp(m["necrosis"], 0.1, 0.3),
        "lumen": ramp(m["lumen"], 0.03, 0.12),
        "hyperplasia": ramp(m["layers"], 1.5, 2.5) * ramp(m["benign"], 0.05, 0.2),
        "desmoplasia": ramp(m["tumour_zone"], 0.3, 0.8) * ramp(m["stroma"], 0.12, 0.3)
        * ramp(m["malignant"], 0.02, 0.1),
        "muscle": ramp(m["muscle"], 0.25, 0.6),
        "mucin": ramp(m["mucin"], 0.2, 0.5),
        "keratin": ramp(m["keratin"], 0.2, 0.6),
        "dark nuclei": ramp(m["nuclear_darkness"], 0.95, 1.3) * enough,
        "crowded nuclei": ramp(m["nuclei"], 40, 90),
        "sparse nuclei": 1 - ramp(m["nuclei"], 12, 35),
        "spindle nuclei": ramp(m["spindles"], 5, 14),
        "pink": ramp(m["eosin"], 0.22, 0.36) * (1 - ramp(m["hematoxylin"], 0.22, 0.42)),
        "purple": ramp(m["hematoxylin"], 0.25, 0.5),
        "pale": 1 - ramp(m["hematoxylin"] + m["eosin"], 0.22, 0.45),
        "dark": ramp(m["hematoxylin"], 0.4, 0.6),
    }  # fmt: skip
    truth = np.stack([true[name] for name in HEADS], axis=1).astype(np.float32)
    weight = np.ones_like(truth)
    asked = (enough * ramp(epithelium, 0.05, 0.15))[:, None]
    weight[:, : len(NUCLEAR_HEADS)] = asked
    # where nuclei were drawn at random, the tissue does not say whether they are a tumour's
    weight[:, HEADS.index("tumour nuclei")] *= 1 - m["mixed"]
    weight[:, HEADS.index("mitoses")] *= 1 - m["mixed"]
    return truth, weight
