"""Strict layers: identity units carry a signal across levels until a unit or an output reads it.

An identity unit is the sigmoid neuron of BUF, w = 1 and b = −½.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import fully_connected
from clearprop.circuits.gates import MARGIN
from clearprop.circuits.soft.folding import Units
from clearprop.network import Network


@dataclass(frozen=True, eq=False)
class Spans:
    """The levels that each source is in: it is itself in level `first`, and an identity unit in the
    levels after that up to `last`. A source that no output depends on has last < first."""

    first: Array
    last: Array
    n_levels: int

    def widths(self) -> list[int]:
        """The number of sources in each level, from level 0, the inputs, on."""
        alive = self.last >= self.first
        change = np.zeros(self.n_levels + 2, dtype=np.int64)
        np.add.at(change, self.first[alive], 1)
        np.add.at(change, self.last[alive] + 1, -1)
        return [int(width) for width in np.cumsum(change)[: self.n_levels + 1]]

    def at(self, level: int) -> Array:
        """The sources in a level."""
        return np.flatnonzero((self.first <= level) & (level <= self.last))


def spans(units: Units) -> Spans:
    """Each unit is in its level and kept until the last unit that reads it; outputs are kept to the
    end."""
    n = units.n_inputs
    first = np.concatenate([np.zeros(n, dtype=np.int64), units.levels])
    last = first - 1
    outputs = n + np.array(units.outputs, dtype=np.int64)
    n_levels = int(first[outputs].max())
    last[outputs] = n_levels
    last[:n] = 0  # all inputs are present, read or not
    starts, columns = units.weights.indptr, units.weights.indices
    for unit in range(units.n_units - 1, -1, -1):  # levels increase: all its readers come after it
        if last[n + unit] >= first[n + unit]:
            read = columns[starts[unit] : starts[unit + 1]]
            last[read] = np.maximum(last[read], first[n + unit] - 1)
    return Spans(first, last, n_levels)


def to_network(units: Units, gain: float, dtype: np.dtype[Any], max_bytes: int) -> Network:
    """A dense network of the units that an output depends on, with identity units between them."""
    circuit = units.circuit
    if not circuit.inputs or not circuit.outputs:
        raise ValueError(
            f"a network must have at least one input and one output; {circuit.name} has "
            f"{len(circuit.inputs)} and {len(circuit.outputs)}"
        )
    found = spans(units)
    n_outputs = len(circuit.outputs)
    sizes = [*found.widths()[:-1], n_outputs]
    n_parameters = sum((below + 1) * h for below, h in pairwise(sizes))
    n_bytes = n_parameters * dtype.itemsize
    if n_bytes > max_bytes:
        raise ValueError(
            f"{circuit.name} in strict layers has {sum(sizes[1:]):,} units in {len(sizes) - 1:,} "
            f"layers, with {n_parameters:,} dense weights and biases instead of "
            f"{units.weights.nnz:,} sparse weights: {n_bytes / 2**20:,.0f} MiB in "
            f"{dtype.name}, and max_bytes allows {max_bytes / 2**20:,.0f} MiB"
        )
    architecture = fully_connected(sizes, "logistic", "logistic")
    theta = np.zeros(architecture.n_parameters, dtype=dtype)
    below = np.arange(units.n_inputs)
    for level, p in enumerate(architecture.unpack(theta), start=1):
        here = found.at(level)
        if level == found.n_levels:
            here = units.n_inputs + np.array(units.outputs, dtype=np.int64)
        column = np.full(units.n_inputs + units.n_units, -1)
        column[below] = np.arange(len(below))
        for row, source in enumerate(here):
            weights, threshold = _unit(units, found, int(source), level)
            for read, weight in weights.items():
                p["W"][row, column[read]] = gain * weight
            p["b"][row] = gain * (MARGIN - threshold)
        below = here
    return Network.from_theta(architecture, theta)


def _unit(units: Units, found: Spans, source: int, level: int) -> tuple[dict[int, int], int]:
    """The weights of a source in a level, by the source they read, and its threshold."""
    if found.first[source] < level:
        return {source: 1}, 1
    unit = source - units.n_inputs
    part = slice(units.weights.indptr[unit], units.weights.indptr[unit + 1])
    weights = zip(units.weights.indices[part], units.weights.data[part], strict=True)
    return {int(s): int(w) for s, w in weights}, int(units.thresholds[unit])
