"""Networks whose outputs are monotone functions of some columns, whatever their parameters are.

Each hidden layer has free units, which no constrained column reaches, and monotone units, which
rise with the direction of every constrained column. The signs of weights see to that. A monotone
unit takes constrained columns with the sign of their direction, monotone units with weights ≥ 0,
and everything else with any weight. A free unit takes neither constrained columns nor monotone
units. So the network is as free as before in the other columns:

    constrained columns ──±──► monotone units ──≥0──► monotone units ──±──► outputs
                                     ▲                      ▲                  ▲
                                    any                    any                any
    other columns ───────any──► free units ─────any──► free units ─────────────┘

The functions Vᵀ PLE(x) of a constrained column have V ≥ 0. Its x̃ is not used: rounding can break
the order of x̃ for two neighbours.

**Rounding never breaks the order** in the native engine. A rounded sum never falls where a term
rises. The same holds for a rounded product with a constant ≥ 0, a minimum and a maximum. Two rows
that differ in a constrained column alone go through the same steps in the same order. The slopes of
units, z + s(relu(z) − z), are z(1 − s) for z < 0, in one rounded step. They lie within −3 ≤ s ≤ 1,
so below its kink a unit rises up to four times as fast as above it, or not at all.

The products of the reference engine may add in another order for another row, so that its order of
two neighbours is certain up to the rounding of sums.

Sources: Sill, Monotonic networks, NIPS 10 (1998), for the signs; Runje & Shankaranarayana,
Constrained monotonic neural networks, ICML 2023, for convex and concave units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.embeddings import Embedding, Identity, Parallel, PiecewiseLinear, Scale
from clearprop.layers import Dense, Layer
from clearprop.limits import shown_value
from clearprop.outputs import (
    AbsoluteError,
    Huber,
    Linear,
    Logistic,
    LogisticSquaredError,
    Output,
    Poisson,
    Quantile,
    Softmax,
)

LEAST_SLOPE, MOST_SLOPE = -3.0, 1.0  # of monotone units, see above
# each ŷ rises with its own z
RISING = (AbsoluteError, Huber, Linear, Logistic, LogisticSquaredError, Poisson, Quantile)


@dataclass(frozen=True)
class Monotone:
    """In which columns of X the outputs are monotone.

    directions: for each column 1 where they rise with it, −1 where they fall, 0 for no constraint.
    free: for each hidden layer the number of its free units, which come first.
    """

    directions: tuple[int, ...]
    free: tuple[int, ...]


Interval = tuple[Array, Array]
"""The least and the largest value of each entry of an array of parameters."""


def check(layers: Sequence[Layer], output: Output, monotone: Monotone) -> None:
    """Raise ValueError for layers and output units that are not made for it; takes no memory."""
    *hidden, last = (layer for layer in layers if isinstance(layer, Dense))
    directions, free = monotone.directions, monotone.free
    if not all(type(d) is int and d in (-1, 0, 1) for d in directions):
        raise ValueError(f"directions must be 1, −1 or 0; got {shown_value(directions)}")
    if len(free) != len(hidden) or not all(
        type(n) is int and 0 <= n <= layer.n_out for n, layer in zip(free, hidden, strict=True)
    ):
        raise ValueError(
            "free must be the number of free units of each hidden layer, at most all of its units; "
            f"got {shown_value(free)}"
        )
    n_in = next(layer.n_in for layer in layers if layer.n_in is not None)
    if len(directions) != n_in:
        raise ValueError(f"directions must be for each of {n_in} columns; got {len(directions)}")
    for layer in layers[: layers.index((*hidden, last)[0])]:
        if layer.n_in is not None and not isinstance(layer, Scale):
            _check_columns(layer, directions)
    for layer in hidden:
        assert layer.activation is not None
        if layer.activation.name != "relu":
            raise ValueError(f"monotone units must be relu units; got {layer.activation.name}")
    if not isinstance(output, RISING) and not (isinstance(output, Softmax) and last.n_out == 2):
        raise ValueError(f"outputs of {output.title} with {last.n_out} units cannot be monotone")


def _check_columns(layer: Layer, directions: Sequence[int]) -> None:
    """Raise ValueError if a constrained column goes into a layer that is not monotone."""
    if isinstance(layer, Parallel):
        begin = 0
        for inner in layer.layers:
            end = begin + (inner.n_in or 0)
            _check_columns(inner, directions[begin:end])
            begin = end
    elif not isinstance(layer, PiecewiseLinear | Identity) and any(directions):
        what = "categories" if isinstance(layer, Embedding) else f"columns of {layer.name}"
        raise ValueError(f"{what} cannot be monotone")


def bounds(
    layers: Sequence[Layer], output: Output, monotone: Monotone
) -> list[dict[str, Interval]]:
    """For each layer the intervals of the parameters that have bounds; all contain 0.

    The layers and the output unit are those of an architecture, see :func:`check`.
    """
    free = iter(monotone.free)
    # of each column or unit: its direction, and whether it is not used
    signs, dead = np.array(monotone.directions), np.zeros(len(monotone.directions), bool)
    found: list[dict[str, Interval]] = []
    for layer in layers:
        own: dict[str, Interval] = {}
        if isinstance(layer, Dense):
            if layer is layers[-1]:
                two = isinstance(output, Softmax)
                rows = np.array([-1, 1]) if two else np.ones(layer.n_out, int)
            else:
                n = next(free)
                rows = np.repeat([0, 1], [n, layer.n_out - n])
            own["W"] = _weights(rows, signs, dead)
            if layer.slope:
                own["slope"] = _interval(rows == 1, LEAST_SLOPE, MOST_SLOPE)
            signs, dead = rows, np.zeros(len(rows), bool)
        elif isinstance(layer, Scale):
            own["s"] = _interval(signs != 0, 0.0, np.inf)
        elif layer.n_in is not None:
            own, signs, dead = _of_columns(layer, signs)
        found.append(own)
    return found


def _interval(bounded: Array, low: float, high: float) -> Interval:
    return np.where(bounded, low, -np.inf), np.where(bounded, high, np.inf)


def _weights(rows: Array, signs: Array, dead: Array) -> Interval:
    """Of W: rows and signs are 0 for free units and columns, else the direction of each."""
    wanted = rows[:, None] * signs  # 0 and not free: no weight
    none = ((wanted == 0) & (signs != 0)) | dead
    low = np.where(none | (wanted > 0), 0.0, -np.inf)
    high = np.where(none | (wanted < 0), 0.0, np.inf)
    return low, high


def _of_columns(layer: Layer, signs: Array) -> tuple[dict[str, Interval], Array, Array]:
    """Of a layer for columns: its intervals, the directions of its units, and which are unused."""
    if isinstance(layer, Parallel):
        stops = np.cumsum([inner.n_in or 0 for inner in layer.layers])
        parts = [
            _of_columns(inner, part)
            for inner, part in zip(layer.layers, np.split(signs, stops[:-1]), strict=True)
        ]
        own = {
            f"{i}.{name}": pair for i, part in enumerate(parts) for name, pair in part[0].items()
        }
        return own, np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts])
    if isinstance(layer, PiecewiseLinear):
        bins = np.repeat(signs != 0, np.diff(layer.starts))
        V = _interval(np.repeat(bins[:, None], layer.n_units, axis=1), 0.0, np.inf)
        each = 1 + layer.n_units
        units = np.repeat(signs, each)
        return {"V": V}, units, (np.arange(len(units)) % each == 0) & (units != 0)
    if isinstance(layer, Identity):
        return {}, signs, np.zeros(len(signs), bool)
    return {}, np.zeros(layer.n_out or 0, int), np.zeros(layer.n_out or 0, bool)
