"""Texts as labels of a column: which category of training a later cell means.

The type that a column had in training decides how its labels are written (`canonical`). A text that
is then no category may still be the text of one in another form (`Labels`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.cells import decimal_text, interval_text, number_text

if TYPE_CHECKING:
    from clearprop.tables.columns import ColumnType

SIGNS = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "1.0": 1.0} | {
    "false": -1.0,
    "f": -1.0,
    "no": -1.0,
    "n": -1.0,
    "0": -1.0,
    "0.0": -1.0,
}
TRUTH = {"true": "1", "false": "0"}
WIDTHS = {16: np.float16, 32: np.float32}
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})|(\d{4})Q([1-4])", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(:.*)?", re.ASCII)
_DURATION = re.compile(r"(-?\d{1,9}) days? \+?(\d{2}):(\d{2}):(\d{2}(?:\.\d+)?)", re.ASCII)
_INTERVAL = re.compile(r"([(\[])\s*([^\s,]+),\s+([^\s,]+?)\s*([)\]])", re.ASCII)


def canonical(label: str, type: ColumnType) -> str:
    """A text as a label of a column that had this type in training.

    Numbers: "3.0" is "3", a text of more digits than the type holds is rounded to it, and truth
    values are 1 and 0. Truth values: "True" and "1" are "true". Dates: "2026-01-31" has a time,
    too. Any other text stays as it is, and so does every text of a column of text, except that
    numbers, truth values and dates among the objects of a mixed column are written as such.
    """
    if type.name == "text":
        return as_value(label) or label if type.mixed else label
    return READERS[type.name](label, type) if type.name in READERS else label


def as_value(text: str) -> str | None:
    """The text of the number, truth value, date, time or interval that a text reads as, or None."""
    if _NUMBER.fullmatch(text):
        return _exact(text)
    lower = text.lower()
    if lower in TRUTH:
        return lower
    others = (_date_or_none, _time_or_none, _interval_or_none, _duration_or_none)
    return next(filter(None, (read(text) for read in others)), None)


def _exact(text: str) -> str:
    return decimal_text(Decimal(text)) if len(text) < 100 else text


def _as_integer(label: str, type: ColumnType) -> str:
    if _NUMBER.fullmatch(label):
        return _exact(label)
    return TRUTH.get(label.lower(), label)


def _as_float(label: str, type: ColumnType) -> str:
    if _NUMBER.fullmatch(label):
        return narrow_text(float(label), type.bits)
    return TRUTH.get(label.lower(), label)


def _as_duration(label: str, type: ColumnType) -> str:
    return _duration_or_none(label) or _as_float(label, type)


def _duration_or_none(text: str) -> str | None:
    """The seconds of a duration as pandas writes it, "1 days 02:03:04"."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = found.groups()
    whole = 86400 * int(days) + 3600 * int(hours) + 60 * int(minutes)
    return number_text((whole * 10**6 + round(float(seconds) * 1e6)) / 1e6)


def narrow_text(value: float, bits: int) -> str:
    """The shortest text of a number of a width."""
    if bits not in WIDTHS:
        return number_text(value)
    with np.errstate(over="ignore"):
        narrow: Any = WIDTHS[bits](value)
    return number_text(float(narrow)) if float(narrow).is_integer() else str(narrow)


def _as_sign(label: str, type: ColumnType) -> str:
    sign = SIGNS.get(label.lower())
    return label if sign is None else number_text(sign > 0)


def _as_date(label: str, type: ColumnType) -> str:
    return _date_or_none(label) or label


def first_day(text: str) -> str | None:
    """The first day of a month or a quarter, 2026-04 or 2026Q2, in ISO 8601; otherwise None."""
    found = _MONTH.fullmatch(text)
    if found is None:
        return None
    if found[1] is not None:
        return f"{text}-01"
    return f"{found[3]}-{3 * int(found[4]) - 2:02}-01"


def _date_or_none(text: str) -> str | None:
    day = first_day(text)
    if day is None and not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(day or text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat(" ", "microseconds")


def _as_time(label: str, type: ColumnType) -> str:
    return _time_or_none(label) or label


def _time_or_none(text: str) -> str | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return time.fromisoformat(text).replace(tzinfo=None).isoformat("microseconds")
    except ValueError:
        return None


def _as_interval(label: str, type: ColumnType) -> str:
    return _interval_or_none(label) or label


def _interval_or_none(text: str) -> str | None:
    ends = interval_ends(text)
    if ends is None:
        return None
    closed = {"()": "neither", "[)": "left", "(]": "right", "[]": "both"}[text[0] + text[-1]]
    return interval_text(*ends, closed)


def interval_ends(text: str) -> tuple[float, float] | None:
    """The ends of an interval as pandas writes it, "(0, 1.5]"; None for any other text."""
    found = _INTERVAL.fullmatch(text)
    try:
        return None if found is None else (float(found[2]), float(found[3]))
    except ValueError:
        return None


READERS = {
    "integer": _as_integer,
    "decimal": _as_integer,
    "float": _as_float,
    "duration": _as_duration,
    "bool": _as_sign,
    "date": _as_date,
    "time": _as_time,
    "interval": _as_interval,
}


class Labels:
    """The names of the categories of training, to be found by what later cells hold.

    type: of the column in training; None if it is not known, and only equal texts are found.

    Besides the canonical text, these forms of a name are found:
    - of a column of float64, a float32 whose shortest text is a name (0.1 for 0.100000001…);
    - of a column of text, a text that reads as the same whole number, truth value or date as a
      name, and a number as the name that reads as this number, unless two names of the column read
      alike: a frame reads "01" and "1.0" as 1 where no words stand beside them.
    """

    def __init__(self, names: tuple[str, ...], type: ColumnType | None) -> None:
        self.names, self.type = names, type
        self.index = {name: i for i, name in enumerate(names)}

    def find(self, label: str) -> int:
        """The number of the label's category, −1 for a label that was not in training."""
        found = self.index.get(label)
        return self._find_other(label) if found is None else found

    def find_all(self, labels: Any) -> Array:
        """The number of each label's category (Arrow text), int64 (N,); −1 also for a gap."""
        encoded = labels.dictionary_encode()
        levels = [self.find(label) for label in encoded.dictionary.to_pylist()]
        codes = np.array([*levels, -1], dtype=np.int64)
        indices: Array = encoded.indices.fill_null(len(levels)).to_numpy(zero_copy_only=False)
        found: Array = codes[indices]
        return found

    def _find_other(self, label: str) -> int:
        if self.type is None:
            return -1
        found = self.index.get(canonical(label, self.type), -1)
        if found >= 0:
            return found
        if self.type.name == "text" and not self.type.mixed:
            return self._find_value(label)
        return self._find_narrow(label) if self.type.name == "float" else -1

    def _find_value(self, label: str) -> int:
        value = as_value(label)
        if value is None:
            return -1
        if value != label and "." in value and _NUMBER.fullmatch(value):
            return -1  # "1.10" may be a version, and not 1.1
        return self._by_value.get(value, -1)

    def _find_narrow(self, label: str) -> int:
        if not _NUMBER.fullmatch(label):
            return -1
        value = float(label)
        with np.errstate(over="ignore"):
            is_narrow = float(np.float32(value)) == value
        return self.index.get(narrow_text(value, 32), -1) if is_narrow else -1

    @cached_property
    def _by_value(self) -> dict[str, int]:
        """The number of the name that reads as a value; none if two names read alike."""
        found: dict[str, int] = {}
        for name, i in self.index.items():
            value = as_value(name)
            if value in found:  # the column tells such texts apart
                return {}
            if value is not None:
                found[value] = i
        return found


def as_trained(labels: Any, type: ColumnType | None) -> Any:
    """The labels (Arrow text) of a column in training, written as its type has them."""
    import pyarrow as pa

    if type is None or not (type.mixed or type.name in ("float", "decimal", "duration")):
        return labels  # they are already
    encoded = labels.dictionary_encode()
    levels = [canonical(label, type) for label in encoded.dictionary.to_pylist()]
    return pa.array(levels, pa.large_string()).take(encoded.indices)
