"""What a person does in a review: acts, what they are about, and their plain form."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from napari_histoalign.errors import ResultError
from napari_histoalign.results.provenance import plain
from napari_histoalign.results.review.targets import Target, target_from_plain, target_to_plain

KINDS = (
    "mark",
    "unmark",
    "accept",
    "reject",
    "reopen",
    "relabel",
    "redraw",
    "comment",
    "undo",
)
"""What can be done. ``mark`` and ``unmark`` concern tiles and drawn areas, ``accept`` to ``relabel`` the
model's regions, ``redraw`` both, ``comment`` anything or the slide as a whole, ``undo`` another act."""
LABELS = ("class", "unsure", "artefact")


@dataclass(frozen=True)
class Label:
    """What a person takes a tile or an area for.

    Attributes
    ----------
    kind
        ``class``, ``unsure`` or ``artefact``.
    name
        The class; empty unless `kind` is ``class``.

    Raises
    ------
    ResultError
        There is no such label.
    """

    kind: str
    name: str = ""

    def __post_init__(self) -> None:
        fits = isinstance(self.name, str) and bool(self.name) == (self.kind == "class")
        if self.kind not in LABELS or not fits:
            raise ResultError(f"A mark is a class, unsure or artefact, not {self.kind!r} {self.name!r}.")

    @classmethod
    def of(cls, class_name: str) -> Label:
        """The label of a class."""
        return cls("class", class_name)

    def __str__(self) -> str:
        return self.name or self.kind

    def to_plain(self) -> dict[str, str]:
        """As it stands in the log."""
        return {"label": self.kind, **({"class": self.name} if self.name else {})}

    @classmethod
    def from_plain(cls, value: Any) -> Label:
        """What `to_plain` gave.

        Raises
        ------
        ResultError
            It is nothing of the kind.
        """
        if not isinstance(value, Mapping):
            raise ResultError("A mark without a label says nothing.")
        return cls(value.get("label", ""), value.get("class", ""))


UNSURE = Label("unsure")
ARTEFACT = Label("artefact")


@dataclass(frozen=True)
class Act:
    """One thing that a person did.

    Attributes
    ----------
    who, what
        The person, and one of `KINDS`.
    target
        The tile, or the region or drawn area; None for a comment on the slide, or an undo.
    before, after
        Plain values: of a mark its label, of a decision ``{"decision": ...}``, of a new class
        ``{"class": ...}``, of a new outline its GeoJSON geometry.
    note
        What the person wrote.
    refers
        Id of the act that an undo takes back.
    blinded
        Whether the model's answer was hidden when the act was done.
    model
        What the model said then, if anything: ``class``, ``probability``, ``run``.
    gesture
        Acts of one gesture (a stroke over many tiles) share it, and are undone together.
    id, time
        A UUID, and ISO 8601 in UTC; made by default.

    Raises
    ------
    ResultError
        The parts do not make an act.
    """

    who: str
    what: str
    target: Target | None = None
    before: Any = None
    after: Any = None
    note: str = ""
    refers: str = ""
    blinded: bool = False
    model: Mapping[str, Any] | None = None
    gesture: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    def __post_init__(self) -> None:
        texts = (self.who, self.what, self.note, self.refers, self.gesture, self.id, self.time)
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.blinded, bool):
            raise ResultError("A part of an act is no text.")
        if self.what not in KINDS:
            raise ResultError(f"{self.what!r} is nothing that a review knows. Update napari-histoalign.")
        if not self.who.strip():
            raise ResultError("A review needs the name of the person who reviews.")
        if not self.id:
            raise ResultError("An act has no id.")
        try:
            told = datetime.fromisoformat(self.time)
        except ValueError as err:
            raise ResultError(f"{self.time!r} is no time.") from err
        if told.tzinfo is None:
            raise ResultError(f"The time {self.time!r} does not name its zone.")
        if self.target is None and self.what not in ("comment", "undo"):
            raise ResultError(f"An act ({self.what}) does not say what it is about.")
        if (self.what == "undo") != bool(self.refers):
            raise ResultError("An undo refers to the act that it takes back, and nothing else does.")
        if self.model is not None and not isinstance(self.model, Mapping):
            raise ResultError("What the model said is no mapping.")
        for name in ("before", "after", "model"):
            object.__setattr__(self, name, plain(getattr(self, name), name))
        if not self.gesture:
            object.__setattr__(self, "gesture", self.id)

    def to_plain(self) -> dict[str, Any]:
        """As it stands in the log; what is empty is left out."""
        values = {
            "id": self.id,
            "time": self.time,
            "who": self.who,
            "what": self.what,
            "target": None if self.target is None else target_to_plain(self.target),
            "before": self.before,
            "after": self.after,
            "note": self.note,
            "refers": self.refers,
            "blinded": self.blinded,
            "model": self.model,
            "gesture": self.gesture if self.gesture != self.id else "",
        }
        return {name: value for name, value in values.items() if value not in (None, "", False)}

    @classmethod
    def from_plain(cls, value: Any) -> Act:
        """What `to_plain` gave; keys of other versions are left alone.

        Raises
        ------
        ResultError
            It is no act, or one that this version does not know.
        """
        if not isinstance(value, Mapping):
            raise ResultError("It is no act.")
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        if not {"id", "time", "who", "what"} <= known.keys():
            raise ResultError("It lacks its id, its time, who did it or what was done.")
        if known.get("target") is not None:
            known["target"] = target_from_plain(known["target"])
        return cls(**known)
