"""A circuit as a network of sigmoid neurons, with a weight only where there is a wire.

    h = σ(g (w·s + b)),  b = ½ − threshold

for each unit: s are the circuit's inputs and the units of lower levels, w integers, g the gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from clearprop._typing import Array
from clearprop.checks import check_dtype
from clearprop.circuits.gates import MARGIN, all_bits
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft import certificate
from clearprop.circuits.soft.certificate import Certificate, with_measured
from clearprop.circuits.soft.folding import Units, units_of
from clearprop.circuits.soft.layering import spans, to_network
from clearprop.circuits.soft.worst_case import network_errors, plan
from clearprop.network import Network

CACHE = 2**22  # bytes that the values of a chunk of input vectors may take, if one vector fits


@dataclass(frozen=True, eq=False)
class SoftCircuit:
    """The sigmoid neurons of a circuit at a gain g, with values of a dtype.

    units: their weights and thresholds, which do not depend on the gain.
    Raises ValueError for a gain that is not a positive number and for another dtype than float64
    and float32.
    """

    units: Units
    gain: float
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        gain = float(self.gain)
        if not 0 < gain < float("inf"):
            raise ValueError(f"gain must be a positive number; got {self.gain!r}")
        object.__setattr__(self, "gain", gain)
        object.__setattr__(self, "dtype", check_dtype(self.dtype))

    @property
    def circuit(self) -> Circuit:
        """The circuit that the units compute."""
        return self.units.circuit

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.units.n_inputs

    @property
    def n_units(self) -> int:
        """The number of neurons."""
        return self.units.n_units

    @property
    def n_levels(self) -> int:
        """The greatest number of neurons on a path from an input."""
        return self.units.n_levels

    def __repr__(self) -> str:
        return (
            f"SoftCircuit({self.circuit.name!r}, {self.n_inputs} inputs, "
            f"{len(self.circuit.outputs)} outputs, {self.n_units} units in {self.n_levels} levels, "
            f"{self.units.weights.nnz} weights, gain={self.gain:g}, dtype={self.dtype.name!r})"
        )

    def evaluate(self, bits: npt.ArrayLike) -> Array:
        """The soft outputs (N, outputs) for bits (N, inputs), which may be soft as well: numbers
        from 0 to 1. Raises ValueError for another shape and for other values."""
        return self._evaluate(bits, np.array(self.units.outputs, dtype=np.int64))

    def evaluate_units(self, bits: npt.ArrayLike) -> Array:
        """The values of all units (N, units), in the order of `units.names`."""
        return self._evaluate(bits, np.arange(self.n_units))

    def predict(self, bits: npt.ArrayLike) -> Array:
        """The outputs as bits, bool (N, outputs): whether h > ½."""
        return self.evaluate(bits) > 0.5

    def certify(self, *, input_error: float = 0.0, vectors: int = 0, seed: int = 0) -> Certificate:
        """A proof that every output is right for every input, or what is wrong; see
        :func:`clearprop.circuits.certify`."""
        return certify(self, input_error=input_error, vectors=vectors, seed=seed)

    def to_network(self, max_bytes: int = 256 * 2**20) -> Network:
        """A plain layered network: each unit reads only the level below, identity units carry
        signals across levels, and units that no output depends on are left out.

        An identity unit is a BUF gate. It makes the outputs a little softer than `evaluate` gives
        them; :func:`clearprop.circuits.network_error` bounds their error.
        Raises ValueError if its dense weights would take more than max_bytes, and for a circuit
        without inputs or without outputs.
        """
        return to_network(self.units, self.gain, self.dtype, max_bytes)

    @cached_property
    def _steps(self) -> list[tuple[int, int, sparse.csr_array]]:
        """For each level its first unit, the one after its last, and −g (b, w), where b is the
        weight of a source that is always 1 and comes before the inputs."""
        units = self.units
        bias = MARGIN - units.thresholds.astype(np.float64)
        scaled = -self.gain * sparse.hstack(
            [sparse.csr_array(bias[:, None]), units.weights.astype(np.float64)], format="csr"
        )
        scaled = scaled.astype(self.dtype)
        stops = np.searchsorted(units.levels, np.arange(self.n_levels + 1), side="right")
        return [
            (int(first), int(stop), scaled[first:stop, : 1 + self.n_inputs + first])
            for first, stop in pairwise(stops)
        ]

    def _evaluate(self, bits: npt.ArrayLike, units: Array) -> Array:
        """The values of some units (N, len(units)). The input vectors are the columns of a matrix
        that is computed in chunks small enough for the cache."""
        x = as_soft_bits(bits, self.n_inputs)
        before = 1 + self.n_inputs
        n_sources = before + self.n_units
        fitting = CACHE // (n_sources * self.dtype.itemsize)
        chunk = max(1, min(len(x), max(128, fitting // 64 * 64)))
        out = np.empty((len(x), len(units)), dtype=self.dtype)
        s = np.ones((n_sources, chunk), dtype=self.dtype)
        with np.errstate(over="ignore", under="ignore"):  # exp(−y) = ∞ makes h = 0
            for start in range(0, len(x), chunk):
                n = min(chunk, len(x) - start)
                s[1:before, :n] = x[start : start + n].T
                for first, stop, scaled in self._steps:
                    y = scaled @ s[: before + first]
                    np.exp(y, out=y)
                    np.add(y, 1, out=y)
                    np.reciprocal(y, out=s[before + first : before + stop])
                out[start : start + n] = s[before + units, :n].T
        return out


def compile(circuit: Circuit, gain: float = 8.0, dtype: str = "float64") -> SoftCircuit:
    """A circuit as sigmoid neurons: one unit for each neuron of each gate, with the gate's integer
    weights. NOT, BUF and constants are folded into the units that read them.

    gain: g of σ(g (w·s + b)). dtype: "float64" or "float32".

    >>> from clearprop.circuits.netlist import Cell, Circuit
    >>> c = Circuit(("a", "b"), ("y",), (Cell("y", "xor", ("a", "b")),))
    >>> soft = compile(c, gain=8)
    >>> soft.units.names
    ('y.1', 'y')
    >>> soft.evaluate([[0, 0], [0, 1], [1, 1]]).round(3).tolist()
    [[0.018], [0.976], [0.024]]

    Raises ValueError for a gain that is not positive and for another dtype.
    :func:`clearprop.circuits.minimum_gain` finds a gain at which every output is right for all
    inputs.
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f"circuit must be a Circuit; got {type(circuit).__name__}")
    return SoftCircuit(units_of(circuit), gain, check_dtype(dtype))


def certify(
    soft: SoftCircuit, *, input_error: float = 0.0, vectors: int = 0, seed: int = 0
) -> Certificate:
    """The worst error of every net over all inputs, computed from the soft circuit's own weights.

    It includes rounding in the soft circuit's dtype. The units of each gate are compared with the
    logic of the circuit on all minterms, so that a wrong weight or threshold is found.
    input_error: how far the inputs may be from bits. vectors: on how many random inputs to measure
    the error as well; on all inputs if there are no more than that.
    Raises ValueError for an input_error outside [0, ½) and for negative vectors.
    """
    if vectors < 0:
        raise ValueError(f"vectors must not be negative; got {vectors}")
    proof = certificate.bound(soft.units, soft.gain, soft.dtype, input_error)
    if not vectors:
        return proof
    n = soft.n_inputs
    every = n <= 24 and 2**n <= vectors
    bits = all_bits(n) if every else np.random.default_rng(seed).random((vectors, n)) < 0.5
    return with_measured(proof, soft.evaluate(bits), soft.circuit.evaluate(bits))


def network_error(soft: SoftCircuit) -> float:
    """The largest error that an output of `soft.to_network()` can have for any input, including the
    identity units and rounding; an error of ½ or more means that nothing is proved.

    Raises ValueError if the soft circuit does not compute its circuit.
    """
    faults = plan(soft.units).faults
    if faults:
        raise ValueError(f"the network does not compute {soft.circuit.name}: {faults[0]}")
    errors = network_errors(soft.units, soft.gain, soft.dtype, spans(soft.units))
    return float(errors.max(initial=0.0))


def as_soft_bits(bits: npt.ArrayLike, n: int) -> Array:
    """`bits` as bool or floats (N, n); ValueError for another shape and for values outside [0, 1],
    TypeError for values that are not numbers."""
    x = np.asarray(bits)
    if x.ndim != 2 or x.shape[1] != n:
        raise ValueError(f"bits must have shape (N, {n}); got {x.shape}")
    if x.dtype.kind not in "biuf":
        raise TypeError(f"bits must be bool or numbers from 0 to 1; got dtype {x.dtype}")
    if x.dtype.kind != "b":
        wrong = ~((x >= 0) & (x <= 1))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"bits must be from 0 to 1; got {x[row, column]} in row {row}, column {column}"
            )
    return x
