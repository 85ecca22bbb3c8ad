"""The objects of an image of a project, read from a copy: the project itself is not even opened."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qupath_bridge.projects.checks import check_readable
from qupath_bridge.projects.errors import ProjectError
from qupath_bridge.projects.found import Found, read_found
from qupath_bridge.projects.ledger import Ledger, read_ledger
from qupath_bridge.projects.listing import Entry, project_file
from qupath_bridge.projects.staging import copy_of

if TYPE_CHECKING:
    from qupath_bridge.projects.client import Helper


@dataclass(frozen=True)
class EntryObjects:
    """What an image of a project holds.

    Attributes
    ----------
    entry
        The image.
    size
        (width, height) as QuPath sees it.
    found
        All its objects.
    ledger
        What we wrote there last.
    """

    entry: Entry
    size: tuple[int, int]
    found: tuple[Found, ...]
    ledger: Ledger

    def is_ours(self, one: Found) -> bool:
        """Whether an object is one that we wrote."""
        return one.uuid in self.ledger.stamps or one.looks_ours


def read_entry(project: Path, entry: Entry, helper: Helper) -> EntryObjects:
    """Read the objects of an image.

    Parameters
    ----------
    project
        Its folder or file.
    entry
        See `qupath_bridge.projects.listing.entries_of`.
    helper
        Runs QuPath.

    Raises
    ------
    QuPathError
        They cannot be read.
    """
    check_readable(entry)
    try:
        with tempfile.TemporaryDirectory(prefix="histoalign-") as folder:
            work = Path(folder) / "project"
            work.mkdir()
            staging = copy_of(project_file(project).parent, entry.id, work)
            out = Path(folder) / "objects.geojson"
            seen = helper.ask("read", project=staging.file, entry=entry.id, out=out)
            ledger = read_ledger(work / "data" / entry.id)
            return EntryObjects(entry, (seen["width"], seen["height"]), tuple(read_found(out)), ledger)
    except OSError as err:
        raise ProjectError(f"The project could not be copied to be read ({err.strerror or err}).") from err
