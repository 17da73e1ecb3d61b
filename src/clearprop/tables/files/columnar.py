"""Parquet files and Arrow IPC (Feather) files and streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from clearprop.tables.files.records import (
    BATCH_ROWS,
    FileOptions,
    TableFile,
    check_names,
    check_wanted,
    explained,
    listed,
    tell,
)

_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name


@contextmanager
def open_parquet(path: str, file: IO[bytes], options: FileOptions) -> Iterator[TableFile]:
    """A Parquet file open for reading, page by page."""
    import pyarrow.parquet

    with explained(path):
        # Pages are read as they are needed, not whole row groups, which may be the whole file.
        parquet = pyarrow.parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**16)
        names = _names(path, list(parquet.schema_arrow.names), options)
        wanted = [name for name in names if options.wants(name)]
    with parquet:
        yield TableFile(path, tuple(names), False, _of_parquet(parquet, wanted))


def _of_parquet(parquet: Any, wanted: list[str]) -> Iterator[Any]:
    import pyarrow as pa

    for batch in parquet.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
        yield pa.Table.from_batches([batch])


@contextmanager
def open_arrow(path: str, kind: str, file: IO[bytes], options: FileOptions) -> Iterator[TableFile]:
    """An Arrow IPC file or stream, or a Feather file of the first version, open for reading."""
    import pyarrow as pa
    import pyarrow.feather

    with explained(path):
        if kind == "feather":
            table = pyarrow.feather.read_table(file, memory_map=False)
            names, reader = list(table.column_names), iter([table])
        elif kind == "arrow":
            opened = pa.ipc.open_file(file)
            names = list(opened.schema.names)
            reader = (opened.get_batch(i) for i in range(opened.num_record_batches))
        else:
            reader = pa.ipc.open_stream(file)
            names = list(reader.schema.names)
        kept = _names(path, names, options)
        wanted = [name for name in kept if options.wants(name)]
    yield TableFile(path, tuple(kept), False, _of_batches(reader, wanted))


def _of_batches(reader: Any, wanted: list[str]) -> Iterator[Any]:
    import pyarrow as pa

    for batch in reader:
        batch.validate(full=True)  # a damaged file may point beyond its end
        table = pa.table(batch) if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        table = table.select(wanted)
        for start in range(0, len(table), BATCH_ROWS):
            yield table.slice(start, BATCH_ROWS)


def _names(path: str, names: list[str], options: FileOptions) -> list[str]:
    """The names without the index of pandas, unless it is asked for."""
    check_names(path, names)
    index = [name for name in names if _INDEX.fullmatch(name) and not options.asks_for(name)]
    if index and len(index) < len(names):
        tell(path, f"{listed(index)} has the row numbers of pandas (its index): left out")
        names = [name for name in names if name not in index]
    check_wanted(path, options, names)
    return names
