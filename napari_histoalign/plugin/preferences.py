"""What a person set for this plugin on napari's page of preferences, as far as it makes sense."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_histoalign.alignment.prompts import builtin_prompt_sets
from napari_histoalign.encoders.device import DEVICES
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import printable
from napari_histoalign.workflow.settings import DEFAULT_PROMPTS

if TYPE_CHECKING:
    from napari_histoalign.plugin.encoder_seams import Steps

PLUGIN = "napari-histoalign"
PAGE = "File > Preferences > HistoAlign"
MB = 1 << 20
BATCHES, MEGABYTES = (1, 512), (16, 65536)
"""Least and most, as in the manifest."""
LONGEST_NAME = 80
"""Letters of a reviewer's name."""


@dataclass(frozen=True)
class Preferences:
    """Choices that outlive a session.

    Attributes
    ----------
    device
        Where encoders run at first: "auto", "cpu", "cuda" or "mps".
    batch
        Tiles a step, at most.
    similarity_bytes
        What may be held of tiles against prompts.
    embeddings
        Folder of the embedding stores; None: the package's own cache.
    sessions
        Folder of all sessions; None: beside each slide.
    prompts
        Prompt set to begin with: a name of the library, or a file.
    reviewer
        Who reviews; empty: whoever is logged in.
    offline
        Whether downloads are refused.
    notes
        A sentence for each value that made no sense and was left out.
    """

    device: str = "auto"
    batch: int = 32
    similarity_bytes: int = 1 << 30
    embeddings: Path | None = None
    sessions: Path | None = None
    prompts: str = DEFAULT_PROMPTS
    reviewer: str = ""
    offline: bool = False
    notes: tuple[str, ...] = ()


def read_preferences() -> Preferences:
    """The preferences as they are now; the defaults where this napari has no page for them."""
    settings = napari_settings()
    return Preferences() if settings is None else sound(settings.model_dump())


def sound(plain: Mapping[str, Any]) -> Preferences:
    """What makes sense of some values, and a sentence for each that does not.

    No folder is made: a path may be half typed.

    Parameters
    ----------
    plain
        By section and name, as in the manifest. What is absent keeps its default.
    """
    notes: list[str] = []

    def asked(section: str, name: str) -> Any:
        found = plain.get(section)
        return found.get(name) if isinstance(found, Mapping) else None

    def take(section: str, name: str, check: Callable[[Any], Any], otherwise: Any) -> Any:
        value = asked(section, name)
        if value is None or value == "":
            return otherwise
        try:
            return check(value)
        except ValueError as err:
            notes.append(f"{PAGE}: {err}")
            return otherwise

    found = Preferences(
        device=take("computing", "device", _device, Preferences.device),
        batch=take("computing", "batch", _batch, Preferences.batch),
        similarity_bytes=take("computing", "similarity_mb", _memory, Preferences.similarity_bytes),
        embeddings=take("places", "embeddings", _cache, None),
        sessions=take("places", "sessions", lambda text: _folder(text, "sessions"), None),
        prompts=take("working", "prompts", _prompts, Preferences.prompts),
        reviewer=take("working", "reviewer", _reviewer, ""),
        offline=take("working", "offline", _switch, False),
    )
    return replace(found, notes=tuple(notes))


class PreferenceWatch:
    """Follows the page of preferences. Close it when its dock goes.

    Attributes
    ----------
    changed
        Emits the `Preferences` whenever another value counts; also while a person is typing.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        self._settings: Any = None
        self._now = Preferences()
        self._attach()
        self._now = read_preferences()

    @property
    def now(self) -> Preferences:
        """The preferences as they are now."""
        self._attach()
        return self._now

    def set_reviewer(self, who: str) -> None:
        """Remember who reviews, where napari has a page for it."""
        self._attach()
        if self._settings is not None and who != self._now.reviewer:
            self._settings.working.reviewer = who

    def close(self) -> None:
        """Follow no more."""
        if self._settings is not None:
            self._settings.events.changed.disconnect(self._on_changed)
            self._settings = None

    def _attach(self) -> None:
        """Follow what napari uses now: when plugins are switched on or off, it reads all settings anew."""
        settings = napari_settings()
        if settings is self._settings:
            return
        self.close()
        self._settings = settings
        if settings is not None:
            settings.events.changed.connect(self._on_changed)
            self._on_changed()

    def _on_changed(self, event: Any = None) -> None:
        found = read_preferences()
        if found != self._now:
            self._now = found
            self.changed.emit(found)


def napari_settings() -> Any | None:
    """The settings of this plugin; None where napari has none for it, as before 0.9."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:
        return None


def guarded(steps: Steps, offline: Callable[[], bool]) -> Steps:
    """The same steps, but for downloads, which are refused while a person is offline by choice.

    It is asked when a download is planned, so that nobody agrees to one in vain, and again when it
    starts: the preferences can be changed between the two. The encoder libraries are kept off the network
    in any case (`napari_histoalign.encoders.offline`).

    Parameters
    ----------
    steps
        What does the work.
    offline
        Whether downloads are refused now.
    """

    def refuse(title: str) -> None:
        if offline():
            raise EncoderError(
                f"{title} was not downloaded: downloads are refused ({PAGE}: Never download). Switch that "
                "off to download it, or bring the files from elsewhere and add them."
            )

    def plan(name: str, library: Any) -> Any:
        refuse(library.spec(name).title)
        return steps.plan(name, library)

    def download(name: str, library: Any, **options: Any) -> Any:
        refuse(library.spec(name).title)
        return steps.download(name, library, **options)

    return replace(steps, plan=plan, download=download)


def _device(value: Any) -> str:
    if value not in DEVICES:
        raise ValueError(f"there is no device {_said(value)}; 'auto' is used.")
    return str(value)


def _batch(value: Any) -> int:
    return _whole(value, BATCHES, "tiles a step", Preferences.batch)


def _memory(value: Any) -> int:
    return _whole(value, MEGABYTES, "megabytes for similarities", Preferences.similarity_bytes // MB) * MB


def _whole(value: Any, bounds: tuple[int, int], what: str, otherwise: int) -> int:
    if type(value) is not int or not bounds[0] <= value <= bounds[1]:
        raise ValueError(
            f"{what} are a whole number from {bounds[0]} to {bounds[1]}, not {_said(value)}; "
            f"{otherwise} is used."
        )
    return value


def _cache(value: Any) -> Path:
    folder = _folder(value, "embeddings")
    if os.environ.get("HISTOALIGN_CACHE"):  # whoever set that up for this computer has the last word
        raise ValueError(
            "HISTOALIGN_CACHE is set and says where embeddings are kept; the folder is not used."
        )
    return folder


def _folder(value: Any, what: str) -> Path:
    """A full path at which a folder is, or can be."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"the folder of {what} is no path; the usual place is used.")
    try:
        folder = Path(value.strip()).expanduser()
    except RuntimeError as err:  # "~nobody"
        raise ValueError(f"the folder of {what}, {value}, is nobody's on this computer.") from err
    if not folder.is_absolute():
        raise ValueError(f"the folder of {what} needs a full path, not {value!r}; the usual place is used.")
    for there in (folder, *folder.parents):
        if there.is_dir():
            return folder
        if there.exists():
            raise ValueError(f"the folder of {what} cannot be {folder}: {there} is a file.")
    raise ValueError(f"the folder of {what}, {folder}, is on a drive that is not here.")


def _prompts(value: Any) -> str:
    sets = list(builtin_prompt_sets())
    if value in sets:
        return str(value)
    path = Path(str(value)).expanduser()
    if path.is_absolute() and path.suffix.lower() in (".yaml", ".yml") and path.is_file():
        return str(path)
    raise ValueError(
        f"there is no prompt set {_said(value)}: give the full path of a YAML file, or one of "
        f"{', '.join(sets)}. {DEFAULT_PROMPTS!r} is used."
    )


def _reviewer(value: Any) -> str:
    name = str(value).strip()
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(f"a reviewer's name has at most {LONGEST_NAME} letters that can be seen.")
    return name


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"'Never download' is on or off, not {_said(value)}; it is off.")
    return value


def _said(value: Any) -> str:
    return repr(printable(str(value))[:60])
