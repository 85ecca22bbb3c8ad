"""A tile's numbers, put into rows and bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.intervals import bag_interval
from napari_histoalign.plugin.inspector_seams import ClassRow, Reasons, SignedBar, Thumb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment import Explanation, PromptSet
    from napari_histoalign.alignment.intervals import Interval
    from napari_histoalign.engine import Scored
    from napari_histoalign.engine.alike import AlikeTiles
    from napari_histoalign.plugin.jobs import Snapshot

MOST_PROMPTS = 5
"""So many of the best prompts are listed, and of the worst."""
IN_STATUS = 3
"""Classes named in the status line."""
BAG_TEXT = (
    "The thin line reaches over the middle {level:.0%} of {draws} draws in which each class's prompts and "
    "the tile's views were drawn anew. It tells how much the answer hangs on the words and views that happen "
    "to be there. It is no error rate: encoders can be wrong whatever the words."
)
VIEW_WORDS = {
    "full": "as it is",
    "hflip": "mirrored",
    "vflip": "upside down",
    "rot90": "turned by 90°",
    "rot180": "turned by 180°",
    "rot270": "turned by 270°",
    "centre": "its centre, twice as large",
    "zoom2": "its centre, from a finer level",
    "wide2": "with what is around it, half as large",
    "wide4": "with what is around it, a quarter as large",
}


def class_rows(scored: Scored, position: int, interval: Interval | None = None) -> tuple[ClassRow, ...]:
    """Probabilities of a tile, in the order of the classes."""
    tiles = scored.tiles
    p = tiles.probabilities[position].tolist()
    if interval is None:
        return tuple(ClassRow(*row) for row in zip(tiles.class_names, tiles.colors, p, strict=True))
    words = BAG_TEXT.format(level=interval.level, draws=interval.draws)
    bounds = zip(interval.low.tolist(), interval.high.tolist(), strict=True)
    return tuple(
        ClassRow(name, color, at, (low, high), f"{name}: {at:.3f} ({low:.3f} to {high:.3f}).\n\n{words}")
        for name, color, at, (low, high) in zip(tiles.class_names, tiles.colors, p, bounds, strict=True)
    )


def status_text(rows: Sequence[ClassRow]) -> str:
    """The most probable classes in one line."""
    best = sorted(rows, key=lambda row: -row.probability)[:IN_STATUS]
    return ", ".join(f"{row.name} {row.probability:.2f}" for row in best)


def alike_thumbs(snapshot: Snapshot, found: AlikeTiles) -> tuple[Thumb, ...]:
    """Thumbnails of the tiles most alike."""
    thumbs = []
    for index, cosine in zip(found.indices.tolist(), found.cosines.tolist(), strict=True):
        position = snapshot.shown.position(index)
        says = "" if position is None else status_text(class_rows(snapshot.shown, position))
        thumbs.append(Thumb(index, f"{cosine:.3f}", f"{says}\nCosine of embeddings {cosine:.3f}"))
    return tuple(thumbs)


def title_of(snapshot: Snapshot, index: int) -> str:
    """Which tile it is, and where."""
    grid = snapshot.grid
    x, y = grid.xy([index])[0].tolist()
    if grid.mpp is None:
        return f"Tile at x {x:,}, y {y:,} px, {grid.tile_px} px wide"
    return f"Tile at x {x:,}, y {y:,} px, {grid.input_px * grid.mpp:.0f} µm wide"


def refined_note(snapshot: Snapshot, index: int) -> str:
    """What was done to the tile after it had been judged for itself; empty for nothing."""
    refined, at = snapshot.refined, snapshot.scored.position(index)
    if refined is None or at is None:
        return ""
    tiles = snapshot.scored.tiles
    best = int(tiles.label[at])
    before = f"{tiles.class_names[best]} {tiles.probabilities[at, best]:.2f}"
    return (
        f"Refined by {', '.join(refined.steps)}. For itself it is {before}, "
        "and that is what the lines and reasons are of."
    )


def why(snapshot: Snapshot, index: int) -> tuple[Explanation, Interval] | None:
    """Why a tile has its probabilities, and how far they would move; None if it was not scored."""
    scored = snapshot.scored
    explanation, position = scored.explain(index), scored.position(index)
    if explanation is None or position is None:
        return None
    return explanation, bag_interval(scored.tensor, scored.alignment, scored.scores, position)


def reasons_for(
    explanation: Explanation,
    prompts: PromptSet,
    chosen: int,
    encoders: Sequence[str] = (),
    views: Sequence[str] = (),
) -> Reasons:
    """Why one class has its probability in a tile.

    Parameters
    ----------
    explanation
        The tile's logits, taken apart.
    prompts
        With which it was scored.
    chosen
        The class.
    encoders
        Their titles; plain words by default.
    views
        Names of the views.
    """
    every = prompts.expand()
    names, colors = prompts.class_names, prompts.colors
    by_prompt, moved = _of_class(explanation, explanation.by_prompt(), chosen)
    order = np.argsort(-by_prompt, kind="stable")
    listed = order if len(order) <= 2 * MOST_PROMPTS else np.r_[order[:MOST_PROMPTS], order[-MOST_PROMPTS:]]
    bars = []
    for k in listed.tolist():
        of = int(explanation.class_index[k])
        text = every.texts[int(explanation.prompts[k])]
        words = f"{text}\n(a prompt of {names[of]})\n\n"
        bars.append(
            SignedBar(text, by_prompt[k], colors[of], words + _words(by_prompt[k], moved[k], names[chosen]))
        )
    left = len(order) - len(listed)
    between = np.setdiff1d(order, listed)
    rest = f"{left} prompts in between add {by_prompt[between].sum():+.2f}." if left else ""
    if shift := float(explanation.shift[chosen]):
        rest = f"{rest} The prior adds {shift:+.2f}.".strip()
    return Reasons(
        tuple(bars),
        _bars(explanation, explanation.by_pair(), chosen, _pair_words(explanation, encoders), names[chosen]),
        _bars(explanation, explanation.by_view(), chosen, _view_words(explanation, views), names[chosen]),
        rest,
    )


def _bars(
    explanation: Explanation, added: NDArray[np.float64], chosen: int, texts: Sequence[str], name: str
) -> tuple[SignedBar, ...]:
    """Bars of pairs or views; none where there is but one."""
    if len(added) < 2:
        return ()
    own, moved = _of_class(explanation, added, chosen)
    return tuple(
        SignedBar(text, a, tooltip=f"{text}\n\n{_words(a, m, name)}")
        for text, a, m in zip(texts, own.tolist(), moved.tolist(), strict=True)
    )


def _of_class(
    explanation: Explanation, added: NDArray[np.float64], chosen: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What parts add to a class's logit above the mean of all classes, and how far they move its probability.

    What a part adds to all classes alike moves no probability, and is taken off.
    """
    return added[:, chosen] - added.mean(axis=1), explanation.moved(added)[:, chosen]


def _words(added: float, moved: float, name: str) -> str:
    """What a bar says."""
    return (
        f"Adds {added:+.2f} to the logit of {name}, above the mean of all classes. "
        f"Without it the probability would be {abs(moved):.3f} {'lower' if moved >= 0 else 'higher'}."
    )


def _pair_words(explanation: Explanation, encoders: Sequence[str]) -> list[str]:
    """What each pair compares."""
    titles = [*encoders, *("first encoder", "second encoder")[len(encoders) :]]
    return [
        titles[i] if i == j else f"images of {titles[i]}, texts of {titles[j]}" for i, j in explanation.pairs
    ]


def _view_words(explanation: Explanation, views: Sequence[str]) -> list[str]:
    """What each view shows."""
    number = explanation.contributions.shape[1]
    names = list(views) if len(views) == number else [f"view {v + 1}" for v in range(number)]
    return [VIEW_WORDS.get(name, name) for name in names]
