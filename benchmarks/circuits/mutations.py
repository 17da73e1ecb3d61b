"""One weight or threshold of a compiled circuit changed: is it found?

    pip install circuitgraph==0.2.1
    python -m benchmarks.circuits.mutations [--weights N] [--thresholds N]

A weight with its sign changed, or a threshold (so a bias) changed by one, in turn in each of ten
circuits, at random. Each is to be found by the certificate, which looks at every gate; beside it,
how many show in 1,024 random vectors. The exit status is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks.circuits.markdown import head, line, machine, seconds, timed
from benchmarks.circuits.peer import load
from clearprop.circuits.soft.circuit import SoftCircuit, certify, compile

CIRCUITS = ("c17", "c432", "c499", "c880", "c1355", "c1908", "c2670", "c3540", "c6288", "adder")
COLUMNS = ["what is changed", "mutations", "circuits", "found by the certificate"]
COLUMNS += ["show in 1,024 random vectors", "s each"]
Mutate = Callable[[SoftCircuit, np.random.Generator], tuple[str, SoftCircuit]]


@dataclass(frozen=True)
class Found:
    """Of n mutations: those that the certificate finds, those that vectors show, the missed."""

    n: int
    by_certificate: int
    by_vectors: int
    missed: tuple[str, ...]


def flip_weight(soft: SoftCircuit, rng: np.random.Generator) -> tuple[str, SoftCircuit]:
    """One weight with its sign changed."""
    weights = soft.units.weights.copy()
    at = int(rng.integers(weights.nnz))
    weights.data[at] *= -1
    return f"weight {at} with its sign changed", replace(
        soft, units=replace(soft.units, weights=weights)
    )


def move_threshold(soft: SoftCircuit, rng: np.random.Generator) -> tuple[str, SoftCircuit]:
    """One threshold changed by one."""
    thresholds = soft.units.thresholds.copy()
    unit, step = int(rng.integers(soft.n_units)), int(rng.choice([-1, 1]))
    thresholds[unit] += step
    mutated = replace(soft, units=replace(soft.units, thresholds=thresholds))
    return f"threshold of {soft.units.names[unit]} {step:+d}", mutated


MUTATIONS: dict[str, Mutate] = {
    "the sign of a weight": flip_weight,
    "a threshold by one": move_threshold,
}


def look(softs: list[SoftCircuit], mutate: Mutate, n: int, seed: int) -> Found:
    """n mutations, in turn of each of the circuits."""
    rng = np.random.default_rng(seed)
    for soft in softs:
        if not certify(soft).ok:  # or every mutation of it would count as found
            raise SystemExit(f"{soft.circuit.name} is not certified as it is")
    by_certificate = by_vectors = 0
    missed = []
    for i in range(n):
        soft = softs[i % len(softs)]
        what, mutated = mutate(soft, rng)
        proof = mutated.certify(vectors=1024)
        by_certificate += not proof.ok
        by_vectors += proof.measured_wrong > 0
        if proof.ok:
            missed.append(f"{soft.circuit.name}: {what}")
    return Found(n, by_certificate, by_vectors, tuple(missed))


def main() -> int:
    """The table; 1 if a mutation was missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=int, default=200, metavar="N")
    parser.add_argument("--thresholds", type=int, default=200, metavar="N")
    given = parser.parse_args()
    softs = [compile(load(name)) for name in CIRCUITS]
    print(f"{machine()}; {', '.join(CIRCUITS)}\n\n{head(COLUMNS)}")
    missed: list[str] = []
    for number, (name, mutate) in enumerate(MUTATIONS.items()):
        n = (given.weights, given.thresholds)[number]
        found, taken = timed(partial(look, softs, mutate, n, seed=4))
        shown = [f"{found.by_certificate:,} of {n:,}", found.by_vectors, seconds(taken / max(n, 1))]
        print(line([name, n, len(softs), *shown]), flush=True)
        missed += found.missed
    print(f"\nmissed: {', '.join(missed) or 'none'}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
