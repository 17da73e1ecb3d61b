"""The layer kinds of categories and texts: a code, or several, become a learnt vector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_number
from clearprop.initializers import Initializer, Rng
from clearprop.layers import Derivatives, Draw, Parameters


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
