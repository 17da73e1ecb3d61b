"""What a network decides, as bits, in exact arithmetic.

The weights are floats, so rational numbers; the function is that of real numbers: σ and tanh are
not rounded. Most rows are decided by one float64 pass, whose error has a bound from the weights
alone; the few within the bound of the threshold are decided one by one with as many digits as it
takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS
from clearprop.circuits.intervals import decide_row
from clearprop.network import Network
from clearprop.outputs import Softmax

# Lipschitz constants of the activations that are decided, and how far float64's φ(z) may be off,
# relative to 1 or to |z|: twelve of the 53 bits are left to the C library's exp and tanh.
LIPSCHITZ = {"identity": 1.0, "relu": 1.0, "leaky_relu": 1.0, "logistic": 0.25, "tanh": 1.0}
LIBRARY_ERROR = 2.0**-41
BOUNDED = ("logistic", "tanh")
UNIT_ROUNDOFF = 2.0**-53
SAFETY = 1.01  # for the rounding of the bound itself, which is some 1e-15 of it


@dataclass(frozen=True)
class Layer:
    """z = W h + b of one layer, h = φ(z) where it is hidden; W and b are the network's, exactly."""

    W: Array
    b: Array
    activation: str | None


@dataclass(frozen=True)
class Comparison:
    """What an output bit is: 1 where all of z[plus] − z[minus] > threshold (≥ where `or_equal`)."""

    plus: int
    minus: int | None
    threshold: float
    or_equal: bool


@dataclass(frozen=True)
class ExactNetwork:
    """layers; outputs: for each output bit the comparisons that must all hold; labels: its name."""

    layers: tuple[Layer, ...]
    outputs: tuple[tuple[Comparison, ...], ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Decided:
    """What a network decides on N points.

    hidden: for each hidden layer the bits z > 0, (N, H_l); outputs: (N, outputs). n_precise: rows
    that took more than float64; open_rows: the first that stayed open, and those after it that were
    not tried; their bits mean nothing.
    """

    hidden: list[Array]
    outputs: Array
    closest: list[Array]
    n_precise: int
    open_rows: Array


def exact_network(network: Network) -> ExactNetwork:
    """The layers of a network, and how its outputs are read as bits.

    Logistic units: ŷ_k > ½, which is z_k > 0. Linear units: ŷ_k > ½. Softmax: two classes are one
    bit, the class (z_2 > z_1); K are K bits, of which the first largest z has the 1 (argmax).
    Raises TypeError for other output units, activations, or weights that are not finite.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a clearprop.Network; got {type(network).__name__}")
    layers = []
    for dense, W, b in zip(network.architecture.dense, network.W, network.b, strict=True):
        name = None
        if dense.activation is not None:
            name = dense.activation.name
            if name not in LIPSCHITZ or dense.activation is not ACTIVATIONS[name]:
                raise TypeError(
                    f"extraction knows the hidden activations {', '.join(LIPSCHITZ)}; "
                    f"the network has {name!r}"
                )
        layers.append(Layer(W.astype(np.float64), b.astype(np.float64), name))
    if not all(np.isfinite(layer.W).all() and np.isfinite(layer.b).all() for layer in layers):
        raise TypeError("the network has weights that are infinite or no numbers")
    K = network.sizes[-1]
    unit = network.output.unit
    if isinstance(network.output, Softmax):
        outputs, labels = _classes(network.output.groups(K))
    elif unit in ("logistic", "linear"):
        threshold = 0.0 if unit == "logistic" else 0.5
        outputs = [(Comparison(k, None, threshold, False),) for k in range(K)]
        labels = ["y"] if K == 1 else [f"y{k}" for k in range(K)]
    else:
        raise TypeError(
            "extraction reads logistic, linear and softmax outputs as bits; "
            f"the network has {network.output.name!r} outputs"
        )
    return ExactNetwork(tuple(layers), tuple(outputs), tuple(labels))


def _classes(groups: list[slice]) -> tuple[list[tuple[Comparison, ...]], list[str]]:
    outputs: list[tuple[Comparison, ...]] = []
    labels = []
    for g, group in enumerate(groups):
        suffix = f"_{g}" if len(groups) > 1 else ""
        units = range(group.start, group.stop)
        if len(units) == 2:
            outputs.append((Comparison(units[1], units[0], 0.0, False),))
            labels.append(f"y{suffix}")
            continue
        for k in units:
            outputs.append(tuple(Comparison(k, j, 0.0, j > k) for j in units if j != k))
            labels.append(f"class{suffix}_{k - group.start}")
    return outputs, labels


def decide(
    net: ExactNetwork,
    points: Array,
    *,
    hidden: bool = True,
    most_precise: int = 20_000,
    check: Callable[[], None] = lambda: None,
) -> Decided:
    """The bits of the network on points (N, D) of float64; hidden: those of its hidden units too.

    most_precise: how many rows at most are decided with more digits; the rest stay open.
    check: is called before each of them, and may raise what ends it.
    """
    x_max = np.abs(points).max(axis=0, initial=0.0)
    h, error = points, np.zeros(points.shape[1])
    unsure = np.zeros(len(points), bool)
    bits, closest = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in net.layers:
            z, radius = h @ layer.W.T + layer.b, _radius(layer, x_max, error)
            if layer.activation is None:
                break
            if hidden:
                size = np.abs(z)
                bits.append(z > 0)
                closest.append(size.min(axis=0, initial=np.inf))
                unsure |= ~(size > radius).all(axis=1)
            h = np.asarray(ACTIVATIONS[layer.activation].phi(z))
            largest = np.abs(layer.W) @ x_max + np.abs(layer.b) + radius
            x_max = np.ones_like(largest) if layer.activation in BOUNDED else largest
            error = LIPSCHITZ[layer.activation] * radius + LIBRARY_ERROR * x_max
        outputs = np.empty((len(points), len(net.outputs)), bool)
        for i, comparisons in enumerate(net.outputs):
            true, false = np.ones(len(points), bool), np.zeros(len(points), bool)
            for c in comparisons:
                value, slack = z[:, c.plus] - c.threshold, radius[c.plus]
                if c.minus is not None:
                    value, slack = value - z[:, c.minus], slack + radius[c.minus]
                slack = slack + 4 * UNIT_ROUNDOFF * np.abs(z[:, c.plus])
                true &= value > slack
                false |= value < -slack
            outputs[:, i] = true
            unsure |= ~(true | false)
    rows = np.flatnonzero(unsure)
    n_decided = 0
    for row in rows[:most_precise]:
        check()
        found = decide_row(net, points[row], hidden=hidden)
        if found is None:
            break
        n_decided += 1
        for mine, exact in zip(bits, found[0], strict=True):
            mine[row] = exact
        outputs[row] = found[1]
    return Decided(bits, outputs, closest, n_decided, rows[n_decided:])


def _radius(layer: Layer, x_max: Array, error: Array) -> Array:
    """How far the computed z may be off, whatever the row: the inputs' error, and the rounding of a
    sum of n products in any order, γ_n Σ|w||x| (Higham 2002, section 3.1)."""
    n = layer.W.shape[1] + 2
    gamma = n * UNIT_ROUNDOFF / (1 - n * UNIT_ROUNDOFF)
    W, b = np.abs(layer.W), np.abs(layer.b)
    rounding = gamma * (W @ (x_max + error) + b)
    radius: Any = SAFETY * (W @ error + rounding) + 2.0**-1000  # the last for products underflown
    return np.asarray(radius)
