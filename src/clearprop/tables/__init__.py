"""Tables as they are: columns of numbers, categories, truth values and dates, with gaps.

From the bottom: `frames` reads any data frame; `columns` finds the kind of a column;
`column_encodings` has one record per kind; `encoding` turns a frame into a matrix; `targets`,
`fit`, `scores` and `model` learn a column from the others; `files` reads and writes CSV, Parquet.
"""

from clearprop.tables.encoding import TableEncoding
from clearprop.tables.fit import NetworkOptions
from clearprop.tables.frames import TableError
from clearprop.tables.model import TableModel

__all__ = ["NetworkOptions", "TableEncoding", "TableError", "TableModel"]
