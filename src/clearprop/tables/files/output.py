"""Tables written to CSV and Parquet files, completely or not at all."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from clearprop.tables.frames import TableError
from clearprop.writing import replacing


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
