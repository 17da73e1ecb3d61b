"""What stands before the header of a CSV file: blank lines, the line sep=; of Excel, comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clearprop.tables.files.dialects import BLANKS, Dialect, find_dialect, split_records
from clearprop.tables.files.records import FileOptions, tell

SAMPLE_BYTES = 2**18  # that are looked at for the dialect and the header, more if lines are long
SAMPLE_LINES = 4  # that the sample has at least


@dataclass(frozen=True)
class Beginning:
    """Where the header of a file begins, and what the lines before it say."""

    place: int
    delimiter: str | None = None


def find_beginning(path: str, text: str, at_end: bool, options: FileOptions) -> Beginning:
    """Behind blank lines, the line sep=; of Excel and comments."""
    place = _skip_blank_lines(text, 0)
    delimiter = None
    found = re.compile(r'"?sep=([^\r\n"])"?(?:\r\n|\r|\n|\Z)').match(text, place)
    if found:
        delimiter = found[1]
        place = _skip_blank_lines(text, found.end())
    after = place
    while text.startswith("#", after) and (end := _line_end(text, after)) < len(text):
        before, after = after, _skip_blank_lines(text, end)
        if not text.startswith("#", after):
            return _comments_or_header(path, text, place, before, after, at_end, options, delimiter)
    return Beginning(place, delimiter)


def _comments_or_header(
    path: str,
    text: str,
    first: int,
    last: int,
    after: int,
    at_end: bool,
    options: FileOptions,
    delimiter: str | None,
) -> Beginning:
    """The lines that begin with # are comments, except the last one if it is the header.

    It is if it has as many values as the next line and that one has numbers, as in "#id,name" and
    in what np.savetxt writes ("# a b c").
    """
    given = options.delimiter or delimiter
    body, body_at_end = first_lines(text[after:], at_end)
    dialect = Dialect(BLANKS)
    if given != BLANKS:
        dialect = find_dialect(body, at_end=body_at_end, delimiter=given)
    rows, _ = split_records(body, dialect, at_end=True, most=1)
    line = text[last : _line_end(text, last)].rstrip("\r\n")
    marked = line.startswith("# ")
    named, _ = split_records(line[2:] if marked else line, dialect, at_end=True, most=1)
    width = len(rows[0]) if rows else 0
    is_header = (
        options.header
        and bool(named)
        and len(named[0]) == width
        and width > 1
        and any(re.fullmatch(r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", cell) for cell in rows[0])
    )
    if is_header:
        return Beginning(last + 2 * marked, delimiter)
    n = len([line for line in re.split(r"[\r\n]+", text[first:after]) if line.strip()])
    tell(path, f"the first {n} line{'s' * (n > 1)} (from #) were taken as comments and left out")
    return Beginning(after, delimiter)


def _skip_blank_lines(text: str, place: int) -> int:
    found = re.compile(r"(?:[ \t]*[\r\n])*").match(text, place)
    return found.end() if found else place


def _line_end(text: str, place: int) -> int:
    found = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)").match(text, place)
    return found.end() if found else len(text)


def first_lines(text: str, at_end: bool) -> tuple[str, bool]:
    """The beginning of a text that is enough to find out its dialect, and whether it is all."""
    if len(text) <= SAMPLE_BYTES:
        return text, at_end
    place = 0
    for _ in range(SAMPLE_LINES):
        place = _line_end(text, place)
    # A quoted field may have many lines, so that more of a text with quotes is looked at.
    n = max(place, SAMPLE_BYTES)
    return text[:n], at_end and n >= len(text)
