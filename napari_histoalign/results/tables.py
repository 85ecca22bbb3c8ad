"""The table of tiles: one row a tile, in Parquet, for pandas, R or DuckDB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_file
from napari_histoalign.results.scores import TileScores

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "p_"
METADATA = b"napari-histoalign"
"""Key of the schema metadata: what the columns do not hold, as JSON."""


def write_tiles_table(path: Path, scores: TileScores, *, about: Mapping[str, str] | None = None) -> None:
    """Write tiles to a Parquet file, whole or not at all.

    The columns are ``x``, ``y`` (int64) and ``size_px`` (level-0 pixels), ``p_<class>``
    (float32) for each class, ``label`` (name of the most probable class), ``margin``
    and ``entropy``. Stride, colours and roles are in the file's metadata.

    Parameters
    ----------
    path
        The file; its folder must exist.
    scores
        What to write.
    about
        Texts kept in the metadata, such as the run's identity and a notice.

    Raises
    ------
    ResultError
        The file cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    names = np.asarray(scores.class_names, dtype=object)
    columns = {
        "x": pa.array(scores.xy[:, 0], pa.int64()),
        "y": pa.array(scores.xy[:, 1], pa.int64()),
        "size_px": pa.array(np.full(len(scores), scores.tile_px), pa.int64()),
        **{
            PREFIX + name: pa.array(scores.probabilities[:, i], pa.float32())
            for i, name in enumerate(scores.class_names)
        },
        "label": pa.array(names[scores.label], pa.string()),
        "margin": pa.array(scores.margin, pa.float32()),
        "entropy": pa.array(scores.entropy, pa.float32()),
    }
    rest = {
        "tile_px": scores.tile_px,
        "stride_px": scores.stride_px,
        "class_names": scores.class_names,
        "colors": scores.colors,
        "roles": scores.roles,
        "about": dict(about or {}),
    }
    metadata = {METADATA: json.dumps(rest, ensure_ascii=False).encode()}
    table = pa.table(columns).replace_schema_metadata(metadata)
    try:
        with whole_file(path) as temporary:
            parquet.write_table(table, temporary, compression="zstd")
    except OSError as err:
        raise ResultError(
            f"The table of tiles {path} could not be written ({err.strerror or err}). Check that its folder "
            "exists, can be written and has room."
        ) from err


def read_tiles_table(path: Path) -> TileScores:
    """Read a table that `write_tiles_table` wrote.

    Parameters
    ----------
    path
        A Parquet file.

    Returns
    -------
    TileScores
        What was written, bit for bit.

    Raises
    ------
    ResultError
        The file is absent, damaged, or not such a table.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(Path(path))
        rest: Mapping[str, Any] = json.loads((table.schema.metadata or {})[METADATA])
        names = tuple(rest["class_names"])
        p = [table[PREFIX + name].to_numpy() for name in names]
        return TileScores(
            xy=np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()]).astype(np.int64),
            tile_px=int(rest["tile_px"]),
            stride_px=int(rest["stride_px"]),
            class_names=names,
            colors=tuple(rest["colors"]),
            roles=tuple(rest["roles"]),
            probabilities=np.column_stack(p).astype(np.float32),
        )
    except FileNotFoundError as err:
        raise ResultError(f"There is no table of tiles at {path}. Check the path, or run the slide.") from err
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as err:
        raise ResultError(
            f"{path} is not a table of tiles written by napari-histoalign, or it is damaged ({err}). "
            "Run the slide again to write it anew."
        ) from err
