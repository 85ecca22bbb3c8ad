"""What marking and reviewing need of a log, so that it can be stood in for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from napari_histoalign.results.review import Act


class ActLog(Protocol):
    """Where acts are written: a session, or a review log."""

    @property
    def acts(self) -> tuple[Act, ...]:
        """Everything done so far, in order."""

    def append(self, *acts: Act) -> None:
        """Write acts, all or none."""
