"""Tables as they are: columns of numbers, categories, booleans and dates, with missing values.

This package only reads. From the bottom: `frames` reads any data frame. `columns` finds the kind of
a column and reads its values; `dates` reads the parts of dates. `sources` is a data frame or an
array whose columns are read one at a time. `target_column` reads the column to predict.
`files` reads and writes files of tables. Models are in :mod:`clearprop.tabular`.
"""

from clearprop.tables.frames import TableError, TableWarning

__all__ = ["TableError", "TableWarning"]
