"""The target column of a table: what its values are, and how they are read as y.

`find_target` reads the column for a task and returns the frozen record that turns the values of
any later table into y, and predictions back into labels.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.limits import MAX_TARGET
from clearprop.tables.cells import number_text
from clearprop.tables.columns import ColumnType, to_labels, to_numbers, type_of
from clearprop.tables.frames import Column, TableError, as_frame, read_column, shown
from clearprop.tables.inference import counted, is_identifying, numbers_and_others
from clearprop.tables.labels import Labels, as_trained, as_value, canonical
from clearprop.tables.text_numbers import NumberFormat, are_codes
from clearprop.tables.told import IN_PYTHON, Ways

TASKS = ("classification", "regression")
TYPES_OF_LABELS = {"text": "text", "integer": "integer", "number": "float", "boolean": "bool"}
LABEL_TYPES = tuple(TYPES_OF_LABELS)
WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})(\.0*)?", re.ASCII)
MAX_INTEGER_CLASSES = 20  # whole numbers with more distinct values are a quantity
ROWS_PER_CLASS = 10  # whole numbers with fewer rows than this per value are a quantity, too


@dataclass(frozen=True)
class TargetColumn:
    """The column that is predicted: y is the number of a row's class, or the value of a quantity.

    task: "classification" or "regression".
    labels: of the classes, as text, in order; empty for a quantity.
    type: what the labels are in predictions, one of LABEL_TYPES; "number" for a quantity.
    number: how text is read as the values of a quantity; None for plain numbers.
    """

    name: str
    task: str
    labels: tuple[str, ...] = ()
    type: str = "number"
    number: NumberFormat | None = None

    @property
    def has_classes(self) -> bool:
        return self.task == "classification"

    def encode(self, column: Column, missing: Collection[str] = ()) -> Array:
        """y (N,): int64, −1 where missing, for classes; float64, NaN where missing, for a quantity.

        missing: the texts that mean a missing value, which `column` has no longer.
        Raises TableError, naming the row, for a label that is not a class of this target and for
        a value that is not a finite number.
        """
        if not self.has_classes:
            return _within_limit(column, _quantity(column, self.number))
        labels = to_labels(column)
        y = Labels(self.labels, ColumnType(TYPES_OF_LABELS[self.type])).find_all(labels)
        strange = (y < 0) & ~missing_rows(column, self.task, missing)
        if strange.any():
            i = int(strange.argmax())
            known = ", ".join(map(shown, self.labels[:10]))
            more = ", …" if len(self.labels) > 10 else ""
            raise TableError(
                f"{column.row(i)}: {column.quoted(i)} is not a class of this model ({known}{more})"
            )
        return y

    def read(
        self,
        frame: Any,
        missing: tuple[str, ...] = (),
        *,
        first_row: int = 0,
        skip_missing: bool = False,
    ) -> Array:
        """y (N,) of a data frame that has the column.

        missing: texts that mean a missing value.
        first_row: number of the first row of `frame` in the whole table, for messages.
        skip_missing: whether a missing value is −1 or NaN, as in `encode`, instead of an error.
        Raises TableError, naming the row, for a missing value, too.
        """
        column = read_column(as_frame(frame), self.name, missing, first_row)
        absent = missing_rows(column, self.task, missing)
        if absent.any() and not skip_missing:
            marks = count_marks(frame, self.name, missing)
            raise TableError(
                f"{column.row(int(absent.argmax()))}: the target is missing{_in_words(marks)}"
            )
        return self.encode(column, missing)

    def known(self, y: Array) -> Array:
        """Which of y (N,) are not missing."""
        known: Array = y >= 0 if self.has_classes else ~np.isnan(y)
        return known

    def decode(self, classes: Array) -> Any:
        """The numbers of classes (N,) as an Arrow array of labels."""
        import pyarrow as pa

        return pa.array(self.values()).take(pa.array(classes))

    def values(self) -> list[str] | list[int] | list[float] | list[bool]:
        """The labels as values of their type; ValueError where they are of another one."""
        if self.type == "integer":
            return [int(label) for label in self.labels]
        if self.type == "number":
            return [float(label) for label in self.labels]
        if self.type == "boolean":
            return [label == "true" for label in self.labels]
        return list(self.labels)


def infer_task(
    column: Column, options: Mapping[str, Any] | None = None, ways: Ways = IN_PYTHON
) -> tuple[str, str]:
    """ "classification" or "regression", and the reason.

    options: how numbers are written as text, see `tables.inference.check_text_format`. ways: of the
    caller, for messages.
    Numbers are a quantity, except whole numbers with few distinct values: two, or at most 20 that
    occur 10 times each on average. Everything else is classes.
    Raises TableError for numbers among which there are a few other texts.
    """
    if column.type in ("datetime", "time", "other"):
        raise TableError(f"column {shown(column.name)}: {column.holds} cannot be the target")
    if column.labels or column.type == "bool":
        return "classification", f"the target has {'categories' if column.labels else column.holds}"
    if column.type == "text":
        found = numbers_and_others(column, options)
        if found is None:
            return "classification", "the target is text"
        number, others = found
        if others:
            n = sum(count for _, count in others)
            raise TableError(
                f"column {shown(column.name)}: the target has numbers, and {n:,} other "
                f"value{'s' if n > 1 else ''}: {counted(others)}; {ways.target}"
            )
        if number is None and are_codes(column.values):
            return "classification", "the target has codes with leading zeros"
        y = _quantity(column, number)
    else:
        y = to_numbers(column)
    levels = np.unique(y[~np.isnan(y)])
    if not (levels == np.rint(levels)).all():
        return "regression", "the target has numbers with fractions"
    few = len(levels) <= MAX_INTEGER_CLASSES and len(y) >= ROWS_PER_CLASS * len(levels)
    if len(levels) <= 2 or few:
        return "classification", f"the target has {len(levels)} different whole numbers"
    return "regression", f"the target has {len(levels)} different numbers"


def find_target(
    column: Column,
    task: str,
    *,
    skip_missing: bool = False,
    options: Mapping[str, Any] | None = None,
    missing: Collection[str] = (),
    marks: Mapping[str, int] | None = None,
    ways: Ways = IN_PYTHON,
) -> TargetColumn:
    """The record of a target column for a task; options and ways as for `infer_task`.

    missing: texts that mean a missing value. marks: how often they stand in the column.
    Raises TableError, naming the row, for a missing value (unless they are to be skipped), and
    for a column with a single class or a single number.
    """
    absent = missing_rows(column, task, missing)
    words = _in_words(marks or {}, ways)
    if absent.all():
        raise TableError(f"column {shown(column.name)}: the target is missing in every row{words}")
    if absent.any() and not skip_missing:
        raise TableError(
            f"{column.row(int(absent.argmax()))}: the target is missing "
            f"(in {int(absent.sum())} of {len(absent)} rows){words}; {ways.skip}"
        )
    if task == "regression":
        found = numbers_and_others(column, options)
        number = None if found is None else found[0]
        y = _quantity(column, number)[~absent]
        if y.min() == y.max():
            raise TableError(f"column {shown(column.name)}: the target is {y[0]:g} in every row")
        return TargetColumn(column.name, task, number=number)
    _refuse_mixed(column)
    texts = as_trained(to_labels(column), type_of(column)).filter(~absent).unique().to_pylist()
    type_ = _label_type(column, texts)
    labels = list({canonical(text, ColumnType(TYPES_OF_LABELS[type_])) for text in texts})
    if len(labels) < 2:
        raise TableError(
            f"column {shown(column.name)}: the target has one class only, {shown(labels[0])}"
        )
    n = len(absent) - int(absent.sum())
    if type_ == "text" and column.type == "text" and is_identifying(len(labels), n):
        raise TableError(
            f"column {shown(column.name)}: the target has {len(labels):,} different texts in "
            f"{n:,} rows, too many to be classes"
        )
    order = float if type_ in ("integer", "number") else str
    return TargetColumn(column.name, task, tuple(sorted(labels, key=order)), type_)


def _quantity(column: Column, number: NumberFormat | None) -> Array:
    """float64 (N,), NaN where missing; TableError for a text that is not a finite number."""
    if number is None or column.type != "text":
        return to_numbers(column)
    numbers = number.read(column.values)
    failed = np.asarray(column.values.is_valid()) & np.asarray(numbers.is_null())
    y: Array = numbers.to_numpy(zero_copy_only=False)
    failed |= np.isinf(y)
    if failed.any():
        i = int(failed.argmax())
        what = f"a finite number ({number.words})"
        raise TableError(f"{column.row(i)}: {column.quoted(i)} is not {what}")
    return y


def _within_limit(column: Column, y: Array) -> Array:
    """y, or TableError for a number beyond the limit of targets."""
    huge = np.abs(y) > MAX_TARGET
    if huge.any():
        i = int(huge.argmax())
        raise TableError(
            f"{column.row(i)}: {column.quoted(i)} is too large for a target (at most "
            f"{MAX_TARGET:g}); divide the column by a constant"
        )
    return y


def missing_rows(column: Column, task: str, missing: Collection[str] = ()) -> Array:
    """Which rows have no target (N,). The text "nan", in any case, is no number, and no class where
    `missing` has it.
    """
    import pyarrow.compute as pc

    absent = pc.is_null(column.values)
    if column.type == "text" and (task == "regression" or "nan" in missing):
        absent = pc.or_(absent, pc.fill_null(pc.equal(pc.utf8_lower(column.values), "nan"), False))
    mask: Array = absent.to_numpy(zero_copy_only=False)
    return mask


def count_marks(frame: Any, name: str, missing: Collection[str]) -> dict[str, int]:
    """How often each text that means a missing value stands in a column of a data frame."""
    import pyarrow.compute as pc

    if not missing:
        return {}
    values = read_column(as_frame(frame), name).values
    without = read_column(as_frame(frame), name, missing).values
    marked = values.filter(pc.and_(pc.is_valid(values), pc.is_null(without)))
    counts = pc.value_counts(marked).to_pylist()
    found = {
        number_text(c["values"]) if not isinstance(c["values"], str) else c["values"]: c["counts"]
        for c in counts
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _in_words(marks: Mapping[str, int], ways: Ways | None = None) -> str:
    """The texts that were taken for missing values, with their counts and what keeps them."""
    if not marks:
        return ""
    parts = [f"{shown(text)} in {n} row{'s' * (n > 1)}" for text, n in list(marks.items())[:5]]
    way = "" if ways is None else f" ({ways.marks})"
    were = "was" if len(marks) == 1 else "were"
    return f"; {', '.join(parts)} {were} taken for a missing value{way}"


def _label_type(column: Column, levels: list[str]) -> str:
    """The type of labels, from the different ones."""
    if column.type == "bool":
        return "boolean"
    if all(_is_whole(text) for text in levels):
        return "integer"
    if column.type == "float" and len(set(map(float, levels))) == len(levels):
        return "number"
    return "boolean" if {text.lower() for text in levels} <= {"true", "false"} else "text"


def _is_whole(text: str) -> bool:
    """Whether the text is an integer of 64 bits, such as 12 or 12.0; codes such as 007 are not."""
    return WHOLE.fullmatch(text) is not None


def _refuse_mixed(column: Column) -> None:
    """Raise TableError, with rows, for a target of objects of several types."""
    if column.held != "mixed":
        return
    are_words = np.array([as_value(text or "") is None for text in column.values.to_pylist()])
    present = column.values.is_valid().to_numpy(zero_copy_only=False)
    examples = [
        f"{column.quoted(int(kind.argmax()))} in row {column.first_row + int(kind.argmax())}"
        for kind in (are_words & present, ~are_words & present)
        if kind.any()
    ]
    raise TableError(
        f"column {shown(column.name)}: the target mixes values of several types "
        f"({', '.join(examples)}); write all of them as text, or all as numbers"
    )
