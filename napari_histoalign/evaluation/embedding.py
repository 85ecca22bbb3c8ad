"""Embeddings of a set's images: read once for all encoders and views, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine import EmbeddingStore, StoreKey
from napari_histoalign.engine.views import check_image_views, make_view
from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.records import ImageRecord, ImageSet, Problem
from napari_histoalign.evaluation.scale import SCALES, check_known, rescaled
from napari_histoalign.files import cache_dir

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder

READERS = 4
"""Threads that read images."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """A set's images as vectors.

    Attributes
    ----------
    kept
        Positions in `ImageSet.records` of the images that could be read, ascending, shape (n,).
    images
        One array an encoder: float16, unit rows, shape (n, views, width).
    problems
        Images that could not be read.
    """

    kept: NDArray[np.int64]
    images: tuple[NDArray[np.float16], ...]
    problems: tuple[Problem, ...]


def embed_set(
    image_set: ImageSet,
    encoders: Sequence[Encoder],
    *,
    views: tuple[str, ...],
    scale: str = "native",
    batch: int = 32,
    cache: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Embedded:
    """Embed every image that was not embedded before.

    Rows are stored as they come, so that a call which was stopped goes on from there; a second one reads
    the store alone. Images that cannot be read are left out and named.

    Parameters
    ----------
    image_set, encoders
        What is embedded, and by what.
    views
        See `napari_histoalign.engine.views.VIEWS`.
    scale
        A key of `napari_histoalign.evaluation.scale.SCALES`.
    batch
        Images a step.
    cache
        Folder of the stores; the package's own cache by default.
    on_progress
        Told how many images are done, and of how many.

    Raises
    ------
    DatasetError
        No image can be read, or scales are to be matched and a record does not say its own.
    EncoderError, StoreError
        An encoder fails, or embeddings cannot be kept.
    """
    check_image_views(views)
    if scale not in SCALES:
        raise DatasetError(f"There is no scale {scale!r}; there are {', '.join(SCALES)}.")
    if scale == "matched":
        check_known(image_set.records)
    root = cache or cache_dir("embeddings")
    mark = fingerprint(image_set)
    unread: dict[int, str] = {}
    with ExitStack() as stack:
        stores = [
            stack.enter_context(EmbeddingStore(root, _key(image_set, mark, encoder, views, scale)))
            for encoder in encoders
        ]
        everything = np.arange(len(image_set.records))
        for store in stores:
            store.forget_damaged(everything)
        done = np.logical_and.reduce([store.done() for store in stores])
        todo = np.flatnonzero(~done)
        on_progress(len(everything) - len(todo), len(everything))
        for indices, images in _read(image_set, todo, batch, unread):
            for encoder, store in zip(encoders, stores, strict=True):
                lacking = [k for k, i in enumerate(indices) if not store.done()[i]]
                if lacking:
                    records = [image_set.records[indices[k]] for k in lacking]
                    rows = _embed(encoder, [images[k] for k in lacking], records, views, scale)
                    store.write(np.asarray([indices[k] for k in lacking]), rows)
            done[indices] = True
            on_progress(int(done.sum()) + len(unread), len(everything))
        for store in stores:
            store.commit()
        kept = np.flatnonzero(done)
        if not len(kept):
            first = next(iter(unread.values()), "It is empty.")
            raise DatasetError(f"No image of {image_set.root} can be read. {first}")
        vectors = tuple(np.array(store.read(kept)) for store in stores)
    problems = [
        Problem("unreadable", image_set.records[i].name, why, left_out=True) for i, why in unread.items()
    ]
    return Embedded(kept, vectors, tuple(problems))


def fingerprint(image_set: ImageSet) -> str:
    """SHA-256 of the images' names and of their files' sizes and times, so that a change is seen."""
    digest = hashlib.sha256()
    seen: dict[str, str] = {}
    for record in image_set.records:
        file = record.name.partition("#")[0]
        if file not in seen:
            try:
                found = (image_set.root / file).stat()
                seen[file] = f"{found.st_size} {found.st_mtime_ns}"
            except OSError:
                seen[file] = "absent"
        digest.update(f"{record.name}\0{seen[file]}\0{record.mpp}\0".encode())
    return digest.hexdigest()


def _key(image_set: ImageSet, mark: str, encoder: Encoder, views: tuple[str, ...], scale: str) -> StoreKey:
    return StoreKey(
        slide=mark,
        grid=f"images-{scale}",
        tiles=len(image_set.records),
        encoder=encoder.spec.name,
        weights=encoder.weights_hash,
        preprocessing=encoder.preprocessing,
        views=views,
        dim=encoder.dim,
    )


def _read(
    image_set: ImageSet, todo: NDArray[np.int64], batch: int, unread: dict[int, str]
) -> Iterator[tuple[list[int], list[NDArray[np.uint8]]]]:
    """Batches of images that can be read, a batch ahead; the others go to `unread`."""

    def read(index: int) -> NDArray[np.uint8] | DatasetError:
        try:
            return image_set.read(image_set.records[index])
        except DatasetError as err:
            return err

    parts = [todo[i : i + batch].tolist() for i in range(0, len(todo), batch)]
    with ThreadPoolExecutor(READERS, thread_name_prefix="histoalign-images") as pool:
        ahead = [pool.submit(read, i) for i in parts[0]] if parts else []
        for place, part in enumerate(parts):
            now = ahead
            ahead = [pool.submit(read, i) for i in parts[place + 1]] if place + 1 < len(parts) else []
            found = [(i, f.result()) for i, f in zip(part, now, strict=True)]
            unread.update((i, str(r)) for i, r in found if isinstance(r, DatasetError))
            good = [(i, r) for i, r in found if not isinstance(r, DatasetError)]
            if good:
                yield [i for i, _ in good], [r for _, r in good]


def _embed(
    encoder: Encoder,
    images: Sequence[NDArray[np.uint8]],
    records: Sequence[ImageRecord],
    views: tuple[str, ...],
    scale: str,
) -> NDArray[np.float32]:
    """Embeddings of images of any sizes, shape (n, views, width)."""
    fitted = [rescaled(image, record, encoder, scale) for image, record in zip(images, records, strict=True)]
    rows = np.empty((len(fitted), len(views), encoder.dim), np.float32)
    for shape in dict.fromkeys(image.shape for image in fitted):
        same = [k for k, image in enumerate(fitted) if image.shape == shape]
        stacked = np.stack([fitted[k] for k in same])
        for v, view in enumerate(views):
            rows[same, v] = encoder.embed_images(make_view(view, stacked))
    return rows
