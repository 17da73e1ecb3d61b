"""Orders of the rows drawn side by side: the same as one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from clearprop.row_orders import MANY, RowOrder, draw_orders


def separate(n: int) -> list[RowOrder]:
    kinds: list[Callable[[int], np.random.Generator | np.random.RandomState]] = [
        np.random.default_rng,
        np.random.RandomState,
    ]
    return [RowOrder(kinds[i % 2](i), np.arange(n)) for i in range(13)]


def one_generator(n: int) -> list[RowOrder]:
    rng = np.random.RandomState(3)
    same = np.random.RandomState(rng._bit_generator)
    other = np.random.default_rng(3)
    return [RowOrder(r, np.arange(n)) for r in (rng, other, same, rng, other)]


@pytest.mark.parametrize("made", [separate, one_generator])
@pytest.mark.parametrize("n", [1, 100, MANY])
def test_threads_change_nothing(made: Callable[[int], list[RowOrder]], n: int) -> None:
    expected = made(n)
    for _ in range(2):
        for order in expected:
            order.next()
    for n_threads in (1, 2, 3, 8):
        orders = made(n)
        for _ in range(2):
            draw_orders(orders, n_threads)
        for order, other in zip(orders, expected, strict=True):
            np.testing.assert_array_equal(order.index, other.index)


def test_nothing_to_draw() -> None:
    draw_orders([], 2)


def test_no_threads_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    orders, expected = separate(MANY), separate(MANY)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    draw_orders(orders, 4)
    for order, other in zip(orders, expected, strict=True):
        np.testing.assert_array_equal(order.index, other.next())
