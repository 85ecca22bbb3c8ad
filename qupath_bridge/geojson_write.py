"""Regions and tiles to GeoJSON files that QuPath opens; no Java involved."""

from __future__ import annotations

import gzip
import io
import json
import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_file
from qupath_bridge.features import (
    NOTICE_KEY,
    REVIEW_KEY,
    RUN_KEY,
    decision,
    encode,
    origin_of,
    region_feature,
    run_feature,
)
from qupath_bridge.tiles import tile_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely import Polygon

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
    identities: Sequence[str | None] | None = None,
    model_classes: Sequence[str | None] | None = None,
    disagreement: Sequence[float | None] | None = None,
    simplify_um: float = 0.0,
    mpp: tuple[float, float] | None = None,
    run_area: Polygon | None = None,
) -> tuple[str, ...]:
    """Write regions as QuPath annotations.

    Parameters
    ----------
    path
        ``.geojson``, or ``.geojson.gz`` (which QuPath opens from 0.4 on); appears whole or not at all.
    regions
        In level-0 pixels.
    run_id, slide_fingerprint
        The same run, slide and place give the same ids.
    bounds_offset
        Corner (x, y) of the slide's bounds: QuPath's coordinates start there.
    notice
        A sentence kept with each annotation ("not for diagnosis").
    identities, model_classes
        After a review (`reviewed_regions`), one a region: the UUID that it has already, and the class that
        its probability is of; None for what has none or did not change.
    disagreement
        Mean disagreement of each region's tiles (`mean_in_regions`), one a region.
    simplify_um, mpp
        Farthest that an outline may move to have fewer corners, in micrometre, 0 for not at all; and
        micrometres per level-0 pixel, which that needs.
    run_area
        What was scored: with it, an annotation that stands for the run comes first.

    Returns
    -------
    tuple of str
        What had to be changed, as sentences: outlines that crossed themselves.

    Raises
    ------
    ResultError
        The file cannot be written, or a region cannot be expressed; an earlier file is kept.
    """
    origin = origin_of(slide_fingerprint, run_id)
    kept = _metadata(run_id, notice)
    ids = _one_each(identities, len(regions), "identities")
    classes = _one_each(model_classes, len(regions), "classes of the model")
    spread = _one_each(disagreement, len(regions), "values of disagreement")
    repaired = [number for number, region in enumerate(regions, start=1) if not region.polygon.is_valid]

    def features() -> Iterator[dict[str, Any]]:
        if run_area is not None:
            yield run_feature(run_area, origin=origin, offset=bounds_offset, run_id=run_id, metadata=kept)
        seen: set[str] = set()
        rows = zip(regions, ids, classes, spread, strict=True)
        for number, (region, identity, model_class, value) in enumerate(rows, start=1):
            found = region_feature(
                region,
                origin=origin,
                offset=bounds_offset,
                metadata={**kept, REVIEW_KEY: decision(region.review)},
                identity=identity,
                model_class=model_class,
                disagreement=value,
                simplify_um=simplify_um,
                mpp=mpp,
            )
            if found["id"] in seen:
                raise ResultError(f"Region {number} has the id of another one: they would be one in QuPath.")
            seen.add(found["id"])
            yield found

    _write(path, (encode(f) for f in features()), about=_about(run_id, notice))
    return tuple(f"The outline of region {number} crossed itself and was repaired." for number in repaired)


def write_tiles(
    path: Path,
    scores: TileScores,
    *,
    run_id: str,
    slide_fingerprint: str,
    bounds_offset: tuple[int, int] = (0, 0),
    notice: str | None = None,
    disagreement: NDArray[Any] | None = None,
) -> None:
    """Write scored tiles as QuPath tile objects; parameters and errors as for `write_regions`.

    `disagreement` is one value a tile, shape (n,). Tiles hold no text of their own in QuPath up to 0.5; the
    run and the notice stand once, at the head of the file. A million tiles need no more memory than a
    thousand.
    """
    if disagreement is not None and disagreement.shape != (len(scores),):
        raise ResultError(
            f"{len(scores)} tiles need as many values of disagreement, not {len(disagreement)}."
        )
    origin = origin_of(slide_fingerprint, run_id)
    lines = tile_lines(scores, origin=origin, offset=bounds_offset, disagreement=disagreement)
    _write(path, lines, about=_about(run_id, notice))


def _write(path: Path, features: Iterable[str], *, about: Mapping[str, str]) -> None:
    """Stream features into a FeatureCollection, one a line, holding few at a time.

    `about` becomes a foreign member of the collection (RFC 7946, 6.1), which readers skip. The text is ASCII:
    QuPath up to 0.4.0 reads files in the computer's own encoding, and would garble other letters.
    """
    try:
        with whole_file(path) as temporary, _text_file(temporary) as file:
            file.write(_ascii(f'{{"type":"FeatureCollection","histoalign":{encode(about)},"features":['))
            lines: list[str] = []
            separator = "\n"
            for feature in features:
                lines.append(separator + feature)
                separator = ",\n"
                if len(lines) == BUFFERED_FEATURES:
                    file.write(_ascii("".join(lines)))
                    lines.clear()
            file.write(_ascii("".join(lines)) + "\n]}\n")
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
            with io.TextIOWrapper(raw, encoding="ascii", newline="\n") as text:
                yield text
            return
        # neither name nor time in the header: the same results give the same bytes
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=raw, mtime=0)
        with packed, io.TextIOWrapper(packed, encoding="ascii", newline="\n") as text:
            yield text


def _ascii(text: str) -> str:
    """JSON with an escape for each letter that is not ASCII (they stand in strings only).

    Raises
    ------
    UnicodeEncodeError
        One of them is half a character.
    """
    if text.isascii():
        return text
    text.encode("utf-8")
    return re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)


def _one_each(values: Sequence[Any] | None, count: int, what: str) -> Sequence[Any]:
    """One value a region, None by default."""
    if values is None:
        return [None] * count
    if len(values) != count:
        raise ResultError(f"{count} regions need as many {what}, not {len(values)}.")
    return values


def _metadata(run_id: str, notice: str | None) -> dict[str, str]:
    """What each annotation of ours says."""
    return {RUN_KEY: run_id, **({NOTICE_KEY: notice} if notice else {})}


def _about(run_id: str, notice: str | None) -> dict[str, str]:
    """What a file says of itself."""
    return {"run": run_id, **({"notice": notice} if notice else {})}
