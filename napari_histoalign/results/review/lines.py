"""Lines of the log: how a record becomes bytes, and what tells that bytes were changed since.

A line is a JSON object whose last two members are ``previous``, the SHA-256 of the line before it
(whatever that holds), and ``hash``, the SHA-256 of all that stands before it in its own line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1
"""Of the lines; those of a newer one are kept and not understood."""
NOTHING = hashlib.sha256(b"").hexdigest()
"""What the first line has for the one before."""
_END = re.compile(rb',"hash":"([0-9a-f]{64})"}\Z')


@dataclass(frozen=True)
class Line:
    """A line that could be read.

    Attributes
    ----------
    record
        Its members, less the two hashes.
    previous
        SHA-256 of the line before it, as this line tells it.
    intact
        Whether the line is as it was written.
    """

    record: Mapping[str, Any]
    previous: str
    intact: bool


def digest(line: bytes) -> str:
    """SHA-256 of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def write_line(record: Mapping[str, Any], previous: str) -> bytes:
    """A record as a line, without its end.

    Letters beyond ASCII are escaped, so that any text that Python holds comes back.
    """
    text = json.dumps({"v": VERSION, **record, "previous": previous}, allow_nan=False, separators=(",", ":"))
    body = text[:-1].encode("ascii")
    return body + b',"hash":"' + digest(body).encode("ascii") + b'"}'


def read_line(line: bytes) -> Line | None:
    """What a line holds; None if it is no record at all."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # no UTF-8 is a ValueError too
        return None
    if not isinstance(found, dict) or not isinstance(found.get("previous"), str):
        return None
    end = _END.search(line)
    intact = end is not None and digest(line[: end.start()]).encode("ascii") == end[1]
    record = {name: value for name, value in found.items() if name not in ("previous", "hash")}
    return Line(record, found["previous"], intact)
