"""Whether images of one encoder can be compared with texts of another, and by which way."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from napari_histoalign.alignment.bridge import Bridge, NoBridge, best_bridge
from napari_histoalign.alignment.cross_texts import CrossTexts, Refusal
from napari_histoalign.alignment.diagnosis import Meeting, diagnose, percent
from napari_histoalign.engine.texts import stored_texts
from napari_histoalign.files import cache_dir, resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.encoders import Encoder


@dataclass(frozen=True, eq=False)
class CrossPair:
    """Images of one encoder and texts of another.

    Attributes
    ----------
    images, texts
        Titles of the image encoder and the text encoder.
    meeting
        How well their texts meet as they are; None where they name different spaces, so that the
        question does not arise.
    bridge
        What lies between them, or that there is no good one; None where the way is direct.
    anchors
        SHA-256 of the phrases from which this was found.
    """

    images: str
    texts: str
    meeting: Meeting | None
    bridge: Bridge | NoBridge | None
    anchors: str

    @property
    def way(self) -> str:
        """``direct``, ``bridge`` or ``refused``."""
        if self.bridge is None:
            return "direct"
        return "bridge" if isinstance(self.bridge, Bridge) else "refused"

    def carry(self, texts: NDArray[np.float32]) -> CrossTexts | Refusal:
        """Text embeddings, shape (k, width of the text encoder), for the images; or why they cannot be."""
        if self.bridge is None:
            return CrossTexts(texts)
        return self.bridge.carry(texts) if isinstance(self.bridge, Bridge) else Refusal(self._reason())

    def describe(self) -> str:
        """One sentence for the person, with the figures."""
        pair = f"{self.images} images with {self.texts} texts"
        if self.meeting is not None and self.bridge is None:
            return f"{pair}: direct ({_figures(self.meeting)})."
        if not isinstance(self.bridge, Bridge):
            return f"{pair}: left out. {self._reason()}"
        quality = self.bridge.quality
        return (
            f"{pair}: bridge by {self.bridge.method}, learned from phrases without labels "
            f"({percent(quality.retrieval_at_1)} of {quality.anchors} held-out anchor phrases found again, "
            f"chance {percent(quality.chance)}; mean cosine {quality.mean_cosine:.2f}).{self._not_direct()}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the provenance."""
        bridge = self.bridge
        quality = None if bridge is None else bridge.quality
        return {
            "images": self.images,
            "texts": self.texts,
            "way": self.way,
            "method": None if bridge is None else bridge.method or None,
            "meeting": None if self.meeting is None else self.meeting.to_dict(),
            "quality": None if quality is None else quality.to_dict(),
            "reason": self._reason() if isinstance(bridge, NoBridge) else None,
            "anchors_sha256": self.anchors,
        }

    def _reason(self) -> str:
        """Why the pair is refused."""
        assert isinstance(self.bridge, NoBridge)
        met = f"The spaces of {self.images} and {self.texts} do not meet."
        return f"{met} {self.bridge.reason}{self._not_direct()}"

    def _not_direct(self) -> str:
        """That the registry promised one space, where it did."""
        if self.meeting is None:
            return ""
        return f" They are listed as sharing one space, but their texts lie apart ({_figures(self.meeting)})."


class CrossPairs:
    """Ways between the encoders of an analysis, each found when it is first asked for.

    Encoders whose entries name the same space are compared directly where their texts of the anchor
    phrases meet there (`napari_histoalign.alignment.diagnosis`); all others, and those that do not meet,
    by a bridge that is learned from the phrases (`napari_histoalign.alignment.bridge`), unless even the
    best one is no good.

    Parameters
    ----------
    encoders
        One or two loaded encoders.
    folder
        Where their embeddings of the phrases are kept; in the package's cache by default.
    """

    def __init__(self, encoders: Sequence[Encoder], folder: Path | None = None) -> None:
        self._encoders = tuple(encoders)
        self._folder = folder
        self._found: dict[Pair, CrossPair] = {}

    def decide(self, pairs: Iterable[Pair]) -> dict[Pair, CrossPair]:
        """The ways of some pairs (image encoder, text encoder); those of absent encoders are left out."""
        wanted = [pair for pair in pairs if max(pair) < len(self._encoders)]
        for pair in wanted:
            if pair not in self._found:
                self._found[pair] = self._decide(*pair)
        return {pair: self._found[pair] for pair in wanted}

    def _decide(self, i: int, j: int) -> CrossPair:
        phrases = anchor_phrases()
        folder = self._folder or cache_dir("anchors")
        a, b = (stored_texts(self._encoders[e], phrases, folder) for e in (i, j))
        images, texts = self._encoders[i].spec, self._encoders[j].spec
        meeting = diagnose(a, b) if images.space == texts.space and a.shape == b.shape else None
        direct = meeting is not None and meeting.one_space
        digest = sha256("\n".join(phrases).encode()).hexdigest()
        return CrossPair(images.title, texts.title, meeting, None if direct else best_bridge(a, b), digest)


def anchor_phrases() -> tuple[str, ...]:
    """The shipped bank of phrases: ``resources/anchors.txt`` without comments and empty lines."""
    lines = resource("anchors.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _figures(meeting: Meeting) -> str:
    return (
        f"mean cosine {meeting.mean_cosine:.2f}, {percent(meeting.retrieval_at_1)} of {meeting.anchors} "
        "anchor phrases found again"
    )
