"""Layers next to each other, each with its own columns of X."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from clearprop._typing import Array
from clearprop.initializers import Initializer, Rng
from clearprop.layers import Derivatives, Draw, Layer, Parameters


@dataclass(frozen=True)
class Parallel:
    """Layers next to each other: each takes the next n_in columns; the outputs are concatenated.

    The parameters of layer i are named with the prefix "i.".
    """

    layers: tuple[Layer, ...]
    name: ClassVar[str] = "parallel"

    def __post_init__(self) -> None:
        for layer in self.layers:
            if layer.n_in is None or layer.n_out is None:
                raise ValueError(f"layers must have a fixed number of columns; got {layer}")

    @property
    def n_in(self) -> int:
        return sum(layer.n_in or 0 for layer in self.layers)

    @property
    def n_out(self) -> int:
        return sum(layer.n_out or 0 for layer in self.layers)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            f"{i}.{name}": shape
            for i, layer in enumerate(self.layers)
            for name, shape in layer.shapes.items()
        }

    @property
    def biases(self) -> frozenset[str]:
        return frozenset(
            f"{i}.{name}" for i, layer in enumerate(self.layers) for name in layer.biases
        )

    @property
    def decayed(self) -> frozenset[str]:
        return frozenset(
            f"{i}.{name}" for i, layer in enumerate(self.layers) for name in layer.decayed
        )

    @property
    def stochastic(self) -> bool:
        return any(layer.stochastic for layer in self.layers)

    def _columns(self, sizes: list[int]) -> list[slice]:
        stops = np.cumsum(sizes).tolist()
        return [slice(stop - size, stop) for size, stop in zip(sizes, stops, strict=True)]

    def _parameters(self, p: Parameters, i: int) -> Parameters:
        return {name: p[f"{i}.{name}"] for name in self.layers[i].shapes}

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {
            f"{i}.{name}": value
            for i, layer in enumerate(self.layers)
            for name, value in layer.initial(rng, initializer).items()
        }

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, list[Any]]:
        columns = self._columns([layer.n_in or 0 for layer in self.layers])
        results = [
            layer.forward(self._parameters(p, i), h[:, columns[i]], draw)
            for i, layer in enumerate(self.layers)
        ]
        return np.concatenate([out for out, _ in results], axis=1), [kept for _, kept in results]

    def backward(self, p: Parameters, saved: list[Any], dL_dh_next: Array) -> Derivatives:
        columns = self._columns([layer.n_out or 0 for layer in self.layers])
        parameters: Parameters = {}
        dL_dh = []
        for i, layer in enumerate(self.layers):
            part = layer.backward(self._parameters(p, i), saved[i], dL_dh_next[:, columns[i]])
            dL_dh.append(part.dL_dh)
            parameters |= {f"{i}.{name}": g for name, g in part.parameters.items()}
        return Derivatives(np.concatenate(dL_dh, axis=1), parameters)
