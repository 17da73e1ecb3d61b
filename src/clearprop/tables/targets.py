"""The target column of a table: classes or a number, and its form in a network.

`find_target` reads the column, chooses between classification and regression and returns the
frozen record that turns values into the network's t and predictions back into values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError, check_keys, take, take_list
from clearprop.tables.columns import to_labels, to_numbers
from clearprop.tables.frames import Column, TableError, shown

TASKS = ("classification", "regression")
LABEL_TYPES = ("text", "integer", "number", "boolean")
MAX_INTEGER_CLASSES = 20  # whole numbers with more different values are a quantity
ROWS_PER_CLASS = 10  # as are those with fewer rows than this for each value


@dataclass(frozen=True)
class ClassTarget:
    """Classes: t is the index (N,) of each row's label in `labels`, which are in sorted order.

    type: what the labels are in predictions: "text", "integer", "number" or "boolean".
    """

    task: ClassVar[str] = "classification"
    name: str
    labels: tuple[str, ...]
    type: str

    def encode(self, column: Column) -> Array:
        """t as int64 (N,), −1 where missing; TableError for a label that is no class."""
        import pyarrow as pa
        import pyarrow.compute as pc

        labels = _label_text(column, self.type)
        found = pc.index_in(labels, value_set=pa.array(self.labels, pa.large_string()))
        strange = pc.and_(pc.is_null(found), pc.is_valid(labels)).to_numpy(zero_copy_only=False)
        if strange.any():
            i = int(strange.argmax())
            known = ", ".join(map(shown, self.labels[:10]))
            more = ", …" if len(self.labels) > 10 else ""
            raise TableError(
                f"{column.row(i)}: {column.quoted(i)} is no class of this model ({known}{more})"
            )
        codes: Array = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return codes

    def decode(self, codes: Array) -> Any:
        """Class indices (N,) as an Arrow array of labels."""
        import pyarrow as pa

        return pa.array(self.values()).take(pa.array(codes))

    def values(self) -> list[str] | list[int] | list[float] | list[bool]:
        """The labels as values of their type."""
        if self.type == "integer":
            return [int(label) for label in self.labels]
        if self.type == "number":
            return [float(label) for label in self.labels]
        if self.type == "boolean":
            return [label == "true" for label in self.labels]
        return list(self.labels)


@dataclass(frozen=True)
class NumberTarget:
    """A quantity y: t = (y − mean) / spread (N,), of mean 0 and deviation 1 in training."""

    task: ClassVar[str] = "regression"
    name: str
    mean: float
    spread: float

    def encode(self, column: Column) -> Array:
        """t as float64 (N,), NaN where missing; TableError for what is no finite number."""
        t: Array = (to_numbers(column) - self.mean) / self.spread
        return t

    def decode(self, t: Array) -> Array:
        """Predictions ŷ (N,) of the network in units of the column."""
        y: Array = np.asarray(t, dtype=np.float64) * self.spread + self.mean
        return y


Target: TypeAlias = ClassTarget | NumberTarget


def infer_task(column: Column, *, parse_text: bool = False) -> tuple[str, str]:
    """ "classification" or "regression", and why.

    Numbers are a quantity, except whole ones with few different values: two, or at most 20 that
    come 10 times each on average. All else is classes.
    """
    if column.type in ("datetime", "time", "other"):
        raise TableError(f"column {shown(column.name)}: {column.holds} cannot be the target")
    if column.labels or column.type == "bool":
        return "classification", f"{column.holds} of few kinds"
    if column.type == "text":
        try:
            y = to_numbers(column) if parse_text else None
        except TableError:
            y = None
        if y is None:
            return "classification", "the target is text"
    else:
        y = to_numbers(column)
    levels = np.unique(y[~np.isnan(y)])
    if not (levels == np.rint(levels)).all():
        return "regression", "the target has numbers with fractions"
    few = len(levels) <= MAX_INTEGER_CLASSES and len(y) >= ROWS_PER_CLASS * len(levels)
    if len(levels) <= 2 or few:
        return "classification", f"the target has {len(levels)} different whole numbers"
    return "regression", f"the target has {len(levels)} different numbers"


def find_target(column: Column, task: str, *, skip_missing: bool = False) -> Target:
    """The target record of a column for a task (`fit_number` sets the scale of a quantity).

    Raises TableError, naming the row, for a missing value (unless they are to be skipped), and
    for a column with a single class or a single number.
    """
    missing = missing_rows(column)
    if missing.all():
        raise TableError(f"column {shown(column.name)}: the target is missing in every row")
    if missing.any() and not skip_missing:
        raise TableError(
            f"{column.row(int(missing.argmax()))}: the target is missing "
            f"(in {int(missing.sum())} of {len(missing)} rows)"
        )
    if task == "regression":
        y = to_numbers(column)[~missing]
        if y.min() == y.max():
            raise TableError(f"column {shown(column.name)}: the target is {y[0]:g} in every row")
        return fit_number(column.name, y)
    type_ = _label_type(column)
    labels = _label_text(column, type_).unique().drop_null().to_pylist()
    if len(labels) < 2:
        raise TableError(
            f"column {shown(column.name)}: the target has one class only, {shown(labels[0])}"
        )
    order = float if type_ in ("integer", "number") else str
    return ClassTarget(column.name, tuple(sorted(labels, key=order)), type_)


def missing_rows(column: Column) -> Array:
    """Which rows have no target (N,)."""
    import pyarrow.compute as pc

    missing = pc.is_null(column.values)
    if column.type == "text":
        missing = pc.or_(
            missing, pc.fill_null(pc.equal(pc.utf8_lower(column.values), "nan"), False)
        )
    mask: Array = missing.to_numpy(zero_copy_only=False)
    return mask


def fit_number(name: str, y: Array) -> NumberTarget:
    """The scale of a quantity from its training values (N,)."""
    magnitude = np.abs(y).max() or 1.0  # the squares of huge values stay finite
    spread = float((y / magnitude).std() * magnitude)
    return NumberTarget(name, float((y / magnitude).mean() * magnitude), spread or 1.0)


def _label_type(column: Column) -> str:
    if column.type == "bool":
        return "boolean"
    if column.type == "int":
        return "integer"
    if column.type == "float":
        whole = all(_is_whole(text) for text in to_labels(column).unique().drop_null().to_pylist())
        return "integer" if whole else "number"
    levels = to_labels(column).unique().drop_null().to_pylist()
    if all(_is_whole(text) for text in levels):
        return "integer"
    return "boolean" if {text.lower() for text in levels} <= {"true", "false"} else "text"


def _is_whole(text: str) -> bool:
    """Whether the text is an integer as Python writes it, and of 64 bits."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return False
    return str(int(text)) == text


def _label_text(column: Column, type_: str) -> Any:
    """The labels as Arrow text; truth values in lower case."""
    import pyarrow.compute as pc

    labels = to_labels(column)
    return pc.utf8_lower(labels) if type_ == "boolean" else labels


# ---- files ---------------------------------------------------------------------------------------


def target_to_document(target: Target) -> Document:
    """The target as JSON values."""
    if isinstance(target, NumberTarget):
        return {
            "task": target.task,
            "name": target.name,
            "mean": target.mean,
            "spread": target.spread,
        }
    return {
        "task": target.task,
        "name": target.name,
        "labels": list(target.labels),
        "type": target.type,
    }


def target_from_document(document: Document, where: str) -> Target:
    """The target that `target_to_document` wrote; ModelFileError, naming `where`, otherwise."""
    task = take(document, "task", str, where, choices=TASKS)
    name = take(document, "name", str, where)
    if task == "regression":
        check_keys(document, ("task", "name", "mean", "spread"), where)
        spread = take(document, "spread", float, where)
        if spread <= 0:
            raise ModelFileError(f"{where}: 'spread' must be positive, got {spread!r}")
        return NumberTarget(name, take(document, "mean", float, where), spread)
    check_keys(document, ("task", "name", "labels", "type"), where)
    labels = take_list(document, "labels", str, where)
    type_ = take(document, "type", str, where, choices=LABEL_TYPES)
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ModelFileError(f"{where}: 'labels' must be two or more different texts")
    target = ClassTarget(name, tuple(labels), type_)
    try:
        target.values()
    except ValueError as error:
        raise ModelFileError(f"{where}: 'labels' are not of the type {type_!r}") from error
    return target
