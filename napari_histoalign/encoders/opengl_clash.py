"""Keeps triton away from the LLVM of an OpenGL driver."""

from __future__ import annotations

import sys
from pathlib import Path

MAPS = Path("/proc/self/maps")
"""Where Linux lists the libraries of the process; the clash is known there only."""


def keep_triton_out() -> None:
    """Forbid triton to this process where importing it would end it.

    transformers imports triton, a compiler for graphics processors, wherever it is installed. Triton brings
    an LLVM of its own; beside the libLLVM that Mesa's OpenGL (software and AMD) has already loaded for a
    window, its import is a segmentation fault. Nothing here compiles with it. Other plugins that do are
    told that it is not installed, instead of losing the person's work.
    """
    try:
        clash = "libLLVM" in MAPS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if clash:
        sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
