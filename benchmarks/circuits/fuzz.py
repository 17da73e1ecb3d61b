"""Mutations of circuitgraph's netlists in every format: an error or a circuit, never anything else.

    pip install circuitgraph==0.2.1
    python -m benchmarks.circuits.fuzz [cases per format, 1500]

Each case is a real file with one to three things changed. Every error is a CircuitError; any other
exception, and any file that takes more than 20 seconds, ends it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.circuits.markdown import head, line, machine
from benchmarks.circuits.peer import netlists
from clearprop.circuits.formats.files import FORMATS, dumps, read

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "helpers"))
from fuzz_circuits import check

NAMES = ("c17", "c17_assign", "mux_4", "c432", "c499", "ctrl", "int2float", "c1908", "adder")
COLUMNS = ("format", "files", "mutations", "refused", "still a circuit", "slowest s", "all s")
SECONDS = 20.0


def files(format: str, names: tuple[str, ...] = NAMES) -> list[tuple[bytes, str]]:
    """The netlists in a format: as they are in Verilog, else as clearprop writes them."""
    result = []
    for name in names:
        path = netlists() / f"{name}.v"
        data = path.read_bytes() if format == "verilog" else dumps(read(path), format)
        result.append((data if isinstance(data, bytes) else data.encode(), format))
    return result


def main() -> None:
    """One line for each format."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    print(f"{machine()}\n\n{head(COLUMNS)}")
    n_refused = 0
    for number, format in enumerate(FORMATS):
        found = files(format)
        start = time.perf_counter()
        told = check(found, cases, seed=number, seconds=SECONDS)
        taken = time.perf_counter() - start
        shown = [format, len(found), cases, told["refused"], told["read"]]
        print(line([*shown, f"{told['slowest ms'] / 1000:.2f}", f"{taken:.0f}"]), flush=True)
        n_refused += told["refused"]
    n = cases * len(FORMATS)
    print(f"\n{n:,} mutations: {n_refused:,} refused with a CircuitError, {n - n_refused:,} read")


if __name__ == "__main__":
    main()
