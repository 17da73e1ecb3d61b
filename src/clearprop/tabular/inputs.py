"""From a table to the inputs of a network: numbers with their bins, flags, numbers of categories.

`TableInputs` is fitted to all training rows, without the target. It makes a float32 matrix of three
parts, one after another, and the layer that takes them:

- numeric columns, z = s (x − median), s = 1/(q₇₅ − q₂₅), or 2/(max − min) where that is 0; a
  missing number is the median. They go into :class:`clearprop.embeddings.PiecewiseLinear`.
- flags, for a category, a truth value, "is missing", scaled in the same way and clipped smoothly:
  z/√(1 + (z/3)²). They stay as they are.
- category numbers of columns with many categories, 0 for one that is missing or was never seen.
  They go into :class:`clearprop.embeddings.Embedding`.

Sources: Holzmüller et al. 2024 (RealMLP) for scaling and clip; Good 1953 for how often a category
of a single row is met again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.embeddings import Embedding, Identity, Parallel, PiecewiseLinear
from clearprop.layers import Layer
from clearprop.tables.column_encodings import date_parts
from clearprop.tables.columns import KINDS
from clearprop.tables.frames import TableError
from clearprop.tabular.sources import Source, check_names

LIMIT = 1e6  # of |z|: clip and bins have long saturated there
CLIP = 3.0
LEAST_UNITS, MAX_UNITS = 3, 8  # learnt functions of a numeric column
FEW_ROWS, LEAST_OF_FEW = 6_000, 2  # in a table of so many rows at the most
ALL_UNITS = 40  # of all columns together: where there are few, their shape tells the rows apart
MAX_FLAGS = 24  # categories of a column with a flag for each; with more they are embedded
EMBEDDING_UNITS = 8
# rows among as many new ones that categories of a single row have on average, which is 2 n₂/n₁ with
# n₁ of them and n₂ of two rows; with fewer they are as good as unknown
MET_AGAIN = 0.1
MANY_ROWS, FEW_BINS, MANY_BINS = 20_000, 48, 128
SAMPLE = 200_000  # rows that statistics of numbers are taken from, of more
CHUNK_BYTES = 2**24  # of the matrix that is filled at a time


@dataclass(frozen=True)
class Number:
    """A numeric column: z = scale·(2^−exponent·x − median), within ±10⁶; edges: of its bins."""

    name: str
    median: float
    scale: float
    exponent: int
    edges: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, x: Array, n_bins: int) -> Number | None:
        """From values (N,), NaN where missing; None where all are the same."""
        present = x[np.isfinite(x)]
        if len(present) == 0 or present.min() == present.max():
            return None
        exponent = int(np.frexp(np.abs(present).max())[1])  # no difference or quantile overflows
        low, q25, median, q75, high = np.quantile(
            np.ldexp(present, -exponent), [0, 0.25, 0.5, 0.75, 1]
        )
        scale = 1 / (q75 - q25) if q75 - q25 > 1e-300 else 2 / (high - low)
        if not np.isfinite(scale):
            return None
        plain = cls(name, float(median), float(scale), exponent, ())
        edges = bin_edges(plain.encode(present), n_bins)
        if len(edges) < 2:  # float32 does not tell the values apart
            return None
        return cls(name, plain.median, plain.scale, exponent, tuple(edges.tolist()))

    def encode(self, x: Array) -> Array:
        """z (N,) float32; that of the median, 0, for NaN."""
        with np.errstate(over="ignore"):
            z = self.scale * (np.ldexp(x, -self.exponent) - self.median)
        z = np.nan_to_num(z, copy=False, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
        return np.clip(z, -LIMIT, LIMIT, out=z).astype(np.float32)


def bin_edges(z: Array, n_bins: int) -> Array:
    """Edges of at most n_bins bins for z (N,) float32: different ones of its quantiles i/n_bins.

    A value that many rows have takes up many quantiles; then other values of z, evenly chosen
    among those that differ, fill up the number. Of few values each is an edge.
    """
    values = np.unique(z)
    if len(values) <= n_bins + 1:
        return values
    edges = np.unique(np.quantile(z, np.linspace(0, 1, n_bins + 1)).astype(np.float32))
    n_free = n_bins + 1 - len(edges)
    if n_free > 0:
        others = np.setdiff1d(values, edges, assume_unique=True)
        if len(others) > n_free:
            others = others[np.linspace(0, len(others) - 1, n_free).round().astype(int)]
        edges = np.union1d(edges, others)
    return np.asarray(edges)


@dataclass(frozen=True)
class Flag:
    """A column of −1, 0, 1: value v becomes z = scale·(v − centre), clipped smoothly."""

    centre: float
    scale: float

    @classmethod
    def fit(cls, v: Array) -> Flag | None:
        """From values (N,); None where all are the same."""
        low, q25, median, q75, high = np.quantile(v, [0, 0.25, 0.5, 0.75, 1])
        if low == high:
            return None
        return cls(float(median), float(1 / (q75 - q25) if q75 > q25 else 2 / (high - low)))

    def encode(self, v: Array) -> Array:
        z = self.scale * (v - self.centre)
        return (z / np.sqrt(1 + (z / CLIP) ** 2)).astype(np.float32)


@dataclass(frozen=True)
class Categories:
    """The categories of a column, in order; its flags, or none where it is embedded.

    Two categories without missing ones make one flag, +1 and −1; else there is one for each
    category, and all are 0 where the category is missing or was never seen.
    """

    names: tuple[str, ...]
    embedded: bool

    @property
    def n_flags(self) -> int:
        if self.embedded:
            return 0
        return 1 if len(self.names) == 2 else len(self.names)

    def codes(self, labels: Any) -> Array:
        """Number of each label from 1 on, 0 for one that is missing or unknown, int64 (N,)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.index_in(labels, value_set=pa.array(self.names, pa.large_string()))
        codes: Array = np.asarray(pc.fill_null(found, -1), dtype=np.int64) + 1
        return codes

    def values(self, codes: Array, flag: int) -> Array:
        """What flag number `flag` is for each row before it is scaled."""
        values = np.array([0.0, 1.0, -1.0]) if self.n_flags == 1 else np.zeros(len(self.names) + 1)
        if self.n_flags > 1:
            values[flag + 1] = 1
        of_rows: Array = values[codes]
        return of_rows


@dataclass(frozen=True)
class InputColumn:
    """A column of the table and what is made of it: numbers, flags, or numbers of categories."""

    name: str
    kind: str
    numbers: tuple[Number, ...] = ()
    categories: Categories | None = None
    flags: tuple[Flag, ...] = ()
    missing: Flag | None = None

    @classmethod
    def of_sample(cls, name: str, kind: str, sample: Source, n: int) -> InputColumn | None:
        """Of anything but categories, from some of n rows; None where the column says nothing."""
        if kind == "boolean":
            flag = Flag.fit(sample.signs(name))
            return None if flag is None else cls(name, kind, flags=(flag,))
        numbers, missing = [], None
        n_bins = MANY_BINS if n >= MANY_ROWS else FEW_BINS
        for part, x in _numbers_of(sample, name, kind).items():
            is_missing = np.isnan(x)
            if is_missing.any():
                missing = Flag.fit(is_missing.astype(np.float64))
            number = Number.fit(part, x, n_bins)
            numbers += [] if number is None else [number]
        found = cls(name, kind, tuple(numbers), missing=missing)
        return found if numbers or missing is not None else None

    @classmethod
    def of_categories(cls, name: str, labels: Any) -> InputColumn | None:
        """From the labels of all rows; None where they say nothing."""
        import pyarrow.compute as pc

        counts = pc.value_counts(labels.drop_null())
        names, n = counts.field("values").to_pylist(), counts.field("counts").to_numpy()
        embedded = len(names) > MAX_FLAGS
        if embedded and 2 * np.sum(n == 2) < MET_AGAIN * np.sum(n == 1):
            names = [label for label, count in zip(names, n, strict=True) if count > 1]
        if not names:
            return None
        categories = Categories(tuple(sorted(names)), embedded)
        codes = categories.codes(labels)
        flags = [Flag.fit(categories.values(codes, i)) for i in range(categories.n_flags)]
        if not embedded and not any(flags):
            return None
        constant = Flag(0.0, 0.0)
        return cls(name, "categorical", (), categories, tuple(f or constant for f in flags))

    @property
    def n_flags(self) -> int:
        return len(self.flags) + (self.missing is not None)

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many columns it has of the three parts of the matrix."""
        embedded = self.categories is not None and self.categories.embedded
        return len(self.numbers), self.n_flags, int(embedded)

    def encode(self, source: Source, numbers: Array, flags: Array, codes: Array) -> None:
        """Fill its columns of the three parts, (N, …) each."""
        if self.categories is not None:
            found = self.categories.codes(source.labels(self.name))
            if self.categories.embedded:
                codes[:, 0] = found
            for i, flag in enumerate(self.flags):
                flags[:, i] = flag.encode(self.categories.values(found, i))
        elif self.kind == "boolean":
            flags[:, 0] = self.flags[0].encode(source.signs(self.name))
        else:
            parts = _numbers_of(source, self.name, self.kind)
            for i, number in enumerate(self.numbers):
                numbers[:, i] = number.encode(parts[number.name])
            if self.missing is not None:
                is_missing = np.isnan(next(iter(parts.values())))
                flags[:, 0] = self.missing.encode(is_missing.astype(np.float64))


def _numbers_of(source: Source, name: str, kind: str) -> dict[str, Array]:
    """The numbers of a column, by the names of its parts: one for numbers, several for dates."""
    return date_parts(source.stamps(name)) if kind == "date" else {"": source.numbers(name)}


@dataclass(frozen=True)
class TableInputs:
    """How a table becomes the inputs of a network; see the module.

    columns: those that are used; names: all that were there in training, in order; least_units:
    learnt functions of a numeric column, where there are many of these.
    """

    columns: tuple[InputColumn, ...]
    names: tuple[str, ...]
    least_units: int = LEAST_UNITS

    @classmethod
    def fit(
        cls,
        source: Source,
        kinds: Mapping[str, str] | None = None,
        seed: int = 0,
        rows: Array | None = None,
    ) -> TableInputs:
        """From the rows of a source, without their targets.

        rows: numbers of those to be used, None for all. kinds: column → "numeric", "categorical",
        "boolean", "date" or "ignore", instead of what its type and values say. Of more than
        200,000 rows, so many drawn with the seed give the statistics of all columns but
        categories. Raises TableError for a name that is not there and values that are not of the
        kind, ValueError for other kinds.
        """
        kinds = dict(kinds or {})
        check_names(source, tuple(kinds))
        for name, kind in kinds.items():
            if kind not in KINDS:
                raise ValueError(f"kinds[{name!r}] must be one of {', '.join(KINDS)}; got {kind!r}")
        if source.n_rows == 0:
            raise TableError("the table has no rows")
        n = source.n_rows if rows is None else len(rows)
        sample = source if rows is None or n > SAMPLE else source.take(rows)
        if n > SAMPLE:
            drawn = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
            sample = source.take(drawn if rows is None else rows[drawn])
        columns = []
        for name in source.names:
            kind = kinds.get(name) or source.kind(name, rows)
            if kind == "categorical":
                column = InputColumn.of_categories(name, source.labels(name, rows))
            elif kind != "ignore":
                column = InputColumn.of_sample(name, kind, sample, n)
            else:
                column = None
            columns += [] if column is None else [column]
        least_units = LEAST_UNITS if n > FEW_ROWS else LEAST_OF_FEW
        return cls(tuple(columns), source.names, least_units)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many columns of the matrix are numbers, flags (one at least) and category numbers."""
        n_flags = sum(column.n_flags for column in self.columns)
        n_numbers = sum(len(column.numbers) for column in self.columns)
        n_codes = len(self._embedded)
        return n_numbers, max(n_flags, 0 if n_numbers or n_codes else 1), n_codes

    @property
    def places(self) -> list[Array]:
        """Of each column, its columns of the matrix."""
        starts, found = np.cumsum([0, *self.sizes[:2]]), []
        for column in self.columns:
            stops = starts + column.widths
            found.append(np.concatenate(list(map(np.arange, starts, stops))))
            starts = stops
        return found

    @property
    def n_vectors(self) -> list[int]:
        """By how many vectors each column is embedded, 0 for most."""
        found = [column.categories for column in self.columns]
        return [len(c.names) + 1 if c is not None and c.embedded else 0 for c in found]

    def without(self, numbers: Sequence[int]) -> TableInputs:
        """The same but for the columns of these numbers."""
        kept = [column for i, column in enumerate(self.columns) if i not in set(numbers)]
        return replace(self, columns=tuple(kept))

    @property
    def _embedded(self) -> list[Categories]:
        found = [column.categories for column in self.columns]
        return [categories for categories in found if categories and categories.embedded]

    @property
    def layer(self) -> Parallel:
        """The layer that takes the matrix."""
        n_numbers, n_flags, n_codes = self.sizes
        layers: list[Layer] = []
        if n_numbers:
            edges = tuple(number.edges for column in self.columns for number in column.numbers)
            units = min(max(self.least_units, ALL_UNITS // n_numbers), MAX_UNITS)
            layers.append(PiecewiseLinear(edges, units, CLIP))
        if n_flags:
            layers.append(Identity(n_flags))
        if n_codes:
            sizes = tuple(len(categories.names) + 1 for categories in self._embedded)
            layers.append(Embedding(sizes, EMBEDDING_UNITS))
        return Parallel(tuple(layers))

    def transform(self, source: Source, rows: Array | None = None) -> Array:
        """The matrix (N, D) float32 of a source that has the columns, in any order among others.

        rows: numbers of those that are wanted, None for all. Raises TableError for a column that
        is missing or holds what its kind cannot be.
        """
        check_names(source, tuple(column.name for column in self.columns))
        n, width = source.n_rows if rows is None else len(rows), sum(self.sizes)
        X = np.zeros((n, width), np.float32)
        step = max(1, CHUNK_BYTES // (4 * width))
        for begin in range(0, n, step):
            end = min(n, begin + step)
            some = source.rows(begin, end) if rows is None else source.take(rows[begin:end])
            self._fill(some, X[begin:end])
        return X

    def count_unseen(self, source: Source) -> dict[str, int]:
        """By the names of columns with categories, how many labels have no number of their own."""
        counts: dict[str, int] = {}
        for column in self.columns:
            if column.categories is not None and source.n_rows:
                labels = source.labels(column.name)
                unknown = column.categories.codes(labels) == 0
                n = int(unknown.sum()) - int(labels.null_count)
                counts |= {column.name: n} if n else {}
        return counts

    def _fill(self, source: Source, X: Array) -> None:
        starts = np.cumsum([0, *self.sizes[:2]])
        for column in self.columns:
            stops = starts + column.widths
            parts = [X[:, start:stop] for start, stop in zip(starts, stops, strict=True)]
            column.encode(source, *parts)
            starts = stops
