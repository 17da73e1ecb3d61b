"""Real columns as bits: the thermometer code, and the domain of a circuit's inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array


@dataclass(frozen=True)
class Encoding:
    """The thermometer code of real columns: bit i of column f is 1 where x_f > thresholds[f][i].

    columns: their names. thresholds: for each column, in increasing order. values: for each column,
    one real number for each code (a code is the number of bits that are on, 0 …
    len(thresholds[f])); a network with real inputs is given this number.
    """

    columns: tuple[str, ...]
    thresholds: tuple[tuple[float, ...], ...]
    values: tuple[tuple[float, ...], ...]

    @property
    def bit_names(self) -> tuple[str, ...]:
        """The name of each bit, as "age>37.5"."""
        return tuple(
            f"{column}>{threshold:.6g}"
            if len({f"{t:.6g}" for t in row}) == len(row)
            else f"{column}>{threshold!r}"
            for column, row in zip(self.columns, self.thresholds, strict=True)
            for threshold in row
        )

    @property
    def n_bits(self) -> int:
        """The number of bits of a row."""
        return sum(len(row) for row in self.thresholds)

    def encode(self, X: npt.ArrayLike) -> Array:
        """The bits, bool (N, n_bits), of rows X (N, columns); ValueError for NaN."""
        X = _numbers(X)
        if X.shape[1] != len(self.columns):
            raise ValueError(f"X must have {len(self.columns)} columns; got {X.shape[1]}")
        return np.hstack(
            [x[:, None] > np.array(row) for x, row in zip(X.T, self.thresholds, strict=True)]
        )


def thermometer(
    X: npt.ArrayLike,
    n_levels: int | Sequence[int] = 4,
    *,
    thresholds: Sequence[npt.ArrayLike] | None = None,
    columns: Sequence[str] | None = None,
) -> tuple[Array, Encoding]:
    """The bits (N, n_bits) of real rows X (N, columns) in thermometer code, and the encoding.

    n_levels: the number of codes of a column, one number for all columns or one for each. They are
    separated by n_levels − 1 thresholds at the quantiles of the column (fewer if quantiles
    coincide), each half way between two values of the column. thresholds: explicit thresholds for
    each column instead. columns: their names, by default x1, x2, ….
    Raises ValueError for NaN and infinity, and for thresholds that do not increase.
    """
    X = _numbers(X)
    if not np.isfinite(X).all():
        first = int(np.argwhere(~np.isfinite(X))[0][0])
        raise ValueError(f"X must hold finite numbers; row {first} has an infinity")
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X must have shape (N, columns) and must not be empty; got {X.shape}")
    D = X.shape[1]
    names = tuple(columns) if columns is not None else tuple(f"x{f + 1}" for f in range(D))
    if len(names) != D or len(set(names)) != D:
        raise ValueError(f"columns must be {D} different names; got {names!r}")
    if thresholds is None:
        levels = [n_levels] * D if isinstance(n_levels, int | np.integer) else list(n_levels)
        if len(levels) != D or not all(int(level) == level >= 2 for level in levels):
            raise ValueError(
                f"n_levels must be 2 or more, one number or one for each of {D} columns; "
                f"got {n_levels!r}"
            )
        rows = [_quantiles(x, int(level)) for x, level in zip(X.T, levels, strict=True)]
    else:
        rows = [np.asarray(row, np.float64).reshape(-1) for row in thresholds]
        if len(rows) != D:
            raise ValueError(f"thresholds must be one sequence for each of {D} columns")
        for name, row in zip(names, rows, strict=True):
            if not (np.isfinite(row).all() and (np.diff(row) > 0).all()):
                raise ValueError(f"thresholds of {name} must increase and be finite; got {row}")
    values = [_representatives(x, row) for x, row in zip(X.T, rows, strict=True)]
    encoding = Encoding(
        names,
        tuple(tuple(float(t) for t in row) for row in rows),
        tuple(tuple(float(v) for v in row) for row in values),
    )
    return encoding.encode(X), encoding


@dataclass(frozen=True)
class Domain:
    """All possible rows: each feature takes each of its codes, counting up with the first feature
    as the highest digit.

    n_bits: the bits of each feature in thermometer code, where code c has the first c bits on.
    values: for each feature, the network's input for each code; None if it is the bits.
    """

    n_bits: tuple[int, ...]
    values: tuple[tuple[float, ...], ...] | None = None

    @cached_property
    def size(self) -> int:
        """The number of rows."""
        return math.prod(n + 1 for n in self.n_bits)

    @cached_property
    def plain(self) -> bool:
        """Whether every feature is one bit, and the network's input is that bit."""
        return set(self.n_bits) == {1} and self.values is None

    def bits_of(self, point: int) -> tuple[int, ...]:
        """The bits that the network's input of this number depends on."""
        if self.values is None:
            return (point,)
        start = sum(self.n_bits[:point])
        return tuple(range(start, start + self.n_bits[point]))

    def bits(self, codes: Array) -> Array:
        """The bits, bool (N, all bits), of codes (N, features)."""
        if self.plain:
            return codes.astype(bool)
        return np.hstack(
            [codes[:, f, None] > np.arange(n)[None, :] for f, n in enumerate(self.n_bits)]
        )

    def points(self, codes: Array) -> Array:
        """The network's inputs, float64 (N, D)."""
        if self.values is None:
            return self.bits(codes).astype(np.float64)
        return np.column_stack([np.array(row)[codes[:, f]] for f, row in enumerate(self.values)])

    def codes(self, start: int, stop: int) -> Array:
        """The codes (stop − start, features) of the rows from start to stop."""
        if self.plain:
            shifts = np.arange(len(self.n_bits) - 1, -1, -1, dtype=np.uint64)
            numbers = np.arange(start, stop, dtype=np.uint64)[:, None]
            return (numbers >> shifts & np.uint64(1)).astype(np.uint16)
        rows = np.arange(start, stop, dtype=np.int64)
        codes = np.empty((len(rows), len(self.n_bits)), np.uint16)
        for f in range(len(self.n_bits) - 1, -1, -1):
            rows, codes[:, f] = np.divmod(rows, self.n_bits[f] + 1)
        return codes

    def random_codes(self, n: int, rng: np.random.Generator) -> Array:
        """The codes of n random rows."""
        return rng.integers(0, np.array(self.n_bits) + 1, (n, len(self.n_bits))).astype(np.uint16)


def _numbers(X: npt.ArrayLike) -> Array:
    X = np.asarray(X, dtype=np.float64)
    if np.isnan(X).any():
        row = int(np.argwhere(np.isnan(X))[0][0])
        raise ValueError(f"X must hold numbers; row {row} has a NaN")
    return X


def _quantiles(x: Array, n_levels: int) -> Array:
    """Thresholds between values of the column, nearest to its quantiles."""
    values = np.unique(x)
    if len(values) < 2:
        return np.zeros(0)
    middle = values[:-1] / 2 + values[1:] / 2  # halved first, to avoid overflow
    middle = np.where(middle < values[1:], middle, values[:-1])  # for neighbouring floats
    wanted = np.quantile(x / 4, np.arange(1, n_levels) / n_levels) * 4
    return np.unique(
        middle[np.clip(np.searchsorted(values, wanted, "right") - 1, 0, len(middle) - 1)]
    )


def _representatives(x: Array, thresholds: Array) -> list[float]:
    """For each code the median of its values; without any, the middle or edge of its interval."""
    code = np.searchsorted(thresholds, x, "left")  # the number of thresholds below x
    values = []
    for c in range(len(thresholds) + 1):
        here = x[code == c]
        if len(here):
            values.append(float(np.median(here)))
        elif 0 < c < len(thresholds):
            values.append(float(thresholds[c - 1] / 2 + thresholds[c] / 2))
        else:
            values.append(float(thresholds[0] if c == 0 else np.nextafter(thresholds[-1], np.inf)))
    return values
