"""What a pickle of weights may be made of; looked at step by step, so that nothing in it is built."""

from __future__ import annotations

import pickletools
import re
from collections.abc import Iterator
from typing import IO, Any

KNOWN = re.compile(
    r"torch\._utils (_rebuild_tensor|_rebuild_tensor_v2|_rebuild_parameter)"
    r"|torch (Complex)?(Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)Storage"
    r"|torch (Size|device|bool|(float|bfloat|complex|u?int)\d+)|torch\.nn\.parameter Parameter"
    r"|collections (OrderedDict|Counter)|(__builtin__|builtins) (set|complex)"
)
"""What tables of weights, and what training keeps beside them, name: nothing that takes memory at will."""
LARGEST = 16 << 20
"""Bytes of a pickle; some hundred thousand are usual."""
MOST = 1 << 24
"""Values that are put into others, those in them included, each as often as it is met."""
NEW = frozenset(
    {
        "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
        "SHORT_BINSTRING", "GLOBAL", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET",
    }
)  # fmt: skip
"""Operations that put a value on the stack."""
MADE = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "REDUCE": 2, "NEWOBJ": 2, "BINPERSID": 1}
"""Operations that make a new value of so many."""
INTO = {"APPEND": 1, "SETITEM": 2, "BUILD": 1}
"""Operations that put so many values into the one below them."""
BOMB = "is packed as PyTorch packs no weights, and could take any amount of memory"


class OtherPickle(Exception):
    """It is made of something else than tables of weights are; goes on after the name of the file."""


def check_pickle(file: IO[bytes]) -> None:
    """Make sure that reading a pickle takes time and memory as its size lets expect.

    PyTorch's careful reader runs no code, but it makes arrays as long as the pickle says, and what is in a
    value many times over it looks at many times.

    Parameters
    ----------
    file
        Read from where it stands to the end of one pickle.

    Raises
    ------
    OtherPickle
        It names something that is none of `KNOWN`, is larger than `LARGEST`, or holds more than `MOST`.
    ValueError
        It is no pickle of PyTorch, or cut off.
    """
    try:
        _Stack().follow(_steps(file))
    except (ValueError, IndexError, KeyError, OverflowError) as err:
        raise ValueError("its table of weights is damaged") from err


def _steps(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Names of operations, and their arguments."""
    start = file.tell()
    for code, arg, _ in pickletools.genops(file):
        if file.tell() - start > LARGEST:
            raise OtherPickle(BOMB)
        if code.name == "GLOBAL" and not KNOWN.fullmatch(str(arg)):
            name = re.sub(r"[^\w.]", "?", str(arg).replace(" ", "."))[:80]
            if name.startswith("torch."):
                raise OtherPickle(f"holds tensors in a form that weights do not have ({name})")
            raise OtherPickle(
                f"holds Python objects besides weights ({name}), and reading them could run code"
            )
        yield code.name, arg


class _Stack:
    """What a pickle builds, but of each value only how many are in it, in a list of that one number.

    Containers grow after they were put somewhere, and there, too: hence the lists.
    """

    def __init__(self) -> None:
        self.values: list[list[int]] = []
        self.marks: list[int] = []
        self.memo: dict[int, list[int]] = {}
        self.put = 0

    def follow(self, steps: Iterator[tuple[str, Any]]) -> None:
        """Go through all steps of a pickle."""
        for name, arg in steps:
            if name in NEW:
                self.values.append([1])
            elif name == "MARK":
                self.marks.append(len(self.values))
            elif name in ("BINPUT", "LONG_BINPUT"):
                self.memo[arg] = self.values[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self.values.append(self.memo[arg])
            elif name in MADE or name == "TUPLE":
                taken = self._taken(MADE.get(name))
                self.values.append([1])
                self._put(taken)
            elif name in INTO or name in ("APPENDS", "SETITEMS"):
                self._put(self._taken(INTO.get(name)))
            elif name not in ("PROTO", "STOP"):
                raise ValueError(f"{name} is no step of its table of weights")

    def _taken(self, count: int | None) -> list[list[int]]:
        """The last values, or those behind the last mark."""
        start = self.marks.pop() if count is None else len(self.values) - count
        taken = self.values[max(start, 0) :]
        del self.values[max(start, 0) :]
        return taken

    def _put(self, taken: list[list[int]]) -> None:
        """Into the value on top."""
        count = sum(value[0] for value in taken)
        self.values[-1][0] += count
        self.put += count
        if self.put > MOST:
            raise OtherPickle(BOMB)
