"""Counts the threshold functions of n inputs, OEIS A000609, by `threshold`.

    python -m benchmarks.circuits.threshold_functions [n]        n ≤ 5, default 5

A threshold function is monotone up to the sign of the inputs it depends on. So it suffices to ask
for every monotone function (7,581 of five inputs), and to count 2^k for one that depends on k.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from clearprop.circuits.synthesis.separability import threshold

KNOWN = (2, 4, 14, 104, 1882, 94572)


def monotone_functions(n: int) -> list[int]:
    """All monotone functions, as the integer whose binary digits are the table."""
    if n == 0:
        return [0, 1]
    smaller = monotone_functions(n - 1)
    width = 2 ** (n - 1)
    return [high << width | low for high in smaller for low in smaller if low & high == low]


def main() -> int:
    """Prints the table; 1 if a count is not the known one."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(" n   monotone  threshold functions    known   greatest |w|   seconds")
    failed = False
    for n in range(most + 1):
        start = time.perf_counter()
        count, greatest = 0, 0
        functions = monotone_functions(n)
        for number in functions:
            table = np.array([number >> row & 1 for row in range(2**n)], np.int8)
            neuron = threshold(table).neuron
            if neuron is not None:
                count += 2 ** sum(w != 0 for w in neuron.weights)
                greatest = max(greatest, *neuron.weights, 0) if n else 0
        seconds = time.perf_counter() - start
        print(f"{n:2} {len(functions):10} {count:20} {KNOWN[n]:8} {greatest:14} {seconds:9.1f}")
        failed |= count != KNOWN[n]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
