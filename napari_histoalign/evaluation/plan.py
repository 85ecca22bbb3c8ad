"""What is evaluated, and how."""

from __future__ import annotations

from dataclasses import dataclass

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.protocols import PROTOCOLS


@dataclass(frozen=True)
class Plan:
    """What is evaluated.

    Attributes
    ----------
    protocol
        A key of `PROTOCOLS`.
    views
        In place of the protocol's.
    scale
        See `napari_histoalign.evaluation.scale.SCALES`.
    ablation
        Whether all rows are scored, or HistoAlign's table and the main one.
    shots
        Labelled images a class and fold for few-shot rows; 0 for none.
    replicates, seed
        Of the bootstrap, of drawn folds and examples.
    batch
        Images a step.
    examples
        Whether the report shows images.
    leave_out_leaks
        Whether copies of images are left out, and patients who are judged in a fold not learned from there.
    """

    protocol: str = "own"
    views: tuple[str, ...] | None = None
    scale: str = "native"
    ablation: bool = False
    shots: int = 8
    replicates: int = 2000
    seed: int = 0
    batch: int = 32
    examples: bool = True
    leave_out_leaks: bool = False

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise DatasetError(f"There is no protocol {self.protocol!r}; there are {', '.join(PROTOCOLS)}.")
