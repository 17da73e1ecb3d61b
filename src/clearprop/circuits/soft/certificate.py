"""A proof that a soft circuit is right for every input, from one pass over its gates.

Each net gets (ε₀, ε₁), the largest error that it can have where it should be 0 and where it should
be 1: the worst over all minterms of its gate, from the errors of the nets that the gate reads. By
induction the bounds hold for all 2^n inputs of the circuit at once. For any circuit, units with
‖w‖₁ ≤ W and margin m pass on an error of at most f(ε) = σ(−g (m − W ε)). If f(ε*) ≤ ε* for some
ε* < m/W, no unit at any depth is further off than ε*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_dtype
from clearprop.circuits.gates import MARGIN
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft.folding import Units, units_of
from clearprop.circuits.soft.worst_case import Plan, plan


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is proved about a soft circuit.

    net_errors: (ε₀, ε₁) by net. unit_errors: (n_units, 2), the same for each unit, including inner
    neurons. certified_error: (outputs,), the larger of the two for each output. worst: the name of
    the unit with the largest error; worst_error: that error. faults: descriptions of where the
    weights do not compute the circuit's gates. measured_error: (outputs,), the largest error over
    n_measured input vectors, None if nothing was measured. measured_wrong: the number of wrong
    output bits among them.
    """

    circuit: Circuit
    gain: float
    dtype: str
    input_error: float
    net_errors: dict[str, tuple[float, float]]
    unit_errors: Array
    certified_error: Array
    worst: str
    worst_error: float
    faults: tuple[str, ...]
    measured_error: Array | None = None
    measured_wrong: int = 0
    n_measured: int = 0

    @property
    def ok(self) -> bool:
        """Whether every unit is proved to be on the right side of ½ for every input."""
        return not self.faults and self.worst_error < 0.5

    @property
    def error(self) -> float:
        """The largest certified error of an output; 0 if there are no outputs."""
        return float(self.certified_error.max(initial=0.0))

    def __str__(self) -> str:
        n = len(self.circuit.inputs)
        inputs = f"all 2^{n} inputs" if n > 3 else f"all {2**n} inputs" if n else "its only input"
        soft = f", themselves within {_up(self.input_error)} of bits," if self.input_error else ""
        if self.faults:
            more = f" and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            lines = [f"The network does not compute {self.circuit.name}: {self.faults[0]}{more}."]
        elif not self.ok:
            lines = [
                f"At gain {self.gain:g} nothing is proved for {self.circuit.name}: the error of "
                f"{self.worst} may be {_up(self.worst_error)}, which is not below ½. "
                "A larger gain may be enough."
            ]
        else:
            lines = [
                f"For {inputs}{soft} each output of {self.circuit.name} is within "
                f"{_up(self.error)} of its bit at gain {self.gain:g}, including rounding in "
                f"{self.dtype}; so each output rounds to the right bit."
            ]
        if self.measured_error is not None:
            lines.append(
                f"Measured on {self.n_measured:,} input{'s' * (self.n_measured != 1)}: an error of "
                f"at most {float(self.measured_error.max(initial=0.0)):.4g}, "
                f"{self.measured_wrong:,} wrong bits."
            )
        return "\n".join(lines)


def bound(units: Units, gain: float, dtype: np.dtype[Any], input_error: float) -> Certificate:
    """The bounds of all errors at a gain, including rounding in the dtype; see
    :func:`clearprop.circuits.certify`."""
    if not 0 <= input_error < 0.5:
        raise ValueError(f"input_error must be from 0 to below 0.5; got {input_error!r}")
    found = plan(units)
    e = found.errors(gain, dtype, input_error)
    largest = e[:, units.n_inputs :].max(axis=0)
    worst = int(largest.argmax()) if units.n_units else -1
    return Certificate(
        units.circuit,
        gain,
        dtype.name,
        float(input_error),
        _by_net(found, e),
        e[:, units.n_inputs :].T.copy(),
        largest[list(units.outputs)],
        units.names[worst] if units.n_units else "",
        float(largest[worst]) if units.n_units else 0.0,
        found.faults,
    )


def with_measured(proof: Certificate, h: Array, bits: Array) -> Certificate:
    """The certificate with the error of soft outputs h (N, outputs) whose right bits are known."""
    h = h.astype(np.float64)
    return replace(
        proof,
        measured_error=np.abs(h - bits).max(axis=0),
        measured_wrong=int(((h > 0.5) != bits).sum()),
        n_measured=len(bits),
    )


def minimum_gain(circuit: Circuit, error: float = 0.5, dtype: str = "float64") -> float:
    """The smallest gain, to 0.1 %, at which every unit is certified to be on the right side of ½
    and every output to be less than `error` away from its bit. The gain returned is certified.

    Every larger gain is certified as well: as long as the margins are positive, each error falls as
    the gain grows. The gain is found by bisection.
    Raises ValueError for an error outside (0, ½], and if no gain is enough because rounding alone
    causes a larger error.
    """
    if not 0 < error <= 0.5:
        raise ValueError(f"error must be above 0 and at most 0.5; got {error!r}")
    if not isinstance(circuit, Circuit):
        raise TypeError(f"circuit must be a Circuit; got {type(circuit).__name__}")
    units, rounding = units_of(circuit), check_dtype(dtype)
    found = plan(units)
    outputs = [units.n_inputs + unit for unit in units.outputs]

    def certified(gain: float) -> bool:
        e = found.errors(gain, rounding)
        return bool((e[:, units.n_inputs :] < 0.5).all() and (e[:, outputs] < error).all())

    low, high = 0.0, 8.0
    while not certified(high):
        low, high = high, 2 * high
        if high > 2**20:
            raise ValueError(
                f"no gain certifies {circuit.name} to within {error:g} in {dtype}: its rounding "
                "errors are larger" + ("; try float64" if dtype == "float32" else "")
            )
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if certified(middle):
            high = middle
        else:
            low = middle
    return high


def sufficient_gain(fan_in: int) -> float:
    """g = 4 ln(4k − 1): enough for circuits of any depth whose units have ‖w‖₁ ≤ k = fan_in.

    This is (2/m) ln(2W/m − 1) for the margin m = ½, without rounding: ε* = m/(2W) is then at least
    f(ε*). `least_gain` computes the least such gain.
    """
    _check_weight(fan_in, "fan_in")
    return 4 * math.log(4 * fan_in - 1)


def least_gain(weight: float, margin: float = MARGIN) -> float:
    """The least g for which f(ε) = σ(−g (m − W ε)) has a fixed point below m/W; W = weight ≥ 1.

    f(ε) ≤ ε means g ≥ ln((1 − ε)/ε) / (m − W ε). The right side is least where its derivative is 0,
    W ln((1 − ε)/ε) = (m − W ε) / (ε (1 − ε)), which is solved by bisection.
    """
    _check_weight(weight, "weight")
    if not 0 < margin <= 0.5:
        raise ValueError(f"margin must be above 0 and at most 0.5; got {margin!r}")
    low, high = 0.0, margin / weight
    while high - low > 1e-6 * high:
        eps = (low + high) / 2
        if weight * math.log1p((1 - 2 * eps) / eps) < (margin - weight * eps) / (eps * (1 - eps)):
            low = eps
        else:
            high = eps
    return math.log1p((1 - 2 * low) / low) / (margin - weight * low)


def _check_weight(weight: float, argument: str) -> None:
    if not 1 <= weight < math.inf:
        raise ValueError(f"{argument} must be at least 1; got {weight!r}")


def _by_net(found: Plan, e: Array) -> dict[str, tuple[float, float]]:
    """(ε₀, ε₁) by net, from the source that carries it; a constant is exact."""
    result = {}
    for net, (source, negated) in found.wires.items():
        pair = (float(e[0, source]), float(e[1, source])) if source >= 0 else (0.0, 0.0)
        result[net] = pair[::-1] if negated else pair
    return result


def _up(error: float) -> str:
    """An error with two digits, rounded up."""
    if error <= 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(error)) - 1)
    return f"{math.ceil(error / unit * (1 - 1e-12)) * unit:.2g}"
