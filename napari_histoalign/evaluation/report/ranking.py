"""Which figure of a table may stand in bold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.report.naming import less_is_better

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_histoalign.evaluation.outcome import Row

RULE = (
    "Bold: the best of its kind, and outside the 95 % interval of the next best. "
    "Where nothing is bold, these images do not tell the best apart."
)


def clear_best(rows: Iterable[Row], slice_name: str, measure: str) -> str | None:
    """Key of the row that is best and outside the interval of the next best.

    Parameters
    ----------
    rows
        Of one kind.
    slice_name, measure
        What is looked at.

    Returns
    -------
    str or None
        None where there are fewer than two figures, where the best lies within the interval
        of the next, and where that interval is not known.
    """
    sign = -1.0 if less_is_better(measure) else 1.0
    known = []
    for row in rows:
        result = row.slices.get(slice_name)
        found = None if result is None else result.measures.get(measure)
        if found is not None and not math.isnan(found.value):
            known.append((sign * found.value, row.key, found))
    if len(known) < 2:
        return None
    known.sort(key=lambda item: -item[0])
    (best, key, _), (_, _, following) = known[:2]
    bound = following.high if sign > 0 else -following.low
    return key if best > bound else None
