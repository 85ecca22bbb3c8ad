"""What can go wrong with a QuPath project, as sentences for the person."""

from __future__ import annotations

from napari_histoalign.errors import HistoalignError


class QuPathError(HistoalignError):
    """QuPath, or one of its projects, cannot be used."""


class NoQuPathError(QuPathError):
    """There is no QuPath here that works."""


class ProjectError(QuPathError):
    """A project cannot be read or written; it is as it was."""


class ProjectBusyError(ProjectError):
    """Another program of ours writes the project."""


class HelperError(QuPathError):
    """The process that runs Java failed, was too slow, or said that something cannot be done."""
