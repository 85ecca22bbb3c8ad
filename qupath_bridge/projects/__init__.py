"""QuPath projects: read and written by QuPath's own classes in a helper process, and never harmed."""

from qupath_bridge.projects.client import Helper
from qupath_bridge.projects.doctor import Diagnosis, diagnose
from qupath_bridge.projects.errors import (
    HelperError,
    NoQuPathError,
    ProjectBusyError,
    ProjectError,
    QuPathError,
)
from qupath_bridge.projects.export import Export, Exported, export_objects
from qupath_bridge.projects.finding import FoundQuPath, find_qupath
from qupath_bridge.projects.found import Found
from qupath_bridge.projects.ledger import Ledger
from qupath_bridge.projects.listing import Entry, entries_of, project_file
from qupath_bridge.projects.merge import Kept
from qupath_bridge.projects.objects import ProjectObject
from qupath_bridge.projects.reading import EntryObjects, read_entry

__all__ = [
    "Diagnosis",
    "Entry",
    "EntryObjects",
    "Export",
    "Exported",
    "Found",
    "FoundQuPath",
    "Helper",
    "HelperError",
    "Kept",
    "Ledger",
    "NoQuPathError",
    "ProjectBusyError",
    "ProjectError",
    "ProjectObject",
    "QuPathError",
    "diagnose",
    "entries_of",
    "export_objects",
    "find_qupath",
    "project_file",
    "read_entry",
]
