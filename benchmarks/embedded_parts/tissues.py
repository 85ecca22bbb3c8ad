"""Nine tissues of the colon, one tile each, and a handful of breast patches of one patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from embedded_parts.data import read_rgb
from embedded_parts.metrics import Estimate, auroc, interval
from embedded_parts.pixels import TILE_PX, resized
from embedded_parts.resampling import DRAWS, means_of_draws
from embedded_parts.scoring import Bench, malignant_or_benign, prompt_set
from embedded_parts.table import Section, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

# written from the names of the classes alone
TISSUES = {
    "ADI": ("fat", ("adipose tissue", "fat cells")),
    "BACK": ("glass", ("blank glass without tissue", "empty white background")),
    "DEB": ("debris", ("necrotic debris", "necrosis")),
    "LYM": ("lymphocytes", ("lymphocytes", "dense lymphocytic infiltrate")),
    "MUC": ("mucus", ("mucus", "mucin pools")),
    "MUS": ("smooth muscle", ("smooth muscle", "bundles of smooth muscle fibres")),
    "NORM": ("normal mucosa", ("normal colon mucosa with regular glands", "benign glands")),
    "STR": ("stroma", ("collagenous stroma", "cancer-associated stroma")),
    "TUM": ("tumour", ("tumour epithelium", "adenocarcinoma with atypical nuclei")),
}
HOW = (
    "One tile for each of the nine classes of NCT-CRC-HE (224 px at 0.5 um/px), two prompts a class written "
    "from the class names. AUROC of each class's probability, its one tile against the other eight, and "
    f"their mean with the middle 95 % of {DRAWS} bootstrap draws of classes, since there is one tile a "
    "class: nine tiles can only show what is far off. Too few tiles for many-to-many to take "
    "spreads and weights from: it keeps each pair's own scale and equal weights."
)
IDC = (
    "IDC patches are of one patient, 50 px at about 2 um/px, enlarged to fill a tile of 224 px (about "
    "0.45 um/px, and with no more detail than 2 um/px): {malignant} with and {benign} without invasive "
    "carcinoma. AUROC of the probability of malignant; no interval, for one patient has none."
)


def tissues(bench: Bench, folder: Path) -> Section:
    """One-versus-rest AUROC of the nine tissues, and the AUROC on the IDC patches."""
    notes: list[str] = []
    tables: list[Table] = []
    figures: dict[str, object] = {}
    for part in (_nine, _patches):
        section = part(bench, folder)
        notes += section.notes
        tables += section.tables
        figures |= section.figures
    return Section("Tissue types", notes, tables, figures)


def _nine(bench: Bench, folder: Path) -> Section:
    files = {path.name.split("-")[0]: path for path in sorted((folder / "tiles/nct-crc-he").glob("*-*.tif"))}
    if absent := [name for name in TISSUES if name not in files]:
        where = folder / "tiles/nct-crc-he"
        return Section(
            "", [f"Nine tissues left out: no tile of {', '.join(absent)} in {where} (see --data)."]
        )
    embedded = bench.embed(np.stack([read_rgb(files[name]) for name in TISSUES]))
    prompts = prompt_set("colon", dict(TISSUES.values()))
    single: dict[str, dict[str, float]] = {}
    mean: dict[str, Estimate] = {}
    for row, probabilities in bench.probabilities(embedded, prompts).items():
        found = one_versus_rest(probabilities)
        single[row] = dict(zip(prompts.class_names, map(float, found), strict=True))
        mean[row] = interval(float(found.mean()), means_of_draws(found))
    table = Table(
        "NCT-CRC-HE, one tile a class: AUROC of each class against the others.",
        ["", "mean", *prompts.class_names],
        [[row, str(mean[row]), *(f"{value:.2f}" for value in single[row].values())] for row in single],
    )
    return Section("", [HOW], [table], {"nine tissues": {"single": single, "mean": mean}})


def _patches(bench: Bench, folder: Path) -> Section:
    files = sorted((folder / "tiles/idc").glob("*_class[01].png"))
    positive = np.array([path.stem.endswith("class1") for path in files], dtype=bool)
    if positive.all() or not positive.any():
        return Section(
            "", [f"IDC left out: {folder / 'tiles/idc'} lacks patches of both classes (see --data)."]
        )
    how = Image.Resampling.BICUBIC
    tiles = np.stack([resized(read_rgb(path), TILE_PX, TILE_PX, how) for path in files])
    found = {
        row: auroc(probabilities[:, 0], positive)
        for row, probabilities in bench.probabilities(bench.embed(tiles), malignant_or_benign()).items()
    }
    note = IDC.format(malignant=int(positive.sum()), benign=int((~positive).sum()))
    table = Table("IDC, one patient.", ["", "AUROC"], [[row, f"{value:.3f}"] for row, value in found.items()])
    return Section("", [note], [table], {"IDC": found})


def one_versus_rest(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """AUROC of each class's column where row i is of class i, shape (classes,)."""
    own = np.eye(len(probabilities), dtype=bool)
    return np.array([auroc(probabilities[:, c], own[c]) for c in range(len(own))])
