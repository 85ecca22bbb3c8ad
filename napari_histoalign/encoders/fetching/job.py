"""Every file of an encoder: found, fetched, checked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.fetching.archives import take_out
from napari_histoalign.encoders.fetching.faults import Cancelled, WebError, insist
from napari_histoalign.encoders.fetching.hub import Facts, Source, endpoint, find_facts, find_token, sources
from napari_histoalign.encoders.fetching.parts import WHOLE, Part
from napari_histoalign.encoders.fetching.web import Web
from napari_histoalign.encoders.fetching.words import changed, missing, no_room, web_words
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new try while a file comes."""
FIRST_WAITS = WAITS[:2]
"""And where nothing came yet: that there is no network should show soon."""
UNPACKED = 4
"""A file has at most so many times the bytes its entry states; weights hardly shrink in an archive."""
LARGEST = 16 << 30
"""Bytes it has at most where the entry states none."""


def fetch_all(
    spec: EncoderSpec,
    folder: Path,
    token: str | None,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> str:
    """Fetch an encoder's files into ``folder/whole``.

    Parameters
    ----------
    spec
        Its entry.
    folder
        Where parts are kept.
    token
        The person's for the hub, if not that of the environment.
    on_progress
        Called with bytes that are here and bytes in all (0 while unknown).
    cancelled
        Whether to stop.

    Returns
    -------
    str
        Where the files came from, with the commit of each repository.

    Raises
    ------
    EncoderError
        A file cannot be had, or is another one than it should be.
    Cancelled
        It was stopped.
    OSError
        The folder cannot be written.
    """
    web = Web(endpoint(), find_token(token))
    try:
        parts = _find(spec, folder, web, cancelled)
    except WebError as err:
        raise web_words(spec, err, bytes_in(folder), spec.size_mb * 1_000_000) from err
    for part in parts:
        part.prepare(cancelled)
    _remove_others(folder, parts)
    _check_room(spec, folder, parts)
    here = {part.source.name: part.here() for part in parts}
    total = sum(part.size for part in parts) if all(part.facts.size is not None for part in parts) else 0

    def on_bytes(name: str, count: int) -> None:
        here[name] = count
        on_progress(sum(here.values()), total)

    on_progress(sum(here.values()), total)
    # the small ones first: if one of them is wrong, the large ones need not come
    for part in sorted(parts, key=lambda part: part.size):
        try:
            _fetch(spec, part, web, partial(on_bytes, part.source.name), cancelled)
        except WebError as err:
            raise web_words(spec, err, sum(p.here() for p in parts), total) from err
    if cancelled():
        raise Cancelled
    return ", ".join(dict.fromkeys(_origin(part) for part in parts))


def bytes_in(folder: Path) -> int:
    """Bytes of the files that are there or on their way."""
    found = [*folder.glob("*.part"), *(folder / WHOLE).glob("*")]
    return sum(path.stat().st_size for path in found)


def _find(spec: EncoderSpec, folder: Path, web: Web, cancelled: Callable[[], bool]) -> list[Part]:
    """What there is of every file; all of one repository at one commit."""
    commits: dict[str, str] = {}
    parts = []
    for names, options in sources(spec).items():
        source, facts = _first(spec, names, options, commits, web, cancelled)
        if facts.commit:
            commits[source.repository] = facts.commit
        part = Part(folder, source, facts, spec.pinned(source.name))
        if not source.zipped and facts.digest.startswith("sha256:") and facts.digest != part.digest:
            raise changed(spec, source.name, facts.digest, part.digest)
        parts.append(part)
    return parts


def _first(
    spec: EncoderSpec,
    names: str,
    options: Sequence[Source],
    commits: dict[str, str],
    web: Web,
    cancelled: Callable[[], bool],
) -> tuple[Source, Facts]:
    """The first of several files that its publisher has."""
    none: WebError | None = None
    for source in options:
        revision = commits.get(source.repository, "main")
        try:
            return source, insist(partial(find_facts, web, source, revision), cancelled, FIRST_WAITS)
        except WebError as err:
            if err.status != 404:
                raise
            none = none or err
    assert none is not None  # there is an option at least
    raise missing(spec, names, none) from none


def _fetch(
    spec: EncoderSpec, part: Part, web: Web, on_bytes: Callable[[int], None], cancelled: Callable[[], bool]
) -> None:
    if part.whole.exists():
        return
    insist(partial(part.fetch, web, on_bytes, cancelled), cancelled, WAITS, part.here)
    sha256 = part.check(cancelled)
    if not part.source.zipped:
        part.finish(part.path, sha256)
        return
    unpacked = part.folder / f"{part.source.name}.unpacked"
    largest = UNPACKED * spec.size_mb * 1_000_000 or LARGEST
    try:
        take_out(part.path, part.source.name, unpacked, largest, cancelled)
    except EncoderError as err:
        part.drop()
        raise EncoderError(
            f"{part.source.url()} is not what {spec.title} needs and was deleted: {err}"
        ) from err
    part.finish(unpacked, part.check_unpacked(unpacked))
    part.path.unlink()


def _remove_others(folder: Path, parts: Sequence[Part]) -> None:
    """Delete what is left of files that are not wanted any more, such as the second of two alternatives."""
    wanted = {part.whole for part in parts}
    for path in (folder / WHOLE).glob("*"):
        if path not in wanted:
            path.unlink()


def _check_room(spec: EncoderSpec, folder: Path, parts: Sequence[Part]) -> None:
    """Make sure that the rest fits on the disk."""
    wanted = sum(part.size - part.here() for part in parts)
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise no_room(spec, folder.parent.parent, wanted, free)


def _origin(part: Part) -> str:
    source, commit = part.source, part.facts.commit
    return f"{endpoint()}/{source.repository}@{commit or 'main'}" if source.repository else source.address
