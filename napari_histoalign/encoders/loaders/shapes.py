"""Sizes of our own architectures, from the registry."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

Shape = TypeVar("Shape")


def make_shape(kind: type[Shape], spec: EncoderSpec, **own: Any) -> Shape:
    """The sizes of an encoder.

    Parameters
    ----------
    kind
        A dataclass whose defaults are those of the published model. Its `image_size` and `dim` are the
        entry's own.
    spec
        The entry; its ``shape`` changes sizes.
    **own
        Other sizes that the entry's own fields say.

    Raises
    ------
    EncoderError
        ``shape`` has a size that does not exist, or one that the entry's own fields say.
    """
    fixed = {"image_size": spec.input_size, "dim": spec.dim, **own}
    free = sorted({f.name for f in fields(kind)} - fixed.keys())  # type: ignore[arg-type]
    if strange := sorted(spec.shape.keys() - set(free)):
        raise EncoderError(
            f"Encoder {spec.name!r} has the unknown shape {', '.join(strange)}; there are {', '.join(free)}."
        )
    return kind(**fixed, **spec.shape)
