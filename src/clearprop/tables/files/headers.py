"""The names of the columns of a CSV file or sheet, and which columns are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from clearprop.tables.files.dialects import most_common_width
from clearprop.tables.files.records import (
    INDEX_NAME,
    FileOptions,
    check_names,
    listed,
    tell,
)
from clearprop.tables.frames import shown

_INDEX = re.compile(r"(?:Unnamed: 0(?:\.\d+)*)?")  # also of a file that pandas wrote several times
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Header:
    """The columns of a file, in its order.

    names: of all columns; unique.
    has_line: whether the first record has the names.
    left_out: the places of columns that are no data, such as row numbers.
    blank: the places of columns without a name that must be blank in every row.
    """

    names: tuple[str, ...]
    has_line: bool = True
    left_out: frozenset[int] = field(default_factory=frozenset)
    blank: frozenset[int] = field(default_factory=frozenset)

    @property
    def kept(self) -> tuple[int, ...]:
        """The places of the columns of the table."""
        omitted = self.left_out | self.blank
        return tuple(i for i in range(len(self.names)) if i not in omitted)


def read_header(path: str, records: Sequence[Sequence[Any]], options: FileOptions) -> Header:
    """The header from the first records, whose values are texts, or also numbers in a sheet.

    Tells about columns without a name, row numbers that are left out, and a header that looks like
    data. Raises TableError for names that are not all different.
    """
    rows = [row for row in records[1:] if not all(map(_is_blank, row))]
    if not options.header:
        return _made_up(path, records)
    names = [_as_name(value) for value in records[0]]
    names, row_names, blank = _as_wide_as_the_rows(names, rows)
    left_out: set[int] = set()
    if row_names:
        left_out.add(0)
        tell(path, "the first column has row names, not data (it has no name): left out")
    place = len(left_out)
    while place < len(names) - 1 and _INDEX.fullmatch(names[place]):
        name = names[place] or INDEX_NAME
        if options.asks_for(name) or not _is_index(rows, place):
            break
        left_out.add(place)
        what = shown(names[place]) if names[place] else "without a name"
        tell(path, f"column {place} ({what}) has row numbers: left out")
        place += 1
    names = _with_names(path, names, left_out | blank)
    doubtful = _looks_like_data(records[0], rows)
    hint = "; if the first line is data, use --no-header" if doubtful else ""
    check_names(path, names, hint)
    if doubtful:
        tell(
            path,
            f"the first line was read as the names of the columns ({listed(names, 4)}), but looks "
            "like data; --no-header reads it as data",
        )
    return Header(tuple(names), True, frozenset(left_out), frozenset(blank))


def _made_up(path: str, records: Sequence[Sequence[Any]]) -> Header:
    width = most_common_width([list(row) for row in records])
    ends_blank = width > 1 and all(_is_blank(row[-1]) for row in records if len(row) == width)
    names = [f"x{i}" for i in range(width)]
    check_names(path, names)
    return Header(tuple(names), False, blank=frozenset({width - 1} if ends_blank else ()))


def _as_name(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _as_wide_as_the_rows(
    names: list[str], rows: Sequence[Sequence[Any]]
) -> tuple[list[str], bool, set[int]]:
    """The names of all columns, whether the first are row names, and which must be blank.

    A file may have a delimiter at the end of its rows, or of its header, or of both; a table of R
    (write.table) has row names but no name for them.
    """
    widths = set(map(len, rows))
    if len(widths) != 1:
        return names, False, set()
    (width,) = widths
    ends_blank = all(_is_blank(row[-1]) for row in rows)
    last = len(names) - 1
    if width == last and names[last] == "" and width > 0:
        return names[:last], False, set()
    if width == last + 1 and last > 0 and names[last] == "" and ends_blank:
        return names, False, {last}
    if width == last + 2 and ends_blank:
        return [*names, ""], False, {last + 1}
    if width == last + 2 and _are_row_names([row[0] for row in rows]):
        return ["", *names], True, set()
    return names, False, set()


def _are_row_names(values: Sequence[Any]) -> bool:
    """Whether they are 1, 2, 3, …, or texts that are all different."""
    texts = [str(value) for value in values]
    if texts == [str(i) for i in range(1, len(texts) + 1)]:
        return True
    return len(set(texts)) == len(texts) and not any(map(_NUMBER.fullmatch, texts))


def _is_index(rows: Sequence[Sequence[Any]], place: int) -> bool:
    """Whether a column has whole numbers that are all different, as an index of pandas has."""
    values = [row[place] for row in rows if len(row) > place]
    texts = [_as_name(value) for value in values]
    return (
        bool(texts)
        and all(text.isascii() and text.isdigit() for text in texts)
        and len(set(texts)) == len(texts)
    )


def _with_names(path: str, names: list[str], omitted: set[int]) -> list[str]:
    """With a name for every column that has none, as pandas gives it."""
    taken = set(names)
    found: list[str] = []
    given: list[str] = []
    for i, name in enumerate(names):
        new = name
        if i in omitted:
            new = f"\0{i}"  # never seen
        elif not name:
            new = f"Unnamed: {i}"
            while new in taken:
                new += "_"
            taken.add(new)
            given.append(new)
        found.append(new)
    if given:
        tell(path, f"columns without a name in the header are called {listed(given)}")
    return found


def _looks_like_data(header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the columns of numbers have numbers for names, too, which do not count up.

    Without rows every column may be one of numbers.
    """
    width = len(header)
    same = [row for row in rows if len(row) == width][:20]
    names = [_as_name(value) for value in header]
    places = [
        i
        for i in range(min(width, 1000))
        if all(_NUMBER.fullmatch(_as_name(row[i])) for row in same)
    ]
    found = [names[i] for i in places]
    if not found or not all(map(_NUMBER.fullmatch, found)):
        return False
    numbers = [float(text.replace(",", ".")) for text in found]
    counts_up = len(numbers) > 1 and all(x.is_integer() and a < x for a, x in pairwise(numbers))
    return not (counts_up and numbers[0].is_integer())


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
