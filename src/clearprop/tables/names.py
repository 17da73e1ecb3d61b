"""Names of columns as text: whole numbers, tuples and dates name columns, too.

A pandas frame may have names of any type. Each has one text, which messages show, model files keep
and columns are found by.
"""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np


def name_text(name: Any) -> str:
    """The text of a name.

    Text is itself; 3 and 3.0 are "3"; a date is ISO 8601, without a time of midnight; a tuple is
    its parts that are not empty, joined by " / ".

    >>> name_text(("price", "mean")), name_text(("city", "")), name_text(3)
    ('price / mean', 'city', '3')
    """
    if isinstance(name, str):
        return str(name)
    if isinstance(name, tuple):
        parts = [name_text(part) for part in name if not _is_blank(part)]
        return " / ".join(parts) if parts else ""
    if isinstance(name, dt.datetime):  # a Timestamp of pandas as well
        at_midnight = (name.hour, name.minute, name.second, name.microsecond) == (0, 0, 0, 0)
        if at_midnight and name.tzinfo is None and not getattr(name, "nanosecond", 0):
            return name.date().isoformat()
        return name.isoformat(sep=" ")
    if isinstance(name, bool):
        return str(name)
    if isinstance(name, numbers.Integral):
        return str(int(name))
    if isinstance(name, numbers.Real) and float(name).is_integer():
        return str(int(float(name)))
    return str(name)


def _is_blank(part: Any) -> bool:
    return (
        part is None
        or (isinstance(part, str) and not part.strip())
        or str(part) in ("nan", "NaT", "<NA>")
    )


def texts_of(names: Sequence[Any]) -> list[str]:
    """The text of each name; ValueError, with both, if two have the same."""
    texts = [name_text(name) for name in names]
    if len(set(texts)) < len(texts):
        raise ValueError(repeated(names, texts))
    return texts


def repeated(names: Sequence[Any], texts: Sequence[str]) -> str:
    """The message that two columns have the same name."""
    first: dict[str, Any] = {}
    for name, text in zip(names, texts, strict=True):
        if text in first:
            other = first[text]
            if type(other) is type(name) and other == name:
                return f"the table has two columns of the same name: {_shown(name)}"
            return (
                f"the table has two columns of the same name: {_shown(other)} and {_shown(name)} "
                f"are both called {_shown(text)}"
            )
        first[text] = name
    return "the table has two columns of the same name"


def _shown(name: Any) -> str:
    text = repr(name)
    return text if len(text) <= 60 else text[:59] + "…"


def are_numbers_in_order(names: Sequence[Any]) -> bool:
    """Whether the names are the whole numbers 0, 1, …, n−1, as in frames without names.

    pandas gives these numbers to the columns of an array.
    """
    return all(
        isinstance(name, int | np.integer) and not isinstance(name, bool) and name == i
        for i, name in enumerate(names)
    )
