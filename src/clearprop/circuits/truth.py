"""The truth table of one function of n bits: 2^n entries 0, 1 or "don't care"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop._typing import Array

DONT_CARE = -1

Table = Sequence[int | None] | Array


def as_table(table: Table, most: int = 16) -> Array:
    """`table` as int8 (2^n,): 0, 1, or −1 for "don't care", which may be given as None or −1.

    The entries are in the order of `all_bits(n)`: counting up with the first input as the highest
    digit. Raises ValueError for another number of entries, for other values, and for n > most.
    """
    if isinstance(table, str | bytes):
        raise TypeError(f"table must be a sequence of 0, 1 and None; got {table!r}")
    if not isinstance(table, np.ndarray):
        table = np.array([DONT_CARE if v is None else v for v in table])
    elif table.dtype == object:
        table = np.array([DONT_CARE if v is None else v for v in table.tolist()])
    if table.ndim != 1:
        raise ValueError(
            f"table must have shape (2^n,), one output; got {table.shape}: pass several outputs "
            "one column at a time"
        )
    rows = len(table)
    if rows == 0 or rows & (rows - 1):
        raise ValueError(f"table must have 2^n entries; got {rows}")
    if rows > 2**most:
        raise ValueError(
            f"table must have at most {most} inputs; got {rows.bit_length() - 1}, {rows} entries"
        )
    if table.dtype.kind not in "biuf":
        raise ValueError(f"table must be 0, 1, or None for don't care; got {table.dtype} entries")
    right = (table == 0) | (table == 1) | (table == DONT_CARE)
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(
            f"table must be 0, 1, or None or -1 for don't care; got {table[row].item()!r} in row "
            f"{row}"
        )
    return table.astype(np.int8, copy=False)
