"""The networks that are timed, their data, and the least time that their arithmetic takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

import numpy as np

from clearprop._typing import Array


@dataclass(frozen=True)
class Case:
    """Layers H_0 … H_L (relu, softmax at the end), rows in a step, rows, and epochs of one fit."""

    name: str
    sizes: tuple[int, ...]
    batch_size: int
    n_rows: int
    epochs: int

    @property
    def layers(self) -> str:
        """The sizes as they are written in tables."""
        return "-".join(map(str, self.sizes))

    @property
    def steps(self) -> int:
        """The steps of one fit; the last of an epoch may have fewer rows."""
        return self.epochs * ceil(self.n_rows / self.batch_size)

    @property
    def n_parameters(self) -> int:
        """P, the length of θ."""
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))

    @property
    def flops_per_step(self) -> float:
        """Floating-point operations of the matrix products of a step, on average over an epoch.

        With n rows in a step, each layer has 2·n·H_l·H_{l−1} for z = W h + b, as many for ∂ℒ/∂W,
        and as many for ∂ℒ/∂h except in the first layer, whose input has no gradient.
        """
        products = [n_in * n_out for n_in, n_out in pairwise(self.sizes)]
        return 2 * (3 * sum(products) - products[0]) * self.n_rows * self.epochs / self.steps

    def limit(self, flops_per_second: float) -> float:
        """Seconds of a step whose matrix products run at this speed, and all else takes no time."""
        return self.flops_per_step / flops_per_second

    def shorter(self, factor: int) -> Case:
        """The case with fewer epochs, at least one."""
        return replace(self, epochs=max(1, self.epochs // factor))

    def data(self) -> tuple[Array, Array]:
        """X (N, D) float32 and classes (N,) int64, unrelated: for time it does not matter."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.n_rows, self.sizes[0]), dtype=np.float32)
        return X, rng.integers(self.sizes[-1], size=self.n_rows)


# Epochs: enough that what a fit does once (checks, first weights) does not count.
CASES = {
    case.name: case
    for case in (
        Case("tiny", (2, 8, 8, 2), 32, 2_000, 300),
        Case("small", (20, 100, 3), 200, 8_000, 100),
        Case("tab", (50, 256, 256, 10), 256, 20_000, 5),
        Case("mnist", (784, 512, 512, 10), 128, 10_000, 2),
        Case("wide", (784, 1024, 1024, 1024, 10), 512, 8_192, 2),
    )
}
