"""The steps of a refinement, one after the other, with a copy in which no example helps itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.calibration import fit_temperature, temperature_for_confidence
from napari_histoalign.alignment.few_shot import FewShot
from napari_histoalign.alignment.raters import mean_views, raters
from napari_histoalign.alignment.spatial import smooth
from napari_histoalign.alignment.transductive import Refused, transclip, zlap
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.refining import Examples
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Logits = NDArray[np.float32]


class Steps:
    """Logits on their way through the steps.

    A second copy of them goes along in which each example is judged without its own label: what a
    temperature may be fitted to.
    """

    def __init__(self, tensor: SimilarityTensor, logits: Logits, examples: Examples) -> None:
        self.tensor = tensor
        self.logits = logits
        self.held_out = logits
        self.examples = examples
        self.judged: NDArray[np.bool_] = np.ones(len(examples.positions), bool)
        self.details: dict[str, Any] = {}
        self.notes: list[str] = []

    def step(self, name: str, take: Callable[[], dict[str, Any]]) -> None:
        """Take a step, or note why it cannot be taken."""
        try:
            self.details[name] = take()
        except AlignmentError as err:
            self.notes.append(f"{name} was left out. {err}")

    def few_shot(self, method: str) -> dict[str, Any]:
        """Add what the examples say."""
        self._need_examples()
        chosen, features = self.examples.positions, mean_views(self.tensor.images)
        model = FewShot(method).fit(
            [f[chosen] for f in features],
            self.examples.labels,
            self.logits[chosen],
            groups=self.examples.groups,
        )
        self.logits = model.logits(features, self.logits)
        self.judged = np.asarray(np.isfinite(model.held_out).all(axis=1), bool)
        self.held_out = self.logits.copy()
        self.held_out[chosen[self.judged]] = model.held_out[self.judged]
        return plain(model.details)

    def transductive(self, method: str) -> dict[str, Any]:
        """Judge all tiles together."""
        over_all = transclip if method == "transclip" else zlap
        found = over_all(mean_views(self.tensor.images), self.logits, raters(self.tensor))
        if isinstance(found, Refused):
            raise AlignmentError(found.reason)
        self.logits = self.held_out = found.logits
        if self.details:  # few-shot came before: what it taught has spread to all tiles
            self.judged[:] = False
        return {**plain(found.details), "changed": found.changed}

    def smooth(self, xy: NDArray[np.integer], stride_px: float, sigma: float) -> dict[str, Any]:
        """Take the mean over neighbouring tiles."""
        radius = max(1.0, 2 * sigma)
        same = self.held_out is self.logits
        self.held_out = smooth(self.held_out, xy, stride_px, sigma_tiles=sigma, radius=radius)
        if same:
            self.logits = self.held_out
        else:
            self.logits = smooth(self.logits, xy, stride_px, sigma_tiles=sigma, radius=radius)
        return {"sigma_tiles": sigma, "radius_tiles": radius}

    def calibrate(self) -> dict[str, Any]:
        """Divide by the temperature that suits the examples."""
        self._need_examples()
        if not self.judged.any():
            raise AlignmentError(
                "No example can be judged without its own label's help: mark at least two of two classes, "
                "and calibrate without a transductive method after few-shot."
            )
        seen = self.held_out[self.examples.positions[self.judged]]
        found = fit_temperature(seen, self.examples.labels[self.judged])
        if found.refused:
            raise AlignmentError(found.refused)
        self._divide(found.value)
        return {"temperature": found.value, "examples": int(self.judged.sum())}

    def bring_to(self, confidence: float) -> dict[str, Any]:
        """Divide by the temperature that gives a mean confidence."""
        temperature = temperature_for_confidence(self.logits, confidence)
        self._divide(temperature)
        return {"temperature": temperature, "confidence": confidence}

    def _divide(self, temperature: float) -> None:
        self.logits = self.logits / np.float32(temperature)

    def _need_examples(self) -> None:
        if not len(self.examples.positions):
            raise AlignmentError("There are no examples: mark tiles of two classes or more.")


def plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that are none become None, as JSON has no word for them."""
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in details.items()}
