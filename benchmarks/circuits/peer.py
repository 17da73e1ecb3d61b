"""circuitgraph: the netlists that it ships, and its simulation of them.

`simulate` evaluates its graphs gate by gate, many vectors at a time; it is that of the tests.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.formats.files import read
from clearprop.circuits.netlist import Circuit

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
import netlist_oracle

simulate = netlist_oracle.simulate

ISCAS = ["c17", "c432", "c499", "c880", "c1355", "c1908", "c2670", "c3540", "c5315", "c6288"]
ISCAS += ["c7552"]
# the tenth of EPFL's arithmetic circuits, hyp, is not among circuitgraph's files
EPFL = ("adder", "bar", "div", "log2", "max", "multiplier", "sin", "sqrt", "square")


def netlists() -> Path:
    """The folder of the files."""
    import circuitgraph

    return Path(circuitgraph.__file__).parent / "netlists"


def load(name: str) -> Circuit:
    """One of them, read by clearprop."""
    return read(netlists() / f"{name}.v")


@dataclass
class Peer:
    """circuitgraph's own reading of a netlist, and its solver. seconds_read: for both together.

    circuitgraph has no other simulation than its SAT solver with the inputs as assumptions
    (`circuitgraph.sat`), which follows from one input to the outputs without any choice.
    """

    solver: Any
    variables: Any
    graph: Any
    seconds_read: float

    @staticmethod
    def of(name: str) -> Peer:
        """Of the netlist of this name."""
        import circuitgraph

        start = time.perf_counter()
        graph = circuitgraph.from_lib(name)
        solver, variables = circuitgraph.sat.construct_solver(graph)
        return Peer(solver, variables, graph, time.perf_counter() - start)

    def outputs(self, circuit: Circuit, bits: Array) -> Iterator[Array]:
        """The outputs for each row of bits, in the order of the circuit's ports."""
        plain = {net.lstrip("\\").strip(): net for net in self.graph.nodes()}
        inputs = [self.variables.id(plain[net]) for net in circuit.inputs]
        outputs = [self.variables.id(plain[net]) - 1 for net in circuit.outputs]
        for row in bits:
            assumed = [v if x else -v for v, x in zip(inputs, row, strict=True)]
            if not self.solver.solve(assumptions=assumed):
                raise SystemExit(f"circuitgraph finds no value of {circuit.name}")
            yield np.array(self.solver.get_model())[outputs] > 0
