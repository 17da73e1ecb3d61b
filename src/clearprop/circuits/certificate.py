"""A proof that a soft circuit is right for every input, from one pass over its gates.

Each net gets (ε₀, ε₁), the largest error that it can have where it should be 0 and where it should
be 1, from those of the nets it depends on: the worst of all minterms of its gate. By induction the
bounds hold for all 2^n inputs of the circuit at once. Independent of the circuit, units with
‖w‖₁ ≤ W and margin m pass on an error of at most f(ε) = σ(−g (m − W ε)), and where f(ε*) ≤ ε* for
an ε* < m/W no unit at any depth is further off than ε*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.gates import MARGIN, all_bits
from clearprop.circuits.layering import spans
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft import SoftCircuit, compile
from clearprop.circuits.worst_case import Plan, network_errors, plan


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is proved about a soft circuit.

    net_errors: (ε₀, ε₁) by net. unit_errors: (n_units, 2), the same for each unit, inner neurons
    included. certified_error: (outputs,), the larger of the two for each output. worst: the name of
    the unit with the largest error, worst_error. faults: where the weights do not compute what the
    circuit's gates do, in words. measured_error: (outputs,), the largest error over n_measured
    input vectors, None if none were asked for; measured_wrong: how many outputs were wrong there.
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
        """Whether it is proved that every unit, for every input, is on the right side of ½."""
        return not self.faults and self.worst_error < 0.5

    @property
    def error(self) -> float:
        """The largest certified error of an output; 0 where there is none."""
        return float(self.certified_error.max(initial=0.0))

    def __str__(self) -> str:
        n = len(self.circuit.inputs)
        inputs = f"all 2^{n} inputs" if n > 3 else f"all {2**n} inputs" if n else "its only input"
        soft = f", themselves within {_up(self.input_error)} of bits," if self.input_error else ""
        if self.faults:
            more = f" and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            lines = [f"The network is not {self.circuit.name}: {self.faults[0]}{more}."]
        elif not self.ok:
            lines = [
                f"At gain {self.gain:g} nothing is proved for {self.circuit.name}: the error of "
                f"{self.worst} may be {_up(self.worst_error)}, which is not below ½. "
                "A larger gain may do."
            ]
        else:
            lines = [
                f"For {inputs}{soft} each output of {self.circuit.name} is within "
                f"{_up(self.error)} of its bit at gain {self.gain:g}, rounding in {self.dtype} "
                "included; so each output rounds to the right bit."
            ]
        if self.measured_error is not None:
            lines.append(
                f"Measured on {self.n_measured:,} input{'s' * (self.n_measured != 1)}: an error of "
                f"at most {float(self.measured_error.max(initial=0.0)):.4g}, "
                f"{self.measured_wrong:,} wrong bits."
            )
        return "\n".join(lines)


def certify(
    soft: SoftCircuit, *, input_error: float = 0.0, vectors: int = 0, seed: int = 0
) -> Certificate:
    """The worst error of every net over all inputs, from the weights that the soft circuit has.

    Rounding in its dtype is included. Each gate's units are compared with the logic of the circuit
    on all minterms: a weight or threshold that is wrong is found. input_error: how far the inputs
    may be from bits. vectors: how many random inputs to measure beside it (all, where there are no
    more than that).
    Raises ValueError for an input_error that is not in [0, ½).
    """
    if not 0 <= input_error < 0.5:
        raise ValueError(f"input_error must be from 0 to below 0.5; got {input_error!r}")
    found = plan(soft)
    e = found.errors(soft.gain, soft.dtype, input_error)
    units = e[:, soft.n_inputs :]
    largest = units.max(axis=0)
    worst = int(largest.argmax()) if soft.n_units else -1
    result = Certificate(
        soft.circuit,
        soft.gain,
        soft.dtype.name,
        float(input_error),
        _by_net(found, e),
        units.T.copy(),
        largest[list(soft.output_units)],
        soft.unit_names[worst] if soft.n_units else "",
        float(largest[worst]) if soft.n_units else 0.0,
        found.faults,
    )
    return _with_measured(result, soft, vectors, seed) if vectors else result


def minimum_gain(circuit: Circuit, error: float = 0.5, dtype: str = "float64") -> float:
    """The smallest gain, to 0.1 %, at which every unit is certified to be on the right side of ½
    and every output to be within less than `error` of its bit; it is itself a certified one.

    Once certified a larger gain is so too: as long as margins are positive, each error falls with
    the gain. Found by bisection.
    Raises ValueError for an error that is not in (0, ½], and where no gain is enough, as rounding
    alone takes more.
    """
    if not 0 < error <= 0.5:
        raise ValueError(f"error must be above 0 and at most 0.5; got {error!r}")
    soft = compile(circuit, dtype=dtype)
    found = plan(soft)
    outputs = [soft.n_inputs + unit for unit in soft.output_units]

    def certified(gain: float) -> bool:
        e = found.errors(gain, soft.dtype)
        units = e[:, soft.n_inputs :]
        return bool((units < 0.5).all() and (e[:, outputs] < error).all())

    low, high = 0.0, 8.0
    while not certified(high):
        low, high = high, 2 * high
        if high > 2**20:
            raise ValueError(
                f"no gain certifies {circuit.name} to within {error:g} in {dtype}: its rounding "
                "takes more than that" + (", try float64" if dtype == "float32" else "")
            )
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if certified(middle):
            high = middle
        else:
            low = middle
    return high


def network_error(soft: SoftCircuit) -> float:
    """The largest error that an output of `soft.to_network()` can have for any input, identity
    units and rounding included; from ½ on nothing is proved about it.

    Raises ValueError where the soft circuit does not compute its circuit.
    """
    faults = plan(soft).faults
    if faults:
        raise ValueError(f"the network is not {soft.circuit.name}: {faults[0]}")
    return float(network_errors(soft, spans(soft)).max(initial=0.0))


def sufficient_gain(fan_in: int) -> float:
    """g = 4 ln(4k − 1): enough for any circuit, however deep, of units with ‖w‖₁ ≤ k = fan_in.

    From (2/m) ln(2W/m − 1) with the margin m = ½, and without rounding: ε* = m/(2W) is then no
    less than f(ε*). The least such gain is `least_gain`.
    """
    _check_weight(fan_in, "fan_in")
    return 4 * math.log(4 * fan_in - 1)


def least_gain(weight: float, margin: float = MARGIN) -> float:
    """The least g, as W = weight ≥ 1, for which f(ε) = σ(−g (m − W ε)) has a fixed point below m/W.

    f(ε) ≤ ε is g ≥ ln((1 − ε)/ε) / (m − W ε); the minimum is where the derivative of the right side
    is 0, by bisection:  W ln((1 − ε)/ε) = (m − W ε) / (ε (1 − ε)).
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
    """(ε₀, ε₁) by net, from those of the source that carries it; a constant is exact."""
    result = {}
    for net, (source, negated) in found.wires.items():
        pair = (float(e[0, source]), float(e[1, source])) if source >= 0 else (0.0, 0.0)
        result[net] = pair[::-1] if negated else pair
    return result


def _with_measured(result: Certificate, soft: SoftCircuit, n: int, seed: int) -> Certificate:
    if n < 1:
        raise ValueError(f"vectors must not be negative; got {n}")
    k = soft.n_inputs
    few = k <= 24 and 2**k <= n
    bits = all_bits(k) if few else np.random.default_rng(seed).random((n, k)) < 0.5
    h = soft.evaluate(bits).astype(np.float64)
    wanted = soft.circuit.evaluate(bits)
    return replace(
        result,
        measured_error=np.abs(h - wanted).max(axis=0),
        measured_wrong=int(((h > 0.5) != wanted).sum()),
        n_measured=len(bits),
    )


def _up(error: float) -> str:
    """An error in two digits, rounded up."""
    if error <= 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(error)) - 1)
    return f"{math.ceil(error / unit * (1 - 1e-12)) * unit:.2g}"
