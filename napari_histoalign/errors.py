"""Errors are sentences for the person: what happened, to which file, what to do next."""

from __future__ import annotations


class HistoalignError(Exception):
    """Base of every error this package raises on purpose; its text is shown as it is."""


class SlideError(HistoalignError):
    """A slide cannot be opened or read."""


class PromptError(HistoalignError):
    """A prompt set is malformed or cannot be used."""


class EncoderError(HistoalignError):
    """An encoder is unknown, incomplete or cannot run."""


class DeviceMemoryError(EncoderError):
    """The device has no room for so many tiles at once; fewer may fit."""


class AlignmentError(HistoalignError):
    """Embeddings, prompts and alignment do not fit together."""


class SettingsError(HistoalignError):
    """The settings of this computer cannot be read or written."""


class StoreError(HistoalignError):
    """The embedding store cannot be opened, read or written."""


class ResultError(HistoalignError):
    """A result cannot be made, written or read."""


class GeoJSONError(HistoalignError):
    """A GeoJSON file cannot be read."""


class DatasetError(HistoalignError):
    """A labelled set of images cannot be read or does not suit what was asked."""
