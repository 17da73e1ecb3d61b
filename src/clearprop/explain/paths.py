"""Integrals of ∂F/∂h along straight lines, by back-propagation.

A member of a bag is split behind the layers that take each column of X by itself (embeddings,
piecewise linear encodings, scales). Behind them columns are vectors h, and between two rows there
is a straight line of such vectors, also where a column holds categories. A column's attribution is

    A_c = Σ_{i ∈ c} (h_i − h′_i) ∫₀¹ ∂F/∂h_i (h′ + s (h − h′)) ds,

which is Aumann's and Shapley's share of the column in F(x) − F(x′), x′ the row to compare with.
The integral is a sum over Gauss–Legendre nodes in 1, 2, 4, … pieces. As z⁽¹⁾ = W h + b is affine in
h, it moves on a straight line, too: between its ends nothing is computed of the first layer, which
is the widest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.embeddings import (
    Embedding,
    EmbeddingBag,
    Identity,
    Parallel,
    Periodic,
    PiecewiseLinear,
    Scale,
)
from clearprop.explain.links import Link
from clearprop.layers import Dense, Dropout, Layer, Parameters

NODES = 8  # of a piece
MOST_PIECES = 512
CHUNK = 2048  # points at a time


def columns_of_outputs(layer: Layer) -> Array | None:
    """For each output of a layer the only input that it depends on, (n_out,); None for others.

    The codes of a text are one input, the first of them.
    """
    if isinstance(layer, Identity | Scale):
        return np.arange(layer.n)
    if isinstance(layer, PiecewiseLinear | Periodic | Embedding):
        return np.repeat(np.arange(layer.n_in), layer.n_out // max(1, layer.n_in))
    if isinstance(layer, EmbeddingBag):
        return np.repeat(np.arange(0, layer.n_in, layer.n_codes), layer.n_units)
    if isinstance(layer, Parallel):
        found, begin = [], 0
        for part in layer.layers:
            part_columns = columns_of_outputs(part)
            if part_columns is None:
                return None
            found.append(begin + part_columns)
            begin += part.n_in or 0
        return np.concatenate(found)
    return None


def inputs_of_first(architecture: Architecture) -> Array:
    """For each entry of h behind the layers of single columns the column of X, (H,)."""
    columns = np.arange(architecture.n_inputs)
    for layer in architecture.layers:
        found = None if isinstance(layer, Dropout) else columns_of_outputs(layer)
        if found is None:
            break
        columns = columns[found]
    return columns


@dataclass(frozen=True, eq=False)
class Member:
    """A network in float64, split behind the layers that take each column by itself.

    front, rest: (layer, parameters) before and from there on; columns: for each entry of h between
    them its column of X.
    """

    front: tuple[tuple[Layer, Parameters], ...]
    rest: tuple[tuple[Layer, Parameters], ...]
    columns: Array

    @classmethod
    def of(cls, architecture: Architecture, theta: Array) -> Member:
        layers = [
            pair
            for pair in zip(
                architecture.layers, architecture.unpack(theta.astype(np.float64)), strict=True
            )
            if not isinstance(pair[0], Dropout)
        ]
        columns, n = np.arange(architecture.n_inputs), 0
        while (found := columns_of_outputs(layers[n][0])) is not None:
            columns, n = columns[found], n + 1
        return cls(tuple(layers[:n]), tuple(layers[n:]), columns)

    def embed(self, X: Array) -> Array:
        """h (N, H) of rows of X (N, D)."""
        h: Array = X.astype(np.float64)
        for layer, p in self.front:
            h, _ = layer.forward(p, h, None)
        return h

    def enter(self, h: Array) -> Array:
        """What moves on a straight line with h: z⁽¹⁾, or h itself if no dense layer follows."""
        layer, p = self.rest[0]
        return _z(layer, p, h) if isinstance(layer, Dense) else h

    def leave(self, dF: Array) -> Array:
        """From the gradient by what `enter` gives to the gradient by h."""
        layer, p = self.rest[0]
        return dF @ (layer.gain * p["W"]) if isinstance(layer, Dense) else dF

    def forward(self, v: Array) -> tuple[Array, list[Any]]:
        """z⁽ᴸ⁾ (n, K) from what `enter` gives, and what `backward` needs."""
        layer, p = self.rest[0]
        rest, saved = self.rest, []
        if isinstance(layer, Dense):
            v, slope = _units(layer, p, v)
            saved, rest = [slope], rest[1:]
        for layer, p in rest:
            if isinstance(layer, Dense):
                v, kept = _units(layer, p, _z(layer, p, v))
            else:
                v, kept = layer.forward(p, v, None)
            saved.append(kept)
        return v, saved

    def backward(self, saved: list[Any], dF: Array) -> Array:
        """From ∂F/∂z⁽ᴸ⁾ to the gradient by what `enter` gives."""
        for number in reversed(range(len(self.rest))):
            layer, p = self.rest[number]
            if isinstance(layer, Dense):
                dF = dF if saved[number] is None else dF * saved[number]
                if number:
                    dF = dF @ (layer.gain * p["W"])
            else:
                dF = layer.backward(p, saved[number], dF).dL_dh
        return dF


def _z(layer: Dense, p: Parameters, h: Array) -> Array:
    return np.asarray(layer.gain * (h @ p["W"].T) + p["b"])


def _units(layer: Dense, p: Parameters, z: Array) -> tuple[Array, Array | None]:
    """h = φ(z) or z + slope·(φ(z) − z), and ∂h/∂z, None where it is 1."""
    if layer.activation is None:
        return z, None
    phi = layer.activation.phi(z)
    dphi = layer.activation.dphi(z, phi)
    if not layer.slope:
        return phi, dphi
    return z + p["slope"] * (phi - z), 1 + p["slope"] * (dphi - 1)


@dataclass(frozen=True, eq=False)
class Shares:
    """values (N, C, Q): of each column; base (Q,): the mean F of the rows to compare with;
    prediction (N, Q): F of the rows; error (N,): see :func:`shares`."""

    values: Array
    base: Array
    prediction: Array
    error: Array


def shares(
    members: Sequence[Member],
    link: Link,
    X: Array,
    background: Array,
    groups: Array,
    n_groups: int,
    tolerance: float,
) -> Shares:
    """The attributions of rows X (N, D), each the mean over the rows of `background` (B, D).

    groups (D,): the number of the column of the table for each column of X. The number of pieces
    doubles until the error of a row is at most `tolerance` for every F, or there are 512. The error
    is the larger one of |Σ_c A_c − (F(x) − base)| and the last change of any A_c. What is missing
    in the sum is then shared out in proportion to |A_c|, so that the sum holds to rounding.
    """
    ends, starts = ([m.embed(rows) for m in members] for rows in (X, background))
    lines = [
        _Line(m, h, h_0, m.enter(h), m.enter(h_0), groups[m.columns])
        for m, h, h_0 in zip(members, ends, starts, strict=True)
    ]
    prediction = link.value(np.stack([line.member.forward(line.v)[0] for line in lines]))
    base = link.value(np.stack([line.member.forward(line.v_0)[0] for line in lines])).mean(axis=0)
    values = np.zeros((len(X), n_groups, prediction.shape[1]))
    error = np.full(len(X), np.inf)
    pieces, active = 1, np.arange(len(X))
    while len(active) and pieces <= MOST_PIECES:
        found = _sums(lines, link, active, len(background), pieces, n_groups)
        missed = np.abs(found.sum(axis=1) - (prediction[active] - base)).max(axis=1)
        change = np.abs(found - values[active]).max(axis=(1, 2))
        values[active], error[active] = found, np.maximum(missed, change)
        active = active[error[active] > tolerance] if pieces > 1 else active
        pieces *= 2
    size = np.abs(values)
    missing = prediction - base - values.sum(axis=1)
    total = np.maximum(size.sum(axis=1), np.finfo(float).tiny)
    values += size * (missing / total)[:, None]
    return Shares(values, base, prediction, error)


@dataclass(frozen=True, eq=False)
class _Line:
    """A member with the ends of its lines: h, v of rows (N, …), h_0, v_0 of background rows."""

    member: Member
    h: Array
    h_0: Array
    v: Array
    v_0: Array
    groups: Array


def _sums(
    lines: Sequence[_Line], link: Link, rows: Array, n_back: int, pieces: int, n_groups: int
) -> Array:
    """A (rows, C, Q) with so many pieces."""
    s, weights = _nodes(pieces)
    pairs = np.stack(np.meshgrid(np.arange(len(rows)), np.arange(n_back), indexing="ij"), axis=-1)
    pairs = pairs.reshape(-1, 2)
    total: Array | None = None
    for some, nodes in _chunks(len(pairs), len(s)):
        places, back = pairs[some].T
        ends = rows[places]
        z, saved = [], []
        for line in lines:
            v = line.v_0[back][:, None] + s[nodes, None] * (line.v[ends] - line.v_0[back])[:, None]
            z_m, kept = line.member.forward(v.reshape(-1, v.shape[-1]))
            z.append(z_m)
            saved.append(kept)
        for q, dF_dz in enumerate(link.gradients(np.stack(z))):
            if total is None:
                n_outputs = link.value(np.stack(z)[:, :1]).shape[1]
                total = np.zeros((len(rows), n_groups, n_outputs))
            for line, kept, dF in zip(lines, saved, dF_dz, strict=True):
                dF_dv = line.member.backward(kept, dF).reshape(len(ends), len(s[nodes]), -1)
                mean = np.einsum("pnv,n->pv", dF_dv, weights[nodes])
                A = line.member.leave(mean) * (line.h[ends] - line.h_0[back])
                column_values = np.zeros((len(ends), n_groups))
                np.add.at(column_values.T, line.groups, A.T)
                np.add.at(total[:, :, q], places, column_values / n_back)
    assert total is not None
    return total


def _nodes(pieces: int) -> tuple[Array, Array]:
    """Nodes in [0, 1] and their weights."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    starts = np.arange(pieces)[:, None]
    nodes = (starts + (x + 1) / 2) / pieces
    return nodes.ravel(), np.tile(w / (2 * pieces), pieces)


def _chunks(n_pairs: int, n_nodes: int) -> Iterator[tuple[slice, slice]]:
    """(pairs, nodes) of a few thousand points at a time."""
    step = max(1, CHUNK // n_nodes)
    for begin in range(0, n_pairs, step):
        for first in range(0, n_nodes, CHUNK):
            yield slice(begin, begin + step), slice(first, first + CHUNK)
