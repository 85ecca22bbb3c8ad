"""Options that say how embeddings become probabilities, shared by the commands that score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.alignment.refining import Refinement

WORDS = "Prompts"
METHOD = "Method"
AFTER = "Afterwards (results go to the folder 'refined', apart)"

Prompts = Annotated[
    str, typer.Option(help="Name of a shipped prompt set, or a YAML file.", rich_help_panel=WORDS)
]
Templates = Annotated[
    str | None,
    typer.Option(
        help="Template sets (conch, organ, plip), separated by commas, in place of the prompt set's own.",
        rich_help_panel=WORDS,
    ),
]
Organ = Annotated[
    str | None,
    typer.Option(help="What {organ} stands for in templates, such as breast.", rich_help_panel=WORDS),
]
AlignmentName = Annotated[
    str,
    typer.Option(
        help="one-to-one, cross-pair, joint-fusion, mean-fusion or many-to-many.", rich_help_panel=METHOD
    ),
]
PoolingName = Annotated[
    str | None,
    typer.Option(
        help="How many-to-many pools bags: log-mean-exp (default), mean, max, top-k, optimal-transport, "
        "weighted-crops.",
        rich_help_panel=METHOD,
    ),
]
TemperatureValue = Annotated[
    float | None,
    typer.Option("--temperature", help="Divides the logits: above 1 softer.", rich_help_panel=METHOD),
]
Screening = Annotated[
    str | None,
    typer.Option(help="How tiles weigh prompts: none, zpe or margin.", rich_help_panel=METHOD),
]
Centring = Annotated[
    float | None,
    typer.Option(help="Share of the mean image that is taken off, 0 to 1.", rich_help_panel=METHOD),
]
Prior = Annotated[
    str | None,
    typer.Option(
        help="Correction of the classes' shares: none, content-free, frolic or otter.",
        rich_help_panel=METHOD,
    ),
]
Shares = Annotated[
    str | None,
    typer.Option(
        help="Shares of the classes for otter, separated by commas; even by default.", rich_help_panel=METHOD
    ),
]
ExamplesFile = Annotated[
    Path | None,
    typer.Option(
        "--examples",
        help="GeoJSON of areas of the slide whose class is told (QuPath's annotations).",
        rich_help_panel=AFTER,
    ),
]
FewShotName = Annotated[
    str | None,
    typer.Option(
        "--few-shot",
        help="What examples add: gda, tip-adapter or prototype; gda where there are examples.",
        rich_help_panel=AFTER,
    ),
]
Transductive = Annotated[
    str,
    typer.Option(
        help="Judge all tiles together: transclip or zlap; left out where zero-shot is weak.",
        rich_help_panel=AFTER,
    ),
]
Smoothing = Annotated[
    float,
    typer.Option(
        "--smooth", help="Mean over neighbours: standard deviation in tiles.", rich_help_panel=AFTER
    ),
]
Calibrate = Annotated[
    str,
    typer.Option(help="examples, or a mean confidence such as 0.8.", rich_help_panel=AFTER),
]


def prompts_from(name: str, templates: str | None, organ: str | None) -> PromptSet:
    """The prompt set that options name.

    Raises
    ------
    PromptError
        There is no such set or template set, or a template lacks its organ.
    """
    from napari_histoalign.alignment import PromptSet

    listed = None if templates is None else tuple(names(templates))
    return PromptSet.load(name).with_context(templates=listed, organ=organ)


def alignment_from(
    name: str,
    *,
    pooling: str | None = None,
    temperature: float | None = None,
    screening: str | None = None,
    centring: float | None = None,
    prior: str | None = None,
    shares: str | None = None,
) -> Alignment:
    """The alignment that options describe; None leaves the default.

    Raises
    ------
    HistoalignError
        An option makes no sense; the message says which.
    """
    from napari_histoalign.alignment import Alignment

    given: dict[str, Any] = {
        "pooling": pooling,
        "temperature": temperature,
        "screening": screening,
        "centring": centring,
        "prior": prior,
        "shares": None if shares is None else _numbers("--shares", shares),
    }
    if shares is not None and prior != "otter":
        raise HistoalignError("--shares are assumed by --prior otter alone; give both, or neither.")
    return Alignment(name, **{key: value for key, value in given.items() if value is not None})


def refinement_from(
    few_shot: str | None, transductive: str, smoothing: float, calibrate: str, examples: Path | None
) -> Refinement:
    """The refinement that options describe.

    Raises
    ------
    HistoalignError
        An option makes no sense, or examples are needed and none are given.
    """
    from napari_histoalign.alignment.refining import Refinement

    found = Refinement(
        few_shot=few_shot or ("none" if examples is None else "gda"),
        transductive=transductive,
        smoothing=smoothing,
        calibration=calibrate if calibrate in ("none", "examples") else "none",
    )
    if calibrate not in ("none", "examples"):
        found = replace(found, calibration="confidence", confidence=_confidence(calibrate))
    if found.needs_examples and examples is None:
        raise HistoalignError(
            "Few-shot and calibration by examples need --examples: a GeoJSON file of areas whose class is "
            "told."
        )
    return found


def names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _confidence(text: str) -> float:
    try:
        return float(text)
    except ValueError as err:
        raise HistoalignError(
            f"--calibrate takes examples, or a mean confidence such as 0.8; got {text!r}."
        ) from err


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as err:
        raise HistoalignError(f"{option} takes numbers, separated by commas; got {text!r}.") from err
