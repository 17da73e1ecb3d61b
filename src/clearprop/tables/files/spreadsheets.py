"""Excel files (.xlsx): one sheet as a table, whose cells keep their types."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import chain, islice
from typing import IO, Any

from clearprop.documents import one_line
from clearprop.tables.files.archives import MOST_GROWTH
from clearprop.tables.files.headers import read_header
from clearprop.tables.files.records import (
    BATCH_ROWS,
    FileOptions,
    TableFile,
    check_wanted,
    listed,
    tell,
    text_of,
)
from clearprop.tables.frames import TableError, near_matches, shown

MOST_BYTES = 2**29  # of a workbook when unpacked
MOST_TEXT = 2**27  # of its shared texts, which are in memory
SAMPLE_ROWS = 50
CHUNK_ROWS = 1000  # that are taken from the library at a time

Row = Sequence[Any]


@contextmanager
def open_sheet(path: str, file: IO[bytes], options: FileOptions) -> Iterator[TableFile]:
    """A sheet of an Excel file open for reading: the first, or the one that `options` names.

    The first row that is not empty has the names. Rows without any value are left out.
    """
    try:
        import openpyxl
    except ImportError:
        raise TableError(
            f"{path}: reading Excel files needs openpyxl; pip install 'clearprop[excel]'"
        ) from None
    _check_size(path, file)
    with _damaged(path):
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        with _damaged(path):
            sheets = [sheet.title for sheet in book.worksheets]
            if not sheets:
                raise TableError(f"{path}: the file has no sheet")
            name = sheets[0] if options.sheet is None else _sheet(path, options.sheet, sheets)
            sheet = book.worksheets[sheets.index(name)]
            sheet.reset_dimensions()  # what the file says of its size may be wrong
        if options.sheet is None and len(sheets) > 1:
            tell(
                path,
                f"the first of {len(sheets):,} sheets ({shown(name)}) was read; --sheet names "
                f"another: {listed(sheets[1:], 5)}",
            )
        rows = _rows(path, sheet)
        sample = list(islice(rows, SAMPLE_ROWS))
        if not sample:
            raise TableError(f"{path}: sheet {shown(name)} is empty")
        width = max(map(len, sample))
        header = read_header(path, [_filled(row, width) for row in sample], options)
        body = chain(sample[1:] if header.has_line else sample, rows)
        names = [header.names[i] for i in header.kept]
        check_wanted(path, options, names)
        places = {header.names[i]: i for i in header.kept if options.wants(header.names[i])}
        yield TableFile(path, tuple(names), False, _tables(path, body, places, len(header.names)))
    finally:
        book.close()


def _check_size(path: str, file: IO[bytes]) -> None:
    """TableError for an archive whose sizes, which its reader believes, are beyond the limits."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise TableError(f"{path}: {one_line(error)}") from error
    if not any(member.filename == "xl/workbook.xml" for member in members):
        raise TableError(f"{path}: an archive in an archive; unpack it once")
    if any(member.flag_bits & 1 for member in members):
        raise TableError(f"{path}: the file is encrypted; save it without a password")
    size = sum(member.file_size for member in members)
    packed = file.seek(0, 2)
    texts = sum(m.file_size for m in members if "sharedstrings" in m.filename.lower())
    if size > MOST_BYTES or texts > MOST_TEXT or (size > 2**26 and size > MOST_GROWTH * packed):
        raise TableError(
            f"{path}: the sheets unpack to {size:,} bytes, which is too large for an Excel file; "
            "save the table as CSV"
        )
    file.seek(0)


@contextmanager
def _damaged(path: str) -> Iterator[None]:
    """Turn whatever the library raises for a damaged file into a TableError, and be quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (TableError, MemoryError):
        raise
    except Exception as error:
        raise TableError(f"{path}: the Excel file is damaged: {one_line(error)}") from error


def _sheet(path: str, name: str, sheets: list[str]) -> str:
    if name in sheets:
        return name
    close = near_matches(name, sheets)
    known = f"did you mean {listed(close)}?" if close else f"its sheets are {listed(sheets)}"
    raise TableError(f"{path}: there is no sheet {shown(name)}; {known}")


def _rows(path: str, sheet: Any) -> Iterator[Row]:
    """The values of the rows that have any, without empty cells at the end."""
    with _damaged(path):
        source = sheet.iter_rows(values_only=True)
    at_end = False
    while not at_end:
        with _damaged(path):
            chunk = list(islice(source, CHUNK_ROWS))
            rows = [row for row in map(_without_end, chunk) if row]
        at_end = len(chunk) < CHUNK_ROWS
        yield from rows


def _without_end(row: Row) -> Row:
    n = len(row)
    while n and (row[n - 1] is None or row[n - 1] == ""):
        n -= 1
    return row[:n]


def _filled(row: Row, width: int) -> Row:
    return [*row[:width], *[None] * (width - len(row))]


def _tables(path: str, rows: Iterator[Row], places: dict[str, int], width: int) -> Iterator[Any]:
    import pyarrow as pa

    n_rows = 0
    size = max(1, min(BATCH_ROWS, 2**22 // width))
    while batch := list(islice(rows, size)):
        for i, row in enumerate(batch):
            if len(row) > width:
                raise TableError(
                    f"{path}: row {n_rows + i} has {len(row)} values, the header has {width}"
                )
        columns = {
            name: _array([row[i] if i < len(row) else None for row in batch])
            for name, i in places.items()
        }
        yield pa.table(columns)
        n_rows += len(batch)


def _array(values: list[Any]) -> Any:
    """As the type of the cells; as text where there are several."""
    import pyarrow as pa

    values = [None if value == "" else value for value in values]
    types = {type(value) for value in values if value is not None}
    if types == {float, int}:
        values = [value if value is None else float(value) for value in values]
    elif types == {date, datetime}:
        values = [_as_datetime(value) for value in values]
    if len(types) <= 1 or types in ({float, int}, {date, datetime}):
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError, UnicodeError):
            pass
    return pa.array([text_of(value) for value in values], pa.large_string())


def _as_datetime(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day)
