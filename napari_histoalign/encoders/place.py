"""Where added encoders are kept."""

from __future__ import annotations

import os
from pathlib import Path

from napari_histoalign.encoders.foreign import reason
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import data_dir
from napari_histoalign.settings import load_settings

ENVIRONMENT = "HISTOALIGN_ENCODERS"
"""Names another folder of encoders than the settings do."""


def encoders_dir() -> Path:
    """Folder of the added encoders.

    That is ``HISTOALIGN_ENCODERS``, else the one of the settings, else one in the user's data folder.

    Raises
    ------
    EncoderError, SettingsError
        The settings cannot be read, or name what can be no folder.
    """
    named = os.environ.get(ENVIRONMENT) or load_settings().encoders_folder
    return as_folder(named) if named else data_dir("encoders")


def as_folder(named: str) -> Path:
    """What a person named as the folder of encoders; it need not exist yet.

    Raises
    ------
    EncoderError
        It is a file, or there can be no such folder.
    """
    try:
        folder = Path(named).expanduser()
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError("it is a file")
        folder.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError) as err:
        raise EncoderError(
            f"{named[:200]!r} cannot be the folder of encoders ({reason(err)}). "
            f"Name one that can with `histoalign encoders folder` or in {ENVIRONMENT}."
        ) from err
    return folder
