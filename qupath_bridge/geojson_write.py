"""Regions and tiles to GeoJSON files that QuPath opens; no Java involved."""

from __future__ import annotations

import gzip
import io
import json
import uuid
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_file
from qupath_bridge.features import NAMESPACE, region_feature, tile_features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_histoalign.results import Region, TileScores

BUFFERED_FEATURES = 1000
"""Features joined before they are written."""


def write_regions(
    path: Path,
    regions: Sequence[Region],
    *,
    run_id: str,
    slide_fingerprint: str,
    bounds_offset: tuple[int, int] = (0, 0),
    notice: str | None = None,
) -> None:
    """Write regions as QuPath annotations.

    Parameters
    ----------
    path
        ``.geojson`` or ``.geojson.gz``; appears whole or not at all.
    regions
        In level-0 pixels.
    run_id, slide_fingerprint
        The same run, slide and place give the same ids.
    bounds_offset
        Corner (x, y) of the slide's bounds: QuPath's coordinates start there.
    notice
        A sentence kept with each annotation ("not for diagnosis").

    Raises
    ------
    ResultError
        The file cannot be written, or a region cannot be expressed; an earlier file is kept.
    """
    origin = _origin(slide_fingerprint, run_id)

    def features() -> Iterable[dict[str, Any]]:
        for region in regions:
            metadata = {"histoalign run": run_id, "histoalign review": region.review}
            if notice:
                metadata["histoalign notice"] = notice
            yield region_feature(region, origin=origin, offset=bounds_offset, metadata=metadata)

    write_features(path, features(), about=_about(run_id, notice))


def write_tiles(
    path: Path,
    scores: TileScores,
    *,
    run_id: str,
    slide_fingerprint: str,
    bounds_offset: tuple[int, int] = (0, 0),
    notice: str | None = None,
) -> None:
    """Write scored tiles as QuPath tile objects; parameters and errors as for `write_regions`.

    Tiles hold no text of their own in QuPath; the notice stands once, at the head of the file.
    """
    origin = _origin(slide_fingerprint, run_id)
    features = tile_features(scores, origin=origin, offset=bounds_offset)
    write_features(path, features, about=_about(run_id, notice))


def write_features(path: Path, features: Iterable[dict[str, Any]], *, about: Mapping[str, str]) -> None:
    """Stream features into a FeatureCollection, one a line, holding few at a time.

    `about` becomes a foreign member of the collection (RFC 7946, 6.1), which readers skip.
    """
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    try:
        with whole_file(path) as temporary, _text_file(temporary) as file:
            file.write(f'{{"type":"FeatureCollection","histoalign":{encode(about)},"features":[')
            lines: list[str] = []
            separator = "\n"
            for feature in features:
                lines.append(separator + encode(feature))
                separator = ",\n"
                if len(lines) == BUFFERED_FEATURES:
                    file.write("".join(lines))
                    lines.clear()
            file.write("".join(lines) + "\n]}\n")
    except UnicodeEncodeError as err:
        raise ResultError(
            f"{path} was not written: {err.object[err.start : err.end]!r} in a name is half a character. "
            "Correct it in the prompt set."
        ) from err
    except OSError as err:
        raise ResultError(
            f"{path} could not be written ({err.strerror or err}). Check that its folder exists, can be "
            "written and has room."
        ) from err


@contextmanager
def _text_file(path: Path) -> Iterator[IO[str]]:
    """A text file to write, compressed where its name ends in ``.gz``."""
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as text:
                yield text
            return
        # neither name nor time in the header: the same results give the same bytes
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=raw, mtime=0)
        with packed, io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text:
            yield text


def _about(run_id: str, notice: str | None) -> dict[str, str]:
    """What a file says of itself."""
    return {"run": run_id, **({"notice": notice} if notice else {})}


def _origin(slide_fingerprint: str, run_id: str) -> uuid.UUID:
    """Namespace of the ids of one run on one slide."""
    return uuid.uuid5(NAMESPACE, f"{slide_fingerprint} {run_id}")
