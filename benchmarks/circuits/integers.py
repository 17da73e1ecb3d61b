"""Real arithmetic circuits, compiled at their smallest certified gain, against Python's integers.

    pip install circuitgraph==0.2.1
    python -m benchmarks.circuits.integers [--vectors N] [CIRCUIT …]

c6288 and those of EPFL's circuits that are whole-number arithmetic, on random inputs, in float32
and float64. The exit status is 1 if a result is wrong.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.circuits.markdown import head, line, machine, seconds, timed
from benchmarks.circuits.peer import load
from clearprop._typing import Array
from clearprop.circuits.soft.certificate import minimum_gain
from clearprop.circuits.soft.circuit import SoftCircuit, compile

COLUMNS = ["circuit", "computes", "dtype", "gain", "units", "right", "s"]


@dataclass(frozen=True)
class Arithmetic:
    """What a circuit computes, of numbers of so many bits each, the lowest bit first; swapped: two
    outputs that are exchanged in the file."""

    formula: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    function: Callable[..., tuple[int, ...]]
    swapped: tuple[int, int] | None = None


def _rotated(a: int, shift: int) -> tuple[int, ...]:
    return ((a << shift | a >> 128 - shift) & (1 << 128) - 1,)


ARITHMETIC = {
    "c6288": Arithmetic("a · b", (16, 16), (32,), lambda a, b: (a * b,), swapped=(30, 31)),
    "adder": Arithmetic("a + b", (128, 128), (129,), lambda a, b: (a + b,)),
    "bar": Arithmetic("a rotated left by b", (128, 7), (128,), _rotated),
    "square": Arithmetic("a²", (64,), (128,), lambda a: (a * a,)),
    "multiplier": Arithmetic("a · b", (64, 64), (128,), lambda a, b: (a * b,)),
    "sqrt": Arithmetic("⌊√a⌋", (128,), (64,), lambda a: (math.isqrt(a),)),
    "div": Arithmetic("a // b, a % b", (64, 64), (64, 64), divmod),
}


def numbers(bits: Array, widths: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Rows of bits as Python's integers of these widths, the lowest bit of each first."""
    digits = ["".join("01"[bit] for bit in row) for row in bits.astype(int)]
    ends = list(pairwise(np.cumsum([0, *widths]).tolist()))
    return [tuple(int(row[a:b][::-1], 2) for a, b in ends) for row in digits]


def count_right(soft: SoftCircuit, what: Arithmetic, n: int) -> int:
    """For how many of n random inputs the soft circuit's outputs are Python's numbers."""
    bits = np.random.default_rng(2).random((n, soft.n_inputs)) < 0.5
    y = soft.predict(bits)
    if what.swapped:
        y[:, what.swapped] = y[:, what.swapped[::-1]]
    pairs = zip(numbers(bits, what.inputs), numbers(y, what.outputs), strict=True)
    return sum(what.function(*x) == result for x, result in pairs)


def main() -> int:
    """The table; 1 if a result was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("circuits", nargs="*", metavar="CIRCUIT", help="which; all if none")
    parser.add_argument("--vectors", type=int, default=4096, metavar="N")
    given = parser.parse_args()
    print(f"{machine()}\n\n{head(COLUMNS)}")
    good, n = True, given.vectors
    for name in given.circuits or ARITHMETIC:
        circuit, what = load(name), ARITHMETIC[name]
        for dtype in ("float32", "float64"):
            soft = compile(circuit, minimum_gain(circuit, dtype=dtype), dtype)
            right, taken = timed(partial(count_right, soft, what, n))
            row = [name, what.formula, dtype, f"{soft.gain:.3f}", soft.n_units]
            print(line([*row, f"{right:,} of {n:,}", seconds(taken)]), flush=True)
            good &= right == n
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
