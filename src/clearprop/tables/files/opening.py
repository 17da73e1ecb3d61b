"""Opens a table file by what it is, whatever its name says."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO, Any

from clearprop.tables.files.archives import unpacked
from clearprop.tables.files.columnar import open_arrow, open_parquet
from clearprop.tables.files.csv_text import TextBlocks, open_csv
from clearprop.tables.files.encodings import as_utf8
from clearprop.tables.files.json_lines import open_json_lines
from clearprop.tables.files.kinds import check_text, is_json_lines
from clearprop.tables.files.records import FileOptions, TableFile, tell, text_of
from clearprop.tables.files.spreadsheets import open_sheet
from clearprop.tables.frames import TableError

ARCHIVES = (".gz", ".xz", ".bz2", ".zst", ".zip")


@contextmanager
def open_table(
    path: str,
    *,
    columns: Collection[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool = True,
    comment: str | None = None,
    sheet: str | None = None,
) -> Iterator[TableFile]:
    """Open a file of a table, or the standard input if the path is "-".

    Read are CSV, JSON lines, Parquet, Arrow (Feather) and Excel (.xlsx), also packed as .gz, .xz,
    .bz2, .zst, or as the only member of a .zip. What a file is follows from its content.

    columns: only these are read, if the file has them.
    delimiter, encoding, comment: of text, see `FileOptions`; by default a tab in .tsv files,
    otherwise what the first rows and the bytes say.
    header: whether the first row has the names; otherwise columns are called x0, x1, …
    sheet: of an Excel file (default: the first).
    Raises OSError for a file that cannot be opened, and TableError for one that is not a table.
    Warns (TableWarning) about what it did without being asked.
    """
    names = None if columns is None else frozenset(columns)
    if delimiter is None and _plain_name(path).endswith(".tsv"):
        delimiter = "\t"
    options = FileOptions(names, delimiter, encoding, header, comment, sheet)
    if path == "-":
        with _open("standard input", sys.stdin.buffer, options) as table:
            yield table
        return
    with open(path, "rb") as file, _open(path, file, options) as table:
        yield table


def _plain_name(path: str) -> str:
    lower = path.lower()
    for ending in ARCHIVES:
        lower = lower.removesuffix(ending)
    return lower


@contextmanager
def _open(path: str, file: IO[bytes], options: FileOptions) -> Iterator[TableFile]:
    with unpacked(path, file) as (kind, content):
        if options.sheet is not None and kind != "xlsx":
            raise TableError(f"{path}: only an Excel file has sheets; --sheet does not fit it")
        if kind == "parquet":
            with open_parquet(path, content, options) as table:
                yield table
        elif kind == "xlsx":
            with open_sheet(path, content, options) as table:
                yield table
        elif kind.startswith(("arrow", "feather")):
            with open_arrow(path, kind, content, options) as table:
                yield table
        else:
            yield _open_text(path, content, options)


def _open_text(path: str, content: Any, options: FileOptions) -> TableFile:
    text = TextBlocks(path, as_utf8(path, content, options.encoding))
    if is_json_lines(path, text.sample, at_end=text.at_end):
        return open_json_lines(path, text.after(0), options)
    check_text(path, text.sample, at_end=text.at_end)
    return open_csv(path, text, options)


def read_table(path: str, **options: Any) -> tuple[Any, bool]:
    """The whole file as one Arrow table, and whether all its values are text (CSV).

    Parameters, errors and warnings as for `open_table`; also TableError for a table without rows.
    """
    with open_table(path, **options) as table:
        batches = list(table.batches())
    if not batches:
        raise TableError(f"{path}: the table has no rows")
    return _joined(path, batches), table.text


def _joined(path: str, batches: list[Any]) -> Any:
    """The batches as one table; a column whose type differs between them becomes text."""
    import pyarrow as pa

    first = batches[0].schema
    if all(batch.schema.equals(first) for batch in batches):
        return pa.concat_tables(batches)
    try:
        return pa.concat_tables(batches, promote_options="permissive")
    except pa.ArrowException:
        pass
    types: dict[str, set[Any]] = {}
    for batch in batches:
        for name, type_ in zip(batch.schema.names, batch.schema.types, strict=True):
            if not pa.types.is_null(type_):
                types.setdefault(name, set()).add(type_)
    mixed = [name for name, found in types.items() if len(found) > 1]
    tell(path, f"{len(mixed)} columns have values of several types and are read as text")
    texts = [_with_texts(batch, mixed) for batch in batches]
    return pa.concat_tables(texts, promote_options="permissive")


def _with_texts(batch: Any, names: list[str]) -> Any:
    import pyarrow as pa

    for name in names:
        place = batch.schema.get_field_index(name)
        if place >= 0:
            values = [text_of(value) for value in batch.column(place).to_pylist()]
            batch = batch.set_column(place, name, pa.array(values, pa.large_string()))
    return batch
