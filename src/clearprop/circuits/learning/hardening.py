"""From soft units to hard units: does a network still give its table with rounded hidden units?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.network import Network

LEAST_GAP = 1 / 256  # half the gap of a hidden unit, relative to its greatest |z|
NO_GAP = 1e-9  # the gap of an output that is only rounding, relative to its greatest |z|


@dataclass(frozen=True)
class BitLayer:
    """W (H_l, H_{l−1}) and b (H_l,) of a layer. low: the value of h that represents the bit 0, 0
    for logistic and −1 for tanh units; 1 represents the bit 1."""

    W: Array
    b: Array
    low: float = 0.0


@dataclass(frozen=True)
class Hardening:
    """The result of `harden`.

    layers: with |z| ≥ 1 for every unit on every row if that is possible, else unchanged. resting:
    (layer from 1, unit from 0) of the hidden units that rest between 0 and 1. broken: bool (N,),
    the rows whose outputs are wrong once the hidden units are rounded.
    """

    layers: tuple[BitLayer, ...]
    resting: tuple[tuple[int, int], ...]
    broken: Array

    @property
    def ok(self) -> bool:
        """Whether the layers could be hardened."""
        return not self.resting and not self.broken.any()


def hidden_units(network: Network) -> list[str]:
    """The activation of each hidden layer, by name."""
    return [layer.activation.name for layer in network.architecture.dense if layer.activation]


def network_layers(network: Network) -> tuple[BitLayer, ...]:
    """The layers of a network with logistic or tanh hidden units; ValueError for other networks."""
    names = hidden_units(network)
    for name in names:
        if name not in ("logistic", "tanh"):
            raise ValueError(f"the network's hidden units must be logistic or tanh; got {name!r}")
    if network.output.name != "logistic":
        raise ValueError(f"the network's outputs must be logistic; got {network.output.name!r}")
    return tuple(
        BitLayer(W.astype(np.float64), b.astype(np.float64), -1.0 if name == "tanh" else 0.0)
        for W, b, name in zip(network.W, network.b, [*names, ""], strict=True)
    )


def harden(layers: Sequence[BitLayer], X: Array, table: Array) -> Hardening:
    """Round the hidden units to bits and move every threshold to the middle of its gap.

    On the rows X (N, D), with the units below rounded, the z of a unit has a gap between the rows
    where the unit is 0 and the rows where it is 1. The threshold moves to the middle of the gap,
    and W and b are divided by half the gap, so that |z| ≥ 1 and the bits do not change. A hidden
    unit is 1 where z > 0; an output is 1 where `table`, int8 (N, K), says so (−1: it does not
    matter). A hidden unit rests between 0 and 1 if half its gap is less than 1/256 of its greatest
    |z|.
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
        hard.append(BitLayer(layer.W / half[:, None], (layer.b - middle) / half, layer.low))
    ok = not resting and not broken.any()
    return Hardening(tuple(hard if ok else layers), tuple(resting), broken)


def _gap(z: Array, ones: Array, zeros: Array) -> tuple[Array, Array]:
    """For each column of z, the greatest value of the zeros and the least value of the ones.

    If one of them is missing, it is chosen so that 0 is in the middle, if possible.
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
