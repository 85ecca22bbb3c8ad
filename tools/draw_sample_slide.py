"""Draw the sample slide, or another one like it.

python tools/draw_sample_slide.py slide.tiff --seed 3 --size 4096
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_histoalign.sample import EVALUATION_STAINS, Stain, draw_slide


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, help="TIFF to write; its labels are written beside it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=8192, help="side in pixels")
    parser.add_argument("--mpp", type=float, default=0.5, help="micrometres per pixel")
    parser.add_argument(
        "--stain", type=int, choices=range(len(EVALUATION_STAINS)), help="an evaluation stain"
    )
    options = parser.parse_args()
    drawn = draw_slide(
        options.path,
        seed=options.seed,
        size=options.size,
        mpp=options.mpp,
        stain=Stain() if options.stain is None else EVALUATION_STAINS[options.stain],
        progress=lambda done, total: print(f"\r{done}/{total}", end="", flush=True),
    )
    print(f"\n{drawn.slide}\n{drawn.labels}\n{drawn.legend}")


if __name__ == "__main__":
    main()
