"""How much memory onnxruntime may take: without a limit, a model may end this program and others."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

SHARE = 0.8
"""Of the computer's memory."""


@cache
def is_limited() -> bool:
    """Whether sessions of this process share a limited memory; arranges it when first asked.

    They have to ask for it (`share`). Where the computer does not tell its memory (Windows), asking for more
    than there is fails by itself.
    """
    import onnxruntime

    total = _total()
    if total is None:
        return False
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    try:
        onnxruntime.create_and_register_allocator(
            place, onnxruntime.OrtArenaCfg({"max_mem": int(total * SHARE)})
        )
    except Exception:  # onnxruntime's have no class in common; another package arranged its own
        return False
    return True


def share(options: Any) -> None:
    """Let a session take its memory from the limited one.

    Parameters
    ----------
    options
        onnxruntime's SessionOptions.
    """
    if is_limited():
        options.add_session_config_entry("session.use_env_allocators", "1")


def give_back() -> Any:
    """RunOptions for a session that shares: what a run took is given back after it."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    if is_limited():
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _total() -> int | None:
    """Bytes of the computer's memory, where it tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
