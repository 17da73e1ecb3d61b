"""A circuit as a network of sigmoid neurons, with a weight only where there is a wire.

    h = σ(g (w·s + b)),  b = ½ − threshold

for each unit, where s are the inputs and the units of lower levels, w integers, g the gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from clearprop._typing import Array
from clearprop.checks import check_dtype
from clearprop.circuits.folding import SoftGate, Wire, units_of
from clearprop.circuits.gates import MARGIN
from clearprop.circuits.netlist import Circuit

if TYPE_CHECKING:
    from clearprop.circuits.certificate import Certificate
    from clearprop.network import Network

CACHE = 2**22  # bytes that the values of a chunk of input vectors may take, where that is enough


@dataclass(frozen=True, eq=False)
class SoftCircuit:
    """The sigmoid neurons of a circuit. Sources are its inputs, then its units, counted on.

    gain: g. dtype: of the values. unit_names: the net of a unit, or "net.1" for an inner neuron of
    its gate. weights: integers (n_units, n_inputs + n_units), sparse. thresholds, levels:
    (n_units,); a unit reads units of lower levels only, and the units are in the order of levels.
    gates: those of the circuit with their units, then its outputs. wires: for each net the source
    that carries it, perhaps negated. output_units: for each output its unit, counted from 0.
    """

    circuit: Circuit
    gain: float
    dtype: np.dtype[Any]
    unit_names: tuple[str, ...]
    weights: sparse.csr_array
    thresholds: Array
    levels: Array
    gates: tuple[SoftGate, ...]
    wires: dict[str, Wire]

    def __post_init__(self) -> None:
        gain = float(self.gain)
        if not 0 < gain < float("inf"):
            raise ValueError(f"gain must be a positive number; got {self.gain!r}")
        object.__setattr__(self, "gain", gain)
        object.__setattr__(self, "dtype", check_dtype(self.dtype))

    @property
    def n_inputs(self) -> int:
        """How many inputs there are."""
        return len(self.circuit.inputs)

    @property
    def n_units(self) -> int:
        """How many neurons there are."""
        return len(self.unit_names)

    @property
    def n_levels(self) -> int:
        """The greatest number of neurons on a way from an input."""
        return int(self.levels[-1]) if self.n_units else 0

    @property
    def output_units(self) -> tuple[int, ...]:
        """For each output of the circuit the unit that is it."""
        outputs = self.gates[len(self.gates) - len(self.circuit.outputs) :]
        return tuple(gate.output.source - self.n_inputs for gate in outputs)

    def __repr__(self) -> str:
        return (
            f"SoftCircuit({self.circuit.name!r}, {self.n_inputs} inputs, "
            f"{len(self.circuit.outputs)} outputs, {self.n_units} units in {self.n_levels} levels, "
            f"{self.weights.nnz} weights, gain={self.gain:g}, dtype={self.dtype.name!r})"
        )

    def evaluate(self, bits: npt.ArrayLike) -> Array:
        """The soft outputs (N, outputs) for bits (N, inputs), which may be soft as well: numbers
        from 0 to 1. ValueError for another shape and for other values."""
        return self._evaluate(bits, np.array(self.output_units, dtype=np.int64))

    def evaluate_units(self, bits: npt.ArrayLike) -> Array:
        """The values of all units (N, units), in the order of `unit_names`."""
        return self._evaluate(bits, np.arange(self.n_units))

    def predict(self, bits: npt.ArrayLike) -> Array:
        """The outputs as bits, bool (N, outputs): whether h > ½."""
        return self.evaluate(bits) > 0.5

    def certify(self, *, input_error: float = 0.0, vectors: int = 0, seed: int = 0) -> Certificate:
        """A proof that every output is right for every input, or what is wrong; see
        :func:`clearprop.circuits.certificate.certify`."""
        from clearprop.circuits.certificate import certify

        return certify(self, input_error=input_error, vectors=vectors, seed=seed)

    def to_network(self, max_bytes: int = 256 * 2**20) -> Network:
        """A plain layered network: each unit reads the level below only, identity units carry
        signals across levels, and units that no output depends on are left out.

        An identity unit is a BUF gate, which makes the outputs a little softer than those of
        `evaluate`; :func:`clearprop.circuits.certificate.network_error` has their bound.
        Raises ValueError where its dense weights would take more than max_bytes, and for a circuit
        with no input or no output.
        """
        from clearprop.circuits.layering import to_network

        return to_network(self, max_bytes)

    @cached_property
    def _steps(self) -> list[tuple[int, int, sparse.csr_array]]:
        """For each level its first unit, the one after its last, and −g (b, w), where b is the
        weight of a source that is always 1 and comes before the inputs."""
        bias = MARGIN - self.thresholds.astype(np.float64)
        scaled = -self.gain * sparse.hstack(
            [sparse.csr_array(bias[:, None]), self.weights.astype(np.float64)], format="csr"
        )
        scaled = scaled.astype(self.dtype)
        stops = np.searchsorted(self.levels, np.arange(self.n_levels + 1), side="right")
        return [
            (int(first), int(stop), scaled[first:stop, : 1 + self.n_inputs + first])
            for first, stop in pairwise(stops)
        ]

    def _evaluate(self, bits: npt.ArrayLike, units: Array) -> Array:
        """The values of some units (N, len(units)); vectors go through in chunks that stay in the
        cache, one column for each vector."""
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
    weights; NOT, BUF and constants are folded into those that read them.

    gain: g of σ(g (w·s + b)). dtype: "float64" or "float32".

    >>> from clearprop.circuits.netlist import Cell, Circuit
    >>> c = Circuit(("a", "b"), ("y",), (Cell("y", "xor", ("a", "b")),))
    >>> soft = compile(c, gain=8)
    >>> soft.unit_names
    ('y.1', 'y')
    >>> soft.evaluate([[0, 0], [0, 1], [1, 1]]).round(3).tolist()
    [[0.018], [0.976], [0.024]]

    Raises ValueError for a gain that is not positive and for another dtype. A gain at which every
    output is right for all inputs: :func:`clearprop.circuits.certificate.minimum_gain`.
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f"circuit must be a Circuit; got {type(circuit).__name__}")
    units = units_of(circuit)
    return SoftCircuit(
        circuit,
        gain,
        check_dtype(dtype),
        units.names,
        units.weights,
        units.thresholds,
        units.levels,
        units.gates,
        units.wires,
    )


def as_soft_bits(bits: npt.ArrayLike, n: int) -> Array:
    """`bits` as bool or floats (N, n); ValueError for another shape and for values outside 0 … 1,
    TypeError for what is not a number."""
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
