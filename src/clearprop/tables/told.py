"""What a fit says about its table: one message for each kind of finding, of bounded length."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from clearprop.callers import users_line
from clearprop.tables.frames import TableWarning, shown
from clearprop.tables.inference import ColumnFinding, counted

MOST = 10  # columns that a message names


@dataclass(frozen=True)
class Ways:
    """How a user changes what was decided, in words.

    kinds: what makes a column of another kind. gaps: what keeps or adds marks of missing values.
    day_first, thousands: what says how text is read. numbers: what makes texts of digits numbers.
    target: what is done about texts among the numbers of a target. marks: what keeps a text that
    means a missing target. skip: what is done about rows without a target.
    """

    kinds: str
    gaps: str
    day_first: str
    thousands: str
    numbers: str
    target: str
    marks: str
    skip: str


IN_PYTHON = Ways(
    "kinds={column: kind}",
    "kinds={column: 'categorical'}",
    "text_format={'day_first': True} or False",
    "text_format={'thousands': ','}",
    "kinds={column: 'numeric'}",
    "missing=[text] makes them missing, task='classification' makes all texts classes",
    "without it in missing= it is kept",
    "leave such rows out",
)
ON_COMMAND_LINE = Ways(
    "--numeric, --categorical, --boolean, --date, --text or --ignore",
    "--categorical COLUMN",
    "--day-first or --month-first",
    "--thousands ,",
    "--numeric COLUMN",
    "--missing TEXT makes them missing, --task classification makes all texts classes",
    "--no-default-missing keeps such a text",
    "--skip-missing-target leaves such rows out",
)


def messages(findings: Mapping[str, ColumnFinding], ways: Ways = IN_PYTHON) -> list[str]:
    """The messages about a table, from the findings of its columns by name."""
    left_out: list[str] = []
    unusable: list[str] = []
    gaps, read, commas, days, codes, infinite = [], [], [], [], [], []
    types = [finding.reading.type for finding in findings.values()]
    all_text = all(type_ is not None and type_.name in ("text", "nothing") for type_ in types)
    for name, finding in findings.items():
        reading, column = finding.reading, shown(name)
        if reading.kind == "ignore" and not finding.asked:
            is_other = reading.type is not None and reading.type.name == "other"
            (unusable if is_other else left_out).append(f"{column} ({reading.reason})")
        if finding.gaps:
            gaps.append(f"{column} ({counted(finding.gaps)})")
        is_text = reading.type is not None and reading.type.name == "text"
        unusual = reading.number is not None or reading.date is not None or not all_text
        parsed = reading.kind in ("numeric", "date", "boolean")
        if is_text and parsed and unusual and not finding.asked:
            read.append(f"{column} ({reading.reason.partition(':')[0]})")
        if finding.doubt == "comma":
            commas.append(column)
        if finding.doubt == "day":
            days.append(column)
        if finding.doubt == "codes" and reading.kind == "categorical":
            codes.append(column)
        if finding.infinite:
            infinite.append(f"{column} ({finding.infinite:,})")
    texts = (
        (left_out, "left out: {}", f"{ways.kinds} decides otherwise"),
        (unusable, "left out: {}", "numbers, dates or text made from them can be used"),
        (gaps, "values that count as missing: {}", f"{ways.gaps} keeps them as categories"),
        (read, "text that is read as numbers or dates: {}", f"{ways.kinds} decides otherwise"),
        (commas, "commas are read as decimal commas: {}", f"otherwise {ways.thousands}"),
        (
            days,
            "dates whose day and month cannot be told apart: {}",
            f"{ways.day_first} reads them",
        ),
        (codes, "codes with leading zeros are categories: {}", f"{ways.numbers} reads numbers"),
        (infinite, "infinite values count as beyond all others: {}", ""),
    )
    return [
        "; ".join(filter(None, (text.format(listed(columns)), way)))
        for columns, text, way in texts
        if columns
    ]


def warn(findings: Mapping[str, ColumnFinding]) -> None:
    """Warn of what was decided about a table: one TableWarning for each kind of finding."""
    for message in messages(findings):
        warnings.warn(message, TableWarning, stacklevel=users_line())


def warn_of_texts(names: list[str], reason: str, way: str) -> None:
    """Warn of columns of free text that are left out for a reason; way: how to keep them."""
    if names:
        message = f"left out: {listed([shown(name) for name in names])} ({reason}); {way}"
        warnings.warn(message, TableWarning, stacklevel=users_line())


def listed(columns: list[str]) -> str:
    """The columns, not more than `MOST` of them."""
    more = f" and {len(columns) - MOST:,} more columns" if len(columns) > MOST else ""
    return ", ".join(columns[:MOST]) + more
