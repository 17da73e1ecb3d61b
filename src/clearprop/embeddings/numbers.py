"""The layer kinds of numeric columns: themselves, scaled, in bins, or as waves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_number
from clearprop.initializers import Initializer, Rng
from clearprop.layers import Derivatives, Draw, Parameters


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
