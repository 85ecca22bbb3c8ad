"""BreakHis: breast tumours at four magnifications."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.breakhis_checks import double_slides, shared_cases
from napari_histoalign.evaluation.datasets.options import one_of, pixel_size
from napari_histoalign.evaluation.datasets.pixels import FileReader
from napari_histoalign.evaluation.datasets.survey import Survey, image_set, join
from napari_histoalign.evaluation.folds import find_lists, with_folds
from napari_histoalign.evaluation.records import ImageRecord

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

MAGNIFICATIONS = ("40X", "100X", "200X", "400X")
PUBLISHED = {"40X": 1995, "100X": 2081, "200X": 2013, "400X": 1820}
"""Images at each magnification as published."""

OBJECTIVES = {"40X": 4, "100X": 10, "200X": 20, "400X": 40}
"""The lens behind each magnification; a 10x eyepiece makes the rest."""

CLASSES = ("benign", "malignant")
SUBTYPES = {
    "A": "adenosis",
    "F": "fibroadenoma",
    "PT": "phyllodes_tumor",
    "TA": "tubular_adenoma",
    "DC": "ductal_carcinoma",
    "LC": "lobular_carcinoma",
    "MC": "mucinous_carcinoma",
    "PC": "papillary_carcinoma",
}
"""Folder of each letter."""

BENIGN = ("A", "F", "PT", "TA")

LAYOUT = (
    "BreaKHis_v1/histology_slides/breast/{benign,malignant}/SOB/<subtype>/<slide>/{40X,100X,200X,400X}/*.png,"
    " with names such as SOB_M_DC-14-2523-100-001.png"
)
CITATION = (
    "Spanhol FA, Oliveira LS, Petitjean C, Heutte L. A Dataset for Breast Cancer Histopathological Image "
    "Classification. IEEE Transactions on Biomedical Engineering 63(7), 2016, 1455-1462. "
    "doi:10.1109/TBME.2015.2496264"
)
_NAME = re.compile(
    r"SOB_([BM])_(A|F|PT|TA|DC|LC|MC|PC)-(\d\d)-(\d+)([A-Z]*)-(40|100|200|400)-(\d{3})\.png", re.ASCII
)
_PLACES = (
    "",
    "breast",
    "histology_slides/breast",
    "BreaKHis_v1/histology_slides/breast",
    "BreaKHis_v1/BreaKHis_v1/histology_slides/breast",
)


def open_breakhis(
    root: str | Path,
    *,
    classes: str = "binary",
    magnifications: str | Sequence[str] = MAGNIFICATIONS,
    patients: str = "accession",
    mpp: float | str | None = None,
    folds: str | Path | None = None,
    seed: int = 0,
) -> ImageSet:
    """BreakHis in its published layout.

    Parameters
    ----------
    root
        BreaKHis_v1, the folder it lies in, or its histology_slides/breast.
    classes
        "binary" (benign, malignant) or "subtypes" (eight).
    magnifications
        Those wanted, of 40X, 100X, 200X and 400X; as one text with commas between, if need be.
    patients
        "accession": the case's number, so that images of one person are never held for independent;
        "folder": the slide's folder, 82 of them, as the published protocol counts.
    mpp
        None; "published", from the optics described (sensor pixels of 6.5 um, relay lens 3.3x); or um/px
        where one magnification is asked for.
    folds
        Folder with the published lists dsfold1.txt to dsfold5.txt, or with the folders fold1 to fold5 made
        from them. None looks for them in and beside the root.
    seed
        Of the folds that are drawn where there are no published lists.

    Raises
    ------
    DatasetError
        Nothing usable is there, or an option has no such value.
    """
    one_of("classes", classes, ("binary", "subtypes"))
    one_of("patients", patients, ("accession", "folder"))
    wanted = _magnifications(magnifications)
    sizes, size_note = _pixel_sizes(mpp, wanted)
    survey = Survey(root)
    base = survey.base("breakhis", _PLACES, CLASSES, LAYOUT)
    records = []
    for folder in _folders(survey, base, wanted):
        for name in survey.images(folder, (".png",)):
            size = sizes[folder.rsplit("/", 1)[-1]]
            records += _records(survey, folder, name, classes, patients, size)
    survey.problems += double_slides(survey.root, records) + shared_cases(records)
    found = image_set(
        survey,
        records,
        name="breakhis" if classes == "binary" else "breakhis (8 classes)",
        class_names=CLASSES if classes == "binary" else tuple(_words(s) for s in SUBTYPES.values()),
        read=FileReader(survey.root, sizes=((700, 460), (700, 456))),
        expected=LAYOUT,
        positive=1 if classes == "binary" else None,
        notes=(*_notes(records, wanted, patients), size_note),
        prompts="breast-binary" if classes == "binary" else "breakhis-subtypes",
        citation=CITATION,
    )
    images = survey.root / base
    above = [folder for folder in images.parents if folder.is_relative_to(survey.root)]
    lists = find_lists(folds, images, *above)
    return with_folds(found, lists=lists, magnifications=wanted, seed=seed)


def case_of(name: str) -> str:
    """Year and number of the case in the name of a file: "14-22549" of SOB_B_A-14-22549AB-100-003.png."""
    parsed = _NAME.fullmatch(name.rsplit("/", 1)[-1])
    if parsed is None:
        raise DatasetError(f"{name} is no file name of BreakHis, such as SOB_M_DC-14-2523-100-001.png.")
    return f"{parsed[3]}-{parsed[4]}"


def _folders(survey: Survey, base: str, wanted: tuple[str, ...]) -> list[str]:
    """Every folder that holds the images of one slide at a wanted magnification."""
    found: list[str] = []
    for group, at_group in survey.known_folders(base, CLASSES):
        for _, at_biopsy in survey.known_folders(at_group, ("SOB",)):
            mine = [name for kind, name in SUBTYPES.items() if (kind in BENIGN) == (group == "benign")]
            for _, at_subtype in survey.known_folders(at_biopsy, mine):
                slides = survey.folders(at_subtype)
                if not slides:
                    survey.tell("missing", at_subtype, "It holds no folder of a slide.")
                for slide in slides:
                    at_slide = join(at_subtype, slide)
                    here = survey.folders(at_slide)
                    found += [join(at_slide, m) for m in here if m in wanted]
                    if absent := [m for m in wanted if m not in here]:
                        survey.tell("missing", at_slide, f"The slide has no folder {', '.join(absent)}.")
                    for other in sorted(set(here) - set(MAGNIFICATIONS)):
                        what = "It is none of the magnifications; it was not looked into."
                        survey.tell("unexpected folder", join(at_slide, other), what, left_out=True)
    return found


def _records(
    survey: Survey, folder: str, name: str, classes: str, patients: str, mpp: float | None
) -> list[ImageRecord]:
    """The record of a file; none, and a word why, where its name and its folders do not agree."""
    path = join(folder, name)
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        what = "Its name is not of the form SOB_M_DC-14-2523-100-001.png, so that its patient is not known."
        survey.tell("malformed name", path, what, left_out=True)
        return []
    letter, kind, year, number, further, times, _ = parsed.groups()
    case = case_of(name)
    group_folder, _, subtype_folder, slide_folder, magnification = path.split("/")[-6:-1]
    group = CLASSES[kind not in BENIGN]
    if (
        group[0].upper() != letter
        or group_folder.lower() != group
        or subtype_folder.lower() != SUBTYPES[kind]
    ):
        what = (
            f"Its name says {_words(SUBTYPES[kind])} ({letter}), its folders say {group_folder}, "
            f"{_words(subtype_folder)}."
        )
        survey.tell("mislabelled", path, what, left_out=True)
        return []
    slide = f"SOB_{letter}_{kind}_{year}-{number}{further}"
    if slide_folder != slide or magnification != f"{times}X":
        what = f"Its name says {slide} at {times}X, its folders say {slide_folder} at {magnification}."
        survey.tell("misplaced", path, what, left_out=True)
        return []
    return [
        ImageRecord(
            name=path,
            label=list(SUBTYPES).index(kind) if classes == "subtypes" else CLASSES.index(group),
            patient=slide if patients == "folder" else case,
            magnification=magnification,
            mpp=mpp,
            fine_label=_words(SUBTYPES[kind]),
            group=case,
        )
    ]


def _magnifications(given: str | Sequence[str]) -> tuple[str, ...]:
    """The wanted magnifications, in the set's order."""
    listed = [m.strip() for m in given.split(",")] if isinstance(given, str) else list(given)
    named = {one_of("magnifications", str(m).upper(), MAGNIFICATIONS) for m in listed}
    if not named:
        raise DatasetError(f"Name at least one magnification, of {', '.join(MAGNIFICATIONS)}.")
    return tuple(m for m in MAGNIFICATIONS if m in named)


def _pixel_sizes(mpp: float | str | None, wanted: tuple[str, ...]) -> tuple[dict[str, float | None], str]:
    """Micrometres per pixel of each magnification, and the sentence that says whence."""
    optics = {m: 6.5 / (3.3 * OBJECTIVES[m]) for m in wanted}
    shown = ", ".join(f"{size:.2f} at {m}" for m, size in optics.items())
    if mpp == "published":
        return {**optics}, f"Pixel size from the published optics: um/px {shown}."
    if mpp is not None and len(wanted) > 1:
        raise DatasetError('A pixel size can be given for one magnification only, or be "published" or none.')
    if (size := pixel_size(mpp)) is not None:
        return dict.fromkeys(wanted, size), f"Pixel size as given: {size:g} um/px."
    return dict.fromkeys(wanted), (
        f"No pixel size is assumed: the published optics give um/px {shown}, but nuclei measured in images "
        "at 100X are as wide as they are at about 1 um/px."
    )


def _notes(records: list[ImageRecord], wanted: tuple[str, ...], patients: str) -> list[str]:
    """What a reader of the figures must know."""
    notes = [
        "A patient is the accession number in the file name; letters after it are further slides of one "
        "case. The published protocol counts slides (82 folders) as patients, though some share a number."
        if patients == "accession"
        else "A patient is a slide's folder, as in the published protocol; some share an accession number "
        "and are slides of one case, so that intervals over such patients are too narrow."
    ]
    published = sum(PUBLISHED[m] for m in wanted)
    if len(records) != published:
        notes.append(
            f"{len(records):,} of the {published:,} published images at {', '.join(wanted)} are here: "
            "figures are not to be compared with those of the whole set."
        )
    return notes


def _words(folder: str) -> str:
    return folder.replace("_", " ")
