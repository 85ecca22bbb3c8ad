"""How long scoring takes: every strategy against the matrix products it cannot do without.

    python benchmarks/alignment.py [--tiles 100000] [--prompts 64] [--views 1] [--repeats 5]

Prints medians and, as the figure to compare between machines, the ratio to four plain products
of all tiles with all prompts in the same run. Both include reading: half to single precision. "Held"
is what a person waits for who scored these tiles before: similarities are kept. "With an earlier fit" is
many-to-many with the gains and weights that other tiles told.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment.making import similarity_tensor

WIDTH, CLASSES = 512, 4


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=100_000)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    images = [unit(rng, options.tiles, options.views, WIDTH).astype(np.float16) for _ in range(2)]
    texts = [unit(rng, options.prompts, WIDTH) for _ in range(2)]
    classes = np.arange(options.prompts) % CLASSES

    def reading() -> list[np.ndarray]:
        return [image.reshape(-1, WIDTH).astype(np.float32) for image in images]

    def products() -> None:
        for rows in reading():
            for text in texts:
                rows @ text.T

    read = median_seconds(reading, options.repeats)
    base = median_seconds(products, options.repeats)
    print(f"{options.tiles} tiles x {options.views} views x {options.prompts} prompts, {WIDTH} wide, float16")
    print(f"{'reading alone':22}{read:8.3f} s   ratio {read / base:.2f}")
    print(f"{'four plain products':22}{base:8.3f} s   ratio 1.00")
    tensor = similarity_tensor(images, texts, classes, CLASSES, [100.0, 100.0])
    held = tensor.held()
    edited = [text.copy() for text in texts]
    for text in edited:
        text[0] = unit(rng, WIDTH)
    after = similarity_tensor(images, edited, classes, CLASSES, [100.0, 100.0])
    one = median_seconds(lambda: after.held(held), options.repeats)
    print(f"{'one prompt edited':22}{one:8.3f} s   ratio {one / base:.2f}")
    print(f"held: {held.held_bytes / 1e6:.0f} MB")
    for name in STRATEGIES:
        alignment = Alignment(name)

        def score(alignment: Alignment = alignment) -> object:
            return alignment.score(images, texts, classes, CLASSES, [100.0, 100.0])

        seconds = median_seconds(score, options.repeats)
        again = median_seconds(lambda a=alignment: a.score_tensor(held), options.repeats)
        print(
            f"{name:22}{seconds:8.3f} s   ratio {seconds / base:.2f}   "
            f"held {again:8.3f} s   ratio {again / base:.2f}"
        )
    fit = Alignment().score_tensor(held).fit
    seconds = median_seconds(lambda: Alignment().score_tensor(held, fit), options.repeats)
    print(f"{'with an earlier fit':22}{'':26}held {seconds:8.3f} s   ratio {seconds / base:.2f}")


if __name__ == "__main__":
    main()
