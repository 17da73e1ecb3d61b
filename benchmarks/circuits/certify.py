"""The circuits that circuitgraph ships, compiled, certified, compared, and broken on purpose.

    pip install circuitgraph==0.2.1 python-sat
    python benchmarks/circuits/certify.py [--vectors N] [--mutations N] [--no-peer] [CIRCUIT …]

For all ISCAS-85 circuits and the EPFL arithmetic ones: size, seconds to read, compile and certify,
the smallest certified gain, the certified error at gain 8 beside the measured one, agreement on
random vectors with circuitgraph's own simulation, and the speed of evaluation. Then arithmetic
against Python's integers, and mutations: a weight with its sign changed, or a threshold changed by
one, each of which has to be found.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import clearprop
from clearprop.circuits.certificate import certify, minimum_gain
from clearprop.circuits.formats import read
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft import SoftCircuit, compile

ISCAS = ["c17", "c432", "c499", "c880", "c1355", "c1908", "c2670", "c3540", "c5315", "c6288"]
ISCAS += ["c7552"]
# the tenth of EPFL's arithmetic circuits, hyp, is not among circuitgraph's files
EPFL = ["adder", "bar", "div", "log2", "max", "multiplier", "sin", "sqrt", "square"]
MUTATED = ["c17", "c432", "c499", "c880", "c1355", "c1908", "c2670", "c3540", "c6288", "adder"]


DTYPES = ("float32", "float64")
COLUMNS = ["circuit", "cells", "units", "weights", "levels", "read s", "compile s", "certify s"]
COLUMNS += ["least gain", "found in s", "outputs certified", "measured", "nets certified"]
COLUMNS += ["measured", "wrong bits", "other bits than circuitgraph", "its s"]
COLUMNS += [f"M units/s {dtype}" for dtype in DTYPES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("circuits", nargs="*", metavar="CIRCUIT", help="which; all if none")
    parser.add_argument("--vectors", type=int, default=1024)
    parser.add_argument("--mutations", type=int, default=200)
    parser.add_argument("--no-peer", action="store_true", help="without circuitgraph's simulation")
    options = parser.parse_args()
    print(
        f"clearprop {clearprop.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, {platform.machine()}"
    )
    print("\n|" + "|".join(COLUMNS) + "|\n|" + "-|" * len(COLUMNS))
    circuits = {}
    for name in options.circuits or ISCAS + EPFL:
        row, circuits[name] = measure(name, options.vectors, peer=not options.no_peer)
        print("|" + "|".join(row) + "|", flush=True)
    for name, check in (("c6288", multiplies), ("adder", adds)):
        if name in circuits:
            print(f"\n{check(compile(circuits[name]), 4096)}", flush=True)
    if options.mutations:
        mutated = [circuits.get(name) or load(name) for name in MUTATED]
        print(f"\n{mutations(mutated, options.mutations)}")


def netlists() -> Path:
    import circuitgraph

    return Path(circuitgraph.__file__).parent / "netlists"


def load(name: str) -> Circuit:
    return read(netlists() / f"{name}.v")


def timed(f: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = f()
    return result, time.perf_counter() - start


def measure(name: str, n_vectors: int, *, peer: bool) -> tuple[list[str], Circuit]:
    circuit, s_read = timed(lambda: load(name))
    soft, s_compile = timed(lambda: compile(circuit))
    proof, s_certify = timed(lambda: certify(soft))
    gain, s_gain = timed(lambda: minimum_gain(circuit))
    if not proof.ok:
        raise SystemExit(str(proof))
    bits = np.random.default_rng(0).random((n_vectors, len(circuit.inputs))) < 0.5
    wanted = circuit.evaluate(bits)
    at_least = replace(soft, gain=gain)  # and at the smallest gain each bit is right as well
    wrong = int((soft.predict(bits) != wanted).sum() + (at_least.predict(bits) != wanted).sum())
    row = [name, *(f"{n:,}" for n in (len(circuit.cells), soft.n_units, soft.weights.nnz))]
    row += [f"{soft.n_levels:,}", *(f"{s:.2f}" for s in (s_read, s_compile, s_certify))]
    row += [f"{gain:.3f}", f"{s_gain:.2f}"]
    row += [f"{proof.error:.5f}", f"{np.abs(soft.evaluate(bits) - wanted).max():.5f}"]
    row += [f"{proof.worst_error:.5f}", f"{net_error(soft, bits):.5f}", f"{wrong}"]
    if peer:
        simulated, s_peer = timed(lambda: simulate(name, circuit, bits))
        row += [f"{int((simulated != soft.predict(bits)).sum())}", f"{s_peer:.1f}"]
    else:
        row += ["", ""]
    return row + [f"{speed(replace(soft, dtype=np.dtype(d))):.0f}" for d in DTYPES], circuit


def net_error(soft: SoftCircuit, bits: Any) -> float:
    """The largest error of a net that a unit carries."""
    h = soft.evaluate_units(bits)
    nets = soft.circuit.evaluate_nets(bits)
    error = 0.0
    for column, net in enumerate(soft.circuit.nets):
        source, negated = soft.wires[net]
        if source >= soft.n_inputs:
            carried = h[:, source - soft.n_inputs]
            bit = nets[:, column] != negated
            error = max(error, float(np.abs(carried - bit).max()))
    return error


def speed(soft: SoftCircuit) -> float:
    """Millions of unit evaluations a second, best of three."""
    n = max(1024, min(16384, 2**25 // soft.n_units))
    bits = np.random.default_rng(1).random((n, soft.n_inputs)) < 0.5
    soft.evaluate(bits[:2])
    seconds = min(timed(lambda: soft.evaluate(bits))[1] for _ in range(3))
    return soft.n_units * n / seconds / 1e6


def simulate(name: str, circuit: Circuit, bits: Any) -> Any:
    """The outputs as circuitgraph has them: its circuit, simulated by its SAT solver."""
    import circuitgraph

    c = circuitgraph.from_lib(name)
    plain = {net.lstrip("\\").strip(): net for net in c.nodes()}
    solver, variables = circuitgraph.sat.construct_solver(c)
    inputs = [variables.id(plain[net]) for net in circuit.inputs]
    outputs = [variables.id(plain[net]) - 1 for net in circuit.outputs]
    result = np.empty((len(bits), len(outputs)), bool)
    for i, row in enumerate(bits):
        if not solver.solve(assumptions=[v if x else -v for v, x in zip(inputs, row, strict=True)]):
            raise SystemExit(f"circuitgraph finds no value for {name}")
        result[i] = np.array(solver.get_model())[outputs] > 0
    return result


def numbers(bits: Any) -> list[int]:
    """Rows of bits, the lowest first, as Python's integers."""
    return [int("".join("01"[bit] for bit in row[::-1].astype(int)), 2) for row in bits]


def multiplies(soft: SoftCircuit, n: int) -> str:
    bits = np.random.default_rng(2).random((n, 32)) < 0.5
    y = soft.predict(bits)
    y[:, [30, 31]] = y[:, [31, 30]]  # swapped in the file
    pairs = zip(numbers(bits[:, :16]), numbers(bits[:, 16:]), numbers(y), strict=True)
    return f"c6288: {sum(a * b == y for a, b, y in pairs):,} of {n:,} products of 16 bits are right"


def adds(soft: SoftCircuit, n: int) -> str:
    bits = np.random.default_rng(3).random((n, 256)) < 0.5
    a, b = numbers(bits[:, :128]), numbers(bits[:, 128:])
    sums = numbers(soft.predict(bits))
    right = sum(x + y == s for x, y, s in zip(a, b, sums, strict=True))
    return f"adder: {right:,} of {n:,} sums of 128 bits are right"


def mutations(circuits: list[Circuit], n: int) -> str:
    """How many of n mutations the certificate finds, and how many 1,024 random vectors show."""
    rng = np.random.default_rng(4)
    softs = [compile(circuit) for circuit in circuits]
    for soft in softs:
        if not certify(soft).ok:  # or every mutation of it would count as found
            raise SystemExit(f"{soft.circuit.name} is not certified as it is")
    found = shown = 0
    missed = []
    start = time.perf_counter()
    for i in range(n):
        soft = softs[i % len(softs)]
        what, mutated = mutate(soft, rng)
        proof = mutated.certify(vectors=1024)
        found += not proof.ok
        shown += proof.measured_wrong > 0
        if proof.ok:
            missed.append(f"{soft.circuit.name}: {what}")
    return (
        f"{n} mutations of {len(softs)} circuits: {found} found by the certificate, {shown} of "
        f"them also show in 1,024 random vectors; {time.perf_counter() - start:.1f} s; "
        f"missed: {missed or 'none'}"
    )


def mutate(soft: SoftCircuit, rng: np.random.Generator) -> tuple[str, SoftCircuit]:
    """One weight with its sign changed, or one threshold (so the bias) changed by one."""
    if rng.random() < 0.5:
        weights = soft.weights.copy()
        at = int(rng.integers(weights.nnz))
        weights.data[at] *= -1
        return f"weight {at} with its sign changed", replace(soft, weights=weights)
    thresholds = soft.thresholds.copy()
    unit, step = int(rng.integers(soft.n_units)), int(rng.choice([-1, 1]))
    thresholds[unit] += step
    return f"threshold of {soft.unit_names[unit]} {step:+d}", replace(soft, thresholds=thresholds)


if __name__ == "__main__":
    main()
