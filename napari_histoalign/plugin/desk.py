"""What parts of the dock may ask of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from psygnal import SignalInstance

    from napari_histoalign.engine import MarkedTiles
    from napari_histoalign.plugin.errands import Errands
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.slides import Slide


class Desk(Protocol):
    """The slide that is looked at, what is known of it, and who to ask.

    Attributes
    ----------
    viewer
        A viewer or viewer model.
    errands
        For what takes longer than a blink.
    """

    viewer: Any
    errands: Errands

    @property
    def snapshot_shown(self) -> SignalInstance:
        """Emits a `Snapshot` when it is shown, and None when its slide is gone."""

    @property
    def slide_changed(self) -> SignalInstance:
        """Emits the image layer of another slide, or None."""

    def slide_layer(self) -> Any | None:
        """Image layer of the slide that is looked at."""

    def snapshot(self) -> Snapshot | None:
        """Scores shown now."""

    def slide(self) -> Slide | None:
        """The open slide, which any thread may read; None before the first run on it."""

    def say(self, text: str, *, error: bool = False) -> None:
        """Show one line of text."""

    def go_to(self, x: float, y: float, side_px: float) -> None:
        """Move the camera so that a square fills about half of the view: middle and side in level-0 px."""

    def set_marked(self, marked: MarkedTiles | None) -> None:
        """Take tiles whose class was told as examples; scores again where they count."""
