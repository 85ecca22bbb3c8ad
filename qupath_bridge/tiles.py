"""Scored tiles as lines of GeoJSON: one template a class, filled in for each tile."""

from __future__ import annotations

import uuid
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from qupath_bridge.features import encode, feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.results import TileScores

BLOCK_ROWS = 2048
"""Tiles turned into text at a time."""
DECIMALS = 6
"""Of measurements."""
PLACE = 0.123456
"""Stands in a template where a measurement will."""


def tile_lines(
    scores: TileScores,
    *,
    origin: uuid.UUID,
    offset: tuple[int, int],
    disagreement: NDArray[Any] | None = None,
) -> Iterator[str]:
    """Tile objects with their class, each class's probability, margin and disagreement, one after the other.

    A million dictionaries take five times as long as their text. Tiles have no metadata: only QuPath 0.6 and
    later keep those of a tile, a map for each in its memory.

    Parameters
    ----------
    scores
        The tiles.
    origin
        Namespace of the ids: one for each slide and run.
    offset
        Corner of the slide's bounds, at which QuPath's coordinates start.
    disagreement
        Of the encoder pairs, one a tile, shape (n,).

    Raises
    ------
    ResultError
        A class has no name or no colour, or a measurement is not finite.
    """
    import numpy as np

    columns = [*scores.probabilities.T, scores.margin]
    names = [*(f"P({name})" for name in scores.class_names), "margin"]
    if disagreement is not None:
        columns.append(disagreement)
        names.append("disagreement")
    templates = [
        _template(name, color, names) for name, color in zip(scores.class_names, scores.colors, strict=True)
    ]
    side = scores.tile_px
    for start in range(0, len(scores), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        values = np.stack([column[rows] for column in columns], axis=1).astype(np.float64)
        if not np.isfinite(values).all():
            raise ResultError("A measurement of a tile is not finite, which GeoJSON cannot hold.")
        parts = (scores.xy[rows], scores.label[rows], np.round(values, DECIMALS))
        for (left, top), label, measured in zip(*(p.tolist() for p in parts), strict=True):
            x, y = left - offset[0], top - offset[1]
            ring = (x, y, x + side, y, x + side, y + side, x, y + side, x, y)
            yield templates[label] % (_uuid5(origin, f"tile {left} {top} {side}"), *ring, *measured)


def _template(class_name: str, color: str, names: Sequence[str]) -> str:
    """The text of a tile of a class, with places for id, corners and measurements.

    What is looked for has quotes around it, which within a name would be escaped.
    """
    empty = uuid.UUID(int=0)
    plain = feature(
        "tile",
        empty,
        {"type": "Polygon", "coordinates": []},
        class_name,
        color,
        dict.fromkeys(names, PLACE),
    )
    text = encode(plain).replace("%", "%%")
    text = text.replace(f'"id":"{empty}"', '"id":"%s"')
    text = text.replace('"coordinates":[]', f'"coordinates":[[{",".join(["[%d,%d]"] * 5)}]]')
    return text.replace(f'"value":{PLACE}', '"value":%r')


def _uuid5(namespace: uuid.UUID, name: str) -> str:
    """What ``str(uuid.uuid5(namespace, name))`` is (RFC 9562, 5.5), in a third of the time."""
    digest = bytearray(sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
