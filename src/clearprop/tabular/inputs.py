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

import numpy as np

from clearprop._typing import Array
from clearprop.embeddings import Embedding, Identity, Parallel, PiecewiseLinear
from clearprop.layers import Layer
from clearprop.tables.columns import KINDS
from clearprop.tables.frames import TableError
from clearprop.tabular.input_columns import CLIP, Categories, InputColumn
from clearprop.tabular.sources import Source, check_names

LEAST_UNITS, MAX_UNITS = 3, 8  # learnt functions of a numeric column
FEW_ROWS, LEAST_OF_FEW = 6_000, 2  # in a table of so many rows at the most
ALL_UNITS = 40  # of all columns together: where there are few, their shape tells the rows apart
EMBEDDING_UNITS = 8
SAMPLE = 200_000  # rows that statistics of numbers are taken from, of more
CHUNK_BYTES = 2**24  # of the matrix that is filled at a time


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
            kind, type_ = source.describe(name, rows, kinds.get(name))
            if kind == "categorical":
                column = InputColumn.of_categories(name, type_, source.labels(name, rows))
            elif kind != "ignore":
                column = InputColumn.of_sample(name, kind, type_, sample, n)
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
        """Of each of `columns`, the numbers of its columns of the matrix, int64."""
        starts, found = np.cumsum([0, *self.sizes[:2]]), []
        for column in self.columns:
            stops = starts + column.widths
            found.append(np.concatenate(list(map(np.arange, starts, stops))))
            starts = stops
        return found

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of the matrix (D,), such as "age" or "colour=red"."""
        names = ["(none)"] * sum(self.sizes)
        for column, places in zip(self.columns, self.places, strict=True):
            for place, name in zip(places, column.feature_names, strict=True):
                names[place] = name
        return tuple(names)

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
            self.fill(some, X[begin:end], range(len(self.columns)))
        return X

    def count_unseen(self, source: Source) -> dict[str, int]:
        """By the names of columns with categories, how many labels have no number of their own."""
        counts: dict[str, int] = {}
        for column in self.columns:
            if column.categories is not None and source.n_rows:
                labels = source.labels(column.name)
                unknown = column.codes(labels) == 0
                n = int(unknown.sum()) - int(labels.null_count)
                counts |= {column.name: n} if n else {}
        return counts

    def fill(self, source: Source, X: Array, numbers: Sequence[int]) -> None:
        """Fill what the columns of these numbers have of the matrix X (N, D), from N rows."""
        starts = np.cumsum([0, *self.sizes[:2]])
        for i, column in enumerate(self.columns):
            stops = starts + column.widths
            if i in numbers:
                parts = [X[:, start:stop] for start, stop in zip(starts, stops, strict=True)]
                column.encode(source, *parts)
            starts = stops
