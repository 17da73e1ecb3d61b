"""Files of tables: read in batches by what they are, and written completely or not at all.

From the bottom: `records` and `streams` are what all share. `kinds` knows a file by its first
bytes, `archives` unpacks and `encodings` decodes it. `dialects`, `preamble` and `headers` find out
how a CSV file is written, `csv_text` reads it; `json_lines`, `columnar` and `spreadsheets` read the
others. `opening` puts them together, and `output` writes.
"""

from clearprop.tables.files.opening import open_table, read_table
from clearprop.tables.files.output import output_kind, write_table
from clearprop.tables.files.records import TableFile

# What other programs write for a missing value in CSV files (pandas reads the same as missing).
MISSING = (
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "<NA>",
    "NaN",
    "nan",
    "-NaN",
    "-nan",
    "1.#IND",
    "-1.#IND",
    "1.#QNAN",
    "-1.#QNAN",
    "NULL",
    "null",
    "None",
)

__all__ = ["MISSING", "TableFile", "open_table", "output_kind", "read_table", "write_table"]
