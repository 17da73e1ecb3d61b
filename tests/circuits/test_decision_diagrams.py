"""Decision diagrams: their cells compute the function."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clearprop.circuits.extraction.encoding import Domain
from clearprop.circuits.gates import Neuron, all_bits
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.synthesis.decision_diagrams import (
    CellBuilder,
    neuron_diagram,
    table_diagram,
)


@given(seed=st.integers(0, 10**6))
def test_diagrams(seed: int) -> None:
    """Of a neuron and of a table: their cells compute the function."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    names = tuple(f"x{i}" for i in range(n))
    neuron = Neuron(tuple(rng.integers(-6, 7, n).tolist()), int(rng.integers(-12, 13)))
    build = CellBuilder("d", {*names, "y"})
    low, high, node = neuron_diagram(neuron, names, build)
    circuit = Circuit(names, ("y",), build.finish(node, "y"))
    sums = all_bits(n).astype(int) @ neuron.weights
    y = sums >= neuron.threshold
    assert np.array_equal(circuit.truth_table()[:, -1], y)
    assert low == (None if y.all() else sums[~y].max())
    assert high == (sums[y].min() if y.any() else None)
    n_bits = tuple(rng.integers(0, 4, 3).tolist())
    domain = Domain(n_bits)
    bit_names = [tuple(f"f{f}_{i}" for i in range(k)) for f, k in enumerate(n_bits)]
    table = rng.integers(0, 2, domain.size).astype(bool)
    every = tuple(name for row in bit_names for name in row)
    build = CellBuilder("d", {*every, "y"})
    circuit = Circuit(every, ("y",), build.finish(table_diagram(table, bit_names, build), "y"))
    bits = domain.bits(domain.codes(0, domain.size))
    assert np.array_equal(circuit.evaluate(bits)[:, 0], table)
