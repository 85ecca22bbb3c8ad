"""Print how well the demonstration encoders tell malignant from benign on drawn slides they never saw.

python tools/judge_encoders.py
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from encoder_training.judging import EVALUATION_SEEDS, evaluation_tiles, pairings

from napari_histoalign.encoders import load_encoder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=2560, help="side of the slides in pixels")
    parser.add_argument("--registry", type=Path, help="another encoders.yaml than the shipped one")
    options = parser.parse_args()
    path = load_encoder("demo-path", device="cpu", registry_path=options.registry)
    general = load_encoder("demo-general", device="cpu", registry_path=options.registry)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(len(EVALUATION_SEEDS)):
            judged = evaluation_tiles(Path(folder), number, options.size)
            counts = f"{int(judged.malignant.sum())} malignant, {int((~judged.malignant).sum())} benign tiles"
            print(f"slide {number}: {counts}")
            for name, value in pairings(path, general, judged).items():
                print(f"  {name:30s} AUROC {value:.4f}")
    tiles = np.random.default_rng(0).integers(0, 256, (256, 224, 224, 3), dtype=np.uint8)
    path.embed_images(tiles[:32])
    start = time.perf_counter()
    path.embed_images(tiles)
    print(f"{len(tiles) / (time.perf_counter() - start):.0f} tiles/s")


if __name__ == "__main__":
    main()
