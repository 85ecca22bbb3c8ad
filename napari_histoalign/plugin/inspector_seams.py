"""What passes between the inspector and the box that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class ClassRow:
    """A class's probability.

    Attributes
    ----------
    name, color
        Of the class.
    probability
        0 to 1.
    bounds
        Between which it lies when prompts and views are drawn anew; None while that is not known.
    tooltip
        The same in words.
    """

    name: str
    color: str
    probability: float
    bounds: tuple[float, float] | None = None
    tooltip: str = ""


@dataclass(frozen=True)
class SignedBar:
    """What something added to, or took from, a class's logit.

    Attributes
    ----------
    text
        What it is.
    value
        How much, with its sign.
    color
        ``#rrggbb`` of what it belongs to; empty for none.
    tooltip
        The same in words.
    """

    text: str
    value: float
    color: str = ""
    tooltip: str = ""


@dataclass(frozen=True)
class Reasons:
    """Why a class has its probability in a tile.

    Attributes
    ----------
    prompts
        The best and the worst, from the best down.
    pairs, views
        Of encoders, and of the tile; empty where there is one.
    rest
        What is not listed, in words; empty for nothing.
    """

    prompts: tuple[SignedBar, ...]
    pairs: tuple[SignedBar, ...] = ()
    views: tuple[SignedBar, ...] = ()
    rest: str = ""


@dataclass(frozen=True)
class Thumb:
    """A tile in a strip of thumbnails.

    Attributes
    ----------
    index
        Tile of the grid.
    caption
        A word or number below it.
    tooltip
        More of it.
    """

    index: int
    caption: str = ""
    tooltip: str = ""


class ThumbView(Protocol):
    """Whatever shows thumbnails."""

    def show_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """Show tiles without their pictures."""

    def show_thumb_picture(self, position: int, picture: Picture | None) -> None:
        """Show the picture of one of them; None: it cannot be read."""


class InspectorView(ThumbView, Protocol):
    """What the inspector needs of its box; its thumbnails are the tiles most alike."""

    def show_hover(self, rows: Sequence[ClassRow]) -> None:
        """Show probabilities of the tile under the cursor; none for no tile."""

    def show_tile(self, title: str, rows: Sequence[ClassRow], note: str = "") -> None:
        """Show the tile that was chosen."""

    def show_picture(self, picture: Picture | None) -> None:
        """Show its pixels; None while they are not there."""

    def show_reasons(self, reasons: Reasons | None, chosen: int) -> None:
        """Show why a class has its probability; None while that is not known."""

    def clear(self) -> None:
        """No tile is chosen."""
