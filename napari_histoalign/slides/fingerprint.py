"""What tells one slide from another without reading gigabytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 64 * 1024
BLOCKS = 64
"""So many blocks are read at most, 4 MiB; a file no larger is read whole."""


def file_fingerprint(path: Path, dimensions: tuple[int, int]) -> str:
    """Hash of a slide's size, sampled content and dimensions; a rename does not change it.

    Sampled are the head, the tail and evenly spaced blocks between them. Of a
    format with a companion folder (MRXS), the sizes and names of what is in the
    folder count as well, and its index whole.

    Parameters
    ----------
    path
        The slide.
    dimensions
        (width, height) of level 0.

    Returns
    -------
    str
        SHA-256 in hexadecimal.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    digest = hashlib.sha256()
    size = path.stat().st_size
    digest.update(f"histoalign slide 1: {size} bytes, {dimensions[0]} x {dimensions[1]}\n".encode())
    with path.open("rb") as file:
        if size <= BLOCK * BLOCKS:
            digest.update(file.read())
        else:
            for i in range(BLOCKS):
                file.seek((size - BLOCK) * i // (BLOCKS - 1))
                digest.update(file.read(BLOCK))
    companion = path.with_suffix("")
    if path.suffix.lower() == ".mrxs" and companion.is_dir():
        for part in sorted(companion.iterdir(), key=lambda p: p.name):
            digest.update(f"{part.name}: {part.stat().st_size}\n".encode())
            if part.suffix.lower() == ".ini":
                digest.update(part.read_bytes())
    return digest.hexdigest()
