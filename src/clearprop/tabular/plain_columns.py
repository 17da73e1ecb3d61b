"""What each kind of column becomes in the matrix of a network.

Each column used is one frozen record with the statistics of the training rows: `NumericColumn`,
`CategoricalColumn`, `BooleanColumn` or `DateColumn`. A record knows its features (columns of the
matrix) and fills them from the values of its column.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError, check_keys, take, take_list
from clearprop.tables.dates import DATE_PARTS, date_parts
from clearprop.tables.frames import Column, shown
from clearprop.tables.labels import Labels
from clearprop.tables.reading import Reading
from clearprop.tabular.quantiles import quantiles
from clearprop.tabular.reading_codec import reading_from_entry, reading_to_document

LIMIT = 5.0  # numeric features lie within ±5
TAIL = 0.01  # share of the training rows at either end whose values are winsorised
MAX_CATEGORIES = 64  # categories of a column that have a feature
RARE = 10  # a category in fewer rows than this, and in less than 1/1000 of the rows, has no feature
MAX_POOLED = 1000  # names kept of categories without a feature, to distinguish rare from unseen
NUMBERS, LABELS = Reading("numeric"), Reading("categorical")
SIGNS, DATES = Reading("boolean"), Reading("date")


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers: x → clip((x − centre) / spread, ±5), the median where x is missing.

    centre and spread are mean and standard deviation of the training values after winsorising
    (values beyond the 1st and 99th percentile are set to it), so that a few wild values do not
    squeeze all the other values together. If all values are the same, the feature is 0.
    n_missing: training rows without a value; if there are any, a second feature is 1 where the
    value is missing and 0 elsewhere.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    median: float
    centre: float
    spread: float
    n_missing: int
    reading: Reading = NUMBERS

    @classmethod
    def fit(
        cls, column: Column, rows: Array | None = None, reading: Reading = NUMBERS
    ) -> NumericColumn:
        return cls.from_numbers(column.name, _at(reading.numbers(column), rows), reading)

    @classmethod
    def from_numbers(cls, name: str, x: Array, reading: Reading = NUMBERS) -> NumericColumn:
        """The statistics of float64 values (N,), NaN where missing; infinities do not count."""
        present = x[np.isfinite(x)]
        n_missing = int(np.isnan(x).sum())
        if len(present) == 0:
            return cls(name, 0.0, 0.0, 0.0, n_missing, reading)
        # Dividing by a power of two is exact, and sums and squares of huge values stay finite.
        exponent = int(np.frexp(np.abs(present).max())[1])
        scaled = np.ldexp(present, -exponent)
        low, median, high = quantiles(np.sort(scaled), np.array([TAIL, 0.5, 1 - TAIL]))
        body = scaled if low == high else np.clip(scaled, low, high)
        spread = 0.0 if scaled.min() == scaled.max() else body.std()
        median, centre, spread = (
            float(np.ldexp(s, exponent)) for s in (median, body.mean(), spread)
        )
        return cls(name, median, centre, spread, n_missing, reading)

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} (missing)") if self.n_missing else (self.name,)

    @property
    def summary(self) -> str:
        return f"median {self.median:.6g}"

    def encode(self, column: Column, out: Array) -> int:
        """Fill out (N, features) and return how many values were unknown categories (none)."""
        self.encode_numbers(self.reading.numbers(column), out)
        return 0

    def encode_numbers(self, x: Array, out: Array) -> None:
        missing = np.isnan(x)
        if self.spread > 0:
            with np.errstate(over="ignore"):  # beyond float64 is beyond the limit
                z = (np.where(missing, self.median, x) - self.centre) / self.spread
            out[:, 0] = np.clip(z, -LIMIT, LIMIT)
        else:
            out[:, 0] = 0
        if self.n_missing:
            out[:, 1] = missing


@dataclass(frozen=True)
class CategoricalColumn:
    """A column of labels: one feature per category, 1 where the label is that category, else 0.

    A column of exactly two categories is one feature: +1 for the first, −1 for the second, and 0 if
    missing or unseen.

    categories: with a feature each: the most frequent ones, at most 64, and none that is in fewer
    than 10 training rows and fewer than one in a thousand.
    pooled: all other categories (at most 1000 names are kept), which share the feature "(other)",
    as do labels never seen in training. If nothing was pooled, unseen labels have 0 everywhere.
    n_missing: training rows without a label; if there are any, the feature "(missing)" is 1 there.
    """

    kind: ClassVar[str] = "categorical"
    name: str
    categories: tuple[str, ...]
    pooled: tuple[str, ...]
    n_missing: int
    reading: Reading = LABELS

    @classmethod
    def fit(
        cls, column: Column, rows: Array | None = None, reading: Reading = LABELS
    ) -> CategoricalColumn:
        import pyarrow.compute as pc

        labels = reading.labels(column)
        labels = labels if rows is None else labels.take(rows)
        counts = {
            entry["values"].as_py(): entry["counts"].as_py()
            for entry in pc.value_counts(labels.drop_null())
        }
        rare = min(RARE, len(labels) / 1000)
        by_count = sorted(counts, key=lambda label: (-counts[label], label))
        own = [label for label in by_count if counts[label] >= rare]
        if len(own) > MAX_CATEGORIES or len(own) < len(by_count):
            own = own[: MAX_CATEGORIES - 1]
        pooled = by_count[len(own) :]
        n_missing = int(labels.null_count)
        return cls(column.name, tuple(sorted(own)), tuple(pooled[:MAX_POOLED]), n_missing, reading)

    @property
    def binary(self) -> bool:
        return len(self.categories) == 2 and not self.pooled

    @property
    def features(self) -> tuple[str, ...]:
        if self.binary:
            return (f"{self.name}={self.categories[0]}",)
        names = list(self.categories)
        names += ["(other)"] if self.pooled else []
        names += ["(missing)"] if self.n_missing else []
        return tuple(f"{self.name}={name}" for name in names)

    @property
    def summary(self) -> str:
        if len(self.categories) <= 3:
            listed = ", ".join(map(shown, self.categories))
        else:
            listed = f"{len(self.categories)} categories"
        more = " or more" if len(self.pooled) == MAX_POOLED else ""
        return listed + (f"; {len(self.pooled)}{more} rare, pooled" if self.pooled else "")

    def codes(self, column: Column) -> tuple[Array, int]:
        """Index of each label in `categories` (N,), and how many labels were not seen in training.

        len(categories) stands for any other label and len(categories) + 1 for none.
        """
        labels, n_own = self.reading.labels(column), len(self.categories)
        found = self.labels.find_all(labels)
        codes = np.where(found >= 0, np.minimum(found, n_own), n_own)
        missing = labels.is_null().to_numpy(zero_copy_only=False)
        return np.where(missing, n_own + 1, codes), int((found < 0).sum() - missing.sum())

    @cached_property
    def labels(self) -> Labels:
        """The names of its categories, then those of the pooled ones, to be looked up."""
        return Labels((*self.categories, *self.pooled), self.reading.type)

    def encode(self, column: Column, out: Array) -> int:
        """Fill out (N, features) and return how many labels were not seen in training."""
        codes, n_unseen = self.codes(column)
        out[:] = 0
        if self.binary:
            out[codes == 0] = 1
            out[codes == 1] = -1
            return n_unseen
        n_own = len(self.categories)
        # The feature of each code; −1: none, all features stay 0.
        place = np.full(n_own + 2, -1)
        place[:n_own] = np.arange(n_own)
        if self.pooled:
            place[n_own] = n_own
        if self.n_missing:
            place[n_own + 1] = out.shape[1] - 1
        features = place[codes]
        rows = np.flatnonzero(features >= 0)
        out[rows, features[rows]] = 1
        return n_unseen


@dataclass(frozen=True)
class BooleanColumn:
    """A column of booleans: +1 for true, −1 for false, 0 where missing."""

    kind: ClassVar[str] = "boolean"
    name: str
    n_missing: int
    reading: Reading = SIGNS

    @classmethod
    def fit(
        cls, column: Column, rows: Array | None = None, reading: Reading = SIGNS
    ) -> BooleanColumn:
        return cls(column.name, int((_at(reading.signs(column), rows) == 0).sum()), reading)

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def summary(self) -> str:
        return "+1 true, −1 false"

    def encode(self, column: Column, out: Array) -> int:
        """Fill out (N, 1) and return 0."""
        out[:, 0] = self.reading.signs(column)
        return 0


@dataclass(frozen=True)
class DateColumn:
    """A column of dates or times: its parts, each scaled as a `NumericColumn`.

    parts: the parts from `date_parts` that were not the same in all training rows.
    n_missing: training rows without a value; if there are any, a feature is 1 where the value is
    missing.
    """

    kind: ClassVar[str] = "date"
    name: str
    parts: tuple[NumericColumn, ...]
    n_missing: int
    reading: Reading = DATES

    @classmethod
    def fit(cls, column: Column, rows: Array | None = None, reading: Reading = DATES) -> DateColumn:
        stamps = _at(reading.stamps(column), rows)
        numbers = {part: x[~np.isnan(x)] for part, x in date_parts(stamps).items()}
        days = np.floor(numbers["days"])
        one_day = len(days) == 0 or days.min() == days.max()
        parts = []
        for part, present in numbers.items():
            # Within one day (as for times without a date) the place in the longer cycles says
            # nothing more than the time of day.
            useful = not one_day or part in ("days", "day sin", "day cos")
            if useful and len(present) and present.min() < present.max():
                # A missing date is missing in all its parts: one indicator is enough.
                parts.append(NumericColumn.from_numbers(part, present))
        return cls(column.name, tuple(parts), int(np.isnat(stamps).sum()), reading)

    @property
    def features(self) -> tuple[str, ...]:
        names = tuple(f"{self.name} ({part.name})" for part in self.parts)
        return (*names, f"{self.name} (missing)") if self.n_missing else names

    @property
    def summary(self) -> str:
        return ", ".join(part.name for part in self.parts)

    def encode(self, column: Column, out: Array) -> int:
        """Fill out (N, features) and return 0."""
        stamps = self.reading.stamps(column)
        x = date_parts(stamps)
        for i, part in enumerate(self.parts):
            part.encode_numbers(x[part.name], out[:, i : i + 1])
        if self.n_missing:
            out[:, -1] = np.isnat(stamps)
        return 0


def _at(values: Array, rows: Array | None) -> Array:
    selected: Array = values if rows is None else values[rows]
    return selected


ColumnEncoding: TypeAlias = NumericColumn | CategoricalColumn | BooleanColumn | DateColumn
ENCODINGS: dict[str, type[ColumnEncoding]] = {
    record.kind: record for record in (NumericColumn, CategoricalColumn, BooleanColumn, DateColumn)
}
KEYS = {  # of their documents, besides kind, name and n_missing
    "numeric": ("median", "centre", "spread"),
    "categorical": ("categories", "pooled"),
    "boolean": (),
    "date": ("parts",),
}


def column_to_document(column: ColumnEncoding) -> Document:
    """The record as JSON values."""
    document = {"kind": column.kind, **asdict(column, dict_factory=_with_lists)}
    if isinstance(column, DateColumn):
        document["parts"] = [asdict(part, dict_factory=_with_lists) for part in column.parts]
    return {**document, "reading": reading_to_document(column.reading)}


def _with_lists(pairs: list[tuple[str, Any]]) -> Document:
    kept = [(key, value) for key, value in pairs if key != "reading"]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in kept}


def column_from(entry: Document, where: str) -> ColumnEncoding:
    """The inverse of `column_to_document`; ModelFileError, naming `where`."""
    kind: str = take(entry, "kind", str, where, choices=tuple(KEYS))
    name = take(entry, "name", str, where)
    n_missing = take(entry, "n_missing", int, where, minimum=0)
    check_keys(entry, ("kind", "name", "n_missing", *KEYS[kind]), where, optional=("reading",))
    reading = reading_from_entry(entry, kind, where)
    if kind == "numeric":
        return replace(_numeric_from(entry, where), reading=reading)
    if kind == "boolean":
        return BooleanColumn(name, n_missing, reading)
    if kind == "date":
        parts = []
        for i, document in enumerate(take_list(entry, "parts", dict, where)):
            place = f"{where}: parts[{i}]"
            check_keys(document, ("name", "n_missing", *KEYS["numeric"]), place)
            part = _numeric_from(document, place)
            if part.name not in DATE_PARTS:
                raise ModelFileError(f"{where}: {shown(part.name)} is not a part of a date")
            parts.append(part)
        if len({part.name for part in parts}) < len(parts) or any(p.n_missing for p in parts):
            raise ModelFileError(f"{where}: the parts of the date do not fit together")
        return DateColumn(name, tuple(parts), n_missing, reading)
    categories = take_list(entry, "categories", str, where)
    pooled = take_list(entry, "pooled", str, where)
    if len({*categories, *pooled}) < len(categories) + len(pooled):
        raise ModelFileError(f"{where}: the same category twice")
    return CategoricalColumn(name, tuple(categories), tuple(pooled), n_missing, reading)


def _numeric_from(entry: Document, where: str) -> NumericColumn:
    return NumericColumn(
        take(entry, "name", str, where),
        take(entry, "median", float, where),
        take(entry, "centre", float, where),
        take(entry, "spread", float, where, minimum=0),
        take(entry, "n_missing", int, where, minimum=0),
    )
