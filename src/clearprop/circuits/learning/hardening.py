"""From soft units to hard ones: does a network still give its table with rounded hidden units?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.network import Network

LEAST_GAP = 1 / 256  # of a hidden unit, half of it, relative to its greatest |z|
NO_GAP = 1e-9  # of an output: rounding


@dataclass(frozen=True)
class Layer:
    """W (H_l, H_{l−1}) and b (H_l,) of a layer; low: the h of its units that stands for the bit 0
    (0 for logistic, −1 for tanh units), where 1 stands for 1."""

    W: Array
    b: Array
    low: float = 0.0


@dataclass(frozen=True)
class Hardening:
    """What became of the layers, by `harden`.

    layers: with |z| ≥ 1 for every unit on every row, if nothing stood against it; else as they
    were. resting: (layer from 1, unit from 0) of hidden units that rest between 0 and 1.
    broken: bool (N,), the rows whose outputs are wrong once the hidden units are rounded.
    """

    layers: tuple[Layer, ...]
    resting: tuple[tuple[int, int], ...]
    broken: Array

    @property
    def ok(self) -> bool:
        return not self.resting and not self.broken.any()


def hidden_units(network: Network) -> list[str]:
    """The activation of each hidden layer, by name."""
    return [layer.activation.name for layer in network.architecture.dense if layer.activation]


def network_layers(network: Network) -> tuple[Layer, ...]:
    """The layers of a network with logistic or tanh hidden units; ValueError for another one."""
    names = hidden_units(network)
    for name in names:
        if name not in ("logistic", "tanh"):
            raise ValueError(f"the network's hidden units must be logistic or tanh; got {name!r}")
    if network.output.name != "logistic":
        raise ValueError(f"the network's outputs must be logistic; got {network.output.name!r}")
    return tuple(
        Layer(W.astype(np.float64), b.astype(np.float64), -1.0 if name == "tanh" else 0.0)
        for W, b, name in zip(network.W, network.b, [*names, ""], strict=True)
    )


def harden(layers: Sequence[Layer], X: Array, table: Array) -> Hardening:
    """Round the hidden units to bits and move every threshold to the middle of its gap.

    On the rows X (N, D), with the units below rounded, the z of a unit leave a gap between the rows
    where it is 0 and those where it is 1. The threshold moves to the middle of the gap, and W and b
    are divided by half of it, so that |z| ≥ 1 and the bits stay what they are. Hidden units are 1
    where z > 0; outputs where `table`, int8 (N, K), says so (−1 where it does not matter). A hidden
    unit rests between 0 and 1 if half its gap is less than 1/256 of its greatest |z|.
    """
    h, hard, resting = X, [], []
    broken = np.zeros(len(X), bool)
    for number, layer in enumerate(layers, 1):
        z = h @ layer.W.T + layer.b
        last = number == len(layers)
        ones, zeros = (table == 1, table == 0) if last else (z > 0, z <= 0)
        below, above = _gap(z, ones, zeros)
        middle, half = (below + above) / 2, (above - below) / 2
        greatest = np.abs(z - middle).max(axis=0)
        if last:
            none = NO_GAP * greatest
            broken |= (ones & (z <= middle + none) | zeros & (z >= middle - none)).any(axis=1)
        else:
            tight = half <= LEAST_GAP * greatest
            resting += [(number, int(unit)) for unit in np.flatnonzero(tight)]
            h = np.where(ones, 1.0, layer.low)
        half = np.where(half > 0, half, 1)
        hard.append(Layer(layer.W / half[:, None], (layer.b - middle) / half, layer.low))
    ok = not resting and not broken.any()
    return Hardening(tuple(hard if ok else layers), tuple(resting), broken)


def _gap(z: Array, ones: Array, zeros: Array) -> tuple[Array, Array]:
    """For each column of z the greatest of the zeros and the least of the ones.

    Where there are none of one kind, 0 lies in the middle of what is returned if it can.
    """
    below = np.where(zeros, z, -np.inf).max(axis=0)
    above = np.where(ones, z, np.inf).min(axis=0)
    free = np.isinf(below) & np.isinf(above)
    below, above = np.where(free, -1, below), np.where(free, 1, above)
    only_ones, only_zeros = np.isinf(below), np.isinf(above)
    return (
        np.where(only_ones, np.where(above > 0, -above, above - 2), below),
        np.where(only_zeros, np.where(below < 0, -below, below + 2), above),
    )
