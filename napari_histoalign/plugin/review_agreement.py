"""How far reviewers and the model agree, in a line each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_histoalign.results.review import between_reviewers, with_model

if TYPE_CHECKING:
    from napari_histoalign.results.review import Compared, ReviewState

HOW = {"blinded": ", blinded", "shown": ", model's answer in sight", "all": ""}


def agreement_lines(state: ReviewState, class_names: Sequence[str]) -> tuple[str, ...]:
    """One sentence a pair: reviewers with the model (blinded answers apart), then with each other.

    Pairs without a tile to which both gave a class are left out.


    Parameters
    ----------
    state
        Of all reviewers.
    class_names
        Classes in the order wanted.
    """
    pairs = (*with_model(state, class_names), *between_reviewers(state, class_names))
    return tuple(_line(pair) for pair in pairs if pair.agreement.n)


def _line(pair: Compared) -> str:
    a = pair.agreement
    who = f"{pair.first} and {'the model' if pair.second == 'model' else pair.second}{HOW[pair.how]}"
    left_out = f"; {pair.left_out:,} left out" if pair.left_out else ""
    tiles = f"{a.n:,} tile{'s' if a.n != 1 else ''}"
    share = f"{a.observed:.0%} alike on {tiles}"
    if math.isnan(a.kappa):
        return f"{who}: {share}; kappa needs answers of two classes{left_out}."
    interval = "" if math.isnan(a.low) else f" ({a.low:.2f} to {a.high:.2f})"
    return f"{who}: kappa {a.kappa:.2f}{interval}, {share}{left_out}."
