"""Slides and cases that BreakHis holds under more than one diagnosis."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.pixels import file_digest
from napari_histoalign.evaluation.records import ImageRecord, Problem


def double_slides(root: Path, records: list[ImageRecord]) -> list[Problem]:
    """A slide that lies under two subtypes (14-13412 does), and whether its images are the same files.

    Parameters
    ----------
    root
        Folder the records' names are relative to.
    records
        Of BreakHis.
    """
    slides: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for record in records:
        file = record.name.rsplit("/", 1)[-1]
        slide, picture = _slide(file), file.split("-", 3)[3]  # "100-001.png"
        slides[slide][record.fine_label][picture] = record.name
    problems = []
    for slide, kinds in sorted(slides.items()):
        for one, other in combinations(sorted(kinds), 2):
            pairs = [(name, kinds[other][p]) for p, name in kinds[one].items() if p in kinds[other]]
            same = sum(_same_bytes(root / a, root / b) for a, b in pairs)
            what = (
                f"Slide {slide} lies under {one} ({len(kinds[one])} images) and under {other} "
                f"({len(kinds[other])}): one of the two diagnoses cannot be right. "
                f"{same} of the {len(pairs)} images of the same number are the same file."
            )
            problems.append(Problem("duplicate", _folder(min(kinds[other].values())), what))
    return problems


def shared_cases(records: list[ImageRecord]) -> list[Problem]:
    """Accession numbers that stand for more than one subtype.

    Parameters
    ----------
    records
        Of BreakHis.
    """
    cases: dict[str, dict[str, str]] = defaultdict(dict)
    for record in records:
        parts = _slide(record.name.rsplit("/", 1)[-1])
        cases[parts.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")].setdefault(record.fine_label, record.name)
    return [
        Problem(
            "shared patient",
            _folder(min(kinds.values())),
            f"Accession number {case} stands for {' and '.join(sorted(kinds))}: slides of one person, in all "
            "likelihood. Folds by accession number keep them together.",
        )
        for case, kinds in sorted(cases.items())
        if len(kinds) > 1
    ]


def _slide(file: str) -> str:
    """The slide's number: 14-13412 of SOB_M_DC-14-13412-100-001.png."""
    return "-".join(file.split("-")[1:3])


def _folder(name: str) -> str:
    """The slide's folder of an image's path."""
    return name.rsplit("/", 2)[0]


def _same_bytes(one: Path, other: Path) -> bool:
    """Whether two files are alike; a file that cannot be read is like none."""
    try:
        return one.stat().st_size == other.stat().st_size and file_digest(one) == file_digest(other)
    except (OSError, DatasetError):
        return False
