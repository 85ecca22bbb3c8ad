"""What is in view comes first, and nobody gets a tile twice."""

from __future__ import annotations

import threading

import numpy as np

from napari_histoalign.engine import TileQueue


def tiles(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def test_the_view_comes_before_the_rest() -> None:
    queue = TileQueue([1, 2, 3, 4])
    queue.look_at(tiles(9, 3))

    assert queue.take(3).tolist() == [9, 3]
    assert queue.take(3).tolist() == [1, 2, 4]
    assert queue.take(3).tolist() == []


def test_looking_elsewhere_puts_back_what_nobody_else_wants() -> None:
    queue = TileQueue([1, 2])
    queue.look_at(tiles(2, 8, 9))
    taken = queue.take(3)
    queue.look_at(tiles(5))

    assert queue.wanted(taken).tolist() == [True, False, False]
    queue.give_back(taken)
    assert queue.take(9).tolist() == [5]
    assert queue.take(9).tolist() == [1, 2]


def test_done_is_counted_once_and_only_for_what_was_wanted() -> None:
    queue = TileQueue([1, 2, 3])
    queue.look_at(tiles(3, 4))
    assert queue.left == 4

    queue.finish(tiles(3, 7))
    queue.finish(tiles(3))

    assert (queue.done, queue.left) == (1, 3)


def test_what_waits_keeps_its_place_when_it_is_asked_for_again() -> None:
    queue = TileQueue([1, 2, 3])
    queue.add(tiles(3, 4))

    assert queue.take(9).tolist() == [1, 2, 3, 4]


def test_clearing_forgets_everything() -> None:
    queue = TileQueue([1, 2])
    queue.look_at(tiles(3))
    queue.clear()

    assert queue.left == 0
    assert queue.take(5).tolist() == []


def test_threads_share_the_work() -> None:
    queue = TileQueue(range(2000))
    got: list[int] = []

    def work() -> None:
        while len(taken := queue.take(7)):
            got.extend(taken.tolist())
            queue.finish(taken)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == list(range(2000))
    assert (queue.done, queue.left) == (2000, 0)
