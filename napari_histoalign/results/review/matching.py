"""Regions of now and regions of before: which are the same, though scores have moved their outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from napari_histoalign.results.regions import Region
    from napari_histoalign.results.review.state import RegionReview

SAME = 0.5
"""Least overlap (intersection over union) of two outlines that are taken for the same region."""


@dataclass(frozen=True, eq=False)
class KnownRegion:
    """A region that has an identity.

    Attributes
    ----------
    key
        Its identity.
    polygon
        Its outline in level-0 pixels.
    classes
        What it may be called: what the model said, and what a reviewer made of it.
    """

    key: str
    polygon: Polygon | MultiPolygon
    classes: frozenset[str]

    @classmethod
    def of_review(cls, key: str, review: RegionReview) -> KnownRegion:
        """A region that somebody reviewed."""
        said = str((review.model or {}).get("class") or review.class_name)
        return cls(key, review.target.polygon, frozenset({said, review.class_name}))


def same_regions(regions: Sequence[Region], known: Sequence[KnownRegion]) -> dict[int, str]:
    """Identity of each region that is known already.

    Two are the same if they overlap by `SAME` at least and agree in a class; best overlaps come first, and
    each identity is used once.

    Parameters
    ----------
    regions
        As the model draws them now.
    known
        What has an identity.

    Returns
    -------
    dict
        Identity by position in `regions`, of those that have one.
    """
    if not regions or not known:
        return {}
    import shapely

    # an outline drawn by hand may cross itself
    olds = [shapely.make_valid(region.polygon) for region in known]
    news = [shapely.make_valid(region.polygon) for region in regions]
    pairs = []
    for new, old in shapely.STRtree(olds).query(news, predicate="intersects").T.tolist():
        if regions[new].class_name in known[old].classes:
            both = news[new].intersection(olds[old]).area
            share = both / (news[new].area + olds[old].area - both)
            if share >= SAME:
                pairs.append((share, new, known[old].key))
    found: dict[int, str] = {}
    for _, new, key in sorted(pairs, key=lambda pair: -pair[0]):
        if new not in found and key not in found.values():
            found[new] = key
    return found
