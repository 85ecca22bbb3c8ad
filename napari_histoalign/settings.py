"""What a person set once for this computer: one small JSON file in the platform's settings folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from napari_histoalign.errors import SettingsError
from napari_histoalign.files import config_dir, read_json, whole_file


@dataclass(frozen=True)
class Settings:
    """Choices that outlive a session.

    Attributes
    ----------
    encoders_folder
        Where added encoders are kept; None for the user's data folder.
    """

    encoders_folder: str | None = None


def settings_path() -> Path:
    """The file of the settings."""
    return config_dir() / "settings.json"


def load_settings() -> Settings:
    """The settings of this computer; the defaults where there are none yet.

    Raises
    ------
    SettingsError
        The file cannot be read or does not hold settings.
    """
    path = settings_path()
    try:
        found = read_json(path)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as err:
        raise SettingsError(
            f"The settings {path} cannot be read ({_why(err)}). Correct or delete that file."
        ) from err
    known = {f.name for f in fields(Settings)}
    if not isinstance(found, dict) or not all(_is_text(v) for v in found.values()):
        raise SettingsError(f"The settings {path} have to map names to texts. Correct or delete that file.")
    # what a newer version wrote there is left alone
    return Settings(**{name: value for name, value in found.items() if name in known})


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and "\0" not in value)


def save_settings(settings: Settings) -> Path:
    """Write the settings; what another version wrote there stays. Returns the file.

    Raises
    ------
    SettingsError
        They cannot be written.
    """
    path = settings_path()
    try:
        kept = read_json(path) if path.exists() else {}
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as new:
            new.write_text(json.dumps({**kept, **asdict(settings)}, indent=2), encoding="utf-8")
    except (OSError, ValueError, TypeError) as err:
        raise SettingsError(f"The settings {path} cannot be written ({_why(err)}).") from err
    return path


def _why(err: Exception) -> str:
    """Without the path, which the sentence has."""
    return getattr(err, "strerror", None) or str(err)
