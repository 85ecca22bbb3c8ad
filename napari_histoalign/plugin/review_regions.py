"""The model's regions as things to decide on, which stay the same things when scores change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_histoalign.results import ProbabilityMap, regions_from_map
from napari_histoalign.results.review import AreaTarget, KnownRegion, RegionReview, same_regions

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.results import Region


@dataclass(frozen=True, eq=False)
class ReviewItem:
    """A region to decide on.

    Attributes
    ----------
    target
        Its identity, and its outline: as reviewed where it was, else as the model draws it now.
    class_name, probability
        What the model says or, of a region that it does not draw any more, said.
    margin
        Mean lead of the class over the second; infinite where it is not known.
    tiles
        Tiles merged; 0 where they are not known.
    """

    target: AreaTarget
    class_name: str
    probability: float
    margin: float
    tiles: int
    polygon: Polygon | MultiPolygon = field(repr=False)

    @property
    def model(self) -> dict[str, Any]:
        """What the model says, as the log notes it."""
        return {"class": self.class_name, "probability": round(self.probability, 6)}


def model_regions(snapshot: Snapshot, threshold: float, size: tuple[int, int]) -> list[Region]:
    """The regions of the scores that are shown.

    Parameters
    ----------
    snapshot
        Scores.
    threshold
        Least probability.
    size
        (width, height) of the slide in level-0 pixels.
    """
    tiles, grid = snapshot.shown.tiles, snapshot.grid
    if not len(tiles):
        return []
    raster = ProbabilityMap.from_tiles(tiles, grid.origin, grid.columns, grid.rows)
    return regions_from_map(raster, roles=tiles.roles, threshold=threshold, slide_size=size)


def to_review(
    regions: Sequence[Region],
    reviewed: Mapping[str, RegionReview],
    before: Iterable[ReviewItem],
    own: Mapping[str, RegionReview],
) -> list[ReviewItem]:
    """Give regions their identity back, and keep what was decided.

    Which region of now is one of before, `same_regions` tells. One that this person reviewed keeps its
    reviewed outline and stays, whatever the model draws now.

    Parameters
    ----------
    regions
        As the model draws them now.
    reviewed
        Of all reviewers, by identity.
    before
        What was listed last.
    own
        Reviewed by this person.

    Returns
    -------
    list of ReviewItem
        The least sure first; then those that the model does not draw any more.
    """
    known = {key: _from_review(key, review) for key, review in reviewed.items()}
    listed = {item.target.uuid: item for item in before if item.target.uuid not in known}
    matched = same_regions(
        regions,
        [
            *(KnownRegion.of_review(key, review) for key, review in reviewed.items()),
            *(KnownRegion(key, i.polygon, frozenset({i.class_name})) for key, i in listed.items()),
        ],
    )
    items = []
    for number, region in enumerate(regions):
        key = matched.get(number) or str(uuid.uuid4())
        mine = own.get(key)
        polygon = region.polygon if mine is None else mine.target.polygon
        items.append(
            ReviewItem(
                AreaTarget.of(polygon, key),
                region.class_name,
                region.probability,
                region.margin,
                region.tiles,
                polygon,
            )
        )
    items.sort(key=lambda item: (item.margin, -item.tiles))
    there = {item.target.uuid for item in items}
    return items + [
        replace(known[key], target=review.target, polygon=review.target.polygon)
        for key, review in own.items()
        if key not in there
    ]


def _from_review(key: str, review: RegionReview) -> ReviewItem:
    model = review.model or {}
    said = model.get("probability")
    return ReviewItem(
        review.target,
        str(model.get("class") or review.class_name),
        float(said) if isinstance(said, int | float) else float("nan"),
        float("inf"),
        0,
        review.target.polygon,
    )
