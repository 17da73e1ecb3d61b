"""Unit evaluations a second, on one core.

    pip install circuitgraph==0.2.1
    python -m benchmarks.circuits.speed [--runs N] [CIRCUIT …]

A unit evaluation is one sigmoid neuron on one input vector: its weighted sum, bias and σ. Vectors
go through in batches of 1,024 to 16,384; the median run, the slowest and the fastest.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace

import numpy as np

from benchmarks.circuits.markdown import head, line, machine, timed
from benchmarks.circuits.peer import load
from clearprop.circuits.soft.circuit import SoftCircuit, compile

CIRCUITS = ("c432", "c880", "c2670", "c5315", "c6288", "c7552", "adder", "max", "square")
DTYPES = ("float32", "float64")
COLUMNS = ("circuit", "units", "vectors", *(f"{d}: million units/s" for d in DTYPES))


def rates(soft: SoftCircuit, n_vectors: int, runs: int) -> list[float]:
    """Unit evaluations a second of each run, after one that does not count."""
    bits = np.random.default_rng(1).random((n_vectors, soft.n_inputs)) < 0.5
    soft.evaluate(bits)
    return [soft.n_units * n_vectors / timed(lambda: soft.evaluate(bits))[1] for _ in range(runs)]


def batch(soft: SoftCircuit) -> int:
    """How many vectors: a run of about a second at most."""
    return max(1024, min(16384, 2**24 // soft.n_units // 1024 * 1024))


def shown(found: list[float]) -> str:
    """In millions: the median (the slowest … the fastest)."""
    low, middle, high = (f(found) / 1e6 for f in (min, statistics.median, max))
    return f"{middle:.0f} ({low:.0f}…{high:.0f})"


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("circuits", nargs="*", metavar="CIRCUIT", help="which; some if none")
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    given = parser.parse_args()
    print(f"{machine()}; {given.runs} runs: median (slowest … fastest)\n\n{head(COLUMNS)}")
    for name in given.circuits or CIRCUITS:
        soft = compile(load(name))
        n = batch(soft)
        found = [rates(replace(soft, dtype=np.dtype(d)), n, given.runs) for d in DTYPES]
        print(line([name, soft.n_units, n, *map(shown, found)]), flush=True)


if __name__ == "__main__":
    main()
