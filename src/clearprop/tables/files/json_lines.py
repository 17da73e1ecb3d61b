"""JSON lines: one object in each line, whose values keep their types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clearprop.documents import one_line
from clearprop.tables.files.records import (
    BATCH_ROWS,
    MAX_ROW_BYTES,
    FileOptions,
    TableFile,
    check_names,
    check_wanted,
    text_of,
)
from clearprop.tables.frames import TableError

BATCH_BYTES = 2**23


def open_json_lines(path: str, blocks: Iterator[bytes], options: FileOptions) -> TableFile:
    """A file of JSON lines open for reading.

    Its columns are the keys of the first rows (`BATCH_ROWS`, or fewer of `BATCH_BYTES`), and any
    later key that is asked for, or that appears if all columns are read. A column is of the type of
    its values; where they are of several types in a batch, it is text.
    """
    batches = _batches(path, blocks, options)
    first = next(batches, None)
    if first is None:
        raise TableError(f"{path}: the table has no rows")
    names = list(dict.fromkeys(key for row in first for key in row))
    if not names:
        raise TableError(f"{path}: its objects are empty")
    check_names(path, names)
    check_wanted(path, options, names)
    return TableFile(path, tuple(names), False, _tables(path, first, batches, options))


def _batches(path: str, blocks: Iterator[bytes], options: FileOptions) -> Iterator[list[Any]]:
    """The objects, in lists of up to `BATCH_ROWS`."""
    rows: list[Any] = []
    size = line_number = 0
    for line in _lines(path, blocks):
        line_number += 1
        text = line.strip()
        if not text:
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            problem = "nested too deeply" if isinstance(error, RecursionError) else one_line(error)
            raise TableError(f"{path}: line {line_number:,} is not JSON: {problem}") from error
        if type(row) is not dict:
            raise TableError(f"{path}: line {line_number:,} is not a JSON object")
        rows.append(row)
        size += len(text)
        if len(rows) == BATCH_ROWS or size > BATCH_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _lines(path: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for block in blocks:
        first, *others = block.split(b"\n")
        held.append(first)
        size += len(first)
        if size > MAX_ROW_BYTES:
            raise TableError(f"{path}: a line has more than {MAX_ROW_BYTES:,} bytes")
        if others:
            yield b"".join(held)
            yield from others[:-1]
            held, size = [others[-1]], len(others[-1])
    if size:
        yield b"".join(held)


def _tables(
    path: str, first: list[Any], rest: Iterator[list[Any]], options: FileOptions
) -> Iterator[Any]:
    import pyarrow as pa

    rows: list[Any] | None = first
    names: dict[str, None] = {}
    while rows is not None:
        known = len(names)
        for row in rows:
            for key in row:
                if key not in names and options.wants(key):
                    names[key] = None
        if len(names) > known:
            check_names(path, list(names))
        if len(names) * len(rows) > 50 * max(sum(map(len, rows)), BATCH_ROWS):
            raise TableError(
                f"{path}: its objects have {len(names):,} different keys, few of them each"
            )
        yield pa.table({name: _array([row.get(name) for row in rows]) for name in names})
        rows = next(rest, None)


def _array(values: list[Any]) -> Any:
    """As the type of the values; as text where there are several, or numbers that are too large."""
    import pyarrow as pa

    types = {type(value) for value in values if value is not None}
    if len(types) <= 1 or types == {int, float}:
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError, UnicodeError):
            pass
    return pa.array([text_of(value) for value in values], pa.large_string())
