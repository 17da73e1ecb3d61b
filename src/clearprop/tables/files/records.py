"""What the readers of files share: how a file is asked for, a table open for reading, its limits,
and the errors and notes about it.
"""

from __future__ import annotations

import errno
import json
import lzma
import struct
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from clearprop.documents import one_line
from clearprop.tables.cells import number_text
from clearprop.tables.frames import TableError, TableWarning, shown, unknown_name

BATCH_ROWS = 2**15  # of a file other than CSV in a batch
MAX_ROW_BYTES = 2**26  # of a row of text
MAX_COLUMNS = 2**18
MAX_NAME = 10_000  # characters in the name of a column
INDEX_NAME = "Unnamed: 0"  # what pandas calls a column without a name when it reads CSV


@dataclass(frozen=True)
class FileOptions:
    """How a file is to be read; None for what is found from its content.

    columns: the only ones that are read, if the file has them; None for all.
    delimiter, encoding: of a text file.
    header: whether the first line of a CSV file or sheet has the names of the columns.
    comment: what lines of a CSV file begin with that are left out.
    sheet: name of the sheet of a spreadsheet (default: the first).
    """

    columns: frozenset[str] | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True
    comment: str | None = None
    sheet: str | None = None

    def wants(self, name: str) -> bool:
        """Whether a column is to be read."""
        return self.columns is None or name in self.columns

    def asks_for(self, name: str) -> bool:
        """Whether a column is asked for by its name."""
        return self.columns is not None and name in self.columns


@dataclass(frozen=True)
class TableFile:
    """A table open for reading: its column names, and its rows in batches of Arrow tables.

    text: whether all values are text (CSV), whose meaning is still to be found.
    """

    path: str
    names: tuple[str, ...]
    text: bool
    reader: Iterator[Any]

    def batches(self) -> Iterator[Any]:
        """The rows, in order; may be gone through once. TableError for a damaged file."""
        with explained(self.path):
            for batch in self.reader:
                if len(batch):
                    yield batch


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn what libraries raise for a damaged file into a TableError about it."""
    import pyarrow as pa

    damaged = (pa.ArrowException, zlib.error, lzma.LZMAError, zipfile.BadZipFile, EOFError)
    try:
        yield
    except TableError:
        raise
    except (*damaged, UnicodeError, struct.error, NotImplementedError, RecursionError) as error:
        raise TableError(f"{path}: {one_line(error)}") from error
    except OSError as error:  # of the system, or of a library that finds a file damaged
        if error.errno not in (None, errno.EINVAL):  # EINVAL: a place before the beginning
            raise
        raise TableError(f"{path}: {one_line(error)}") from error


def tell(path: str, message: str) -> None:
    """Say once what was done with a file without being asked, and how to change it."""
    warnings.warn(f"{path}: {message}", TableWarning, stacklevel=2)


def check_names(path: str, names: Sequence[str], hint: str = "") -> None:
    """TableError for two columns of the same name, and for names beyond the limits."""
    if len(names) > MAX_COLUMNS:
        raise TableError(f"{path}: {len(names):,} columns; at most {MAX_COLUMNS:,} can be read")
    seen: set[str] = set()
    for name in names:
        if len(name) > MAX_NAME:
            raise TableError(
                f"{path}: the name {shown(name)} of a column has {len(name):,} characters; "
                f"at most {MAX_NAME:,} can be read"
            )
        if name in seen:
            raise TableError(f"{path}: two columns have the name {shown(name)}{hint}")
        seen.add(name)


def check_wanted(path: str, options: FileOptions, names: Collection[str]) -> None:
    """TableError where the file has none of the columns that are asked for."""
    if options.columns is not None and options.columns.isdisjoint(names):
        first = min(options.columns, default="")
        raise TableError(f"{path}: {unknown_name(first, list(names))}")


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names in quotes, of which a long list is cut."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more


def text_of(value: Any) -> str | None:
    """A value of a column that has values of several types, as text."""
    if value is None:
        return None
    if isinstance(value, bool | float):
        return number_text(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, default=str)
    return str(value).encode("utf-8", "replace").decode()
