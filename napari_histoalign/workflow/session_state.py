"""What a window has to remember of a slide, and its plain form in ``session.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from napari_histoalign.results.provenance import plain

VERSION = 1
"""Of ``session.json``; a newer one is looked at and not written."""
OWN = ("version", "software", "saved", "slide", "review")
"""Members of ``session.json`` that `Session` sees to."""


@dataclass(frozen=True)
class SessionState:
    """What a person chose for a slide; plain values throughout, and all of it may be absent.

    Attributes
    ----------
    encoders, views
        Names.
    prompts
        The prompt set (`PromptSet.to_dict`).
    alignment
        Strategy and parameters (`Alignment.to_dict`).
    grid
        How tiles are laid: wanted ``mpp``, ``tile``, ``stride``, and whatever names the grid.
    thresholds
        Least probabilities, by what they are for.
    layers
        For each layer what can be seen of it: ``visible``, ``opacity``.
    more
        What another version wrote beside these; kept.
    """

    encoders: tuple[str, ...] = ()
    prompts: Mapping[str, Any] = field(default_factory=dict)
    alignment: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    layers: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in fields(self):
            value = plain(getattr(self, part.name), part.name)
            object.__setattr__(self, part.name, tuple(value) if part.name in NAMES else value)

    def to_plain(self) -> dict[str, Any]:
        """Members of ``session.json``."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "more"}
        return {**self.more, **own, **{name: list(own[name]) for name in NAMES}}

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> SessionState:
        """What `to_plain` gave, with whatever else there is.

        Raises
        ------
        ValueError
            A member is not of its kind.
        """
        known: dict[str, Any] = {f.name: value[f.name] for f in fields(cls) if f.name in value}
        known.pop("more", None)
        for name, member in known.items():
            if name in NAMES:
                if not isinstance(member, list) or not all(isinstance(text, str) for text in member):
                    raise ValueError(f"{name} is no list of names")
            elif not isinstance(member, dict):
                raise ValueError(f"{name} is no mapping")
        more = {name: item for name, item in value.items() if name not in known and name not in OWN}
        return cls(**known, more=more)


NAMES = ("encoders", "views")
"""Members that are lists of names."""
