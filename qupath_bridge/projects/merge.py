"""What becomes of an entry's objects: ours that nobody touched are replaced, everything else stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from qupath_bridge.projects.found import Found
    from qupath_bridge.projects.ledger import Ledger
    from qupath_bridge.projects.objects import ProjectObject

Replace = Literal["mine", "none"]


@dataclass(frozen=True)
class Kept:
    """An object of ours that stays though it would be replaced.

    Attributes
    ----------
    uuid, class_name
        Which.
    reason
        ``locked``, ``edited``, or ``unknown``: nothing tells how it was when we wrote it.
    """

    uuid: str
    class_name: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What is to be done to an entry.

    Attributes
    ----------
    remove
        UUIDs of objects to take away.
    add
        Objects to put there.
    kept
        Objects of ours that stay.
    stay
        All that has to be afterwards what it was before, by UUID.
    """

    remove: tuple[str, ...]
    add: tuple[ProjectObject, ...]
    kept: tuple[Kept, ...]
    stay: Mapping[str, Found]


def plan(
    found: Sequence[Found], new: Sequence[ProjectObject], ledger: Ledger, replace: Replace = "mine"
) -> Plan:
    """Decide what is replaced.

    Parameters
    ----------
    found
        What is in the entry now.
    new
        What is to be there.
    ledger
        What we wrote last.
    replace
        ``mine``: objects of ours, of whichever run, make room for the new ones unless they are locked or
        somebody changed them; ``none``: all stay, and what is there already is not added again.
    """
    wanted = {one.uuid for one in new}
    remove: list[str] = []
    kept: list[Kept] = []
    stay: dict[str, Found] = {}
    for one in found:
        ours = one.uuid in ledger.stamps or one.uuid in wanted or one.looks_ours
        reason = _reason(one, ledger) if ours and replace == "mine" else ""
        if ours and replace == "mine" and not reason:
            remove.append(one.uuid)
            continue
        stay[one.uuid] = one
        if reason:
            kept.append(Kept(one.uuid, one.class_name, reason))
    add = tuple(one for one in new if one.uuid not in stay)
    return Plan(tuple(remove), add, tuple(kept), stay)


def _reason(one: Found, ledger: Ledger) -> str:
    """Why an object of ours has to stay; empty if it has not."""
    if one.locked:
        return "locked"
    stamp = ledger.stamps.get(one.uuid)
    if stamp is None:
        return "unknown"
    return "" if stamp == one.stamp else "edited"
