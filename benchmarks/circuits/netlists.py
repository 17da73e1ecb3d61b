"""All netlists of circuitgraph: read here and there, and evaluated on the same random vectors.

    pip install circuitgraph==0.2.1
    python -m benchmarks.circuits.netlists [FILE …]

1,024 vectors for each. circuitgraph's graph is evaluated gate by gate in its own topological order.
Sequential netlists are refused with a reason. All 62 take some minutes, most of them circuitgraph's
reader on the largest.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.circuits.peer import netlists, simulate
from clearprop.circuits.formats.files import read
from clearprop.circuits.netlist import CircuitError

VECTORS = 1024


def main() -> None:
    """Prints one line for each netlist."""
    import circuitgraph

    heads = f"{'file':20}{'kB':>7}{'inputs':>8}{'outputs':>8}{'cells':>9}{'depth':>7}"
    print(f"{heads}{'seconds':>9}{'theirs':>9}  agrees")
    rng = np.random.default_rng(0)
    for path in sorted(netlists().iterdir(), key=lambda path: path.stat().st_size):
        if sys.argv[1:] and path.name not in sys.argv[1:]:
            continue
        size = path.stat().st_size
        start = time.perf_counter()
        try:
            ours = read(path)
        except CircuitError as error:
            print(f"{path.name:20}{size / 1000:7.0f}  refused: {error}")
            continue
        taken = time.perf_counter() - start
        start = time.perf_counter()
        theirs = circuitgraph.from_file(path)
        theirs_taken = time.perf_counter() - start
        words = rng.integers(0, 2**64, (len(ours.inputs), VECTORS // 64), dtype=np.uint64)
        escape = {net.lstrip("\\"): net for net in theirs.nodes()}
        inputs = {escape[n]: w for n, w in zip(ours.inputs, words, strict=True) if n in escape}
        want = simulate(theirs, inputs)
        have = ours.words(list(words))
        wrong = [n for n in ours.outputs if not np.array_equal(have[n], want[escape[n]])]
        agrees = f"NO: {wrong[0]}" if wrong else "yes"
        row = f"{path.name:20}{size / 1000:7.0f}{len(ours.inputs):8}{len(ours.outputs):8}"
        print(
            f"{row}{len(ours.cells):9}{ours.depth:7}{taken:9.2f}{theirs_taken:9.2f}  {agrees}",
            flush=True,
        )


if __name__ == "__main__":
    main()
