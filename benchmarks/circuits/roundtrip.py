"""From a truth table to a network, and back to logic that is proved to be the same function.

    apt install iverilog berkeley-abc; pip install python-sat
    python -m benchmarks.circuits.roundtrip [--search] [--random N] [FUNCTION …]

Each function is learnt with a known number of hidden units (or, --search, with the fewest that are
found within a minute), sharpened until every unit is certified to be a bit, and extracted neuron by
neuron. The logic's Verilog is run in Icarus Verilog with the testbench of the original function, on
all inputs; its BLIF is compared with the original function's by Berkeley ABC's `cec`, and by SAT.
The original is a sum of minterms, written from the table alone. One line each, with the seconds of
every stage; the exit status is 1 if any stage of any function failed. A minute; --search takes ten.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.circuits.functions import FUNCTIONS
from benchmarks.circuits.markdown import head, line, machine
from benchmarks.circuits.tools import in_abc, in_icarus
from clearprop._typing import Array
from clearprop.circuits.extraction.extract import ExtractionError, extract
from clearprop.circuits.gates import all_bits
from clearprop.circuits.learning.learn import learn
from clearprop.circuits.learning.sharpening import sharpen
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.proofs.equivalence import equivalent
from clearprop.circuits.synthesis.cubes import sum_of_products

SEARCH_SECONDS = 60.0
STAGES = ("learn", "sharpen", "extract", "Icarus", "cec", "SAT")
HEAD = ["function", "rows", "network", "attempts", "certified error", "one neuron", "cells"]
HEAD += ["testbench", "cec", "SAT", *(f"{stage} s" for stage in STAGES)]


class Clock:
    """The seconds since it was last asked."""

    def __init__(self) -> None:
        self.at = time.perf_counter()

    def __call__(self) -> float:
        before, self.at = self.at, time.perf_counter()
        return self.at - before


def original(table: Array) -> Circuit:
    """The function as a sum of its minterms, without a minimiser; ports named as in `extract`."""
    rows = all_bits(len(table).bit_length() - 1).astype(int)
    columns = table.reshape(len(table), -1).T
    inputs = [f"x{i + 1}" for i in range(rows.shape[1])]
    outputs = ["y"] if len(columns) == 1 else [f"y{k}" for k in range(len(columns))]
    cubes = {
        name: [tuple(row) for row in rows[column == 1].tolist()]
        for name, column in zip(outputs, columns, strict=True)
    }
    return sum_of_products(inputs, cubes, "extracted")


def there_and_back(name: str, seed: int, *, search: bool) -> tuple[list[str], bool]:
    """The line of the table, and whether all went well."""
    make, hidden = FUNCTIONS[name]
    table, seconds, clock = make(seed), [], Clock()
    limit = SEARCH_SECONDS if search else None
    learned = learn(table, None if search else hidden, time_limit=limit, progress=False)
    seconds.append(clock())
    row = [name + (f", seed {seed}" if name.startswith("random") else ""), str(len(table))]
    row += ["-".join(map(str, learned.network.sizes)), str(learned.attempts)]
    if not learned.ok:
        return [*row, str(learned)], False
    sharp = sharpen(learned, progress=False)
    seconds.append(clock())
    if not sharp.ok:
        return [*row, str(sharp)], False
    try:
        found = extract(sharp.network, by="neurons")
    except ExtractionError as why:
        return [*row, f"not extracted: {why}"], False
    seconds.append(clock())
    wanted = original(table)
    neurons = sum(unit.neuron is not None for unit in found.units)
    clock()
    with tempfile.TemporaryDirectory() as folder:
        bench = in_icarus(found.circuit, wanted, Path(folder))
        seconds.append(clock())
        cec = in_abc(found.circuit, wanted, Path(folder))
        seconds.append(clock())
    sat = equivalent(found.circuit, wanted, method="sat").verdict
    seconds.append(clock())
    row += [f"{sharp.bound.error:.4f}", f"{neurons}/{len(found.units)}"]
    row += [str(len(found.circuit.cells)), bench, cec, sat, *(f"{s:.3f}" for s in seconds)]
    bits = all_bits(len(wanted.inputs))
    right = np.array_equal(found.circuit.evaluate(bits), table.reshape(len(table), -1))
    passed = bench in (f"PASS: {len(table)} of {len(table)}", "not installed")
    passed = passed and cec in ("equal", "not installed") and sat == "equal"
    return row, found.ok and right and passed


def chosen(names: list[str], n_random: int) -> Iterator[tuple[str, int]]:
    for name in names or FUNCTIONS:
        for seed in range(n_random if name.startswith("random") else 1):
            yield name, seed


def main() -> int:
    """The table; 1 if a round trip did not succeed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="which; all if none")
    parser.add_argument("--search", action="store_true", help="the fewest hidden units")
    parser.add_argument(
        "--random", type=int, default=10, metavar="N", help="functions of each size"
    )
    given = parser.parse_args()
    print(f"{machine()}\n\n{head(HEAD)}")
    good = n = 0
    for name, seed in chosen(given.functions, given.random):
        row, right = there_and_back(name, seed, search=given.search)
        print(line(row), flush=True)
        good, n = good + right, n + 1
    print(f"\n{good} of {n} round trips succeeded")
    return int(good != n)


if __name__ == "__main__":
    sys.exit(main())
