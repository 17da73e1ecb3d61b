"""The order of the rows in an epoch, drawn for one job or for many side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.numpy_random import permute, shuffle

MANY = 2**16  # total number of rows from which starting threads pays off


@dataclass
class RowOrder:
    """The order of the rows in each pass over them, from an explicit generator.

    A NumPy Generator draws a new permutation each time. A RandomState shuffles the order of the
    previous pass in place, as scikit-learn does, so that the same seed gives the same batches.
    """

    rng: np.random.Generator | np.random.RandomState
    index: Array

    @property
    def bit_generator(self) -> Any:
        """The source of the random numbers; several orders may share one."""
        rng = self.rng
        return rng.bit_generator if isinstance(rng, np.random.Generator) else rng._bit_generator

    def next(self) -> Array:
        """The order of the coming pass, (N,); valid until the next call."""
        if isinstance(self.rng, np.random.Generator):
            permute(self.rng, self.index)
        else:
            shuffle(self.rng, self.index)
        return self.index


def draw_orders(orders: Sequence[RowOrder], n_threads: int) -> None:
    """Draw each order's next pass on n_threads threads; orders of one generator go in turn."""
    orders_by_generator: dict[int, list[RowOrder]] = {}
    for order in orders:
        orders_by_generator.setdefault(id(order.bit_generator), []).append(order)
    groups = list(orders_by_generator.values())
    many = sum(len(order.index) for order in orders) >= MANY
    n = min(n_threads, len(groups)) if many else 1
    own, threads = groups[::n], []
    try:
        for i in range(1, n):
            thread = Thread(target=_draw, args=(groups[i::n],))
            try:
                thread.start()
            except RuntimeError:  # the system cannot start another thread
                own = own + groups[i::n]
            else:
                threads.append(thread)
        _draw(own)
    finally:
        for thread in threads:
            thread.join()


def _draw(groups: list[list[RowOrder]]) -> None:
    for group in groups:
        for order in group:
            order.next()
