"""Tables as they are: columns of numbers, categories, truth values and dates, with gaps.

This package reads only. From the bottom: `frames` reads any data frame; `columns` finds the kind of
a column and reads its values; `target_column` reads the column that is learnt; `csv_parquet` reads
and writes CSV and Parquet files. What learns from tables is :mod:`clearprop.tabular`.
"""

from clearprop.tables.frames import TableError

__all__ = ["TableError"]
