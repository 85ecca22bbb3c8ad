"""What tests look at."""

from __future__ import annotations

from napari_histoalign.encoders import EncoderLibrary, Listing, list_encoders


def state(library: EncoderLibrary, name: str) -> Listing:
    """An encoder as it is listed."""
    return next(row for row in list_encoders(library) if row.spec.name == name)


def left_behind(library: EncoderLibrary) -> list[str]:
    """Names of everything in the library, hidden or not."""
    return sorted(p.name for p in library.root.rglob("*")) if library.root.exists() else []
