"""The encoders that are known: one entry of ``resources/encoders.yaml`` each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from napari_histoalign.encoders.entry_checks import wrong_fields
from napari_histoalign.encoders.preprocessing import INTERPOLATIONS, NORMALISATIONS, RESIZES, Preprocessing
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import resource

ROLES = ("pathology", "general", "control")
SIMILARITIES = ("softmax", "sigmoid")


@dataclass(frozen=True)
class EncoderSpec:
    """What is known of an encoder before it is loaded.

    Attributes
    ----------
    name, title
        Key in the registry, and what people call it.
    role
        "pathology", "general" or "control" (expected to know nothing of tissue).
    loader
        Which code loads it (see `loading.LOADERS`).
    files
        SHA-256 (hexadecimal) of each file needed, by name; None where the publisher's bytes are not
        known. Names that may stand for each other are joined by ``|``; the sum is that of the first.
    input_size, resize, interpolation, normalisation
        How pixels are prepared (see `preprocessing.Preprocessing`); `normalisation` is a name or
        ``{mean: [3 numbers], std: [3 numbers]}``.
    mpp
        Micrometres per pixel of a tile the encoder was meant for; None where any will do.
    dim, context_length, tokenizer
        Length of an embedding; how many tokens are read, and what makes them (see `tokenizers`).
    similarity
        "softmax": logits are ``logit_scale * cosine``, compared between classes. "sigmoid": each class
        stands for itself, ``sigmoid(logit_scale * cosine + logit_bias)`` (SigLIP).
    space
        Encoders that name the same space can be compared with each other directly.
    licence, licence_url, citation
        Terms of the weights, and whom to cite.
    folder
        Where its files are, below the shipped resources; empty for those a person adds.
    hub, origins, page
        Repository of the weights on the Hugging Face hub; where files come from that are not in it
        (an address, or ``hub:OWNER/NAME/FILE``); the page a person visits when nothing can fetch them.
    gated
        Whether the publisher wants to be asked for access first.
    size_mb
        What a download weighs, about, in megabytes.
    architecture, shape
        Name the loader's library knows the architecture by; sizes that differ from the published ones.
    demo, notice
        Whether it is for demonstration only, and what people must be told.
    """

    name: str
    title: str
    role: str
    loader: str
    files: Mapping[str, str | None]
    input_size: int
    mpp: float | None
    dim: int
    context_length: int
    space: str
    licence: str
    licence_url: str
    citation: str
    tokenizer: str = "folder"
    resize: str = "shortest"
    interpolation: str = "bicubic"
    normalisation: str | Mapping[str, Sequence[float]] = "openai"
    similarity: str = "softmax"
    folder: str = ""
    hub: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    gated: bool = False
    size_mb: int = 0
    architecture: str = ""
    shape: Mapping[str, Any] = field(default_factory=dict)
    demo: bool = False
    notice: str = ""

    @property
    def preprocessing(self) -> Preprocessing:
        """How the encoder's pixels are prepared."""
        if isinstance(self.normalisation, str):
            mean, std = NORMALISATIONS[self.normalisation]
        else:
            mean, std = (tuple(map(float, self.normalisation[k])) for k in ("mean", "std"))
        return Preprocessing(self.input_size, self.resize, self.interpolation, mean, std)

    @property
    def home(self) -> str:
        """The page of the weights; empty where there is none."""
        return self.page or (f"https://huggingface.co/{self.hub}" if self.hub else "")

    def pinned(self, file: str) -> str | None:
        """SHA-256 of a file as its publisher has it, by its one name; None where it is not known."""
        return next((sha for names, sha in self.files.items() if names.split("|")[0] == file), None)

    @property
    def downloadable(self) -> bool:
        """Whether every file can be fetched by name."""
        return bool(self.hub) or (
            bool(self.files) and all(n.split("|")[0] in self.origins for n in self.files)
        )

    def to_dict(self) -> dict[str, Any]:
        """The entry as the registry has it, without the name and what is left at its default."""
        values = asdict(self)
        return {
            f.name: values[f.name]
            for f in fields(self)
            if f.name != "name"
            and (f.default is MISSING or values[f.name] != f.default)
            and values[f.name] != {}
        }


def registry(path: Path | None = None) -> dict[str, EncoderSpec]:
    """Every encoder of the registry, by name.

    Parameters
    ----------
    path
        Another registry file than the shipped one.

    Raises
    ------
    EncoderError
        If the file cannot be read or an entry is incomplete.
    """
    import yaml

    path = path or resource("encoders.yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # as safe, and ten times as fast
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as err:
        raise EncoderError(
            f"The list of encoders {path} cannot be read ({' '.join(str(err).split())})."
        ) from err
    if not isinstance(entries, dict):
        raise EncoderError(f"The list of encoders {path} has to map names to entries.")
    return {str(name): make_spec(str(name), entry, path) for name, entry in entries.items()}


def make_spec(name: str, entry: Any, path: Path) -> EncoderSpec:
    """One checked entry.

    Parameters
    ----------
    name, entry
        Its key and what stands there.
    path
        The file it comes from, for the error.

    Raises
    ------
    EncoderError
        If a field is missing, unknown, or has a value that cannot be.
    """
    if not isinstance(entry, dict):
        raise EncoderError(f"Encoder {name!r} in {path} has to be a list of fields.")
    known = {f.name: f for f in fields(EncoderSpec)}
    required = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    missing = required - {"name"} - entry.keys()
    strange = entry.keys() - known.keys()
    if missing or strange:
        faults = [f"lacks {', '.join(sorted(missing))}"] if missing else []
        faults += [f"has the unknown fields {', '.join(sorted(map(str, strange)))}"] if strange else []
        raise EncoderError(f"Encoder {name!r} in {path} {' and '.join(faults)}.")
    if wrong := wrong_fields(entry):
        raise EncoderError(f"Encoder {name!r} in {path}: {'; '.join(wrong)}.")
    spec = EncoderSpec(**{**entry, "name": name})
    for what, value, allowed in (
        ("role", spec.role, ROLES),
        ("similarity", spec.similarity, SIMILARITIES),
        ("resize", spec.resize, RESIZES),
        ("interpolation", spec.interpolation, tuple(INTERPOLATIONS)),
        ("normalisation", spec.normalisation, tuple(NORMALISATIONS)),
    ):
        if isinstance(value, str) and value not in allowed:
            raise EncoderError(
                f"Encoder {name!r} in {path} has the {what} {value!r}; there are {', '.join(allowed)}."
            )
    return spec
