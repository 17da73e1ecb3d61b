"""CSV files: text of any dialect as Arrow tables of text, batch by batch.

All columns are read as text, so that a value means the same in the training table and in any later
one, whatever the other rows hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from clearprop.tables.files.dialects import (
    BLANKS,
    Dialect,
    find_dialect,
    split_records,
    without_blanks,
)
from clearprop.tables.files.headers import Header, read_header
from clearprop.tables.files.preamble import SAMPLE_BYTES, SAMPLE_LINES, find_beginning, first_lines
from clearprop.tables.files.records import (
    MAX_COLUMNS,
    MAX_ROW_BYTES,
    FileOptions,
    TableFile,
    check_wanted,
    explained,
    tell,
)
from clearprop.tables.files.streams import Joined
from clearprop.tables.frames import TableError, shown

BLOCK_BYTES = 2**20  # of text in a batch, more if rows are long
WIDE = 1000  # columns, from which on rows are split here: Arrow takes 10 KB per column and batch
WIDE_BYTES = 2**23  # of a batch of such rows, unless one row is longer


class TextBlocks:
    """The UTF-8 text of a file in blocks; its first lines can be looked at.

    sample: the beginning, of at least `SAMPLE_LINES` lines or all. at_end: whether it is all.
    """

    def __init__(self, path: str, blocks: Iterator[bytes]) -> None:
        head, lines, size, length = [], 0, 0, 0
        self.at_end = False
        while size < SAMPLE_BYTES or (lines < SAMPLE_LINES and size < MAX_ROW_BYTES):
            block = next(blocks, None)
            if block is None:
                self.at_end = True
                break
            head.append(block)
            end = max(block.rfind(b"\n"), block.rfind(b"\r"))
            length = length + len(block) if end < 0 else len(block) - end - 1
            if length > MAX_ROW_BYTES:
                raise TableError(
                    f"{path}: a line has more than {MAX_ROW_BYTES:,} bytes; is it a table?"
                )
            lines += block.count(b"\n") + (block.count(b"\r") if b"\n" not in block else 0)
            size += len(block)
        self._head = b"".join(head)
        self._rest = blocks
        self.sample = self._head.decode()

    def after(self, n_characters: int) -> Iterator[bytes]:
        """The blocks of the text from a place in the sample on."""
        yield self.sample[n_characters:].encode()
        yield from self._rest


def open_csv(path: str, text: TextBlocks, options: FileOptions) -> TableFile:
    """A CSV file open for reading. Raises TableError for what is not a table."""
    if options.comment is not None:
        text = TextBlocks(path, _without_comments(path, text.after(0), options.comment))
    start = find_beginning(path, text.sample, text.at_end, options)
    sample, at_end = first_lines(text.sample[start.place :], text.at_end)
    if not sample.strip():
        raise TableError(f"{path}: the file is empty")
    delimiter = options.delimiter or start.delimiter
    if delimiter == BLANKS:
        dialect = Dialect(BLANKS)
    else:
        dialect = find_dialect(sample, at_end=at_end, delimiter=delimiter)
    if dialect.delimiter == BLANKS and delimiter is None:
        tell(path, "values are separated by blanks; --delimiter names another separator")
    if dialect.quote == "'":
        tell(path, "single quotes were taken as quotes around values and removed")
    blocks = text.after(start.place)
    if dialect.skips_blanks or dialect.delimiter == BLANKS:
        sample = _in_plain_dialect(sample, dialect)
        blocks = _changed(_whole_lines(path, blocks), dialect)
        dialect = Dialect("\t" if dialect.delimiter == BLANKS else dialect.delimiter)
    if "\n" not in sample and "\r" in sample:
        blocks = (block.replace(b"\r", b"\n") for block in blocks)
    return _open(path, sample, at_end, blocks, dialect, options)


def _open(
    path: str,
    sample: str,
    at_end: bool,
    blocks: Iterator[bytes],
    dialect: Dialect,
    options: FileOptions,
) -> TableFile:
    widest = max(line.count(dialect.delimiter) for line in sample.split("\n"))
    if widest > 4 * MAX_COLUMNS:  # some may be in quotes
        raise TableError(f"{path}: {widest:,} columns; at most {MAX_COLUMNS:,} can be read")
    records, _ = split_records(sample, dialect, at_end=at_end, most=50)
    records = [record for record in records if len(record) > 1 or record[0].strip()]
    if not records:
        if at_end:
            raise TableError(f"{path}: the file is empty")
        raise TableError(f"{path}: a quote in the first line is not closed")
    header = read_header(path, records, options)
    n_before = _end_of_header(sample, dialect, at_end) if header.has_line else 0
    blocks = _from(blocks, len(sample[:n_before].encode()))
    names = [header.names[i] for i in header.kept]
    check_wanted(path, options, names)
    wanted = {i for i in header.kept if options.wants(header.names[i])} | header.blank
    longest = max(map(len, re.split(r"[\r\n]", sample)))
    reader = _Reader(path, header, tuple(sorted(wanted)), dialect)
    if len(header.names) > WIDE:
        size = min(max(BLOCK_BYTES, 64 * longest), WIDE_BYTES)
        return TableFile(path, tuple(names), True, reader.split(blocks, size))
    size = min(max(BLOCK_BYTES, 16 * longest), MAX_ROW_BYTES)
    return TableFile(path, tuple(names), True, reader.read(blocks, size))


def _end_of_header(sample: str, dialect: Dialect, at_end: bool) -> int:
    """The number of characters up to the end of the first record that is not blank."""
    place = 0
    while True:
        found, n = split_records(sample[place:], dialect, at_end=at_end, most=1)
        place += n
        if not found or len(found[0]) > 1 or found[0][0].strip():
            return place


def _from(blocks: Iterator[bytes], n: int) -> Iterator[bytes]:
    """The blocks without the first n bytes."""
    for block in blocks:
        if n < len(block):
            yield block[n:]
        n = max(n - len(block), 0)


# ---- lines that are changed before they are read -------------------------------------------------


def _whole_lines(path: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks that end with a line."""
    held: list[bytes] = []
    size = 0
    for block in blocks:
        end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        if end:
            yield b"".join([*held, block[:end]])
            held, size = [block[end:]], len(block) - end
        else:
            held.append(block)
            size += len(block)
        if size > MAX_ROW_BYTES:
            raise TableError(f"{path}: a line has more than {MAX_ROW_BYTES:,} bytes")
    if size:
        yield b"".join(held)


def _without_comments(path: str, blocks: Iterator[bytes], comment: str) -> Iterator[bytes]:
    mark = re.escape(comment.encode())
    pattern = re.compile(rb"(?m)^[ \t]*" + mark + rb"[^\n]*(?:\n|\Z)")
    for block in _whole_lines(path, blocks):
        yield pattern.sub(b"", block if b"\n" in block else block.replace(b"\r", b"\n"))


def _changed(blocks: Iterator[bytes], dialect: Dialect) -> Iterator[bytes]:
    for block in blocks:
        yield _in_plain_dialect(block.decode(), dialect).encode()


def _in_plain_dialect(text: str, dialect: Dialect) -> str:
    """Lines separated by blanks with tabs instead; or without the blanks before quotes."""
    if dialect.skips_blanks:
        return without_blanks(text, dialect)
    if '"' in text:
        text = re.sub(r'("(?:[^"\r\n]|"")*+")|[ \t]+', lambda found: found[1] or "\t", text)
    else:
        text = re.sub(r"[ \t]+", "\t", text)
    return re.sub(r"(?m)^\t|\t(?=[\r\n]|\Z)", "", text)


# ---- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reader:
    """Turns the text behind the header into Arrow tables.

    wanted: the places of the columns to read, in order; those that must be blank are checked and
    left out.
    """

    path: str
    header: Header
    wanted: tuple[int, ...]
    dialect: Dialect

    def read(self, blocks: Iterator[bytes], block_size: int) -> Iterator[Any]:
        """By Arrow, block by block."""
        import pyarrow as pa
        import pyarrow.csv

        columns = [str(i) for i in range(len(self.header.names))]
        bad_rows: list[Any] = []
        skipped = 0

        def on_bad_row(row: Any) -> str:
            nonlocal skipped
            if not row.text.strip(" \t\x1a"):  # blanks, or the end of a file of DOS
                skipped += 1
                return "skip"
            bad_rows.append(row)
            return "error"

        first = next((block for block in blocks if block.strip(b"\r\n \t\x1a")), None)
        if first is None:
            return
        stream = Joined(chain([first], blocks))
        try:
            with explained(self.path):
                reader = pa.csv.open_csv(
                    stream,
                    read_options=pa.csv.ReadOptions(
                        use_threads=False, block_size=block_size, column_names=columns
                    ),
                    parse_options=pa.csv.ParseOptions(
                        delimiter=self.dialect.delimiter,
                        quote_char=self.dialect.quote,
                        newlines_in_values=True,
                        invalid_row_handler=on_bad_row,
                    ),
                    convert_options=pa.csv.ConvertOptions(
                        column_types=dict.fromkeys(columns, pa.large_string()),
                        include_columns=[columns[i] for i in self.wanted],
                        strings_can_be_null=False,
                        check_utf8=False,  # the blocks are
                    ),
                )
                n_rows = 0
                for batch in reader:
                    yield self._table(batch.columns, n_rows)
                    n_rows += batch.num_rows
        except TableError as error:
            if "straddling" in str(error):
                raise TableError(
                    f"{self.path}: a row has more than {block_size:,} bytes "
                    "(a quote that is not closed?)"
                ) from error
            if not bad_rows:
                raise
            row = bad_rows[0]
            place = None if row.number is None else row.number - 1 - skipped  # Arrow counts from 1
            raise TableError(self._wrong_width(place, row.actual_columns)) from error

    def split(self, blocks: Iterator[bytes], block_size: int) -> Iterator[Any]:
        """Here, row by row, and the cells of a batch as parts of one Arrow array."""
        import pyarrow as pa

        held, waiting, n_rows, width = "", [], 0, len(self.header.names)
        at_end = False
        while not at_end:
            block = next(blocks, None)
            at_end = block is None
            waiting.append(block or b"")
            size = sum(map(len, waiting))
            if not at_end and size < max(len(held), block_size):
                continue
            held += b"".join(waiting).decode()
            waiting = []
            records, used = split_records(held, self.dialect, at_end=at_end)
            held = held[used:]
            if len(held) > MAX_ROW_BYTES:
                raise TableError(
                    f"{self.path}: a row has more than {MAX_ROW_BYTES:,} bytes "
                    "(a quote that is not closed?)"
                )
            records = [r for r in records if len(r) > 1 or r[0].strip(" \t\x1a")]
            for i, record in enumerate(records):
                if len(record) != width:
                    raise TableError(self._wrong_width(n_rows + i, len(record)))
            if records:
                n = len(records)
                columns = list(zip(*records, strict=True))
                cells = chain.from_iterable(columns[i] for i in self.wanted)
                flat = pa.array(list(cells), pa.large_string())
                arrays = [flat.slice(k * n, n) for k in range(len(self.wanted))]
                yield self._table(arrays, n_rows)
                n_rows += n

    def _table(self, arrays: list[Any], first_row: int) -> Any:
        """The table of a batch, without the columns that must be blank."""
        import pyarrow as pa

        columns = {}
        for i, array in zip(self.wanted, arrays, strict=True):
            if i in self.header.blank:
                self._check_blank(i, array, first_row)
            else:
                columns[self.header.names[i]] = array
        return pa.table(columns)

    def _check_blank(self, i: int, array: Any, first_row: int) -> None:
        import pyarrow.compute as pc

        filled = pc.not_equal(pc.utf8_trim_whitespace(array), "").index(True).as_py()
        if filled >= 0:
            raise TableError(
                f"{self.path}: row {first_row + filled} has {shown(array[filled].as_py())} in "
                f"column {i}, which has no name in the header"
            )

    def _wrong_width(self, row: int | None, n: int) -> str:
        where = "a row" if row is None else f"row {row}"
        return f"{self.path}: {where} has {n} values, the header has {len(self.header.names)}"
