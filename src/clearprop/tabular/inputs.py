"""From a table to the inputs of a network: numbers with their bins, flags, codes of categories.

`TableInputs` is fitted to all training rows, without the target. It makes a float32 matrix with
four parts, side by side, and the layer that takes it:

- Numbers: z = s (x − median) with s = 1/(q₇₅ − q₂₅), or s = 2/(max − min) if the quartiles are the
  same. A missing value becomes the median. Numbers go into
  :class:`clearprop.embeddings.PiecewiseLinear`.
- Flags for categories, booleans and missing values. They are scaled in the same way, clipped
  smoothly by z/√(1 + (z/3)²), and go to the next layer as they are.
- Codes of categories, for columns with many categories. A missing value and an unseen category have
  the code 0. They go into :class:`clearprop.embeddings.Embedding`.
- Codes of the n-grams of texts, see :mod:`clearprop.tabular.texts`. They go into
  :class:`clearprop.embeddings.EmbeddingBag`.

:mod:`clearprop.tabular.input_columns` has the records of single columns.

Sources: Holzmüller et al. 2024 (RealMLP) for the scaling and the clip; Good 1953 for how often a
category with a single row occurs again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.embeddings import Embedding, EmbeddingBag, Identity, Parallel, PiecewiseLinear
from clearprop.layers import Layer
from clearprop.tables.frames import TableError
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.sources import Source, check_names, find_all
from clearprop.tabular.input_columns import CLIP, Categories, InputColumn
from clearprop.tabular.table_columns import TableColumn
from clearprop.tabular.texts import TEXT_SAMPLE, NGrams

LEAST_UNITS, MAX_UNITS = 3, 8  # learnt functions of a numeric column
FEW_ROWS, LEAST_OF_FEW = 6_000, 2  # the least number for tables of up to so many rows
ALL_UNITS = 40  # of all columns together: with few columns, the shape of each matters more
EMBEDDING_UNITS = 8
TEXT_UNITS = 8
SAMPLE = 200_000  # rows at most that the statistics of numbers are computed from
CHUNK_BYTES = 2**24  # of the part of the matrix that is filled at a time


@dataclass(frozen=True)
class TableInputs:
    """How a table becomes the inputs of a network; see the module.

    columns: a record for each column that is used.
    names: the names of all columns in training, in order.
    least_units: the number of learnt functions of a numeric column if there are many such columns.
    table: a record for each column of the table, as it was found; none in files of versions that
    did not keep them.
    """

    columns: tuple[InputColumn, ...]
    names: tuple[str, ...]
    least_units: int = LEAST_UNITS
    table: tuple[TableColumn, ...] = ()

    @classmethod
    def fit(
        cls,
        source: Source,
        kinds: Mapping[str, str] | None = None,
        seed: int = 0,
        rows: Array | None = None,
        findings: Mapping[str, ColumnFinding] | None = None,
    ) -> TableInputs:
        """Fit to the rows of a source, without their targets.

        rows: the numbers of the rows to use, None for all.
        kinds: column → "numeric", "categorical", "boolean", "date", "text" or "ignore", instead of
        what the type and the values say.
        seed: of the sample of 200,000 rows that the statistics are computed from if there are
        more rows; categories come from all rows.
        findings: what each column is, where that is decided already.

        Raises TableError for an unknown column and for values that are not of the kind, ValueError
        for an unknown kind.
        """
        if source.n_rows == 0:
            raise TableError("the table has no rows")
        n = source.n_rows if rows is None else len(rows)
        sample = source if rows is None or n > SAMPLE else source.take(rows)
        if n > SAMPLE:
            drawn = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
            sample = source.take(drawn if rows is None else rows[drawn])
        columns, table = [], []
        if findings is None:
            findings = find_all(source, kinds, rows=rows)
        for name in source.names:
            reading = findings[name].reading
            if reading.kind == "categorical":
                labels = reading.labels(source.column(name, rows))
                column = InputColumn.from_categories(name, reading, labels)
            elif reading.kind == "text":
                texts = reading.labels(sample.column(name))
                step = max(1, len(texts) // TEXT_SAMPLE)
                column = InputColumn.from_texts(name, reading, texts[::step])
            elif reading.kind != "ignore":
                column = InputColumn.from_sample(name, reading, sample, n)
            else:
                column = None
            columns += [] if column is None else [column]
            table.append(TableColumn.of(name, findings[name], column))
        least_units = LEAST_UNITS if n > FEW_ROWS else LEAST_OF_FEW
        return cls(tuple(columns), source.names, least_units, tuple(table))

    @property
    def table_columns(self) -> tuple[TableColumn, ...]:
        """A record for each column of the table, in order."""
        used = {column.name: column for column in self.columns}
        table = self.table or [TableColumn.of_input(name, used.get(name)) for name in self.names]
        return tuple(c if c.name in used else c.left_out() for c in table)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """How many columns of the matrix are numbers, flags, codes and n-grams; one at least."""
        n_flags = sum(column.n_flags for column in self.columns)
        n_numbers = sum(len(column.numbers) for column in self.columns)
        n_codes, n_ngrams = len(self._embedded), sum(text.n_codes for text in self._texts)
        is_empty = not (n_numbers or n_codes or n_ngrams)
        return n_numbers, max(n_flags, int(is_empty)), n_codes, n_ngrams

    @property
    def places(self) -> list[Array]:
        """For each of `columns`, the indices of the matrix columns that it fills, int64."""
        starts, found = np.cumsum([0, *self.sizes[:3]]), []
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

    def directions(self, monotone: Mapping[str, int]) -> tuple[int, ...]:
        """The direction of each column of the matrix, (D,): 1 or −1 for the numbers of constrained
        columns, 0 for everything else, such as the flags of their missing values.
        """
        found = [0] * sum(self.sizes)
        for column, places in zip(self.columns, self.places, strict=True):
            for place in places[: len(column.numbers)].tolist():
                found[place] = monotone.get(column.name, 0)
        return tuple(found)

    @property
    def n_vectors(self) -> list[int]:
        """For each column the number of its embedding vectors, 0 for a column without."""
        found = [column.categories for column in self.columns]
        return [len(c.names) + 1 if c is not None and c.embedded else 0 for c in found]

    def without(self, numbers: Sequence[int]) -> TableInputs:
        """The same inputs without the columns of these numbers."""
        left_out = set(numbers)
        kept = [column for i, column in enumerate(self.columns) if i not in left_out]
        return replace(self, columns=tuple(kept))

    @property
    def _embedded(self) -> list[Categories]:
        found = [column.categories for column in self.columns]
        return [categories for categories in found if categories and categories.embedded]

    @property
    def _texts(self) -> list[NGrams]:
        return [column.ngrams for column in self.columns if column.ngrams is not None]

    @property
    def layer(self) -> Parallel:
        """The layer that takes the matrix."""
        n_numbers, n_flags, n_codes, _ = self.sizes
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
        for text in self._texts:
            layers.append(EmbeddingBag((len(text.names),), text.n_codes, TEXT_UNITS))
        return Parallel(tuple(layers))

    def transform(self, source: Source, rows: Array | None = None) -> Array:
        """The matrix (N, D) float32 of a source; it may have other columns too, in any order.

        rows: the numbers of the rows to transform, None for all. Raises TableError for a missing
        column and for values that are not of their column's kind.
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
        """For each categorical column with any, the number of labels without a code."""
        counts: dict[str, int] = {}
        for column in self.columns:
            if column.categories is not None and source.n_rows:
                labels = column.reading.labels(source.column(column.name))
                unknown = column.codes(labels) == 0
                n = int(unknown.sum()) - int(labels.null_count)
                counts |= {column.name: n} if n else {}
        return counts

    def fill(self, source: Source, X: Array, numbers: Sequence[int]) -> None:
        """Fill the parts of the matrix X (N, D) that belong to the columns of these numbers."""
        starts = np.cumsum([0, *self.sizes[:3]])
        for i, column in enumerate(self.columns):
            stops = starts + column.widths
            if i in numbers:
                parts = [X[:, start:stop] for start, stop in zip(starts, stops, strict=True)]
                column.encode(source, *parts)
            starts = stops
