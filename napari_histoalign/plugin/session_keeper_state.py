"""From choices to what a session file holds, and back as far as it can be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.session_keeper_seams import Choices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.workflow.session_state import SessionState

T = TypeVar("T")
_RUNS = re.compile(r"(\d{1,15}(-\d{1,15})?( |$))*")


@dataclass(frozen=True, eq=False)
class Tiles:
    """Which tiles were scored.

    Attributes
    ----------
    grid
        Key of their grid; empty: none were.
    indices
        Tiles of it in order, shape (n,).
    """

    grid: str = ""
    indices: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def with_more(self, other: Tiles) -> Tiles:
        """All of both where they are of one grid, else the other."""
        if self.grid != other.grid or not len(self.indices):
            return other
        return Tiles(self.grid, np.union1d(self.indices, other.indices))


def to_state(
    choices: Choices,
    *,
    slide_mpp: float | None,
    tiles: Tiles,
    looks: Mapping[str, Any],
    before: SessionState,
) -> SessionState:
    """What to save.

    Parameters
    ----------
    choices, tiles
        What is chosen, and what was scored.
    slide_mpp
        Micrometres per level-0 pixel as the person gave them; None where the slide tells.
    looks
        What can be seen of each layer, by title.
    before
        What was saved before; what is not known here is taken over.
    """
    other = None if choices.other is None else choices.other.to_dict()
    return replace(
        before,
        encoders=choices.encoders,
        prompts=choices.prompts.to_dict(),
        alignment=choices.alignment.to_dict(),
        grid={
            **before.grid,
            "mpp": choices.mpp,
            "tile": choices.tile,
            "slide_mpp": slide_mpp,
            "key": tiles.grid,
            "tiles": as_text(tiles.indices),
        },
        thresholds={**before.thresholds, "regions": choices.threshold},
        layers={**before.layers, **looks},
        more={**before.more, "refinement": choices.refinement.to_dict(), "other": other},
    )


def from_state(state: SessionState, now: Choices) -> tuple[Choices, tuple[str, ...]]:
    """What to choose, and a sentence for each part that cannot be read; what is absent stays as it is now."""
    notes: list[str] = []

    def read(what: str, plain: Any, make: Callable[[Any], T], otherwise: T) -> T:
        if plain is None or plain == {}:
            return otherwise
        try:
            return make(plain)
        except (HistoalignError, TypeError, ValueError, KeyError, AttributeError) as err:
            notes.append(f"The session's {what} cannot be used and stays as it was in the window: {err}")
            return otherwise

    compared = "other" in state.more and not state.more["other"]
    found = Choices(
        prompts=read("prompt set", state.prompts, PromptSet.from_dict, now.prompts),
        alignment=read("alignment", state.alignment, Alignment.from_dict, now.alignment),
        refinement=read("refinement", state.more.get("refinement"), Refinement.from_dict, now.refinement),
        other=None
        if compared
        else read("comparison", state.more.get("other"), Alignment.from_dict, now.other),
        encoders=state.encoders or now.encoders,
        mpp=read("tile resolution", state.grid.get("mpp"), _resolution, now.mpp),
        tile=read("tile size", state.grid.get("tile"), _side, now.tile),
        threshold=read("threshold", state.thresholds.get("regions"), _share, now.threshold),
    )
    return found, tuple(notes)


def slide_mpp_of(state: SessionState) -> float | None:
    """Micrometres per level-0 pixel that a person gave, or None."""
    try:
        found = state.grid.get("slide_mpp")
        return None if found is None else _resolution(found)
    except ValueError:
        return None


def tiles_of(state: SessionState) -> Tiles:
    """Which tiles were scored when it was saved; none where that cannot be read."""
    key, text = state.grid.get("key"), state.grid.get("tiles")
    if not (isinstance(key, str) and isinstance(text, str)):
        return Tiles()
    try:
        return Tiles(key, from_text(text))
    except ValueError:
        return Tiles()


def as_text(indices: NDArray[np.int64]) -> str:
    """Sorted tiles in runs: ``0-39 44 50-61``."""
    if not len(indices):
        return ""
    breaks = np.flatnonzero(np.diff(indices) != 1)
    starts = indices[np.concatenate([[0], breaks + 1])]
    ends = indices[np.concatenate([breaks, [len(indices) - 1]])]
    return " ".join(
        str(a) if a == b else f"{a}-{b}" for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def from_text(text: str, most: int = 1 << 27) -> NDArray[np.int64]:
    """Tiles from what `as_text` gave.

    Raises
    ------
    ValueError
        It is something else, or more than `most` tiles.
    """
    if not _RUNS.fullmatch(text):
        raise ValueError("it holds no runs of tiles")
    runs = [[int(number) for number in run.split("-")] for run in text.split()]
    if any(run[0] > run[-1] for run in runs) or sum(run[-1] - run[0] + 1 for run in runs) > most:
        raise ValueError("its runs of tiles make no sense")
    if not runs:
        return np.empty(0, np.int64)
    return np.unique(np.concatenate([np.arange(run[0], run[-1] + 1, dtype=np.int64) for run in runs]))


def _resolution(value: Any) -> float:
    return _number(value, 0.01, 100.0)


def _side(value: Any) -> int:
    if type(value) is not int or not 8 <= value <= 8192:
        raise ValueError(f"{value!r} is no number of pixels")
    return value


def _share(value: Any) -> float:
    return _number(value, 0.0, 1.0)


def _number(value: Any, least: float, most: float) -> float:
    real = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if not (real and least <= value <= most):
        raise ValueError(f"{value!r} is no number from {least:g} to {most:g}")
    return float(value)
