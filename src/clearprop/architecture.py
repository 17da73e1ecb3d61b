"""The architecture of a network, without its parameters: layers, output unit, layout of θ."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation, get_activation
from clearprop.checks import check_sizes, one_per_layer
from clearprop.initializers import Initializer, Rng
from clearprop.layers import Dense, Dropout, Layer, Parameters
from clearprop.monotone import Interval, Monotone, bounds, check
from clearprop.outputs import Output, get_output


@dataclass(frozen=True)
class Architecture:
    """Layers in order and the output unit; knows where each W and b lies in the flat vector θ.

    θ holds the layers one after another, each W (rows of W after one another) before its b.
    monotone: in which columns of X the outputs are monotone; every step of training keeps θ within
    the bounds that see to that. None for no constraint.
    Raises ValueError for layers that do not fit together, and unless the last one is dense without
    an activation.
    """

    layers: tuple[Layer, ...]
    output: Output
    monotone: Monotone | None = None

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[-1], Dense):
            raise ValueError("layers must end with a dense layer")
        if any((dense.activation is None) != (dense is self.dense[-1]) for dense in self.dense):
            raise ValueError("dense layers must have an activation, except the last one")
        width = None
        for number, layer in enumerate(self.layers):
            if None not in (width, layer.n_in) and layer.n_in != width:
                raise ValueError(
                    f"layers do not fit together: layer {number} ({layer.name}) takes "
                    f"{layer.n_in} columns, the one before it gives {width}"
                )
            width = width if layer.n_out is None else layer.n_out
            if unknown := sorted((layer.biases | layer.decayed) - layer.shapes.keys()):
                raise ValueError(
                    f"layer {number} ({layer.name}) names biases or decayed parameters that it "
                    f"lacks: {', '.join(unknown)}"
                )
        if self.monotone is not None:
            check(self.layers, self.output, self.monotone)

    @cached_property
    def dense(self) -> tuple[Dense, ...]:
        """The dense layers, l = 1 … L."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def n_inputs(self) -> int:
        """D, the columns of X; H_0 unless layers before the first dense layer change the number."""
        return next(layer.n_in for layer in self.layers if layer.n_in is not None)

    @property
    def n_outputs(self) -> int:
        """K = H_L."""
        return self.dense[-1].n_out

    @property
    def sizes(self) -> list[int]:
        """[H_0, H_1, …, H_{L−1}, K]; H_0 = D if the first layer is dense."""
        return [self.dense[0].n_in, *(layer.n_out for layer in self.dense)]

    @cached_property
    def n_parameters(self) -> int:
        """P, the length of θ."""
        return sum(math.prod(s) for layer in self.layers for s in layer.shapes.values())

    @cached_property
    def _places(self) -> list[dict[str, tuple[slice, tuple[int, ...]]]]:
        """For each layer: where in θ each of its parameters is, and its shape."""
        places, start = [], 0
        for layer in self.layers:
            entries = {}
            for name, shape in layer.shapes.items():
                stop = start + math.prod(shape)
                entries[name] = slice(start, stop), shape
                start = stop
            places.append(entries)
        return places

    def unpack(self, theta: Array) -> list[Parameters]:
        """For each layer its parameters by name, as views into θ (writing to them writes to θ)."""
        return [
            {name: theta[where].reshape(shape) for name, (where, shape) in places.items()}
            for places in self._places
        ]

    def pack(self, parameters: Sequence[Parameters], dtype: np.dtype[Any]) -> Array:
        """θ from the parameters of each layer; the inverse of :meth:`unpack`."""
        theta = np.empty(self.n_parameters, dtype=dtype)
        for views, given in zip(self.unpack(theta), parameters, strict=True):
            for name, view in views.items():
                view[...] = given[name]
        return theta

    @cached_property
    def intervals(self) -> list[dict[str, Interval]]:
        """For each layer, the bounds of the parameters that have any, by name."""
        if self.monotone is None:
            return [{} for _ in self.layers]
        return bounds(self.layers, self.output, self.monotone)

    @cached_property
    def bounds(self) -> tuple[Array, Array] | None:
        """The least and the largest θ, (P,) float64 each, read-only; None if there are none."""
        if self.monotone is None:
            return None
        low, high = np.full(self.n_parameters, -np.inf), np.full(self.n_parameters, np.inf)
        for end, values in enumerate((low, high)):
            for views, own in zip(self.unpack(values), self.intervals, strict=True):
                for name, interval in own.items():
                    views[name][...] = interval[end]
            values.flags.writeable = False
        return low, high

    def project(self, theta: Array) -> Array:
        """θ, with what lies beyond its bounds moved to them."""
        return theta if self.bounds is None else np.clip(theta, *self.bounds).astype(theta.dtype)

    def within_bounds(self, theta: Array) -> bool:
        """Whether θ (P,), or each of several (n, P), is within its bounds."""
        return self.bounds is None or bool(
            ((self.bounds[0] <= theta) & (theta <= self.bounds[1])).all()
        )

    @cached_property
    def is_decayed(self) -> Array:
        """(P,) float64, read-only: 1 where decay and penalties apply, 0 elsewhere (biases)."""
        values = np.empty(self.n_parameters)
        for layer, views in zip(self.layers, self.unpack(values), strict=True):
            for name, view in views.items():
                view[...] = name in layer.decayed
        values.flags.writeable = False
        return values

    def by_name(self, value: Callable[[str], float]) -> Array:
        """(P,) float64, read-only: for each parameter, `value` of its name ("W", "b").

        For a layer within another (see :class:`clearprop.embeddings.Parallel`) the name is the one
        in the inner layer.
        """
        values = np.empty(self.n_parameters)
        for views in self.unpack(values):
            for name, view in views.items():
                view[...] = value(name.rpartition(".")[2])
        values.flags.writeable = False
        return values


def fully_connected(
    sizes: Sequence[int],
    hidden: str | Activation | Sequence[str | Activation] = "relu",
    output: str | Output = "linear",
    dropout: float | Sequence[float] = 0.0,
) -> Architecture:
    """The architecture of a fully connected network with layer sizes [D, H_1, …, K].

    hidden: one activation for all hidden layers, or a list with one per layer. dropout: one rate
    for all hidden layers, or a list with one per layer. Raises ValueError, naming the argument.
    """
    sizes = check_sizes(sizes)
    n_hidden = len(sizes) - 2
    unit = get_output(output)
    unit.check_outputs(sizes[-1])
    activations = [get_activation(a, "hidden") for a in one_per_layer(hidden, n_hidden, "hidden")]
    rates = [float(rate) for rate in one_per_layer(dropout, n_hidden, "dropout")]
    layers: list[Layer] = []
    for n_in, n_out, activation, rate in zip(sizes, sizes[1:-1], activations, rates, strict=False):
        layers.append(Dense(n_in, n_out, activation))
        if rate:
            layers.append(Dropout(rate))
    layers.append(Dense(sizes[-2], sizes[-1], None))
    return Architecture(tuple(layers), unit)


def initial_theta(
    architecture: Architecture,
    rng: Rng,
    initializer: str | Initializer,
    dtype: np.dtype[Any],
) -> Array:
    """θ as the layers draw it from `rng`, one after another in float64, rounded to `dtype`."""
    parameters = [layer.initial(rng, initializer) for layer in architecture.layers]
    return architecture.pack(parameters, dtype)
