"""How a CSV file separates and quotes its values, found from its first rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

DELIMITERS = (",", ";", "\t", "|")
MOST_RECORDS = 50  # that are looked at
MOST_TEXT = 2**22  # characters of them
BLANKS = " "  # as a delimiter: any number of blanks and tabs
_NUMBER = re.compile(r"[-+]?(?:\d[\d. ]*+|\.\d+)(?:[eE][-+]?\d+)?%?")
_DECIMAL_COMMA = re.compile(r"[-+]?(?:\d[\d., ]*+|[.,]\d+)(?:[eE][-+]?\d+)?%?")
MOST_DIGITS = 40  # characters of a number

Record = list[str]


@dataclass(frozen=True)
class Dialect:
    """How values are separated and quoted.

    delimiter: one character; `BLANKS` for any number of blanks and tabs.
    quote: around values that have a delimiter or a line break inside.
    skips_blanks: whether blanks between a delimiter and a quote are to be left out.
    """

    delimiter: str = ","
    quote: str = '"'
    skips_blanks: bool = False


@dataclass(frozen=True)
class _Fit:
    """How well a dialect suits the first records.

    level: 3 all rows are as wide as the header, 2 all are one wider or narrower, 1 most are as wide
    as the header, 0 otherwise.
    share: of the rows that are as wide as the header.
    numbers: share of the values of the rows that are numbers.
    """

    dialect: Dialect
    level: int
    share: float
    width: int
    numbers: float


# ---- records -------------------------------------------------------------------------------------


@cache
def _field(delimiter: str, quote: str) -> re.Pattern[str]:
    d, q = re.escape(delimiter), re.escape(quote)
    quoted = rf"{q}([^{q}]*+(?:{q}{q}[^{q}]*+)*+){q}([^{d}\r\n]*+)"
    # A quote that opens and does not close makes the record incomplete: the third alternative.
    return re.compile(rf"(?:{quoted}|({q})|([^{d}\r\n]*+))({d}|\r\n|\n|\r|\Z)?")


_LINE = re.compile(r"[^\r\n]*(\r\n|\n|\r|\Z)")


def split_records(
    text: str, dialect: Dialect, *, at_end: bool, most: int | None = None
) -> tuple[list[Record], int]:
    """The complete records of a text, and the number of its characters that they take.

    Lines with nothing but blanks are left out, except blanks in a line of a single column.
    at_end: whether the text ends with a complete record. most: number of records.
    """
    if dialect.delimiter == BLANKS:
        return _split_lines(text, _cells_at_blanks(dialect), at_end, most)
    if dialect.quote not in text:
        return _split_lines(
            text, lambda line: line.split(dialect.delimiter) if line else [], at_end, most
        )
    records: list[Record] = []
    record: Record = []
    place = used = 0
    match = _field(dialect.delimiter, dialect.quote).match
    while most is None or len(records) < most:
        found = match(text, place)
        if found is None or found[3] is not None:
            if not at_end or found is None:
                break
            # The quote runs to the end of the file.
            record.append(text[place + 1 :].replace(dialect.quote * 2, dialect.quote))
            records.append(record)
            return records, len(text)
        cell = found[4]
        if cell is None:
            cell = found[1].replace(dialect.quote * 2, dialect.quote) + found[2]
        elif dialect.skips_blanks and not record:
            cell = cell.lstrip(" ") if cell.strip(" ") == "" else cell
        end = found[5]
        if not end:  # the end of the text
            if at_end and (record or cell):
                records.append([*record, cell])
                used = len(text)
            break
        record.append(cell)
        place = found.end()
        if end != dialect.delimiter:
            if len(record) > 1 or record[0]:
                records.append(record)
            record, used = [], place
    return records, len(text) if at_end and place >= len(text) else used


def _split_lines(
    text: str, cells_of: Callable[[str], Record], at_end: bool, most: int | None
) -> tuple[list[Record], int]:
    """Where each line is a record. cells_of: the cells of a line, none for one to be left out."""
    records: list[Record] = []
    place = 0
    while place < len(text) and (most is None or len(records) < most):
        found = _LINE.match(text, place)
        assert found is not None
        if not found[1] and not at_end:
            break
        if cells := cells_of(found[0].removesuffix(found[1])):
            records.append(cells)
        place = found.end()
    return records, place


def _cells_at_blanks(dialect: Dialect) -> Callable[[str], Record]:
    q = re.escape(dialect.quote)
    token = re.compile(rf"{q}((?:[^{q}]|{q}{q})*+){q}|(\S+)")
    return lambda line: [
        m[2] if m[2] is not None else m[1].replace(dialect.quote * 2, dialect.quote)
        for m in token.finditer(line)
    ]


# ---- the dialect ---------------------------------------------------------------------------------


def find_dialect(text: str, *, at_end: bool, delimiter: str | None = None) -> Dialect:
    """The dialect that the beginning of a file has; the delimiter if it is given.

    The delimiter is the one that gives all rows the same number of values. Where none does, it is
    the most frequent one of the header. Single quotes are quotes where no value has double ones,
    and either all values of a column have them or they are needed for rows of equal length.
    """
    if len(text) > MOST_TEXT:
        text = text[:MOST_TEXT]
        at_end = "\n" not in text  # then its first line alone, as far as it is looked at
    candidates = DELIMITERS if delimiter is None else (delimiter,)
    best = _best([_fit(text, Dialect(d), at_end) for d in candidates])
    if best.level < 3 and re.search(r'[^\w ] +"', text):
        others = [_fit(text, Dialect(d, skips_blanks=True), at_end) for d in candidates]
        if (skipping := _best(others)).level == 3:
            return skipping.dialect
    if delimiter is None:
        blanks = _fit(text, Dialect(BLANKS), at_end)
        if _is_aligned(text, blanks, best):
            return blanks.dialect
    if "'" in text:
        singles = _best([_fit(text, Dialect(d, "'"), at_end) for d in candidates])
        if _has_single_quotes(text, best, singles, at_end):
            return singles.dialect
    return best.dialect


def without_blanks(text: str, dialect: Dialect) -> str:
    """The text without the blanks between a delimiter and a quote."""
    d, q = dialect.delimiter, dialect.quote
    return re.sub(f"{re.escape(d)} +{q}", lambda _: d + q, text)


def _fit(text: str, dialect: Dialect, at_end: bool) -> _Fit:
    if dialect.skips_blanks:
        text = without_blanks(text, dialect)
    records, _ = split_records(text, dialect, at_end=at_end, most=MOST_RECORDS)
    records = [r for r in records if len(r) > 1 or r[0].strip()] or [[""]]
    widths = [len(record) for record in records]
    width, rows = widths[0], widths[1:]
    share = rows.count(width) / len(rows) if rows else 1.0
    level = 0
    if width > 1 and share == 1.0:
        level = 3
    elif len(set(rows)) == 1 and rows[0] > 1 and abs(rows[0] - width) == 1:
        level = 2
    elif width > 1 and share >= 0.5:
        level = 1
    cells = [cell for record in records[1:] for cell in record[:1000]]
    number = _DECIMAL_COMMA if dialect.delimiter in (";", "\t") else _NUMBER
    cells = [cell.strip() for cell in cells]
    numbers = sum(
        not cell or (len(cell) <= MOST_DIGITS and bool(number.fullmatch(cell))) for cell in cells
    )
    return _Fit(dialect, level, share, width, numbers / max(len(cells), 1))


def _best(fits: Sequence[_Fit]) -> _Fit:
    """Of equals, the one whose values are more often numbers, then that of the widest header."""
    return max(fits, key=lambda fit: (fit.level, fit.share if fit.level else 0.0, *_tie(fit)))


def _tie(fit: _Fit) -> tuple[float, int]:
    return (fit.numbers if fit.level == 3 else 0.0, fit.width)


def _is_aligned(text: str, blanks: _Fit, best: _Fit) -> bool:
    """Whether blanks separate the values, as in many files of numbers."""
    if blanks.level < 2 or blanks.width == 1:
        return False
    if best.level == 0 or (best.level == 1 and blanks.level == 3 and best.share < 0.8):
        return True
    if best.dialect.delimiter == "\t" and blanks.width > best.width:
        # A tab before the last value only, as in some files of the UCI repository.
        return blanks.level == 3 and blanks.numbers > best.numbers and "  " in text
    return best.dialect.delimiter == "\t" and best.level < 3 and blanks.level == 3


def _has_single_quotes(text: str, double: _Fit, single: _Fit, at_end: bool) -> bool:
    records, _ = split_records(
        text, replace(single.dialect, quote="\0"), at_end=at_end, most=MOST_RECORDS
    )
    if any(cell.startswith('"') for record in records for cell in record):
        return False
    if single.level == 3 and double.level < 3:
        return True
    if double.level < 3 or single.level < 3:
        return False
    columns = list(zip(*records[1:], strict=False))
    filled = [[cell for cell in column if cell.strip()] for column in columns]
    return any(column and all(map(_is_quoted, column)) for column in filled)


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == "'"


def most_common_width(records: Sequence[Record]) -> int:
    """The number of values that most of the records have."""
    return Counter(map(len, records)).most_common(1)[0][0] if records else 0
