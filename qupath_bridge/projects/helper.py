"""The process that runs Java: ``python -m qupath_bridge.projects.helper``.

It is one of its own since Java's machine cannot be restarted within a process, must not be forked, and
takes the process with it when it crashes. ``PAQUO_QUPATH_DIR`` in its environment names QuPath.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Answer requests from stdin on stdout; end when stdin does."""
    from qupath_bridge.projects.protocol import private_stdout, serve

    answers = private_stdout()
    from qupath_bridge.projects import java_side

    serve(java_side.OPERATIONS, sys.stdin.buffer, answers)
    sys.stderr.flush()
    os._exit(0)  # Java's threads may wait for ever


if __name__ == "__main__":
    main()
