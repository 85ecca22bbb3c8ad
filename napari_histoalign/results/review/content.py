"""What a review log holds, and what is wrong with it: everything that can be read is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review.acts import Act
from napari_histoalign.results.review.lines import NOTHING, VERSION, Line, digest, read_line

Fault = Literal["torn", "damaged", "altered", "gap", "newer", "unknown", "repeated", "nameless"]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a log.

    Attributes
    ----------
    line
        Which, from 1.
    kind
        ``torn`` (cut short by a crash), ``damaged`` (unreadable), ``altered`` (changed since it was
        written), ``gap`` (what stood before it was changed or taken out), ``newer`` or ``unknown`` (of
        another version), ``repeated``, ``nameless`` (nothing says which slide it belongs to).
    text
        A sentence for the person.
    """

    line: int
    kind: Fault
    text: str


@dataclass(frozen=True)
class LogContent:
    """What a log holds.

    Attributes
    ----------
    slide, slide_file
        Fingerprint and file name of the slide; empty where the log does not say.
    acts
        Those that can be relied on, in their order.
    problems
        What cannot, each kept in the file.
    lines, head
        How many lines there are, and the SHA-256 of the last.
    digests
        SHA-256 of each line.
    size
        Bytes read.
    open_end
        Whether the last line lacks its end.
    """

    slide: str = ""
    slide_file: str = ""
    acts: tuple[Act, ...] = ()
    problems: tuple[Problem, ...] = ()
    digests: tuple[str, ...] = ()
    size: int = 0
    open_end: bool = False

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.digests)

    @property
    def head(self) -> str:
        """SHA-256 of the last line."""
        return self.digests[-1] if self.digests else NOTHING

    def goes_on_from(self, lines: int, head: str) -> bool:
        """Whether the log once was `lines` long and ended with the line of that hash.

        The chain itself cannot tell that its last lines were taken off; whoever noted how long it was can.
        """
        return lines == 0 or (lines <= self.lines and self.digests[lines - 1] == head)


def read_log(path: Path) -> LogContent:
    """Read a log, also while another program writes it.

    Raises
    ------
    ResultError
        There is none, or it cannot be read.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise ResultError(f"There is no review log at {path}.")
        data = path.read_bytes()
    except OSError as err:
        raise ResultError(f"The review log {path} cannot be read ({err.strerror or err}).") from err
    return parse_log(data, path.name)


def parse_log(data: bytes, name: str) -> LogContent:
    """Read the bytes of a log.

    Parameters
    ----------
    data
        The file.
    name
        What sentences call it.
    """
    raw = data.split(b"\n")
    open_end = bool(raw.pop())
    if open_end:
        raw = data.split(b"\n")
    digests = tuple(digest(line) for line in raw)
    found = [read_line(line) for line in raw]
    slide: dict[str, Any] = {}
    acts: dict[str, Act] = {}
    problems: list[Problem] = []
    for i, line in enumerate(found):

        def tell(kind: Fault, text: str, number: int = i + 1) -> None:
            problems.append(Problem(number, kind, f"Line {number} of {name} {text}"))

        if line is None:
            follower = found[i + 1] if i + 1 < len(found) else None
            last = i + 1 == len(found)
            # who wrote the next line found this one as it is: no harm came to it since
            if last or (follower is not None and follower.intact and follower.previous == digests[i]):
                tell(
                    "torn",
                    f"({len(raw[i])} bytes) was cut short, as by a crash or a full disk. It is left out, "
                    "and stays in the file: what was done last then may have to be done again.",
                )
            else:
                tell("damaged", f"({len(raw[i])} bytes) cannot be read. It is left out and stays there.")
            continue
        if not line.intact:
            tell("altered", f"{_said(line)} was changed after it was written. It is left out.")
            continue
        if line.previous != (digests[i - 1] if i else NOTHING):
            before = found[i - 1] if i else None
            if i == 0 or (before is not None and before.intact):
                tell("gap", "does not follow on the line before it: lines were taken out or put in there.")
        _take(line, slide, acts, tell)
    if data and not slide:
        problems.append(Problem(1, "nameless", f"{name} does not say to which slide it belongs."))
    return LogContent(
        slide=slide.get("fingerprint", ""),
        slide_file=slide.get("file", ""),
        acts=tuple(acts.values()),
        problems=tuple(problems),
        digests=digests,
        size=len(data),
        open_end=open_end,
    )


def _take(line: Line, slide: dict[str, Any], acts: dict[str, Act], tell: Any) -> None:
    """Add what an intact line holds."""
    version = line.record.get("v")
    if type(version) is not int or version > VERSION:
        tell("newer", "was written by a newer napari-histoalign. It is left out: update to see it.")
        return
    head = line.record.get("slide")
    if isinstance(head, dict):
        if not slide:
            slide.update({k: v for k, v in head.items() if isinstance(v, str)})
        return
    try:
        act = Act.from_plain(line.record.get("act"))
    except ResultError as err:
        tell("unknown", f"is left out and stays in the file: {err}")
        return
    if act.id in acts:
        tell("repeated", "repeats an act that stands before it, and is left out.")
        return
    acts[act.id] = act


def _said(line: Line) -> str:
    """Whose act a changed line claims to be."""
    act = line.record.get("act")
    if isinstance(act, dict) and isinstance(act.get("who"), str) and isinstance(act.get("what"), str):
        return f"({act['what']} by {act['who']})"
    return "(no act)"
