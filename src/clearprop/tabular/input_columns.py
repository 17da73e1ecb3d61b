"""One column of a table as inputs of a network: what was fitted, as plain data, and how it is read.

Every record is frozen and holds numbers and text only. Transforming a table, reading one row, files
and exports all work from these records.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import ColumnType
from clearprop.tables.dates import date_parts
from clearprop.tables.labels import Labels
from clearprop.tables.reading import Reading
from clearprop.tables.sources import Source
from clearprop.tabular.quantiles import quantiles
from clearprop.tabular.texts import NGrams

LIMIT = 1e6  # of |z|: the clip and the bins saturate far below
CLIP = 3.0
MAX_FLAGS = 24  # a column with more categories is embedded
# How many rows among as many new ones a category with a single row is expected to have: 2 n₂/n₁,
# with n₁ such categories and n₂ categories with two rows. Below this they are as good as unknown.
MET_AGAIN = 0.1
MANY_ROWS, FEW_BINS, MANY_BINS = 20_000, 48, 128
# Sines and cosines of dates are rounded to multiples of this. Two implementations of the sine may
# differ in the last bit, 2^-53; rounding hides the difference for all but one angle in 2^30.
ANGLE_STEP = 2.0**-20
# The least distance of two bin edges, relative to z: at least 8 units in the last place of a
# float32, so that the rounding of z moves a value by an eighth of a bin at most.
EDGES_APART = 2.0**-20
# The least distance of the numbers at two bin edges, relative to the numbers: 2^13 roundings of a
# float64. Numbers that are closer are equal but for the order of their computation.
NUMBERS_APART = 2.0**-40
QUARTILES = np.linspace(0, 1, 5)
STEPS_APART = 4  # the least distance of the sines at two bin edges, in steps


@dataclass(frozen=True)
class Number:
    """A number x becomes z = scale·(2^−exponent·x − median), within ±10⁶, float32.

    A gap becomes 0, which is the z of the median.

    name: the part of a date, such as "week sin", or "" where the column itself is the number.
    median, scale: of 2^−exponent·x. edges: of the bins of z, in rising order.
    """

    name: str
    median: float
    scale: float
    exponent: int
    edges: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, x: Array, n_bins: int, step: float = 0.0) -> Number | None:
        """From values (N,), NaN where missing; None where all are the same.

        step: what the values are rounded to, or 0. Two bin edges are at least as far apart as the
        largest of 2⁻²⁰ |z|, 2⁻⁴⁰ times the number, 2⁻⁴⁰ times the smaller quartile, and 4 steps.
        """
        present = x[np.isfinite(x)]
        if len(present) == 0 or present.min() == present.max():
            return None
        exponent = int(np.frexp(np.abs(present).max())[1])  # no difference or quantile overflows
        present = np.sort(present)
        low, q25, median, q75, high = quantiles(np.ldexp(present, -exponent), QUARTILES)
        scale = 1 / (q75 - q25) if q75 - q25 > 1e-300 else 2 / (high - low)
        if not np.isfinite(scale):
            return None
        plain = cls(name, float(median), float(scale), exponent, ())
        around = min(abs(q25), abs(q75)) if q25 < q75 else 0.0  # 0 where most values are the same
        steps = STEPS_APART * np.ldexp(step, -exponent)
        edges: list[float] = []
        for edge in bin_edges(plain.encode(present), n_bins).tolist():
            number = max(abs(edge / scale + median), around)
            distance = max(EDGES_APART * abs(edge), scale * max(NUMBERS_APART * number, steps))
            if not edges or edge - edges[-1] >= distance:
                edges.append(edge)
        if len(edges) < 2:  # the values are the same but for roundings
            return None
        return cls(name, plain.median, plain.scale, exponent, tuple(edges))

    def encode(self, x: Array) -> Array:
        """z (N,) float32 of x (N,) float64, NaN where missing."""
        return scaled(x, self.exponent, self.median, self.scale)


def scaled(x: Array, exponent: Any, median: Any, scale: Any) -> Array:
    """z of numbers as :class:`Number` has it; its statistics are numbers, or arrays (N,)."""
    with np.errstate(over="ignore"):
        z = scale * (np.ldexp(x, -exponent) - median)
    z = np.nan_to_num(z, copy=False, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
    limited: Array = np.clip(z, -LIMIT, LIMIT, out=z)
    return limited.astype(np.float32)


def bin_edges(z: Array, n_bins: int) -> Array:
    """The edges of at most n_bins bins for z (N,) float32: its distinct quantiles i/n_bins.

    A value that many rows share takes up several quantiles. Other values of z, evenly spaced by
    rank, then fill up the number of edges. If there are few distinct values, each is an edge.
    """
    ordered = np.sort(z)
    values = ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
    if len(values) <= n_bins + 1:
        return values
    edges = np.unique(quantiles(ordered, np.linspace(0, 1, n_bins + 1)).astype(np.float32))
    n_free = n_bins + 1 - len(edges)
    if n_free > 0:
        others = np.setdiff1d(values, edges, assume_unique=True)
        if len(others) > n_free:
            others = others[np.linspace(0, len(others) - 1, n_free).round().astype(int)]
        edges = np.union1d(edges, others)
    return np.asarray(edges)


@dataclass(frozen=True)
class Flag:
    """A value v of −1, 0 or 1 becomes z/√(1 + (z/3)²) with z = scale·(v − centre), float32."""

    centre: float
    scale: float

    @classmethod
    def fit(cls, v: Array) -> Flag | None:
        """From values (N,); None where all are the same."""
        low, q25, median, q75, high = quantiles(np.sort(v), QUARTILES)
        if low == high:
            return None
        return cls(float(median), float(1 / (q75 - q25) if q75 > q25 else 2 / (high - low)))

    def encode(self, v: Array) -> Array:
        z = self.scale * (v - self.centre)
        return (z / np.sqrt(1 + (z / CLIP) ** 2)).astype(np.float32)


@dataclass(frozen=True)
class Categories:
    """The categories of a column: names[i] has the code i + 1.

    A missing value and a new category have the code 0.

    embedded: whether the code itself is the input; otherwise the flags are. Two categories
    make one flag, with v = 1 for the code 1, −1 for 2 and 0 for 0. More categories have a flag
    each, with v = 1 for the code of this category and 0 for every other code.
    """

    names: tuple[str, ...]
    embedded: bool

    @property
    def n_flags(self) -> int:
        if self.embedded:
            return 0
        return 1 if len(self.names) == 2 else len(self.names)

    def values(self, flag: int) -> Array:
        """v of a flag for each code, float64 (C + 1,), before it is scaled."""
        if len(self.names) == 2:
            return np.array([0.0, 1.0, -1.0])
        values = np.zeros(len(self.names) + 1)
        values[flag + 1] = 1
        return values


@dataclass(frozen=True)
class InputColumn:
    """A column of the table and the inputs that it becomes.

    reading: how the column is read; its kind is "numeric", "categorical", "boolean", "date" or
    "text".
    numbers: one for a numeric column; for a date, one for each of its parts that varies.
    categories: of a categorical column.
    flags: of a categorical column; one for a boolean column, with v = 1 for true, −1 for false and
    0 for a missing value.
    missing: for a number or date with missing values in training, a flag with v = 1 for a missing
    value and 0 otherwise.
    angle_step: the sines and cosines of a date are rounded to multiples of it; 0 in files of
    versions that did not round.
    ngrams: of a column of free text.
    """

    name: str
    reading: Reading
    numbers: tuple[Number, ...] = ()
    categories: Categories | None = None
    flags: tuple[Flag, ...] = ()
    missing: Flag | None = None
    angle_step: float = 0.0
    ngrams: NGrams | None = None

    @classmethod
    def from_sample(cls, name: str, reading: Reading, sample: Source, n: int) -> InputColumn | None:
        """Of anything but categories, from some of n rows; None where the column says nothing."""
        if reading.kind == "boolean":
            flag = Flag.fit(reading.signs(sample.column(name)))
            return None if flag is None else cls(name, reading, flags=(flag,))
        numbers, missing = [], None
        n_bins = MANY_BINS if n >= MANY_ROWS else FEW_BINS
        step = ANGLE_STEP if reading.kind == "date" else 0.0
        for part, x in _numbers_of(sample, name, reading, step).items():
            is_missing = np.isnan(x)
            if is_missing.any():
                missing = Flag.fit(is_missing.astype(np.float64))
            number = Number.fit(part, x, n_bins, 0.0 if part == "days" else step)
            numbers += [] if number is None else [number]
        found = cls(name, reading, tuple(numbers), missing=missing, angle_step=step)
        return found if numbers or missing is not None else None

    @classmethod
    def from_categories(cls, name: str, reading: Reading, labels: Any) -> InputColumn | None:
        """From the labels (Arrow text) of all rows; None where they say nothing."""
        import pyarrow.compute as pc

        counts = pc.value_counts(labels.drop_null())
        names, n = counts.field("values").to_pylist(), counts.field("counts").to_numpy()
        embedded = len(names) > MAX_FLAGS
        if embedded and 2 * np.sum(n == 2) < MET_AGAIN * np.sum(n == 1):
            names = [label for label, count in zip(names, n, strict=True) if count > 1]
        if not names:
            return None
        categories = Categories(tuple(sorted(names)), embedded)
        codes = Labels(categories.names, reading.type).find_all(labels) + 1
        flags = [Flag.fit(categories.values(i)[codes]) for i in range(categories.n_flags)]
        if not embedded and not any(flags):
            return None
        constant = Flag(0.0, 0.0)
        flags_of_all = tuple(flag or constant for flag in flags)
        return cls(name, reading, (), categories, flags_of_all)

    @classmethod
    def from_texts(cls, name: str, reading: Reading, texts: Any) -> InputColumn | None:
        """From the texts (Arrow text) of some rows; None where no n-gram recurs."""
        ngrams = NGrams.fit(texts)
        return None if ngrams is None else cls(name, reading, ngrams=ngrams)

    @property
    def kind(self) -> str:
        """Of the reading: "numeric", "categorical", "boolean", "date" or "text"."""
        return self.reading.kind

    @property
    def type(self) -> ColumnType | None:
        """What the column held in training; None in files of versions that did not keep it."""
        return self.reading.type

    @property
    def n_flags(self) -> int:
        return len(self.flags) + (self.missing is not None)

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """How many columns it has of the parts of the matrix: numbers, flags, codes, n-grams."""
        embedded = self.categories is not None and self.categories.embedded
        n_ngrams = 0 if self.ngrams is None else self.ngrams.n_codes
        return len(self.numbers), self.n_flags, int(embedded), n_ngrams

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of its columns of the matrix, in the order of `TableInputs.places`.

        "age", "age (missing)", "colour=red", "day (week sin)"; of embedded categories "place".
        """
        if self.ngrams is not None:
            return tuple(f"{self.name} (n-gram {i + 1})" for i in range(self.ngrams.n_codes))
        names = [f"{self.name} ({n.name})" if n.name else self.name for n in self.numbers]
        if self.categories is None:
            names += [self.name] * len(self.flags)
        elif self.categories.embedded:
            names.append(self.name)
        else:
            labels = self.categories.names[: len(self.flags)]
            names += [f"{self.name}={label}" for label in labels]
        return (*names, f"{self.name} (missing)") if self.missing is not None else tuple(names)

    @property
    def type_name(self) -> str:
        """The name of its type in training; "" if it is not known."""
        return "" if self.type is None else self.type.name

    @property
    def summary(self) -> str:
        """What it becomes in a few words, such as "number in 48 bins, flag for missing values"."""
        if self.categories is not None:
            n = len(self.categories.names)
            each = "learnt vector" if self.categories.embedded else "flag"
            text = "one flag for two categories" if n == 2 and self.flags else ""
            text = text or f"{each} for each of {n} categories"
        elif self.ngrams is not None:
            text = f"learnt vector from {len(self.ngrams.names):,} n-grams"
        elif self.kind == "boolean":
            text = "flag"
        elif self.kind == "date":
            n = len(self.numbers)
            text = f"{n} number{'s' * (n > 1)} in bins" if n else ""
        else:
            text = "".join(f"number in {len(number.edges) - 1} bins" for number in self.numbers)
        gaps = "flag for missing values" if self.missing is not None else ""
        return ", ".join(filter(None, (text, gaps)))

    @cached_property
    def labels(self) -> Labels:
        """The names of the categories of a categorical column, to be looked up."""
        assert self.categories is not None
        return Labels(self.categories.names, self.reading.type)

    def codes(self, labels: Any) -> Array:
        """The code of each label (Arrow text) of a categorical column, int64 (N,)."""
        codes: Array = self.labels.find_all(labels) + 1
        return codes

    def encode(
        self, source: Source, numbers: Array, flags: Array, codes: Array, ngrams: Array
    ) -> None:
        """Fill its columns of the four parts, (N, …) each."""
        if self.ngrams is not None:
            ngrams[...] = self.ngrams.codes(self.reading.labels(source.column(self.name)))
        elif self.categories is not None:
            found = self.codes(self.reading.labels(source.column(self.name)))
            if self.categories.embedded:
                codes[:, 0] = found
            for i, flag in enumerate(self.flags):
                flags[:, i] = flag.encode(self.categories.values(i)[found])
        elif self.kind == "boolean":
            flags[:, 0] = self.flags[0].encode(self.reading.signs(source.column(self.name)))
        else:
            parts = _numbers_of(source, self.name, self.reading, self.angle_step)
            for i, number in enumerate(self.numbers):
                numbers[:, i] = number.encode(parts[number.name])
            if self.missing is not None:
                is_missing = np.isnan(next(iter(parts.values())))
                flags[:, 0] = self.missing.encode(is_missing.astype(np.float64))


def _numbers_of(source: Source, name: str, reading: Reading, step: float) -> dict[str, Array]:
    """The numbers of a column, by the names of its parts: one for numbers, several for dates."""
    if reading.kind == "date":
        return date_parts(reading.stamps(source.column(name)), step)
    return {"": source.numbers(name, reading)}
