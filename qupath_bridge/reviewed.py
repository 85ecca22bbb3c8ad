"""Regions with what people made of them, ready to be written: decision, class and outline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_histoalign.results.review import KnownRegion, same_regions
from qupath_bridge.features import origin_of, region_feature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_histoalign.results import Region
    from napari_histoalign.results.review import RegionReview, ReviewState


@dataclass(frozen=True)
class Reviewed:
    """What `write_regions` takes.

    Attributes
    ----------
    regions
        In the order given, as they stand after the review.
    identities
        The UUID of each, which the review log has, too.
    model_classes
        The class that the probability of each is of.
    notes
        Reviews that concern none of these regions, as sentences.
    """

    regions: tuple[Region, ...]
    identities: tuple[str, ...]
    model_classes: tuple[str, ...]
    notes: tuple[str, ...]


def reviewed_regions(
    regions: Sequence[Region],
    state: ReviewState,
    *,
    run_id: str,
    slide_fingerprint: str,
    bounds_offset: tuple[int, int] = (0, 0),
    colors: Mapping[str, str] | None = None,
    mpp: tuple[float, float] | None = None,
) -> Reviewed:
    """Regions of a run as a review left them.

    A review belongs to a region if it has its id, else if they overlap and agree in a class (`same_regions`).
    Probability, margin and number of tiles stay those of the model's own outline.

    Parameters
    ----------
    regions
        As the model draws them, in level-0 pixels.
    state
        The review.
    run_id, slide_fingerprint, bounds_offset
        As for `write_regions`.
    colors
        Of classes by name, for regions that got another class.
    mpp
        Micrometres per level-0 pixel, for the area of outlines that were redrawn.

    Raises
    ------
    ResultError
        A region's outline cannot be expressed.
    """
    origin = origin_of(slide_fingerprint, run_id)
    keys = [region_feature(r, origin=origin, offset=bounds_offset, metadata={})["id"] for r in regions]
    open_ones = [i for i, key in enumerate(keys) if key not in state.regions]
    others = [KnownRegion.of_review(k, r) for k, r in state.regions.items() if k not in {*keys}]
    for place, key in same_regions([regions[i] for i in open_ones], others).items():
        keys[open_ones[place]] = key
    found = [
        _as_reviewed(region, state.regions[key], colors or {}, mpp) if key in state.regions else region
        for region, key in zip(regions, keys, strict=True)
    ]
    missing = len(state.regions.keys() - {*keys})
    notes = (f"{missing} reviewed regions are of other results and not among these.",) if missing else ()
    return Reviewed(tuple(found), tuple(keys), tuple(region.class_name for region in regions), notes)


def _as_reviewed(
    region: Region, review: RegionReview, colors: Mapping[str, str], mpp: tuple[float, float] | None
) -> Region:
    """One region with its decision, its class and its outline."""
    name = review.class_name or region.class_name
    changed = replace(region, class_name=name, color=colors.get(name, region.color), review=review.decision)
    if not review.redrawn:
        return changed
    outline = review.target.polygon
    area_um2 = None if mpp is None else float(outline.area * mpp[0] * mpp[1])
    return replace(changed, polygon=outline, area_px=float(outline.area), area_um2=area_um2)
