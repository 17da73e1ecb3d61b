"""Sharpening: a trained network becomes one whose every unit is a bit, certified on all inputs."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.architecture import fully_connected
from clearprop.callers import users_line
from clearprop.circuits.gates import all_bits
from clearprop.circuits.learning.attempts import Goal, attempt, from_signs, to_signs
from clearprop.circuits.learning.hardening import (
    BitLayer,
    Hardening,
    harden,
    hidden_units,
    network_layers,
)
from clearprop.circuits.learning.learn import (
    STOPPED,
    Learned,
    TruthTable,
    check_search,
    read_table,
)
from clearprop.network import Network

MOST_INPUTS = 20
MOST_TRAINED = 12  # inputs; with more, a network that needs more training is refused
CHUNK = 2**14  # rows at a time
GAIN_STEP = 1.05
MOST_GAIN = 1e4
UNIT_ERROR = 16  # times eps: more than the relative error of any σ or tanh in use
LEAST_Z = 1.0  # of an output, on the right side, in further training
NOISE = 0.1  # relative, of the starts near the network


@dataclass(frozen=True)
class Bound:
    """What `bound` proves about a network on all 2^n rows, including rounding.

    error: no ŷ is further than this from its bit. hidden_error: no hidden unit is further than this
    from 0 or 1, as a fraction of its range. wrong_rows: the rows where the bound does not prove
    that ŷ is on the right side of ½.
    """

    error: float
    hidden_error: float
    wrong_rows: Array = field(repr=False)


@dataclass(frozen=True)
class Sharpened:
    """The result of `sharpen`.

    network: the sharpened network, or the given one if not ok. table: int8 (2^n, K), the bits that
    it gives, including entries that did not matter. gain: the least |z| of all units for inputs and
    hidden units that are exact bits. bound: what is certified about `network`. asked_error: the
    error that was asked for. resting: (layer from 1, unit from 0) of hidden units that rest between
    0 and 1. broken_rows: the rows that are wrong with rounded hidden units. n_steps: the steps of
    further training, 0 if none was needed. reason: why it failed, "" if ok.
    """

    network: Network
    table: Array = field(repr=False)
    gain: float
    bound: Bound
    asked_error: float
    resting: tuple[tuple[int, int], ...]
    broken_rows: Array = field(repr=False)
    n_steps: int
    reason: str

    @property
    def ok(self) -> bool:
        """Whether every hidden and output unit is certified on every row."""
        return not self.reason

    def __str__(self) -> str:
        rows = f"all {len(self.table)} rows"
        if not self.ok:
            return f"not sharpened: {self.reason}"
        trained = f", after {self.n_steps} more steps of training" if self.n_steps else ""
        return (
            f"certified on {rows}, including rounding: every ŷ is within {self.bound.error:.3g} of "
            f"its bit, every hidden unit within {self.bound.hidden_error:.3g} of 0 or 1 "
            f"(gain {self.gain:.3g}{trained})"
        )


def sharpen(
    network: Network | Learned,
    table: TruthTable | None = None,
    *,
    error: float = 0.01,
    n_attempts: int = 16,
    n_steps: int = 2000,
    seed: int = 0,
    time_limit: float | None = None,
    progress: bool = True,
    n_threads: int | None = None,
) -> Sharpened:
    """Raise the gain of a network on bits until every unit is certified to be a bit on every row.

    network: a network with logistic or tanh hidden units, logistic outputs and at most 20 inputs,
    or the result of `learn`. table: the bits that it should give, as for `learn`; by default the
    bits ŷ > ½ that the network gives. Entries that do not matter become the network's own output.

    Each unit's threshold moves to the middle of the gap in its z over all 2^n rows. W and b are
    divided by half the gap and then multiplied by the gain: the least gain (within 5 %) with every
    ŷ within `error` of its bit and every hidden unit within `error` of 0 or 1; see `bound`.

    A network whose hidden units rest between 0 and 1 on some rows would become another function.
    With up to 12 inputs it is trained further for at most n_steps steps, from itself and
    n_attempts − 1 starts near it, with ever steeper hidden units. If that does not help, `.reason`
    says so; `learn(…, saturated=True)` searches for networks that can be sharpened.
    time_limit: seconds for that training; Ctrl-C ends it too. Raises ValueError, naming the
    argument.
    """
    if isinstance(network, Learned):
        table = network.table if table is None else table
        network = network.network
    layers = _check(network, error, n_attempts, n_steps, seed, time_limit)
    n, K = network.sizes[0], network.sizes[-1]
    X = all_bits(n).astype(np.float64)
    said = network.predict(X).reshape(len(X), K).astype(np.int8)
    bits = said if table is None else _filled(table, said)
    hard = harden(layers, X, bits)
    steps, why = 0, ""
    if not hard.ok and n <= MOST_TRAINED:
        better, steps, why = _trained(
            network, bits, n_attempts, n_steps, seed, time_limit, progress, n_threads
        )
        if better is not None:
            hard = harden(network_layers(better), X, bits)
    broken = np.flatnonzero(hard.broken)
    if hard.ok:
        gain = math.log((1 - error) / error)
        while gain <= MOST_GAIN:
            sharp = _with_gain(network, hard.layers, gain)
            proved = bound(sharp, bits)
            if proved.error <= error and proved.hidden_error <= error:
                return Sharpened(sharp, bits, gain, proved, error, (), broken, steps, "")
            gain *= GAIN_STEP if gain < 100 else 2
        reason = f"rounding in {network.theta.dtype} alone allows more than {error:g} at any gain"
    else:
        reason = _reason(hard, steps, why, n)
    gain = float("nan")
    proved = bound(network, bits)
    return Sharpened(network, bits, gain, proved, error, hard.resting, broken, steps, reason)


def bound(network: Network, table: npt.ArrayLike) -> Bound:
    """How far from bits the units of a network can be on all 2^n rows, including rounding.

    table: the bits (2^n, K) that it should give. On each row, every unit has an interval that
    contains both its true value and its value in floating-point numbers of the network's dtype,
    with sums in any order: the error of z is at most γ_{k+1} (Σ|w h| + |b|), γ_m = m u/(1 − m u)
    for the unit round-off u, and the error of σ and tanh 16 eps of their value. Source: Higham,
    Accuracy and Stability of Numerical Algorithms, §3.1. Raises ValueError for a network that is
    not allowed and for a table that does not match it.
    """
    n, K = network.sizes[0], network.sizes[-1]
    layers = _checked_layers(network)
    wanted = np.asarray(table).reshape(-1, K)
    if len(wanted) != 2**n or not np.isin(wanted, (0, 1)).all():
        raise ValueError(f"table must be bits of shape ({2**n}, {K}); got {wanted.shape}")
    rows = all_bits(n)
    error = hidden_error = 0.0
    wrong = []
    for at in range(0, len(rows), CHUNK):
        part = slice(at, at + CHUNK)
        least = greatest = rows[part].astype(np.float64)
        for number, layer in enumerate(layers, 1):
            last = number == len(network.W)
            kind = None if last else network.architecture.dense[number - 1].activation
            phi = network.output.y_hat if kind is None else kind.phi
            least, greatest = _interval(layer, least, greatest, phi, network.theta.dtype)
            if not last:
                from_zero = (greatest - layer.low) / (1 - layer.low)
                from_one = (1 - least) / (1 - layer.low)
                off = np.minimum(from_zero, from_one).max(initial=0.0)
                hidden_error = max(hidden_error, float(off))
        off = np.where(wanted[part] == 1, 1 - least, greatest)
        error = max(error, float(off.max()))
        wrong.append(at + np.flatnonzero((off >= 0.5).any(axis=1)))
    return Bound(error, hidden_error, np.concatenate(wrong))


def _interval(
    layer: BitLayer,
    least: Array,
    greatest: Array,
    phi: Callable[[Array], Array],
    dtype: np.dtype[Any],
) -> tuple[Array, Array]:
    """The interval of each unit from the intervals of the layer below, rounded outward."""
    up, down = np.maximum(layer.W, 0).T, np.minimum(layer.W, 0).T
    z_least = least @ up + greatest @ down + layer.b
    z_greatest = greatest @ up + least @ down + layer.b
    size = np.maximum(np.abs(least), np.abs(greatest)) @ np.abs(layer.W).T + np.abs(layer.b)
    k = layer.W.shape[1]
    # for the network's own sum, and for the sums of 2k + 1 terms here; doubled as `size` is rounded
    slack = 2 * (_gamma(k + 1, dtype) + _gamma(2 * k + 2, np.dtype(np.float64))) * size
    off = UNIT_ERROR * (np.finfo(dtype).eps + np.finfo(np.float64).eps)
    h_least, h_greatest = phi(z_least - slack), phi(z_greatest + slack)
    return h_least - off * np.abs(h_least), h_greatest + off * np.abs(h_greatest)


def _gamma(m: int, dtype: np.dtype[Any]) -> float:
    u = float(np.finfo(dtype).eps) / 2
    return m * u / (1 - m * u)


def _with_gain(network: Network, layers: Sequence[BitLayer], gain: float) -> Network:
    parameters = [{"W": gain * layer.W, "b": gain * layer.b} for layer in layers]
    dense = fully_connected(network.sizes, hidden_units(network), network.output)
    return Network.from_theta(dense, dense.pack(parameters, network.theta.dtype))


def _filled(table: TruthTable, said: Array) -> Array:
    """The bits of the table, and the network's own output where they do not matter."""
    bits, _, _ = read_table(table, MOST_INPUTS)
    if bits.shape != said.shape:
        raise ValueError(f"table must have shape {said.shape} for this network; got {bits.shape}")
    return np.where(bits < 0, said, bits).astype(np.int8)


def _trained(
    network: Network,
    bits: Array,
    n_attempts: int,
    n_steps: int,
    seed: int,
    time_limit: float | None,
    progress: bool,
    n_threads: int | None,
) -> tuple[Network | None, int, str]:
    """The network after more training with ever steeper hidden units; None if that fails."""
    architecture, theta = to_signs(network)
    rng = np.random.default_rng(seed)
    noise = NOISE * rng.normal(size=(n_attempts - 1, theta.size))
    outcome = attempt(
        architecture,
        [theta, *(theta * (1 + noise))],
        Goal(bits, LEAST_Z, saturated=True),
        n_steps,
        deadline=None if time_limit is None else time.monotonic() + time_limit,
        progress="sharpening" if progress else "",
        n_threads=n_threads,
    )
    if outcome.stopped == "interrupted":
        message = "Sharpening interrupted by user: the network is returned as it was."
        warnings.warn(message, UserWarning, stacklevel=users_line())
    if outcome.stopped != "found":
        return None, outcome.n_steps, STOPPED[outcome.stopped]
    return from_signs(architecture, outcome.theta, hidden_units(network)), outcome.n_steps, ""


def _reason(hard: Hardening, steps: int, why: str, n: int) -> str:
    parts = []
    if hard.resting:
        units = ", ".join(f"unit {unit} of layer {layer}" for layer, unit in hard.resting[:4])
        more = f" and {len(hard.resting) - 4} more" if len(hard.resting) > 4 else ""
        parts.append(f"hidden units rest between 0 and 1 ({units}{more})")
    n_broken = int(hard.broken.sum())
    if n_broken:
        parts.append(f"{n_broken} of {len(hard.broken)} rows are wrong with hidden units rounded")
    if n > MOST_TRAINED:
        tail = f"networks with more than {MOST_TRAINED} inputs are not trained further"
    else:
        tail = f"{steps} more steps of training did not help: {why}"
    return f"{' and '.join(parts)}; {tail}"


def _check(
    network: Network,
    error: float,
    n_attempts: int,
    n_steps: int,
    seed: int,
    time_limit: float | None,
) -> tuple[BitLayer, ...]:
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network or the result of learn; got {network!r}")
    if not 0 < error < 0.5:
        raise ValueError(f"error must lie between 0 and 0.5; got {error!r}")
    check_search(n_attempts, n_steps, seed, time_limit)
    return _checked_layers(network)


def _checked_layers(network: Network) -> tuple[BitLayer, ...]:
    if network.sizes[0] > MOST_INPUTS:
        raise ValueError(
            f"the network must have at most {MOST_INPUTS} inputs, to look at all 2^n rows; it has "
            f"{network.sizes[0]}"
        )
    return network_layers(network)
