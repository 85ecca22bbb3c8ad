"""A queue that changes while it is worked off: what left the view is not embedded, what came into it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.engine import Analysis, TileQueue
from napari_histoalign.errors import DeviceMemoryError
from napari_histoalign.slides import TileGrid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_histoalign.slides import Slide

    from .conftest import ColourEncoder, SmallDevice


@pytest.fixture
def analysis(slide: Slide, encoder: ColourEncoder, tmp_path: Path) -> Iterator[Analysis]:
    with Analysis(slide, [encoder], TileGrid.over(slide, tile=8), views=("full",), cache=tmp_path) as made:
        yield made


def test_looking_elsewhere_changes_what_comes_next(analysis: Analysis, encoder: ColourEncoder) -> None:
    queue = TileQueue()
    queue.look_at(np.arange(30))
    seen = []
    for number, step in enumerate(analysis.work_off(queue, batch=4)):
        seen += step.indices.tolist()
        if number == 2:  # after two batches
            queue.look_at(np.arange(50, 56))

    assert seen[:8] == list(range(8))
    assert seen[8:] == list(range(50, 56)), "tiles that were read ahead and left the view are not embedded"
    assert encoder.images_seen == 14
    np.testing.assert_array_equal(analysis.embedded(), [*range(8), *range(50, 56)])


def test_the_view_goes_before_a_run_which_then_goes_on(analysis: Analysis) -> None:
    queue = TileQueue(range(20))
    seen = []
    for number, step in enumerate(analysis.work_off(queue, batch=5)):
        seen += step.indices.tolist()
        if number == 1:
            queue.look_at(np.array([40, 41, 42]))

    assert sorted(seen) == [*range(20), 40, 41, 42]
    # what readers had ahead by then still comes first, and no more than that
    assert 40 in seen[: 5 * 7]
    assert step.done == step.total == 23


def test_work_that_comes_while_the_last_batch_ends_is_not_left(analysis: Analysis) -> None:
    queue = TileQueue(range(3))
    steps = []
    for step in analysis.work_off(queue, batch=8):
        if len(step.indices) and len(steps) == 1:
            queue.add(np.array([33]))
        steps.append(step.indices.tolist())

    assert steps[-1] == [33]
    assert queue.left == 0


def test_refresh_is_asked_before_tiles_are_taken(analysis: Analysis) -> None:
    queue = TileQueue()
    asked = []

    def refresh() -> None:
        if not asked:
            queue.look_at(np.array([7, 6]))
        asked.append(queue.left)

    seen = [i for step in analysis.work_off(queue, batch=8, refresh=refresh) for i in step.indices.tolist()]
    assert seen == [7, 6]


def test_cancelling_gives_back_what_was_not_done(analysis: Analysis) -> None:
    queue = TileQueue(range(20))
    steps = []
    for step in analysis.work_off(queue, batch=4, cancelled=lambda: len(steps) >= 2):
        steps.append(step)

    done = analysis.embedded().tolist()
    assert 0 < len(done) < 20
    assert sorted([*done, *queue.take(99).tolist()]) == list(range(20))


def test_a_batch_that_does_not_fit_is_halved_and_that_is_said(
    slide: Slide, small_device: SmallDevice, encoder: ColourEncoder, tmp_path: Path
) -> None:
    grid = TileGrid.over(slide, tile=8)
    rows = {}
    for name, e in (("small", small_device), ("plain", encoder)):
        with Analysis(slide, [e], grid, views=("full",), cache=tmp_path / name) as analysis:
            list(analysis.embed(np.arange(60), batch=16))
            rows[name] = analysis._stores[0].read(np.arange(60)).copy()
            note = analysis.memory_note
            if name == "small":
                assert note == "colour had no room for 4 tiles at once on this device; it goes on with 2."
    np.testing.assert_array_equal(rows["small"], rows["plain"])
    assert max(small_device.batches) == 2
    assert note == ""


def test_a_device_without_room_for_one_tile_is_an_error(
    slide: Slide, small_device: SmallDevice, tmp_path: Path
) -> None:
    small_device.room = 0
    with (
        Analysis(slide, [small_device], TileGrid.over(slide, tile=8), cache=tmp_path) as analysis,
        pytest.raises(DeviceMemoryError),
    ):
        list(analysis.embed(np.arange(5)))
