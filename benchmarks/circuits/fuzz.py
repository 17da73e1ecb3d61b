"""Mutations of circuitgraph's netlists in every format: an error or a circuit, never anything else.

python benchmarks/circuits/fuzz.py [cases per format, 1500]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import circuitgraph

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from fuzz_circuits import check

from clearprop.circuits.formats import FORMATS, dumps, read

NETLISTS = Path(circuitgraph.__file__).parent / "netlists"
NAMES = ("c17", "c17_assign", "mux_4", "c432", "c499", "ctrl", "int2float", "c1908", "adder")


def main() -> None:
    """Prints one line for each format."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    print(f"{'format':10}{'cases':>8}{'refused':>9}{'read':>7}{'slowest':>10}{'total':>9}")
    for number, format in enumerate(FORMATS):
        files: list[tuple[bytes, str]] = []
        for name in NAMES:
            path = NETLISTS / f"{name}.v"
            data = path.read_bytes() if format == "verilog" else dumps(read(path), format)
            files.append((data if isinstance(data, bytes) else data.encode(), format))
        start = time.perf_counter()
        told = check(files, cases, seed=number, seconds=20)
        taken = time.perf_counter() - start
        slowest = f"{told['slowest ms'] / 1000:.2f} s"
        print(f"{format:10}{cases:8}{told['refused']:9}{told['read']:7}{slowest:>10}{taken:7.0f} s")


if __name__ == "__main__":
    main()
