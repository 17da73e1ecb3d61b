"""The circuits that circuitgraph ships, compiled, certified and compared.

    pip install circuitgraph==0.2.1 python-sat
    python -m benchmarks.circuits.certify [--vectors N] [--peer-seconds S] [CIRCUIT …]

All eleven ISCAS-85 circuits and EPFL's arithmetic ones: their size, the seconds to read, compile
and certify them, the smallest certified gain, the certified error at gain 8 beside the measured
one, and on how many random vectors the outputs are those of circuitgraph's own simulation (as many
as it gets done in S seconds, at least 16). The large ones take half a minute each, most of it
circuitgraph's reading.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.circuits.markdown import head, line, machine, seconds, timed
from benchmarks.circuits.peer import EPFL, ISCAS, Peer, load
from clearprop._typing import Array
from clearprop.circuits.soft.certificate import minimum_gain
from clearprop.circuits.soft.circuit import SoftCircuit, certify, compile

AT_ONCE = 128  # vectors, whose units are all kept
COLUMNS = ["circuit", "inputs", "outputs", "gates", "depth", "units", "levels", "weights"]
COLUMNS += ["read s", "compile s", "certify s", "least gain", "found in s", "outputs: certified"]
COLUMNS += ["measured", "all nets: certified", "measured", "wrong bits of", "unlike circuitgraph"]
COLUMNS += ["its s"]


@dataclass(frozen=True)
class Compared:
    """Soft outputs beside circuitgraph's: vectors compared, those that differ, its seconds."""

    n: int
    n_different: int
    seconds: float


def measure(name: str, n_vectors: int, peer_seconds: float) -> tuple[list[object], bool]:
    """The line of the table, and whether nothing was wrong."""
    circuit, s_read = timed(lambda: load(name))
    soft, s_compile = timed(lambda: compile(circuit))
    proof, s_certify = timed(lambda: certify(soft))
    gain, s_gain = timed(lambda: minimum_gain(circuit))
    bits = np.random.default_rng(0).random((n_vectors, len(circuit.inputs))) < 0.5
    error, net_error, wrong = measured(soft, bits)
    at_least = replace(soft, gain=gain)  # there each bit is right as well
    wrong += int((at_least.predict(bits) != circuit.evaluate(bits)).sum())
    row: list[object] = [name, len(circuit.inputs), len(circuit.outputs), len(circuit.cells)]
    row += [circuit.depth, soft.n_units, soft.n_levels, soft.units.weights.nnz]
    row += [*map(seconds, (s_read, s_compile, s_certify)), f"{gain:.3f}", seconds(s_gain)]
    row += [f"{proof.error:.5f}", f"{error:.5f}", f"{proof.worst_error:.5f}", f"{net_error:.5f}"]
    row += [f"{wrong:,} of {2 * n_vectors * len(circuit.outputs):,}"]
    right = proof.ok and wrong == 0 and error <= proof.error and net_error <= proof.worst_error
    if peer_seconds:
        found = compare(soft, Peer.of(name), bits, peer_seconds)
        row += [f"{found.n_different:,} of {found.n:,}", seconds(found.seconds)]
        right &= found.n_different == 0
    else:
        row += ["–", "–"]
    return row, right


def measured(soft: SoftCircuit, bits: Array) -> tuple[float, float, int]:
    """The largest error of an output, and of any net that a unit carries; the wrong output bits."""
    error = net_error = 0.0
    wrong = 0
    outputs = list(soft.units.outputs)
    carried = [
        (column, wire.source - soft.n_inputs, wire.negated)
        for column, net in enumerate(soft.circuit.nets)
        if (wire := soft.units.wires[net]).source >= soft.n_inputs
    ]
    columns, units, negated = (np.array(list(x)) for x in zip(*carried, strict=True))
    for start in range(0, len(bits), AT_ONCE):
        some = bits[start : start + AT_ONCE]
        h, nets = soft.evaluate_units(some), soft.circuit.evaluate_nets(some)
        wanted = soft.circuit.evaluate(some)
        error = max(error, float(np.abs(h[:, outputs] - wanted).max(initial=0.0)))
        wrong += int(((h[:, outputs] > 0.5) != wanted).sum())
        carry = np.abs(h[:, units] - (nets[:, columns] != negated))
        net_error = max(net_error, float(carry.max(initial=0.0)))
    return error, net_error, wrong


def compare(soft: SoftCircuit, peer: Peer, bits: Array, limit: float) -> Compared:
    """The outputs of the soft circuit, as bits, with circuitgraph's."""
    mine = soft.predict(bits)
    n = n_different = 0
    start = time.perf_counter()
    for row, theirs in zip(mine, peer.outputs(soft.circuit, bits), strict=False):
        n += 1
        n_different += not np.array_equal(row, theirs)
        if n >= 16 and time.perf_counter() - start > limit:
            break
    return Compared(n, n_different, time.perf_counter() - start + peer.seconds_read)


def main() -> int:
    """The table; 1 if anything in it was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("circuits", nargs="*", metavar="CIRCUIT", help="which; all if none")
    parser.add_argument("--vectors", type=int, default=1024, metavar="N")
    parser.add_argument(
        "--peer-seconds", type=float, default=150.0, metavar="S", help="0: without circuitgraph"
    )
    options = parser.parse_args()
    names = options.circuits or [*ISCAS, *EPFL]
    print(f"{machine()}; {options.vectors:,} random vectors\n\n{head(COLUMNS)}")
    load("c17")  # or the first line has the time of imports
    good = True
    for name in names:
        row, right = measure(name, options.vectors, options.peer_seconds)
        print(line(row), flush=True)
        good &= right
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
