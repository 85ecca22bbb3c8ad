"""What must not help, and what must not hurt: other words, no colour, one stain, colour alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedded_parts.breast import BreastSets, Judged, counted
from embedded_parts.data import BREAST_SETS
from embedded_parts.metrics import auroc
from embedded_parts.scoring import CONTROL_ROWS, Bench, image_means, malignant_or_benign
from embedded_parts.table import Section, Table
from embedded_parts.words import random_words, renamed, scrambled, unknown_share

if TYPE_CHECKING:
    from napari_histoalign.alignment import PromptSet

REWORD, SEED, HIGH = 40, 4321, 0.7
SWAP_TOLERANCE = 1e-3
HOW = (
    "The images of the BreakHis part. *Scrambled*: the letters of every word in another order, "
    f"{REWORD} draws. *Random words*: as many everyday words instead, {REWORD} draws. Of both the mean AUROC "
    f"(standard deviation; share of draws above {HIGH:g}): words without meaning tell images apart at "
    "random, so by chance the mean is near 0.5, but a single draw may lie far to either side. *Swapped*: "
    "benign words for malignant and the other way round, which must give 1 - AUROC. *Grey*: brightness in "
    "all three channels. *Stain-normalised*: Reinhard in optical density, every image to one fixed mean and "
    "deviation. *Colour alone*: the best of the images' mean red, green and blue, with the better sign: "
    "fitted to the labels, for comparison."
)


@dataclass(frozen=True)
class Draws:
    """AUROC over draws of other words."""

    mean: float
    deviation: float
    share_above: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.deviation:.3f}; {100 * self.share_above:.0f} %)"


def controls(sets: BreastSets) -> Section:
    """Every control on both sets."""
    title = f"Controls, {sets.half} half"
    if sets.missing:
        return Section(title, [sets.missing])
    words = malignant_or_benign()
    rng = np.random.default_rng(SEED)
    drawn = {
        "scrambled": [renamed(words, lambda text: scrambled(text, rng)) for _ in range(REWORD)],
        "random words": [renamed(words, lambda text: random_words(text, rng)) for _ in range(REWORD)],
    }
    unknown = {
        kind: {e.spec.name: unknown_share(e, prompts) for e in sets.bench.encoders}
        for kind, prompts in {"as written": [words], **drawn}.items()
    }
    tables = [
        Table(
            "Words the text towers never saw in training, of all words of the prompts.",
            ["", *next(iter(unknown.values()))],
            [[kind, *(f"{n} of {of}" for n, of in shares.values())] for kind, shares in unknown.items()],
        )
    ]
    figures: dict[str, object] = {"unknown words": unknown}
    for name in BREAST_SETS:
        table, found = _one_set(sets, name, words, drawn)
        tables.append(table)
        figures[name] = found
    return Section(title, [HOW], tables, figures)


def _one_set(
    sets: BreastSets, name: str, words: PromptSet, drawn: dict[str, list[PromptSet]]
) -> tuple[Table, dict[str, dict[str, object]]]:
    judged = sets.get(name)
    plain = _aurocs(sets.bench, judged, words)
    swapped = _aurocs(sets.bench, judged, _swapped(words))
    changed = {
        kind: _aurocs(sets.bench, sets.get(name, kind), words) for kind in ("grey", "stain-normalised")
    }
    reworded = {kind: _over_draws(sets.bench, judged, prompts) for kind, prompts in drawn.items()}
    colour = best_channel(judged)
    lines: dict[str, Callable[[str], object]] = {
        "as it is": lambda row: plain[row],
        **{kind: (lambda row, kind=kind: reworded[kind][row]) for kind in reworded},
        "swapped": lambda row: swapped[row],
        **{kind: (lambda row, kind=kind: changed[kind][row]) for kind in changed},
        "colour alone, fitted to the labels, for comparison": lambda _: colour,
    }
    rows = [[line, *(_shown(value(row)) for row in CONTROL_ROWS)] for line, value in lines.items()]
    wrong = [row for row in CONTROL_ROWS if abs(plain[row] + swapped[row] - 1) > SWAP_TOLERANCE]
    verdict = (
        f"swapped is NOT 1 - AUROC for {', '.join(wrong)}" if wrong else "swapped is 1 - AUROC throughout"
    )
    found = {
        line: {row: asdict(v) if isinstance(v := value(row), Draws) else v for row in CONTROL_ROWS}
        for line, value in lines.items()
    }
    return Table(f"{name}: AUROC; {counted(judged)}; {verdict}.", ["", *CONTROL_ROWS], rows), found


def best_channel(judged: Judged) -> float:
    """AUROC of the best of the mean colours, either sign: it has seen the labels."""
    found = [auroc(channel, judged.positive) for channel in judged.colour.T]
    return max(max(value, 1 - value) for value in found)


def _aurocs(bench: Bench, judged: Judged, prompts: PromptSet) -> dict[str, float]:
    """AUROC over images of the first class's probability, in each of the controlled rows."""
    return {
        row: auroc(image_means(judged.of_tile, tile[:, 0]), judged.positive)
        for row, tile in bench.probabilities(judged.embedded, prompts, CONTROL_ROWS).items()
    }


def _over_draws(bench: Bench, judged: Judged, draws: Sequence[PromptSet]) -> dict[str, Draws]:
    found = [_aurocs(bench, judged, prompts) for prompts in draws]
    values = {row: np.array([one[row] for one in found]) for row in CONTROL_ROWS}
    return {
        row: Draws(float(v.mean()), float(v.std(ddof=1)), float((v > HIGH).mean()))
        for row, v in values.items()
    }


def _swapped(prompts: PromptSet) -> PromptSet:
    """Each of two classes with the other's words."""
    first, second = prompts.classes
    return prompts.with_prompts(0, second.prompts).with_prompts(1, first.prompts)


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
