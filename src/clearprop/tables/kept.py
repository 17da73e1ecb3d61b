"""Columns of a data frame that are read once, whatever they are needed for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clearprop.tables.frames import Column, read_column

KEPT_BYTES = 2**26  # of the columns of a table that are kept, with one array of numbers for each
COLUMN_BYTES = 2**10  # of the objects that a kept column is made of, without its values


class KeptColumns:
    """The columns of a data frame, each read once and kept, as many as `KEPT_BYTES` can hold."""

    def __init__(self, frame: Any, missing: tuple[str, ...], first_row: int) -> None:
        self._frame, self._missing, self._first_row = frame, missing, first_row
        self._columns: dict[str, Column] = {}
        self._bytes = 0

    def get(self, name: str) -> Column | None:
        """The column; None where it cannot be kept, and is to be read by who asks for it."""
        if name in self._columns or self._bytes > KEPT_BYTES:
            return self._columns.get(name)
        column = read_column(self._frame, name, self._missing, self._first_row)
        self._bytes += COLUMN_BYTES + column.values.nbytes + 8 * len(column.values)
        if self._bytes > KEPT_BYTES:
            return None
        self._columns[name] = replace(column, readings={})
        return self._columns[name]
