"""Pictures of tiles, read in the background a few at a time, the latest request first."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.inspector_seams import Picture, Thumb, ThumbView
    from napari_histoalign.slides import Slide, TileGrid

THUMB_PX = 144
"""Side of a thumbnail's picture: twice what it takes on the screen, for fine screens."""
AT_ONCE = 3
"""Pictures an errand: a click waits for no more of them."""
MOST_KEPT = 256

Place = tuple[str, int]


class Pictures:
    """Fills a strip of thumbnails.

    Parameters
    ----------
    desk
        The whole.
    key
        Name of its errands: a strip has one of its own.
    view
        The strip.
    """

    def __init__(self, desk: Desk, key: str, view: ThumbView) -> None:
        self._desk, self._key, self._view = desk, key, view
        self._kept: OrderedDict[Place, Picture] = OrderedDict()
        desk.slide_changed.connect(self._forget)

    def show(self, thumbs: Sequence[Thumb], grid: TileGrid | None = None) -> None:
        """Show tiles of a grid: those read before at once, the others as they come.

        Parameters
        ----------
        thumbs
            Which tiles. What was asked for before and is not there yet, is given up.
        grid
            Where they are.
        """
        self.stop()
        self._view.show_thumbs(thumbs)
        slide = self._desk.slide()
        if grid is None or slide is None:
            return
        missing = []
        for position, thumb in enumerate(thumbs):
            kept = self._kept.get((grid.key, thumb.index))
            if kept is None:
                missing.append((position, thumb.index))
            else:
                self._view.show_thumb_picture(position, kept)
        self._read(slide, grid, missing)

    def stop(self) -> None:
        """Read no more of what was asked for."""
        self._desk.errands.forget(self._key)

    def _forget(self, layer: object) -> None:
        """Another slide: its tiles have the same numbers."""
        self._kept.clear()
        self.stop()

    def _read(self, slide: Slide, grid: TileGrid, missing: list[tuple[int, int]]) -> None:
        """Read the first few, show them, and go on."""
        if not missing:
            return
        now, later = missing[:AT_ONCE], missing[AT_ONCE:]

        def land(pictures: list[Picture | str]) -> None:
            for (position, index), picture in zip(now, pictures, strict=True):
                if isinstance(picture, str):
                    self._view.show_thumb_picture(position, None)
                    continue
                self._keep((grid.key, index), picture)
                self._view.show_thumb_picture(position, picture)
            self._read(slide, grid, later)

        work = partial(_read_all, slide, grid, [index for _, index in now])
        self._desk.errands.ask(self._key, work, land)

    def _keep(self, place: Place, picture: Picture) -> None:
        self._kept[place] = picture
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def read_tile(slide: Slide, grid: TileGrid, index: int, side: int) -> Picture | str:
    """A tile's pixels, shape (side, side, 3), or why they cannot be read."""
    x, y = grid.xy([index])[0].tolist()
    try:
        return slide.read_area(x, y, grid.tile_px, grid.tile_px, (side, side))
    except HistoalignError as err:
        return str(err)


def _read_all(slide: Slide, grid: TileGrid, indices: Sequence[int]) -> list[Picture | str]:
    return [read_tile(slide, grid, index, THUMB_PX) for index in indices]
