"""Shares of the classes, as a person types them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qtpy.QtWidgets import QLineEdit

from napari_histoalign.plugin.widgets.method_fields import Field, quietly


class Shares(Field):
    """How much of the tissue each class is expected to be; empty for even shares."""

    def __init__(self) -> None:
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("even")
        super().__init__(
            "Shares",
            self.edit,
            "Share of each class in its order, such as 70 20 10; they are brought to a sum of 1",
        )
        self._classes: tuple[str, ...] = ()
        self._good: tuple[float, ...] | None = None
        self.edit.textEdited.connect(self._on_edited)
        self._explain()

    def value(self) -> tuple[float, ...] | None:
        """The last shares that make sense, with the sum 1; None for even ones."""
        return self._good

    def set_value(self, shares: Sequence[float] | None) -> None:
        """Show shares; nothing is emitted."""
        self._good = None if shares is None else tuple(shares)
        text = " ".join(f"{share:.6g}" for share in shares or ())
        quietly(self.edit, lambda: self.edit.setText(text))
        self._explain()

    def set_classes(self, names: Sequence[str]) -> None:
        """Take the classes that the shares are of."""
        if tuple(names) != self._classes:
            self._classes = tuple(names)
            self._take(self.edit.text())

    def _on_edited(self, text: str) -> None:
        before = self._good
        self._take(text)
        if self._good != before:
            self.typed.emit()

    def _take(self, text: str) -> None:
        shares, problem = read_shares(text, len(self._classes))
        if problem:
            if self._good is not None and self._classes and len(self._good) != len(self._classes):
                self._good = None  # they were of other classes
            self.say(f"{problem} Until then {self._used()}.", problem=True)
            return
        self._good = shares
        self._explain()

    def _used(self) -> str:
        if self._good is None:
            return "even shares are used"
        return f"{' '.join(f'{share:.3g}' for share in self._good)} is used"

    def _explain(self) -> None:
        if self._good is None or len(self._good) != len(self._classes):
            self.say("Classes are taken to be equally frequent.")
        else:
            self.say(
                ", ".join(f"{n} {share:.0%}" for n, share in zip(self._classes, self._good, strict=True))
                + "."
            )


def read_shares(text: str, classes: int) -> tuple[tuple[float, ...] | None, str]:
    """Shares from what was typed.

    Parameters
    ----------
    text
        Numbers, with or without ``%``, between blanks, commas or semicolons; a comma between digits without
        a blank after it separates too.
    classes
        How many there have to be; 0 where that is not known.

    Returns
    -------
    shares, problem
        Shares with the sum 1 (None for even ones), and what is wrong with the text (empty: nothing).
    """
    words = [word.removesuffix("%") for word in re.split(r"[\s,;]+", text.strip()) if word not in ("", "%")]
    if not words:
        return None, ""
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None, "Shares are numbers with blanks between them, such as 70 20 10."
    if classes and len(numbers) != classes:
        return None, f"There are {classes} classes: give as many shares."
    total = sum(numbers)
    if not all(0 < number < float("inf") for number in numbers):
        return None, "Each share has to be above 0."
    return tuple(number / total for number in numbers), ""
