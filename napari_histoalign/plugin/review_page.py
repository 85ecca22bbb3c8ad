"""What the box of reviewing shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Mode = Literal["off", "regions", "blinded"]


@dataclass(frozen=True)
class ReviewPage:
    """One thing under review.

    Attributes
    ----------
    mode
        Whether regions are walked, tiles are answered blinded, or nothing is reviewed.
    heading
        What it is.
    detail
        What was said of it, or what to do.
    done, total
        Reviewed so far, of how many.
    ready
        Whether there is anything to decide on.
    """

    mode: Mode = "off"
    heading: str = ""
    detail: str = ""
    done: int = 0
    total: int = 0
    ready: bool = False


class ReviewView(Protocol):
    """What reviewing needs of its box."""

    def show_page(self, page: ReviewPage) -> None:
        """Show what is under review."""

    def show_classes(self, classes: Sequence[tuple[str, str]]) -> None:
        """Offer classes: name and ``#rrggbb``."""

    def show_agreement(self, lines: Sequence[str]) -> None:
        """Say how far reviewers and the model agree."""

    def show_reviewer(self, who: str) -> None:
        """Show who reviews."""
