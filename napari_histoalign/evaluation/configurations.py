"""Rows of an ablation: which alignment, and what is done with its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_histoalign.alignment import Alignment

TABLE = "HistoAlign's table"
OURS = "Many-to-many"
TOGETHER = "All images together"
SHOTS = "A few labelled images"
MAIN = "many-to-many"
"""Key of the row that examples are shown of, and that others build upon."""
REFINEMENTS = ("transclip", "zlap")
FEW_SHOT = ("prototype", "tip-adapter", "gda")


@dataclass(frozen=True)
class Configuration:
    """One row to be.

    Attributes
    ----------
    key, title, group, kind
        See `napari_histoalign.evaluation.outcome.Row`.
    alignment
        Scores the images.
    refine
        One of `REFINEMENTS`, or empty: a transductive method upon the alignment's logits.
    few_shot
        One of `FEW_SHOT`, or empty: learned from labelled images of each fold's training part.
    """

    key: str
    title: str
    group: str
    kind: str
    alignment: Alignment
    refine: str = ""
    few_shot: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that say exactly what it is."""
        return {"alignment": self.alignment.to_dict(), "refine": self.refine, "few_shot": self.few_shot}


def table_iii(names: Sequence[str]) -> list[Configuration]:
    """HistoAlign's six configurations; of one encoder its own alone.

    Parameters
    ----------
    names
        Titles of the encoders, the pathology one first: V1, T1 and V2, T2 in the published table.
    """
    found = [_linear(f"one-to-one-{e + 1}", f"{n} (V{e + 1}-T{e + 1})", (e, e)) for e, n in enumerate(names)]
    if len(names) == 2:
        first, second = names
        found += [
            _linear("cross-1-2", f"{first} images, {second} texts (V1-T2)", (0, 1)),
            _linear("cross-2-1", f"{second} images, {first} texts (V2-T1)", (1, 0)),
            Configuration("joint-fusion", "Joint fusion", TABLE, "inductive", Alignment("joint-fusion")),
            Configuration(
                "mean-fusion", "M-to-M-F (mean of four pairs)", TABLE, "inductive", Alignment("mean-fusion")
            ),
        ]
    return found


def ours(*, views: int, shots: int) -> list[Configuration]:
    """Rows beyond the published table.

    Parameters
    ----------
    views
        Views of an image; crops are weighed only where there are several.
    shots
        Labelled images a class and fold for few-shot rows; 0 for none.
    """
    pooled = [("mean", "mean pooling"), ("max", "best fit"), ("top-k", "best few")]
    pooled.append(("optimal-transport", "optimal transport"))
    if views > 1:
        pooled.append(("weighted-crops", "weighted crops"))
    found = [_many(MAIN, "Many-to-many")]
    found += [_many(f"{MAIN}-{how}", f"Many-to-many, {what}", pooling=how) for how, what in pooled]
    found += [
        _many(f"{MAIN}-equal", "Many-to-many, equal weights", weighting="equal"),
        _many(f"{MAIN}-centred", "Many-to-many, images centred by 0.25", centring=0.25),
        _many(f"{MAIN}-margin", "Many-to-many, prompts by margin", screening="margin"),
        _many(f"{MAIN}-zpe", "Many-to-many, prompts by ZPE", screening="zpe"),
        _many(f"{MAIN}-content-free", "Many-to-many, content-free prior taken off", prior="content-free"),
    ]
    for prior, what in (("frolic", "prior taken off (Frolic)"), ("otter", "even shares assumed (OTTER)")):
        found.append(_many(f"{MAIN}-{prior}", f"Many-to-many, {what}", together=True, prior=prior))
    for refine, what in zip(REFINEMENTS, ("TransCLIP", "ZLaP"), strict=True):
        found.append(
            Configuration(refine, f"Many-to-many, then {what}", TOGETHER, "transductive", Alignment(), refine)
        )
    for method, what in zip(FEW_SHOT, ("prototypes", "Tip-Adapter", "GDA"), strict=True):
        title = f"Many-to-many and {what}, {shots} a class"
        if shots:
            found.append(Configuration(method, title, SHOTS, "few-shot", Alignment(), few_shot=method))
    return found


def _linear(key: str, title: str, pair: tuple[int, int]) -> Configuration:
    name = "one-to-one" if pair[0] == pair[1] else "cross-pair"
    return Configuration(key, title, TABLE, "inductive", Alignment(name, pair=pair))


def _many(key: str, title: str, *, together: bool = False, **options: Any) -> Configuration:
    group, kind = (TOGETHER, "transductive") if together else (OURS, "inductive")
    return Configuration(key, title, group, kind, Alignment("many-to-many", **options))
