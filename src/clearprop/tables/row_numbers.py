"""Columns that number the rows of a table."""

from __future__ import annotations

import re
from typing import Any

# Names that other programs give to the numbers of rows: any different integers are row numbers.
ALWAYS = frozenset(
    ("rownames", "row.names", "row_names", "row names", "__index_level_0__", "level_0", "")
)
_UNNAMED = re.compile(r"unnamed: \d+(\.\d+)*|unnamed: \d+_level_\d+|\.\.\.1")
# Names of identifiers: 1 … n or 0 … n − 1, in any order, are row numbers.
_IDENTIFIER = re.compile(
    r"(.*[ _.-])?(id|ids|idx|index|nr|no|no\.|num|number|row|rows|rownum|rowid|serial|seq|sno|"
    r"s\.no|obs|observation|case|record|#)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r".*[a-z](Id|ID|Index|Nr|No|Number)")
LEAST_ROWS = 10


def is_row_number(name: str, values: Any) -> bool:
    """Whether a column has the name and the values (Arrow numbers) of row numbers.

    The names are those of indices and identifiers. The values are 1 … n or 0 … n − 1 in any order;
    with a name that other programs give to the numbers of rows, any different integers.
    """
    import pyarrow.compute as pc

    lower = name.strip().lower()
    always = lower in ALWAYS or _UNNAMED.fullmatch(lower) is not None
    named = _IDENTIFIER.fullmatch(name.strip()) or _CAMEL.fullmatch(name.strip())
    n = len(values)
    if not (always or named) or n < LEAST_ROWS or values.null_count:
        return False
    ends = pc.min_max(values)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if not always and (low not in (0, 1) or high != low + n - 1):
        return False
    if not (abs(low) < 2**53 and abs(high) < 2**53):
        return False
    whole = bool(pc.all(pc.equal(values, pc.floor(values))).as_py())
    return whole and pc.count_distinct(values).as_py() == n
