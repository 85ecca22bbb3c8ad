"""What the two embedded encoders can do: real breast tissue, tissue types, controls, drawn slides, speed.

    python benchmarks/embedded.py [--data DIR] [--half report|development]
        [--parts breast,types,controls,drawn,speed] [--json FILE] [--card FILE]

Prints Markdown. `--card` writes the same between the two marks of a model card
(`<!-- measured: begin -->` and `<!-- measured: end -->`). Parts whose data are missing say so.
No figure rests on a choice made with labels of the report half.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from embedded_parts.breast import BreastSets, breast
from embedded_parts.controls import controls
from embedded_parts.data import default_folder
from embedded_parts.drawn import drawn
from embedded_parts.scoring import Bench
from embedded_parts.speed import THREADS, speed
from embedded_parts.table import Section, plain, replace_measured, with_measured
from embedded_parts.tissues import tissues


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=default_folder(), help="folder of breakhis.csv and tiles"
    )
    parser.add_argument("--half", choices=("report", "development"), default="report", help="which patients")
    parser.add_argument("--parts", default="breast,types,controls,drawn,speed", help="which, by commas")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--card", type=Path, help="also write the tables into this model card")
    options = parser.parse_args()
    if options.card:
        try:
            with_measured(options.card.read_text(encoding="utf-8"), "")
        except (OSError, ValueError) as err:
            parser.error(f"--card {options.card}: {err}")
    torch.set_num_threads(THREADS)
    bench = Bench()
    sets = BreastSets(bench, options.data, options.half)
    parts: dict[str, Callable[[], Section]] = {
        "breast": lambda: breast(sets),
        "types": lambda: tissues(bench, options.data),
        "controls": lambda: controls(sets),
        "drawn": lambda: drawn(bench),
        "speed": lambda: speed(bench),
    }
    chosen = [name.strip() for name in options.parts.split(",")]
    if unknown := [name for name in chosen if name not in parts]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(parts)}")
    sections = {}
    for name in chosen:
        started = time.perf_counter()
        sections[name] = parts[name]()
        print(sections[name].markdown(), end="\n\n", flush=True)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    if options.json:
        figures = {name: plain(section.figures) for name, section in sections.items()}
        options.json.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if options.card:
        replace_measured(options.card, "\n\n".join(section.markdown() for section in sections.values()))


if __name__ == "__main__":
    main()
