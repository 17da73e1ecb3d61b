"""All netlists of circuitgraph: read here and there, and evaluated on the same random vectors.

    python benchmarks/circuits/netlists.py [largest file in kB, 10000]

circuitgraph's graph is evaluated gate by gate in its own topological order.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import circuitgraph
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from netlist_oracle import simulate

from clearprop.circuits.formats import read
from clearprop.circuits.netlist import CircuitError

NETLISTS = Path(circuitgraph.__file__).parent / "netlists"
VECTORS = 1024


def main() -> None:
    """Prints one line for each netlist."""
    largest = 1000 * int(sys.argv[1]) if len(sys.argv) > 1 else 10**7
    heads = f"{'file':20}{'kB':>7}{'inputs':>8}{'outputs':>8}{'cells':>9}{'depth':>7}"
    print(f"{heads}{'seconds':>9}  agrees")
    rng = np.random.default_rng(0)
    for path in sorted(NETLISTS.iterdir(), key=lambda path: path.stat().st_size):
        size = path.stat().st_size
        start = time.perf_counter()
        try:
            ours = read(path)
        except CircuitError as error:
            print(f"{path.name:20}{size / 1000:7.0f}  refused: {error}")
            continue
        taken = time.perf_counter() - start
        agrees = "not tried"
        if size <= largest:
            theirs = circuitgraph.from_file(path)
            words = rng.integers(0, 2**64, (len(ours.inputs), VECTORS // 64), dtype=np.uint64)
            escape = {net.lstrip("\\"): net for net in theirs.nodes()}
            inputs = {escape[n]: w for n, w in zip(ours.inputs, words, strict=True) if n in escape}
            want = simulate(theirs, inputs)
            have = ours.words(list(words))
            agrees = "yes"
            for net in ours.outputs:
                if not np.array_equal(have[net], want[escape[net]]):
                    agrees = f"NO: {net}"
        row = f"{path.name:20}{size / 1000:7.0f}{len(ours.inputs):8}{len(ours.outputs):8}"
        print(f"{row}{len(ours.cells):9}{ours.depth:7}{taken:9.2f}  {agrees}", flush=True)


if __name__ == "__main__":
    main()
