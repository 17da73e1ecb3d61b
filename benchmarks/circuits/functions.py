"""The Boolean functions that are learnt and extracted here, as truth tables.

A table is integers (2^n, K) for K outputs, or (2^n,) for one, in the order of `all_bits(n)`; −1
where it does not matter. Each is made of a seed, which only the random ones look at.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.gates import all_bits, gate


def parity(n: int) -> Array:
    ones: Array = all_bits(n).sum(axis=1)
    return ones % 2


def majority(n: int) -> Array:
    ones: Array = all_bits(n).sum(axis=1)
    return (2 * ones > n).astype(int)


def adder(n: int) -> Array:
    """a + b of n bits each, the highest bit first, in n + 1 bits."""
    x: Array = all_bits(2 * n).astype(int)
    place: Array = 1 << np.arange(n - 1, -1, -1)
    total = x[:, :n] @ place + x[:, n:] @ place
    digits: Array = (np.asarray(total)[:, None] >> np.arange(n, -1, -1)) & 1
    return digits


def multiplexer(n: int) -> Array:
    """n selecting inputs, the highest first, then 2^n others."""
    x: Array = all_bits(n + 2**n).astype(int)
    place: Array = 1 << np.arange(n - 1, -1, -1)
    out: Array = x[np.arange(len(x)), n + x[:, :n] @ place]
    return out


def random(n: int, seed: int) -> Array:
    bits: Array = np.random.default_rng(seed).integers(0, 2, 2**n)
    return bits


def half_free(n: int, seed: int) -> Array:
    """A random function of which half the rows do not matter."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(2**n) < 0.5, -1, rng.integers(0, 2, 2**n))


def _fixed(make: Callable[[int], Array], n: int) -> Callable[[int], Array]:
    return lambda seed: make(n)


# for each the table of a seed, and hidden units with which learning it seldom fails
FUNCTIONS: dict[str, tuple[Callable[[int], Array], int]] = {
    "XOR": (_fixed(parity, 2), 2),
    **{f"parity of {n}": (_fixed(parity, n), n if n < 6 else n + 2) for n in range(3, 9)},
    "half adder": (lambda seed: gate("half_adder", 2).truth_table[:, 2:], 2),
    "full adder": (lambda seed: gate("full_adder", 3).truth_table[:, 3:], 3),
    "adder of 2 bits": (_fixed(adder, 2), 4),
    "adder of 3 bits": (_fixed(adder, 3), 7),
    "multiplexer 2:1": (_fixed(multiplexer, 1), 2),
    "multiplexer 4:1": (_fixed(multiplexer, 2), 4),
    "random of 4": (partial(random, 4), 4),
    "random of 5": (partial(random, 5), 6),
    "random of 6": (partial(random, 6), 8),
}
