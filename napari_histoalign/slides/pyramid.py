"""Which level an area is sampled from."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from napari_histoalign.slides.levels import Block, Level
from napari_histoalign.slides.sampling import DIRECT_PX, reduced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Pyramid:
    """The levels of a slide, and an overview where the file has no coarse one.

    Parameters
    ----------
    levels
        Finest first.
    """

    def __init__(self, levels: list[Level]) -> None:
        self._levels = levels
        self._lock = threading.Lock()
        self._overview: NDArray[np.uint8] | None = None

    def source(self, scale_x: float, scale_y: float, area: float) -> Level:
        """The coarsest level whose pixels are no larger than wanted.

        A level at most 1 % coarser than wanted counts as fine enough. The
        overview stands in for areas so large that reading them each time would
        take seconds; whether it does depends on the request alone, so that equal
        requests give equal pixels.

        Parameters
        ----------
        scale_x, scale_y
            Level-0 pixels per wanted pixel.
        area
            Level-0 pixels to be read.
        """
        fine = [
            level
            for level in self._levels
            if level.factor[0] <= 1.01 * scale_x and level.factor[1] <= 1.01 * scale_y
        ]
        level, last = fine[-1] if fine else self._levels[0], self._levels[-1]
        step = math.ceil(math.sqrt(last.dimensions[0] * last.dimensions[1] / DIRECT_PX))
        factor = (last.factor[0] * step, last.factor[1] * step)
        large = area > DIRECT_PX * level.factor[0] * level.factor[1]
        if step > 1 and large and factor[0] <= scale_x and factor[1] <= scale_y:
            return self._overview_level(last, step, factor)
        return level

    def _overview_level(self, last: Level, step: int, factor: tuple[float, float]) -> Level:
        """The coarsest level shrunk `step` times, made once and kept (at most 48 MiB)."""
        with self._lock:
            if self._overview is None:
                columns, rows = (math.ceil(n / step) for n in last.dimensions)
                self._overview, _ = reduced(last, 0, 0, columns, rows, (step, step))
            overview = self._overview

        def read(x: int, y: int, width: int, height: int) -> Block:
            return overview[y : y + height, x : x + width], (x, y)

        return Level((overview.shape[1], overview.shape[0]), factor, read)
