"""How the helper process is spoken to: one JSON object a line, requests in, answers out."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from napari_histoalign.errors import HistoalignError

Operation = Callable[..., Any]
"""Takes a request's parameters by name, and returns plain values."""


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as a line; ASCII, so that no encoding can get between."""
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def private_stdout() -> IO[bytes]:
    """The stdout of this process, for answers alone: whatever else is printed goes to stderr.

    Java's log, and what native libraries print, would otherwise get between the answers.
    """
    sys.stdout.flush()
    answers = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(answers, "wb", buffering=0)


def serve(operations: Mapping[str, Operation], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    operations
        What can be asked, by name.
    requests, answers
        Binary streams of lines.
    """
    for line in requests:
        answers.write(encode(_answer(line, operations)))


def _answer(line: bytes, operations: Mapping[str, Operation]) -> dict[str, Any]:
    number = None
    try:
        request = json.loads(line)
        number, operation = request["id"], operations[request["operation"]]
        return {"id": number, "result": operation(**request["parameters"])}
    except HistoalignError as err:
        return {"id": number, "error": str(err), "expected": True}
    except Exception as err:  # whatever it is, the asker has to hear of it; the trace goes to the log
        traceback.print_exc()
        # Java's exceptions tell their class and message in their text
        return {"id": number, "error": f"{type(err).__name__}: {err}", "expected": False}
