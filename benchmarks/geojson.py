"""A million tiles to GeoJSON and what that takes, beside the ways in which it is usually done.

    python benchmarks/geojson.py [--tiles 10000 100000 1000000] [--most-at-once 200000]

Each writer runs in a process of its own, on the same random scores of three classes: ours, plain and packed;
`json.dumps` of a list of features; and shapely geometries through geopandas where that is installed. Then our
file is read, once all of it and once for annotations only, of which it has none. Memory is the peak of the
process less what it had when the scores were ready. The figures to compare between machines are the ratios to
`json.dumps` in the same run; those that hold everything at once are run up to `--most-at-once` tiles.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np

from napari_histoalign.results import TileScores
from qupath_bridge import read_geojson, write_tiles

RUN = {"run_id": str(uuid.UUID(int=1)), "slide_fingerprint": "ab" * 32}
CLASSES, COLORS = ("malignant", "benign", "glass"), ("#d62728", "#2ca02c", "#ffffff")
READERS = ("read", "read areas")
AT_ONCE = ("json.dumps", "geopandas")


def scores(tiles: int) -> TileScores:
    side = int(np.ceil(np.sqrt(tiles)))
    at = np.arange(tiles)
    p = np.random.default_rng(0).dirichlet(np.ones(3), tiles).astype(np.float32)
    xy = np.stack([at % side, at // side], axis=1) * 224
    return TileScores(xy, 224, 224, CLASSES, COLORS, ("lesion", "tissue", "background"), p)


def write_at_once(made: TileScores, path: Path) -> None:
    """The same content, made the obvious way."""
    names = [*(f"histoalign: P({name})" for name in CLASSES), "histoalign: margin"]
    values = np.column_stack([made.probabilities, made.margin]).tolist()
    features = [
        {
            "type": "Feature",
            "id": str(uuid.uuid4()),
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, y], [x + 224, y], [x + 224, y + 224], [x, y + 224], [x, y]]],
            },
            "properties": {
                "objectType": "tile",
                "object_type": "tile",
                "classification": {"name": CLASSES[label], "color": list(bytes.fromhex(COLORS[label][1:]))},
                "isLocked": False,
                "measurements": [{"name": n, "value": round(v, 6)} for n, v in zip(names, row, strict=True)],
            },
        }
        for (x, y), label, row in zip(made.xy.tolist(), made.label.tolist(), values, strict=True)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def write_frame(made: TileScores, path: Path) -> None:
    import geopandas
    import shapely

    x, y = made.xy.T
    columns = {f"P({name})": made.probabilities[:, i] for i, name in enumerate(CLASSES)}
    geometry = shapely.box(x, y, x + 224, y + 224)
    geopandas.GeoDataFrame({"class": made.labels, **columns}, geometry=geometry).to_file(
        path, driver="GeoJSON"
    )


def peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def one(way: str, tiles: int, folder: Path) -> None:
    """Run one way in this process and print its seconds, memory and bytes."""
    made = scores(tiles)
    assert made.label.size == made.margin.size
    path = folder / ("tiles.geojson.gz" if way == "ours.gz" else "tiles.geojson")
    if way in READERS:
        assert path.is_file()
    before, started = peak_mb(), time.perf_counter()
    if way.startswith("ours"):
        write_tiles(path, made, **RUN)
    elif way == "json.dumps":
        write_at_once(made, path)
    elif way == "geopandas":
        write_frame(made, path)
    else:
        read_geojson(path, kinds=("annotation",) if way == "read areas" else None)
    print(json.dumps([time.perf_counter() - started, peak_mb() - before, path.stat().st_size]))


def measured(way: str, tiles: int, folder: Path) -> tuple[float, float, int] | None:
    command = [sys.executable, __file__, "--one", way, str(tiles), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        if "No module named" not in done.stderr:
            print(done.stderr, file=sys.stderr)
        return None
    seconds, memory, size = json.loads(done.stdout)
    return seconds, memory, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--most-at-once", type=int, default=200_000)
    parser.add_argument("--one", nargs=3, metavar=("WAY", "TILES", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one(options.one[0], int(options.one[1]), Path(options.one[2]))
    print(f"{'tiles':>9} {'way':<10}{'seconds':>9}{'us/tile':>9}{'memory':>10}{'size':>9}{'speed':>8}")
    for tiles in options.tiles:
        with tempfile.TemporaryDirectory() as name:
            report(tiles, Path(name), options.most_at_once)
    return None


def report(tiles: int, folder: Path, most_at_once: int) -> None:
    """A line for each way; the last column is how many times faster than `json.dumps` it was."""
    usual: float | None = None
    for way in ("json.dumps", "geopandas", "ours.gz", "ours", *READERS):
        found = measured(way, tiles, folder) if way not in AT_ONCE or tiles <= most_at_once else None
        if found is None:
            continue
        seconds, memory, size = found
        usual = seconds if way == "json.dumps" else usual
        speed = f"{usual / seconds:7.1f}x" if usual else f"{'':>8}"
        print(
            f"{tiles:9} {way:<10}{seconds:9.2f}{seconds / tiles * 1e6:9.1f}{memory:7.0f} MB"
            f"{size / 1e6:6.0f} MB{speed}",
            flush=True,
        )


if __name__ == "__main__":
    main()
