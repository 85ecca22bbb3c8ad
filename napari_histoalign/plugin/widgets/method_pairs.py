"""Pairs of encoders by name; no Qt."""

from __future__ import annotations

Pair = tuple[int, int]


def pairs_of(strategy: str, titles: tuple[str, ...]) -> list[tuple[str, Pair]]:
    """What a strategy can pair, by name; empty where it pairs everything there is.

    Parameters
    ----------
    strategy
        A key of `napari_histoalign.alignment.DESCRIPTIONS`.
    titles
        Names of one or two encoders.
    """
    if strategy == "one-to-one":
        return [(title, (i, i)) for i, title in enumerate(titles)]
    if strategy == "cross-pair":
        first, second = titles if len(titles) == 2 else ("first encoder", "second encoder")
        return [(f"{first} images, {second} texts", (0, 1)), (f"{second} images, {first} texts", (1, 0))]
    return []


def lacking(strategy: str, encoders: int) -> str:
    """Why a strategy cannot do with so few encoders, as a sentence; empty where it can."""
    if encoders < 2 and strategy in ("cross-pair", "joint-fusion", "mean-fusion"):
        return f"{strategy} needs two encoders: choose a second one, or one-to-one."
    return ""
