"""A network as `extract` reads it: layers with exact weights, and outputs as comparisons.

The weights are floats, hence rational numbers. The function is one of real numbers: σ and tanh are
not rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS
from clearprop.layers import Dense, Dropout
from clearprop.network import Network
from clearprop.outputs import Softmax

# The activations that can be decided, with their Lipschitz constants.
LIPSCHITZ = {"identity": 1.0, "relu": 1.0, "leaky_relu": 1.0, "logistic": 0.25, "tanh": 1.0}
BOUNDED = ("logistic", "tanh")


@dataclass(frozen=True)
class ExactLayer:
    """z = W h + b of one layer, with h = φ(z) if hidden; W and b are exactly the network's."""

    W: Array
    b: Array
    activation: str | None


@dataclass(frozen=True)
class Comparison:
    """z[plus] − z[minus] > threshold (≥ if `or_equal`); an output bit is 1 if all its comparisons
    hold."""

    plus: int
    minus: int | None
    threshold: float
    or_equal: bool


@dataclass(frozen=True)
class ExactNetwork:
    """outputs: for each output bit, the comparisons that must all hold; labels: its name."""

    layers: tuple[ExactLayer, ...]
    outputs: tuple[tuple[Comparison, ...], ...]
    labels: tuple[str, ...]


def exact_network(network: Network) -> ExactNetwork:
    """The layers of a network, and how its outputs are read as bits.

    Logistic units: ŷ_k > ½, which is z_k > 0. Linear units: ŷ_k > ½. Softmax: two classes are one
    bit, the class (z_2 > z_1); K classes are K bits, of which the first largest z is 1 (argmax).
    Raises TypeError for other output units, other activations, and weights that are not finite.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a clearprop.Network; got {type(network).__name__}")
    for layer in network.architecture.layers:
        plain = isinstance(layer, Dense) and layer.gain == 1 and not layer.slope
        if not plain and not isinstance(layer, Dropout):
            raise TypeError(
                "extraction supports only dense layers without gains and slopes; the network has a "
                f"layer of another kind ({layer.name})"
            )
    layers = []
    for dense, W, b in zip(network.architecture.dense, network.W, network.b, strict=True):
        name = None
        if dense.activation is not None:
            name = dense.activation.name
            if name not in LIPSCHITZ or dense.activation is not ACTIVATIONS[name]:
                raise TypeError(
                    f"extraction supports the hidden activations {', '.join(LIPSCHITZ)}; "
                    f"the network has {name!r}"
                )
        layers.append(ExactLayer(W.astype(np.float64), b.astype(np.float64), name))
    if not all(np.isfinite(layer.W).all() and np.isfinite(layer.b).all() for layer in layers):
        raise TypeError("the network has weights that are infinite or NaN")
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
