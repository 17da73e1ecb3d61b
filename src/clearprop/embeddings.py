"""The layer kinds that turn the columns of a table into inputs of a network.

Forward and backward are side by side, as in :mod:`clearprop.layers`. A numeric column becomes
itself and some learnt functions of it; each category of a category column becomes a learnt vector;
the n-grams of a text become one learnt vector.
:class:`Parallel` puts such layers next to each other, each with its own columns of X.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_number
from clearprop.initializers import Initializer, Rng
from clearprop.layers import Dense, Derivatives, Draw, Dropout, Layer, Parameters


@dataclass(frozen=True)
class Identity:
    """The columns unchanged. n: number of columns."""

    n: int
    name: ClassVar[str] = "identity"
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset()
    stochastic: ClassVar[bool] = False

    @property
    def n_in(self) -> int:
        return self.n

    @property
    def n_out(self) -> int:
        return self.n

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, None]:
        return h, None

    def backward(self, p: Parameters, saved: None, dL_dh_next: Array) -> Derivatives:
        return Derivatives(dL_dh_next, {})


@dataclass(frozen=True)
class Scale:
    """A learnt factor for each column: h_next = s ⊙ h. n: number of columns. s: (n,)."""

    n: int
    name: ClassVar[str] = "scale"
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset({"s"})
    stochastic: ClassVar[bool] = False

    @property
    def n_in(self) -> int:
        return self.n

    @property
    def n_out(self) -> int:
        return self.n

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"s": (self.n,)}

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {"s": np.ones(self.n)}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, Array]:
        return p["s"] * h, h

    def backward(self, p: Parameters, saved: Array, dL_dh_next: Array) -> Derivatives:
        return Derivatives(p["s"] * dL_dh_next, {"s": (dL_dh_next * saved).sum(axis=0)})


@dataclass(frozen=True)
class PiecewiseLinear:
    """Each column x becomes [x̃, e₁ … e_d]: x clipped smoothly, and d piecewise linear functions.

    x̃ = x / √(1 + (x/c)²), e = Vᵀ PLE(x), PLE_j(x) = (x − β_{j−1}) / (β_j − β_{j−1}). PLE_j is
    clipped to [0, 1], except that the first may fall to −1 and the last may rise to 2. Each column
    has its own fixed edges β_0 < β_1 < …, at least two.
    V: (bins of all columns, d), one column's bins after the other's. The 1 + d outputs of a column
    are next to each other.
    Sources: Gorishniy et al. 2022 (piecewise linear encoding), Holzmüller et al. 2024 (the clip,
    with c = 3). Raises ValueError for edges that do not increase or are not finite.
    """

    edges: tuple[tuple[float, ...], ...]
    n_units: int = 3
    clip: float = 3.0
    name: ClassVar[str] = "piecewise_linear"
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset({"V"})
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for column, edges in enumerate(self.edges):
            rising = all(a < b for a, b in pairwise(edges))
            if len(edges) < 2 or not rising or not np.isfinite(edges).all():
                raise ValueError(
                    "edges must be two or more finite numbers in increasing order for each column; "
                    f"got {edges!r} for column {column}"
                )
        check_number("n_units", self.n_units, at_least=1, integer=True)
        if not self.clip > 0:
            raise ValueError(f"clip must be a number > 0; got {self.clip!r}")

    @property
    def n_in(self) -> int:
        return len(self.edges)

    @property
    def n_out(self) -> int:
        return len(self.edges) * (1 + self.n_units)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"V": (self.starts[-1], self.n_units)}

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where the bins of each column begin in V, followed by the number of all bins."""
        return (0, *(int(n) for n in np.cumsum([len(edges) - 1 for edges in self.edges])))

    def _bounded(self, h: Array) -> Array:
        """h within ±10¹⁵ c, where x̃ is ±c to the last bit and (x/c)² does not overflow."""
        far = h.dtype.type(1e15 * self.clip)
        return np.clip(h, -far, far)

    def bins(self, column: int, x: Array) -> tuple[Array, Array]:
        """PLE(x) and its derivative with respect to x, each (N, bins), for x (N,) of one column."""
        edges = np.array(self.edges[column], dtype=x.dtype)
        width = np.diff(edges)
        low, high = np.zeros_like(width), np.ones_like(width)
        low[0], high[-1] = -1, 2
        ple = (x[:, None] - edges[:-1]) / width
        inside = (low < ple) & (ple < high)
        return np.clip(ple, low, high), inside / width

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {"V": rng.normal(0, 0.05, self.shapes["V"])}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, Array]:
        out = np.empty((len(h), self.n_in, 1 + self.n_units), h.dtype)
        x = self._bounded(h)
        out[:, :, 0] = x / np.sqrt(1 + (x / self.clip) ** 2) + 0 * h  # infinity is NaN
        for column, (start, stop) in enumerate(pairwise(self.starts)):
            out[:, column, 1:] = self.bins(column, h[:, column])[0] @ p["V"][start:stop]
        return out.reshape(len(h), self.n_out), h

    def backward(self, p: Parameters, saved: Array, dL_dh_next: Array) -> Derivatives:
        dL_de = dL_dh_next.reshape(len(saved), self.n_in, 1 + self.n_units)
        dL_dV = np.empty_like(p["V"])
        dL_dh = dL_de[:, :, 0] * (1 + (self._bounded(saved) / self.clip) ** 2) ** -1.5
        for column, (start, stop) in enumerate(pairwise(self.starts)):
            ple, dple = self.bins(column, saved[:, column])
            dL_dV[start:stop] = ple.T @ dL_de[:, column, 1:]
            dL_dple = dL_de[:, column, 1:] @ p["V"][start:stop].T
            dL_dh[:, column] += (dL_dple * dple).sum(axis=1)
        return Derivatives(dL_dh, {"V": dL_dV})


@dataclass(frozen=True)
class Periodic:
    """Each column x becomes [x, e₁ … e_d], e = W₂ cos(2π(x·w₁) + b₁) + b₂ (called PBLD).

    n: number of columns; each has its own w₁, b₁ (n_frequencies,), W₂ (d, n_frequencies), b₂ (d,).
    The 1 + d outputs of a column are next to each other.
    Source: Holzmüller et al. 2024.
    """

    n: int
    n_frequencies: int = 16
    n_units: int = 3
    name: ClassVar[str] = "periodic"
    biases: ClassVar[frozenset[str]] = frozenset({"b_1", "b_2"})
    decayed: ClassVar[frozenset[str]] = frozenset({"w_1", "W_2"})
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("n_frequencies", self.n_frequencies, at_least=1, integer=True)
        check_number("n_units", self.n_units, at_least=1, integer=True)

    @property
    def n_in(self) -> int:
        return self.n

    @property
    def n_out(self) -> int:
        return self.n * (1 + self.n_units)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        n, k, d = self.n, self.n_frequencies, self.n_units
        return {"w_1": (n, k), "b_1": (n, k), "W_2": (n, d, k), "b_2": (n, d)}

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        bound = self.n_frequencies**-0.5
        return {
            "w_1": rng.normal(0, 0.1, self.shapes["w_1"]),
            "b_1": rng.uniform(-np.pi, np.pi, self.shapes["b_1"]),
            "W_2": rng.uniform(-bound, bound, self.shapes["W_2"]),
            "b_2": rng.uniform(-bound, bound, self.shapes["b_2"]),
        }

    def forward(
        self, p: Parameters, h: Array, draw: Draw | None
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        z = 2 * np.pi * (h[:, :, None] * p["w_1"]) + p["b_1"]
        cos = np.cos(z)
        e = np.einsum("nfk,fdk->nfd", cos, p["W_2"]) + p["b_2"]
        out = np.concatenate([h[:, :, None], e], axis=2).astype(h.dtype)
        return out.reshape(len(h), self.n_out), (h, z, cos)

    def backward(
        self, p: Parameters, saved: tuple[Array, Array, Array], dL_dh_next: Array
    ) -> Derivatives:
        h, z, cos = saved
        dL_dout = dL_dh_next.reshape(len(h), self.n, 1 + self.n_units)
        dL_de = dL_dout[:, :, 1:]
        dL_dz = -np.sin(z) * np.einsum("nfd,fdk->nfk", dL_de, p["W_2"])
        dL_dh = dL_dout[:, :, 0] + 2 * np.pi * (dL_dz * p["w_1"]).sum(axis=2)
        return Derivatives(
            dL_dh.astype(h.dtype),
            {
                "w_1": 2 * np.pi * (dL_dz * h[:, :, None]).sum(axis=0),
                "b_1": dL_dz.sum(axis=0),
                "W_2": np.einsum("nfd,nfk->fdk", dL_de, cos),
                "b_2": dL_de.sum(axis=0),
            },
        )


@dataclass(frozen=True)
class Embedding:
    """Each column of category numbers becomes a learnt vector: row c of E for category c.

    sizes: number of categories of each column; a column holds integers 0 … size − 1.
    E: (categories of all columns, n_units), one column's categories after the other's.
    forward raises ValueError for a number that is not a category.
    """

    sizes: tuple[int, ...]
    n_units: int = 8
    name: ClassVar[str] = "embedding"
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset({"E"})
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for size in self.sizes:
            check_number("sizes", size, at_least=1, integer=True)
        check_number("n_units", self.n_units, at_least=1, integer=True)

    @property
    def n_in(self) -> int:
        return len(self.sizes)

    @property
    def n_out(self) -> int:
        return len(self.sizes) * self.n_units

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"E": (sum(self.sizes), self.n_units)}

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where the categories of each column begin in E."""
        return (0, *(int(n) for n in np.cumsum(self.sizes)))

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {"E": rng.normal(0, 1, self.shapes["E"])}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, Array]:
        wrong = ~((h >= 0) & (h < np.array(self.sizes)) & (h == np.floor(h)))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"X must hold whole numbers 0 … {self.sizes[column] - 1} in category column "
                f"{column}; got {h[row, column]!r} in row {row}"
            )
        rows = h.astype(np.int64) + np.array(self.starts[:-1])
        return p["E"][rows].reshape(len(h), self.n_out), rows

    def backward(self, p: Parameters, saved: Array, dL_dh_next: Array) -> Derivatives:
        dL_dE = np.zeros_like(p["E"])
        np.add.at(dL_dE, saved, dL_dh_next.reshape(*saved.shape, self.n_units))
        return Derivatives(np.zeros(saved.shape, dL_dh_next.dtype), {"E": dL_dE})


@dataclass(frozen=True)
class EmbeddingBag:
    """The codes of a text become one learnt vector: the sum of their rows of G, divided by √n.

    Each text has n_codes columns of X, next to each other, with codes 1 … size in any order and 0
    for none: e = (1/√n) Σ_t G[c_t − 1] over the n codes c_t ≠ 0 of a row, and e = 0 for n = 0. A
    code that occurs twice counts twice.

    sizes: number of codes of each text. G: (codes of all texts, n_units), one text's codes after
    the other's. forward raises ValueError for a number that is not a code.
    """

    sizes: tuple[int, ...]
    n_codes: int
    n_units: int = 8
    name: ClassVar[str] = "embedding_bag"
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset({"G"})
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for size in self.sizes:
            check_number("sizes", size, at_least=1, integer=True)
        check_number("n_codes", self.n_codes, at_least=1, integer=True)
        check_number("n_units", self.n_units, at_least=1, integer=True)

    @property
    def n_in(self) -> int:
        return len(self.sizes) * self.n_codes

    @property
    def n_out(self) -> int:
        return len(self.sizes) * self.n_units

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"G": (sum(self.sizes), self.n_units)}

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where the codes of each text begin in G, followed by the number of all codes."""
        return (0, *(int(n) for n in np.cumsum(self.sizes)))

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {"G": rng.normal(0, 1, self.shapes["G"])}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, Array]:
        sizes = np.repeat(self.sizes, self.n_codes)
        wrong = ~((h >= 0) & (h <= sizes) & (h == np.floor(h)))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"X must hold whole numbers 0 … {sizes[column]} in code column {column}; "
                f"got {h[row, column]!r} in row {row}"
            )
        codes = h.reshape(len(h), len(self.sizes), self.n_codes).astype(np.int64)
        rows = np.where(codes > 0, codes - 1 + np.array(self.starts[:-1])[:, None], -1)
        out = np.zeros((len(h), len(self.sizes), self.n_units), h.dtype)
        for t in range(self.n_codes):
            used = rows[:, :, t] >= 0
            out[used] += p["G"][rows[:, :, t][used]]
        return (self.weights(rows, h.dtype) * out).reshape(len(h), self.n_out), rows

    def weights(self, rows: Array, dtype: Any) -> Array:
        """1/√n for each row and text, 0 for n = 0, (N, texts, 1); rows: of G, −1 for none."""
        n = (rows >= 0).sum(axis=2, keepdims=True).astype(dtype)
        weights: Array = np.where(n > 0, 1 / np.sqrt(np.maximum(n, 1)), 0).astype(dtype)
        return weights

    def backward(self, p: Parameters, saved: Array, dL_dh_next: Array) -> Derivatives:
        dL_dG = np.zeros_like(p["G"])
        dL_de = dL_dh_next.reshape(len(saved), len(self.sizes), self.n_units)
        weighted = self.weights(saved, dL_dh_next.dtype) * dL_de
        n, text, _ = np.nonzero(saved >= 0)
        np.add.at(dL_dG, saved[saved >= 0], weighted[n, text])
        return Derivatives(np.zeros((len(saved), self.n_in), dL_dh_next.dtype), {"G": dL_dG})


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


LAYER_KINDS: dict[str, type[Any]] = {
    kind.name: kind
    for kind in (
        Dense,
        Dropout,
        Scale,
        Identity,
        PiecewiseLinear,
        Periodic,
        Embedding,
        EmbeddingBag,
        Parallel,
    )
}
