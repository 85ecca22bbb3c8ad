"""What the manager of encoders needs of a dialog and of the library, so that both can be stood in for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from napari_histoalign.encoders import EncoderLibrary, add_encoder

if TYPE_CHECKING:
    from napari_histoalign.encoders import Added
    from napari_histoalign.encoders.download import Plan
    from napari_histoalign.plugin.encoder_texts import Row


@dataclass(frozen=True)
class Actions:
    """What can be done now: with the selected encoder, or at all (`own`, `folder`)."""

    add: bool = False
    own: bool = False
    download: bool = False
    remove: bool = False
    folder: bool = False


@dataclass(frozen=True)
class Question:
    """What a person has to agree to.

    Attributes
    ----------
    text
        Rich text.
    yes
        What the button says that agrees.
    token
        Whether a token may be given along.
    careful
        Whether "no" is what the return key gives.
    """

    text: str
    yes: str
    token: bool = False
    careful: bool = False


class ManagerView(Protocol):
    """What the manager needs of the dialog."""

    def show_rows(self, rows: Sequence[Row], selected: str | None) -> None:
        """Fill the table."""

    def show_details(self, text: str) -> None:
        """Show what is known of the selected encoder, as rich text."""

    def show_actions(self, can: Actions) -> None:
        """Enable what can be done."""

    def show_folder(self, folder: str, reason: str, *, default: bool) -> None:
        """Show where encoders are kept, why that cannot be changed here, and whether it is the default."""

    def show_message(self, text: str, *, error: bool = False) -> None:
        """Show a sentence; an empty one goes away."""

    def show_busy(self, busy: bool) -> None:
        """Show or hide progress and cancel; call `tick` meanwhile."""

    def show_progress(self, share: float | None, text: str) -> None:
        """Show how far the work is; None: it is not known."""

    def show_question(self, question: Question | None) -> None:
        """Ask in place of the details; None: show these again."""


def _plan(name: str, library: EncoderLibrary) -> Plan:
    from napari_histoalign.encoders.download import plan_download

    return plan_download(name, library)


def _download(name: str, library: EncoderLibrary, **options: Any) -> Added:
    from napari_histoalign.encoders.download import download_encoder

    return download_encoder(name, library, **options)


@dataclass(frozen=True)
class Steps:
    """The functions that do the work: those of `napari_histoalign.encoders` by default."""

    open_library: Callable[[], EncoderLibrary] = EncoderLibrary
    add: Callable[..., Added] = add_encoder
    plan: Callable[[str, EncoderLibrary], Plan] = _plan
    download: Callable[..., Added] = _download
