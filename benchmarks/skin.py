"""Draw what four prompts light up on a real skin slide: the figure in the docs.

    python benchmarks/skin.py [--data DIR] [--out docs/images/skin.png]

The slide is OpenSlide's CMU-1-Small-Region.svs (CC0), which has no labels: the figure is to be looked at.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openslide
from embedded_parts.data import default_folder
from embedded_parts.scoring import Bench, prompt_set
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLIDE = "slides/CMU-1-Small-Region.svs"
TILE, STRIDE, SHRINK = 224, 56, 8
CLASSES = {
    "epidermis": ("epidermis, crowded nuclei",),
    "collagen": ("collagen of the dermis",),
    "keratin": ("keratin flakes",),
    "glass": ("glass",),
}
COLOURS = ((49, 54, 149), (116, 173, 209), (254, 224, 144), (244, 109, 67), (165, 0, 38))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=default_folder(), help="folder of the real slides")
    parser.add_argument("--out", type=Path, default=Path("docs/images/skin.png"))
    parser.add_argument("--row", default="many-to-many", help="which pairing (see embedded_parts.scoring)")
    options = parser.parse_args()
    with openslide.OpenSlide(options.data / SLIDE) as slide:
        picture = np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))
    figure(picture, *maps(picture, options.row)).save(options.out, optimize=True)
    print(options.out)


def maps(picture: NDArray[np.uint8], row: str) -> tuple[NDArray[np.float64], list[str]]:
    """Probability of each class where tiles overlap by three quarters: (rows, columns, classes)."""
    # a rim of glass, so that tiles are centred on every part of the slide
    rim = TILE // 2
    padded = np.pad(picture, ((rim, rim), (rim, rim), (0, 0)), constant_values=243)
    tops = range(0, padded.shape[0] - TILE + 1, STRIDE)
    lefts = range(0, padded.shape[1] - TILE + 1, STRIDE)
    bench, prompts = Bench(), prompt_set("skin", CLASSES)
    embedded: list[list[NDArray[np.float32]]] = [[], []]
    for top in tops:
        strip = np.stack([padded[top : top + TILE, left : left + TILE] for left in lefts])
        for kept, part in zip(embedded, bench.embed(strip), strict=True):
            kept.append(part)
    first, second = (np.concatenate(parts) for parts in embedded)
    found = bench.probabilities((first, second), prompts, [row])[row]
    return found.reshape(len(tops), len(lefts), -1), list(prompts.class_names)


def figure(picture: NDArray[np.uint8], found: NDArray[np.float64], names: list[str]) -> Image.Image:
    """The slide, then each class's probability over it, with the prompt above."""
    size = (picture.shape[1] // SHRINK, picture.shape[0] // SHRINK)
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    grey = np.asarray(small.convert("L").convert("RGB"), dtype=np.float64)
    panels = [("the slide", small)]
    stops = np.linspace(0, 1, len(COLOURS))
    for index, name in enumerate(names):
        layer = Image.fromarray(found[:, :, index].astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
        values = np.asarray(layer, dtype=np.float64)
        colour = np.stack([np.interp(values, stops, [c[i] for c in COLOURS]) for i in range(3)], axis=-1)
        panels.append((f'"{CLASSES[name][0]}"', Image.fromarray(np.uint8(0.35 * grey + 0.65 * colour))))
    font = ImageFont.load_default(size=15)
    gap, head = 8, 26
    whole = Image.new("RGB", ((size[0] + gap) * len(panels) - gap, size[1] + head), "white")
    draw = ImageDraw.Draw(whole)
    for number, (title, panel) in enumerate(panels):
        left = number * (size[0] + gap)
        whole.paste(panel, (left, head))
        draw.text((left + size[0] / 2, head / 2), title, fill="black", font=font, anchor="mm")
    return whole


if __name__ == "__main__":
    main()
