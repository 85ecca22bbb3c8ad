"""What may be said of a tile, in many words, and how true each statement is of the measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from encoder_training.tiles import MEASURES

Truth = NDArray[np.float32]
Measured = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Concept:
    """One statement: its name in phrases.yaml, how true it is of each tile (0 to 1), how often it is made."""

    name: str
    truth: Callable[[Measured], Truth]
    weight: float = 1.0
    deniable: bool = True


def ramp(values: Truth, low: float, high: float) -> Truth:
    """0 below `low`, 1 above `high`, straight between."""
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def tumour(m: Measured) -> Truth:
    return ramp(m["malignant"] + 0.7 * m["necrosis"], 0.04, 0.22)


def gland(m: Measured) -> Truth:
    return ramp(m["benign"], 0.05, 0.20) * (1 - tumour(m))


def blank(m: Measured) -> Truth:
    return ramp(m["glass"], 0.75, 0.95)


def fatty(m: Measured) -> Truth:
    return ramp(m["fat"], 0.25, 0.55)


def enough_nuclei(m: Measured) -> Truth:
    return ramp(m["epithelial_nuclei"], 8, 16)


def large_nuclei(m: Measured) -> Truth:
    return ramp(m["nuclear_area_um2"], 55, 75) * enough_nuclei(m)


def uneven(m: Measured) -> Truth:
    return ramp(m["area_variation"], 0.22, 0.36) * enough_nuclei(m)


def even(m: Measured) -> Truth:
    return (1 - ramp(m["area_variation"], 0.15, 0.26)) * enough_nuclei(m)


def not_malignant(m: Measured) -> Truth:
    """Benign as a whole: tissue without tumour, surest where benign glands show it."""
    return (1 - tumour(m)) * (1 - blank(m)) * (0.5 + 0.5 * ramp(m["benign"], 0.05, 0.20)).astype(np.float32)


def desmoplastic(m: Measured) -> Truth:
    return ramp(m["tumour_zone"], 0.3, 0.8) * ramp(m["stroma"], 0.12, 0.3) * ramp(m["malignant"], 0.02, 0.1)


GENERAL: tuple[Concept, ...] = (
    Concept("blank", blank),
    Concept("margin", lambda m: ramp(m["glass"], 0.08, 0.25) * (1 - ramp(m["glass"], 0.75, 0.95))),
    Concept("bubbles", fatty),
    Concept("pink", lambda m: ramp(m["eosin"], 0.22, 0.36) * (1 - ramp(m["hematoxylin"], 0.22, 0.42))
        * (1 - ramp(m["white"], 0.35, 0.6))),
    Concept("fibres", lambda m: ramp(m["stroma"], 0.35, 0.65)),
    Concept("purple", lambda m: ramp(m["hematoxylin"], 0.30, 0.5)),
    Concept("pale", lambda m: 1 - ramp(m["hematoxylin"] + m["eosin"], 0.22, 0.42)),
    Concept("dark", lambda m: ramp(m["hematoxylin"], 0.40, 0.6)),
    Concept("many dots", lambda m: ramp(m["nuclei"], 42, 72)),
    Concept("few dots", lambda m: ramp(m["nuclei"], 0.5, 2) * (1 - ramp(m["nuclei"], 18, 30))),
    Concept("no dots", lambda m: 1 - ramp(m["nuclei"], 1, 6), deniable=False),
    Concept("large dots", large_nuclei),
    Concept("small dots", lambda m: ramp(m["nuclei"], 15, 30) * (1 - large_nuclei(m))),
    Concept("uneven dots", uneven),
    Concept("even dots", even),
    Concept("rings", lambda m: gland(m) * ramp(m["lumen"], 0.03, 0.1)),
    Concept("clumps", tumour),
    Concept("solid", lambda m: ramp(m["malignant"], 0.5, 0.75) * (1 - ramp(m["lumen"], 0.06, 0.16))),
    Concept("tiny round dots", lambda m: ramp(m["lymphocytes"], 8, 20)),
    Concept("thin dots", lambda m: ramp(m["spindles"], 4, 9)),
    Concept("grainy", lambda m: ramp(m["necrosis"], 0.10, 0.3)),
    Concept("gaps", lambda m: ramp(m["lumen"], 0.06, 0.15)),
    Concept("crowded", lambda m: ramp(m["nuclei"], 55, 85)),
    # everyday medical words, as rare as they are in captions from the web
    Concept("web tumour", tumour, weight=0.35),
    Concept("web normal", not_malignant, weight=0.35),
    Concept("web fat", fatty, weight=0.25),
)  # fmt: skip

PATHOLOGY: tuple[Concept, ...] = (
    Concept("malignant", tumour, weight=4.0),
    Concept("benign", not_malignant, weight=2.5),
    Concept("benign glands", gland, weight=3.0),
    Concept("hyperplasia", lambda m: gland(m) * ramp(m["layers"], 1.5, 2.5)),
    Concept("atypia", lambda m: tumour(m) * large_nuclei(m), weight=2.5),
    Concept("mitoses", lambda m: ramp(m["mitoses"], 0.4, 1.6)),
    Concept("bland", lambda m: gland(m) * even(m), weight=2.0),
    Concept("order", lambda m: gland(m) * (0.5 + 0.5 * ramp(m["lumen"], 0.03, 0.1)), weight=2.0),
    Concept("disorder", tumour, weight=2.5),
    Concept("crowding", lambda m: ramp(m["epithelial_nuclei"], 38, 65)),
    Concept("stroma", lambda m: ramp(m["stroma"], 0.40, 0.7), weight=2.0),
    Concept("desmoplasia", desmoplastic),
    Concept("fat", fatty, weight=2.0),
    Concept("glass", blank, weight=2.0, deniable=False),
    Concept("lymphocytes", lambda m: ramp(m["lymphocytes"], 8, 20)),
    Concept("necrosis", lambda m: ramp(m["necrosis"], 0.10, 0.3)),
    Concept("lumen", lambda m: ramp(m["lumen"], 0.06, 0.15)),
)  # fmt: skip


def phrases(room: str) -> dict[str, tuple[str, ...]]:
    """The phrases of every statement of "general" or "pathology"."""
    listed = yaml.safe_load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"))[room]
    return {name: tuple(part.strip() for part in text.split(";")) for name, text in listed.items()}


def truths(concepts: tuple[Concept, ...], measures: NDArray[np.float32]) -> Truth:
    """How true each concept is of each tile.

    Parameters
    ----------
    concepts
        Statements.
    measures
        float32 (n, len(MEASURES)).

    Returns
    -------
    float32 (n, len(concepts))
        0 to 1.
    """
    columns = {name: measures[:, i] for i, name in enumerate(MEASURES)}
    return np.stack([c.truth(columns) for c in concepts], axis=1).astype(np.float32)
