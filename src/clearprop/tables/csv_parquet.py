"""CSV and Parquet files, read in batches and written completely or not at all.

All columns of a CSV file are read as text, so that a value means the same in the training table and
in any later one, whatever the other rows hold. :mod:`clearprop.tables.columns` decides for each
column what the text means. Only a few batches are in memory at a time.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

from clearprop.documents import one_line
from clearprop.tables.frames import TableError, shown, unknown_name
from clearprop.writing import replacing

Source: TypeAlias = IO[bytes] | gzip.GzipFile

BLOCK_BYTES = 2**20  # of CSV text in a batch; no row may be longer
BATCH_ROWS = 2**15  # of a Parquet file in a batch
HEAD_BYTES = 2**20  # of a CSV file that are looked at for its header and its delimiter
DELIMITERS = (",", ";", "\t", "|")
# What other programs write for a missing value in CSV files (pandas reads the same as missing).
MISSING = (
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "<NA>",
    "NaN",
    "nan",
    "-NaN",
    "-nan",
    "1.#IND",
    "-1.#IND",
    "1.#QNAN",
    "-1.#QNAN",
    "NULL",
    "null",
    "None",
)


@dataclass(frozen=True)
class TableFile:
    """A table open for reading: its column names, and its rows in batches of Arrow tables.

    text: whether all values are text (CSV), to be understood by `parse_text`.
    """

    path: str
    names: tuple[str, ...]
    text: bool
    reader: Any

    def batches(self) -> Iterator[Any]:
        """The rows, in order; may be gone through once. TableError for a damaged file."""
        import pyarrow as pa

        with _explained(self.path):
            for batch in self.reader:
                if batch.num_rows:
                    yield pa.Table.from_batches([batch])


@contextmanager
def open_table(
    path: str,
    *,
    columns: Collection[str] | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
) -> Iterator[TableFile]:
    """Open a CSV file (.csv, .tsv, .txt, also .gz) or a Parquet file; "-" is CSV on standard input.

    columns: only these are read, if the file has them.
    delimiter: of a CSV file; by default a tab in .tsv files, otherwise the most frequent of
    , ; tab | in the header.
    Raises OSError for a file that cannot be opened, and TableError for one that is not a table.
    """
    if path == "-":
        with _open_csv("standard input", sys.stdin.buffer, columns, delimiter, encoding) as table:
            yield table
        return
    with open(path, "rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"PAR1":
            with _open_parquet(path, file, columns) as table:
                yield table
        elif head[:2] == b"\x1f\x8b":
            with gzip.open(file) as text, _open_csv(path, text, columns, delimiter, encoding) as t:
                yield t
        else:
            with _open_csv(path, file, columns, delimiter, encoding) as table:
                yield table


def read_table(
    path: str,
    *,
    columns: Collection[str] | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
) -> tuple[Any, bool]:
    """The whole file as one Arrow table, and whether all its values are text (CSV).

    Raises as `open_table`, and TableError for a table without rows.
    """
    import pyarrow as pa

    options: dict[str, Any] = {"columns": columns, "delimiter": delimiter, "encoding": encoding}
    with open_table(path, **options) as table:
        batches = list(table.batches())
    if not batches:
        raise TableError(f"{path}: the table has no rows")
    return pa.concat_tables(batches), table.text


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what Arrow raises for a damaged file into a TableError about it."""
    import pyarrow as pa

    try:
        yield
    except TableError:
        raise
    except (pa.ArrowException, gzip.BadGzipFile, zlib.error, EOFError, UnicodeError) as error:
        raise TableError(f"{path}: {one_line(error)}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise TableError(f"{path}: {one_line(error)}") from error  # Parquet says so when damaged


# ---- CSV -----------------------------------------------------------------------------------------


@contextmanager
def _open_csv(
    path: str,
    file: Source,
    columns: Collection[str] | None,
    delimiter: str | None,
    encoding: str,
) -> Iterator[TableFile]:
    import pyarrow as pa
    import pyarrow.csv

    head, source = _peek(path, file)
    header = _header(path, head, encoding)
    if delimiter is None:
        plain = path.lower().removesuffix(".gz")
        delimiter = "\t" if plain.endswith(".tsv") else _likely_delimiter(header)
    names = next(csv.reader(io.StringIO(header), delimiter=delimiter))
    _check_names(path, names)
    wanted = [name for name in names if columns is None or name in columns]
    if not wanted:  # pyarrow takes no column for all columns
        raise TableError(f"{path}: {unknown_name(next(iter(columns or ())), names)}")
    bad_rows: list[Any] = []

    def on_bad_row(row: Any) -> str:
        bad_rows.append(row)
        return "error"

    try:
        with _explained(path):
            reader = pa.csv.open_csv(
                source,
                read_options=pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES,
                    encoding="utf8" if codecs.lookup(encoding).name == "utf-8" else encoding,
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=on_bad_row
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()),
                    include_columns=wanted,
                    strings_can_be_null=False,
                ),
            )
        yield TableFile(path, tuple(names), True, reader)
    except TableError as error:
        if "straddling" in str(error):
            raise TableError(
                f"{path}: a row has more than {BLOCK_BYTES:,} bytes (a quote that is not closed?)"
            ) from error
        if "Empty CSV file or block" in str(error):  # a header without a line break
            raise TableError(f"{path}: the table has no rows") from error
        if not bad_rows:
            raise
        row = bad_rows[0]
        # Arrow counts from 1 and the header is one of them; rows here count from 0.
        where = "a row" if row.number is None else f"row {row.number - 2}"
        has = f"has {row.actual_columns} values, the header has {row.expected_columns}"
        raise TableError(f"{path}: {where} {has}") from error


def _peek(path: str, file: Source) -> tuple[bytes, Any]:
    """The beginning of a stream, and a stream that still has it."""
    with _explained(path):
        # BufferedReader.peek gives what one read gives, which from a pipe may be little.
        head = b""
        while len(head) < HEAD_BYTES and b"\n" not in head:
            more = file.read(HEAD_BYTES - len(head))
            if not more:
                break
            head += more
    return head, _Joined(head, file)


class _Joined(io.RawIOBase):
    """Bytes already read, followed by the rest of their stream."""

    def __init__(self, head: bytes, rest: Source) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._head[: len(view)] if len(self._head) else self._rest.read(len(view))
        self._head = self._head[len(data) :] if len(self._head) else self._head
        view[: len(data)] = data
        return len(data)


def _header(path: str, head: bytes, encoding: str) -> str:
    """The first line that is not empty, with the line breaks inside its quotes."""
    if not head.strip():
        raise TableError(f"{path}: the file is empty")
    try:
        codec = codecs.lookup(encoding)
        text = codec.incrementaldecoder().decode(head)
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not text in {encoding} (byte {error.start})") from error
    except LookupError as error:
        raise TableError(f"there is no encoding {shown(encoding)}") from error
    if "\0" in text:
        raise TableError(f"{path}: neither CSV in {encoding} nor Parquet (it has zero bytes)")
    lines = text.lstrip("\ufeff\r\n").splitlines(keepends=True)
    header = ""
    for line in lines:
        header += line
        if header.count('"') % 2 == 0:
            break
    return header.rstrip("\r\n")


def _likely_delimiter(header: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _check_names(path: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TableError(f"{path}: two columns have the name {shown(name)}")
        seen.add(name)


# ---- Parquet -------------------------------------------------------------------------------------


@contextmanager
def _open_parquet(
    path: str, file: IO[bytes], columns: Collection[str] | None
) -> Iterator[TableFile]:
    import pyarrow.parquet

    with _explained(path):
        # Pages are read as they are needed, not whole row groups, which may be the whole file.
        parquet = pyarrow.parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**16)
        names = list(parquet.schema_arrow.names)
    _check_names(path, names)
    wanted = [name for name in names if columns is None or name in columns]
    reader = parquet.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False)
    with parquet:
        yield TableFile(path, tuple(names), False, reader)


# ---- writing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TableOutput:
    """A table being written, batch by batch."""

    writer: Any

    def write(self, batch: Any) -> None:
        """Append the rows of an Arrow table with the schema of this output."""
        self.writer.write_table(batch)


@contextmanager
def write_table(path: str, schema: Any) -> Iterator[TableOutput]:
    """A table that is written in batches to a .csv or .parquet file, or as CSV to "-", the standard
    output.

    The file appears, or replaces the old one, when all is written; on an error nothing remains.
    Raises TableError for another ending, OSError where it cannot be written.
    """
    kind = output_kind(path)
    if path == "-":
        yield TableOutput(_CSVWriter(sys.stdout.buffer, schema))
        sys.stdout.buffer.flush()
        return
    with replacing(path) as file:
        if kind == "csv":
            yield TableOutput(_CSVWriter(file, schema))
            return
        import pyarrow.parquet

        with pyarrow.parquet.ParquetWriter(file, schema) as writer:
            yield TableOutput(writer)


def output_kind(path: str) -> str:
    """ "csv" or "parquet", by the ending; TableError for any other."""
    lower = path.lower()
    if path == "-" or lower.endswith(".csv"):
        return "csv"
    if lower.endswith((".parquet", ".pq")):
        return "parquet"
    raise TableError(f"{path}: the name of an output must end in .csv or .parquet")


class _CSVWriter:
    """Arrow tables as CSV text, with quotes where they are needed."""

    def __init__(self, file: IO[bytes], schema: Any) -> None:
        self._file = file
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(schema.names)
        file.write(header.getvalue().encode("utf-8"))

    def write_table(self, table: Any) -> None:
        import pyarrow as pa
        import pyarrow.csv

        # "needed" means all text, "none" is refused where a value has a comma, quote or newline.
        for style in ("none", "needed"):
            buffer = pa.BufferOutputStream()
            try:
                options = pa.csv.WriteOptions(include_header=False, quoting_style=style)
                pa.csv.write_csv(table, buffer, options)
                break
            except pa.ArrowInvalid:
                if style == "needed":
                    raise
        self._file.write(buffer.getvalue())
