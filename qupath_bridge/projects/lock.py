"""One program of ours at a time writes a project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_histoalign.file_lock import lock_file
from qupath_bridge.projects.errors import ProjectBusyError, ProjectError

OURS = ".histoalign"
"""Folder of ours within a project: lock, copies being worked on, backups."""
NAME = "lock"


@contextmanager
def project_lock(folder: Path) -> Iterator[None]:
    """Hold a project's lock; it ends with the process, however that ends.

    QuPath knows nothing of it: what QuPath saves meanwhile is found out otherwise, before anything is put
    in place.

    Parameters
    ----------
    folder
        The project's folder, which must exist. Our folder in it is taken away again if it is empty.

    Raises
    ------
    ProjectBusyError
        Another program holds it.
    ProjectError
        The project cannot be written.
    """
    ours = folder / OURS
    handle = _open(ours / NAME)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows deletes no open file; an old lock file does no harm
            (ours / NAME).unlink()
        os.close(handle)
        with suppress(OSError):  # where backups are kept it is not empty
            ours.rmdir()


def _open(path: Path) -> int:
    busy = ProjectBusyError(
        f"Another window or program of ours writes the project {path.parent.parent}. Wait until it has done."
    )
    for _ in range(10):
        try:
            path.parent.mkdir(exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            if path.parent.parent.is_dir():
                continue  # who held it has just taken the folder away
            raise ProjectError(f"There is no folder {path.parent.parent}.") from None
        except OSError as err:
            raise ProjectError(
                f"The project {path.parent.parent} cannot be written ({err.strerror or err}). Nothing was "
                "changed. Copy the project to where it can be written, or open the GeoJSON files in QuPath."
            ) from err
        if lock_file(handle) is None:
            os.close(handle)
            raise busy
        try:
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)  # it was locked by one who has deleted it since: there is another now
    raise busy
