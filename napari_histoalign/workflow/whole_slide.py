"""What the tiles of a slide say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_histoalign.alignment.slide_level import mean_of_tiles, top_j, tumour_share

if TYPE_CHECKING:
    from napari_histoalign.alignment.slide_level import SlideLevel
    from napari_histoalign.engine import Scored

TOP = 50
"""Tiles by which ``top_j`` judges each class, as MI-Zero does among others."""


def whole_slide(scored: Scored, threshold: float) -> dict[str, Any]:
    """Slide-level answers, as plain values.

    None of them is calibrated: probabilities of single tiles are not, and tiles of one slide are alike.

    Parameters
    ----------
    scored
        At least one tile.
    threshold
        Least probability of a tile that counts as lesion.

    Returns
    -------
    dict
        ``mean`` and ``top_j`` (probability of each class by name, and how many tiles), and
        ``tumour_share`` (None where the prompts have no lesion).
    """
    names, roles = scored.tiles.class_names, scored.tiles.roles
    logits = scored.scores.logits
    lesions = [c for c, role in enumerate(roles) if role == "lesion"]
    background = [c for c, role in enumerate(roles) if role == "background"]
    share = None
    if lesions and threshold > 0:
        found = tumour_share(scored.tiles.probabilities, lesions, background, threshold=threshold)
        share = {
            "share": found.share,
            "lesion_tiles": found.lesion_tiles,
            "tissue_tiles": found.tissue_tiles,
            "threshold": found.threshold,
        }

    def plain(answer: SlideLevel) -> dict[str, Any]:
        odds = {name: float(p) for name, p in zip(names, answer.probabilities, strict=True)}
        return {"tiles": answer.tiles, "probabilities": odds}

    return {"mean": plain(mean_of_tiles(logits)), "top_j": plain(top_j(logits, TOP)), "tumour_share": share}
