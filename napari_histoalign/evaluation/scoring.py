"""Answers of each configuration on the same embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.few_shot import FewShot
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.raters import mean_views, raters
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.alignment.transductive import Refused, transclip, zlap
from napari_histoalign.engine.cross_pairs import CrossPairs
from napari_histoalign.engine.texts import NEUTRAL
from napari_histoalign.errors import AlignmentError, DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.alignment.scores import Scores
    from napari_histoalign.encoders import Encoder
    from napari_histoalign.evaluation.configurations import Configuration
    from napari_histoalign.evaluation.records import Fold

MOST_HELD = 1 << 30
"""Bytes of similarities that are kept between rows."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a configuration says.

    Attributes
    ----------
    probabilities
        float32, shape (images, classes); NaN for images it does not judge.
    details, notes
        What was found on the way, and what a person should know.
    by_fold
        Where each fold has a model of its own, what that one says of the fold's test images: float32, shape
        (folds, images, classes), NaN elsewhere. None otherwise.
    """

    probabilities: NDArray[np.float32]
    details: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    by_fold: NDArray[np.float32] | None = None


class Scoring:
    """A set's embeddings and prompts, to be scored in many ways.

    Parameters
    ----------
    images
        One array an encoder, shape (n, views, width).
    encoders
        One or two, as `images`.
    prompts
        Classes and prompts; others than those of `class_names` are left out.
    class_names
        Classes of the set, in its order.
    unscaled
        Leave out the encoders' logit scales, as HistoAlign's own script does.

    Raises
    ------
    DatasetError
        The prompts lack a class.
    """

    def __init__(
        self,
        images: Sequence[NDArray[np.floating]],
        encoders: Sequence[Encoder],
        prompts: PromptSet,
        class_names: Sequence[str],
        *,
        unscaled: bool = False,
    ) -> None:
        self.texts, index = _texts(prompts, class_names)
        rows = [encoder.embed_texts(self.texts) for encoder in encoders]
        pairs = [(0, 1), (1, 0)] if len(encoders) == 2 else []
        self.crossed = CrossPairs(encoders).decide(pairs)
        tensor = similarity_tensor(
            images,
            rows,
            index,
            len(class_names),
            [1.0 if unscaled else encoder.logit_scale for encoder in encoders],
            cross={pair: found.carry(rows[pair[1]]) for pair, found in self.crossed.items()},
            neutral=[encoder.embed_texts(NEUTRAL) for encoder in encoders],
        )
        self.class_index = index
        self.tensor = tensor.held() if tensor.held_bytes <= MOST_HELD else tensor
        self._scores: dict[str, Scores] = {}

    def answer(
        self,
        configuration: Configuration,
        *,
        labels: NDArray[np.int64],
        patients: Sequence[str],
        folds: Sequence[Fold],
        shots: int,
        seed: int,
    ) -> Answers:
        """Probabilities of every image under a configuration.

        Labels are looked at by few-shot configurations alone, those of each fold's training images.

        Raises
        ------
        AlignmentError
            It cannot be applied; the message says why.
        """
        scores = self._scored(configuration)
        if configuration.refine:
            return self._refined(configuration.refine, scores)
        if configuration.few_shot:
            return self._few_shot(configuration.few_shot, scores, labels, patients, folds, shots, seed)
        notes: tuple[str, ...] = ()
        if configuration.alignment.name == "many-to-many":
            notes = tuple(str(reason) for reason in scores.details.get("left_out_because", ()))
        if configuration.alignment.prior == "content-free":
            notes = (*notes, f"Texts without content in the place of images: {' '.join(NEUTRAL)}")
        return Answers(scores.probabilities, scores.details, notes)

    def _scored(self, configuration: Configuration) -> Scores:
        key = repr(configuration.alignment)
        if key not in self._scores:
            self._scores[key] = configuration.alignment.score_tensor(self.tensor)
        return self._scores[key]

    def _refined(self, how: str, scores: Scores) -> Answers:
        method = transclip if how == "transclip" else zlap
        found = method(mean_views(self.tensor.images), scores.logits, raters(self.tensor))
        if isinstance(found, Refused):
            raise AlignmentError(found.reason)
        return Answers(found.probabilities, found.details)

    def _few_shot(
        self,
        method: str,
        scores: Scores,
        labels: NDArray[np.int64],
        patients: Sequence[str],
        folds: Sequence[Fold],
        shots: int,
        seed: int,
    ) -> Answers:
        if not folds:
            raise AlignmentError("Without folds, images to learn from would be judged as well.")
        features, names = mean_views(self.tensor.images), np.asarray(patients, dtype=object)
        own = np.full((len(folds), *scores.probabilities.shape), np.nan, np.float32)
        details = []
        for number, fold in enumerate(folds):
            rng = np.random.default_rng((seed, number))
            drawn = [_some(rng, fold.train, labels, c, shots) for c in np.unique(labels)]
            chosen = np.sort(np.concatenate(drawn))
            model = FewShot(method).fit(
                [f[chosen] for f in features], labels[chosen], scores.logits[chosen], groups=names[chosen]
            )
            logits = model.logits([f[fold.test] for f in features], scores.logits[fold.test])
            own[number, fold.test] = softmax(logits)
            details.append({"fold": fold.name, "alpha": float(model.alpha), "examples": chosen.tolist()})
        mean, notes = _pooled(own)
        return Answers(mean, {"folds": details}, notes, own)


def _pooled(own: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """One answer an image from those of the folds, shape (folds, images, classes), and what it is."""
    times = np.isfinite(own).all(axis=2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(own, axis=0, dtype=np.float64) / times[:, None]
    notes = [
        "Each image is judged by the model of the fold that tests it, which did not learn from it: these "
        "figures pool the models of all folds."
    ]
    if (several := int((times > 1).sum())) > 0:
        notes.append(
            f"{several:,} images stand in the test parts of several folds: here their probabilities are the "
            "mean of those folds' models, an ensemble that is better than one of them. The rates by fold "
            "take each fold's own answers."
        )
    if (unjudged := int((times == 0).sum())) > 0:
        notes.append(f"{unjudged:,} images are in no fold's test part and are not judged.")
    return mean.astype(np.float32), tuple(notes)


def _texts(prompts: PromptSet, class_names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Texts of the set's classes, and the class of each in the set's order."""
    place = {_plain(name): position for position, name in enumerate(class_names)}
    kept = tuple(c for c in prompts.classes if _plain(c.name) in place)
    missing = [name for name in class_names if _plain(name) not in {_plain(c.name) for c in kept}]
    if missing:
        raise DatasetError(
            f"The prompt set {prompts.name!r} has no class {', '.join(missing)}; it has "
            f"{', '.join(prompts.class_names)}. Give one with the classes of the data set (--prompts)."
        )
    expanded = replace(prompts, classes=kept).expand()
    order = np.array([place[_plain(c.name)] for c in kept])
    return expanded.texts, order[expanded.class_index].astype(np.int64)


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())


def _some(
    rng: np.random.Generator, train: NDArray[np.int64], labels: NDArray[np.int64], c: int, shots: int
) -> NDArray[np.int64]:
    """At most `shots` training images of a class, drawn."""
    mine = train[labels[train] == c]
    return rng.permutation(mine)[:shots]
