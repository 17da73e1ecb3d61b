"""Forward and back-propagation as a list of steps, in the lecture's order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.explain import layer_steps, table_steps
from clearprop.explain.differences import Differences
from clearprop.explain.output_steps import OutputUnit
from clearprop.explain.step import Explanation, Step
from clearprop.explain.table_parts import is_known
from clearprop.jobs import Data
from clearprop.layers import Dense, Dropout, Parameters, StepDraw, name_draw
from clearprop.network import Network
from clearprop.notation import Symbol
from clearprop.propagation import Gradients, Trace, mean_loss


@dataclass(frozen=True, eq=False)
class LayerPlace:
    """A layer with its input and its output, as numbers and symbols.

    number: index in `architecture.layers`. level: l of the dense layer, or of the one below it.
    """

    number: int
    level: int
    layer: Any
    p: Parameters
    saved: Any
    given: tuple[Symbol, Array]
    out: tuple[Symbol, Array]

    @property
    def is_dense(self) -> bool:
        """Whether it is W h + b and φ, with or without a gain and slopes."""
        return type(self.layer) is Dense


def steps(
    net: Network,
    X: Array,
    t: Array | None = None,
    sample_weight: Array | None = None,
    *,
    draw: StepDraw | None = None,
) -> Explanation:
    """The computation of ŷ, ℒ and every gradient, one step after another.

    Every number is bit-for-bit the same as in `net.forward` and `net.backward`. X: (N, D) dense.
    t: targets as `net.loss` takes them; None gives only the forward half. draw: (seed, step) shows
    a training step with its dropout masks. A custom or periodic layer is one step each way.
    Raises ValueError, naming the argument, for data that do not fit.

    >>> import clearprop as cp
    >>> net = cp.Network([2, 3, 1], hidden="tanh", output="logistic", seed=0)
    >>> steps(net, [[1.0, 0.0]])["z⁽¹⁾"].equation
    'z⁽¹⁾ = W⁽¹⁾ x + b⁽¹⁾'
    """
    if hasattr(X, "tocsr"):
        raise ValueError("X must be dense to be explained; use X.toarray()")
    architecture = net.architecture
    trace = net.forward(X, draw=draw)
    gradients = differences = loss = None
    weights = encoded = None
    if t is not None:
        data = Data.from_arrays(architecture, trace.X, t, sample_weight, net.theta.dtype)
        encoded, weights = data.t, data.sample_weight
        gradients = net.backward(trace, t, sample_weight)
        loss = mean_loss(architecture, trace, encoded, weights)
        t64 = architecture.output.targets(t, architecture.n_outputs, np.dtype(np.float64))
        differences = Differences.of(architecture, net.theta, trace.X, t64, weights, draw)
    elif sample_weight is not None:
        raise ValueError("sample_weight needs targets t")
    places = _places(architecture, net.theta, trace, draw)
    last = places[-1]
    unit = OutputUnit(
        architecture.output, last.level, trace.z[-1], trace.y_hat, encoded, weights, differences
    )
    found = [step for place in places for step in _forward(place)] + unit.forward()
    if gradients is not None and differences is not None:
        found += unit.backward(gradients.dL_dz[-1])
        dL = gradients.dL_dz[-1]
        for place in reversed(places):
            more, dL = _backward(place, dL, gradients, differences)
            found += more
    numbered = tuple(replace(step, number=i) for i, step in enumerate(found, 1))
    return Explanation(numbered, _preamble(places, t is not None, weights is not None, draw), loss)


def _places(
    architecture: Architecture, theta: Array, trace: Trace, draw: StepDraw | None
) -> list[LayerPlace]:
    parameters = architecture.unpack(theta)
    active = [
        number
        for number, layer in enumerate(architecture.layers)
        if not (isinstance(layer, Dropout) and trace.saved[number] is None)
    ]
    places: list[LayerPlace] = []
    given, level = (sy.X, trace.X), 0
    for number, following in zip(active, [*active[1:], None], strict=True):
        layer, p, saved = architecture.layers[number], parameters[number], trace.saved[number]
        dense = isinstance(layer, Dense)
        level += dense
        if following is None:
            symbol = sy.z(level)
        elif isinstance(architecture.layers[following], Dense):
            symbol = sy.h(level)
        elif dense:
            symbol = sy.layered("a", level) if "slope" in p else sy.phi_of_z(level)
        else:
            symbol = sy.layered("u", number)
        if dense:
            value = saved.h_next
        elif isinstance(layer, Dropout):
            value = given[1] * saved
        else:
            value = layer.forward(p, given[1], name_draw(draw, number))[0]
        places.append(LayerPlace(number, level, layer, p, saved, given, (symbol, value)))
        given = symbol, value
    return places


def _forward(place: LayerPlace) -> list[Step]:
    if place.is_dense:
        return layer_steps.dense_forward(place)
    if is_known(place.layer):
        return table_steps.forward(place)
    if isinstance(place.layer, Dropout):
        return [layer_steps.dropout_forward(place)]
    return [layer_steps.other_forward(place)]


def _backward(
    place: LayerPlace, dL: Array, gradients: Gradients, differences: Differences
) -> tuple[list[Step], Array]:
    if place.is_dense:
        return layer_steps.dense_backward(place, dL, gradients, differences)
    if is_known(place.layer):
        return table_steps.backward(place, dL, differences)
    if isinstance(place.layer, Dropout):
        return layer_steps.dropout_backward(place, dL, differences)
    return layer_steps.other_backward(place, dL, differences)


def _preamble(
    places: list[LayerPlace], targets: bool, weighted: bool, draw: StepDraw | None
) -> str:
    """The lines of Python before the first step; `net`, `X` and `t` are given."""
    lines = ["import numpy as np", "X = np.asarray(X, dtype=net.theta.dtype)"]
    lines.append("p = net.architecture.unpack(net.theta)")
    for place in places:
        if place.is_dense:
            level, number = place.level, place.number
            lines.append(f"W{level}, b{level} = p[{number}]['W'], p[{number}]['b']")
            if place.layer.gain != 1:
                lines.append(f"g{level} = net.architecture.layers[{number}].gain")
            if place.layer.slope:
                lines.append(f"s{level} = p[{number}]['slope']")
    if draw is not None or any(not place.is_dense for place in places):
        lines.append(f"saved = net.forward(X, draw={draw!r}).saved")
    if targets:
        lines.append("t = net.output.targets(t, net.sizes[-1], net.theta.dtype)")
        if weighted:
            lines.append("w = np.asarray(sample_weight).astype(net.theta.dtype)")
            lines.append("a = (w / w.sum()).astype(net.theta.dtype)")
        else:
            lines.append("a = np.full(len(X), 1 / len(X), dtype=net.theta.dtype)")
    return "\n".join(lines)
