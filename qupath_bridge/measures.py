"""What tiles say of the regions they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.results import Region, TileScores


def mean_in_regions(
    regions: Sequence[Region], scores: TileScores, values: NDArray[Any]
) -> list[float | None]:
    """Mean of a value over the tiles whose centre lies in a region.

    Parameters
    ----------
    regions
        In level-0 pixels.
    scores
        Where the tiles are.
    values
        One a tile, shape (n,); those that are not finite do not count.

    Returns
    -------
    list of float or None
        One a region; None where no centre lies in it.
    """
    import numpy as np
    import shapely

    if not regions:
        return []
    known = np.isfinite(values)
    centres = shapely.points(scores.xy[known] + scores.tile_px / 2)
    outlines = [shapely.make_valid(region.polygon) for region in regions]
    owner, tile = shapely.STRtree(centres).query(outlines, predicate="intersects")
    counts = np.bincount(owner, minlength=len(regions))
    sums = np.bincount(owner, values[known][tile].astype(float), minlength=len(regions))
    return [float(s / n) if n else None for s, n in zip(sums, counts, strict=True)]
