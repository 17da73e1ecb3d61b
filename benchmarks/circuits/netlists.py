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

from clearprop.circuits.formats import read
from clearprop.circuits.netlist import CircuitError

NETLISTS = Path(circuitgraph.__file__).parent / "netlists"
VECTORS = 1024


def simulate(graph: circuitgraph.Circuit, value: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The word of each net of circuitgraph's circuit, from those of its inputs."""
    any_word = next(iter(value.values()))
    for net in graph.topo_sort():
        kind = graph.type(net)
        x = [value[fan_in] for fan_in in graph.fanin(net)]
        if kind in ("0", "1"):
            value[net] = np.zeros_like(any_word) if kind == "0" else ~np.zeros_like(any_word)
        elif kind in ("and", "nand"):
            value[net] = np.bitwise_and.reduce(x)
        elif kind in ("or", "nor"):
            value[net] = np.bitwise_or.reduce(x)
        elif kind in ("xor", "xnor"):
            value[net] = np.bitwise_xor.reduce(x)
        elif kind in ("buf", "not"):
            value[net] = x[0]
        elif kind != "input":
            raise ValueError(f"{net}: {kind}")
        if kind in ("nand", "nor", "xnor", "not"):
            value[net] = ~value[net]
    return value


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
