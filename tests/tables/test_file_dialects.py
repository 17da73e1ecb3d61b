"""Tables written in random dialects, encodings and archives are read back equal."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import warnings
from contextlib import suppress

import pytest
from file_zoo import zipped, zstd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clearprop.tables.files import csv_text, read_table
from clearprop.tables.files.dialects import Dialect, split_records
from clearprop.tables.files.encodings import check_encoding
from clearprop.tables.frames import TableError, TableWarning

PACKERS = {
    "": lambda data: data,
    "gz": gzip.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "bz2": bz2.compress,
    "zst": zstd,
    "zip": lambda data: zipped(("t", data)),
}
# Those that are found, and some that must be named.
FOUND = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")
NAMED = ("latin-1", "cp500", "utf-7", "cp850", "mac-roman")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCÄÖÜéèñçß"

names = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=2, max_size=6, unique=True)
number = st.integers(-(10**6), 10**6).map(str) | st.floats(-1e6, 1e6).map(lambda x: f"{x:.3f}")
word = st.text(LETTERS + " ", max_size=8).map(str.strip)
odd = st.text(LETTERS + "0123456789 ,;|\t\"\r\n.#'", max_size=10)


@st.composite
def tables(draw, *cells):
    columns = draw(names)
    n = draw(st.integers(1, 12))
    kinds = [draw(st.sampled_from(cells)) for _ in columns]
    rows = [[draw(kind) for kind in kinds] for _ in range(n)]
    return columns, rows


def read(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        table, is_text = read_table(str(path), **options)
    assert is_text
    return table


@settings(max_examples=60)
@given(
    table=tables(number, word),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(FOUND + NAMED),
    packer=st.sampled_from(list(PACKERS)),
    last=st.booleans(),
)
def test_random_dialects_are_found(
    tmp_path_factory, table, delimiter, ending, quoting, encoding, packer, last
):
    columns, rows = table
    # A line of blanks is no row; and a name that a number follows is data where all names are.
    assume(all(any(cell for cell in row) for row in rows))
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows(
        [columns, *rows]
    )
    data = text.getvalue() if last else text.getvalue().rstrip("\r\n")
    assume(data.strip())
    path = tmp_path_factory.mktemp("dialect") / "t"
    path.write_bytes(PACKERS[packer](data.encode(encoding)))
    guessed = encoding in FOUND and encoding not in ("utf-16-le", "utf-16-be")
    found = read(path, encoding=None if guessed else encoding)
    expected = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    assert found.to_pydict() == expected


@settings(max_examples=60)
@given(table=tables(number, word, odd), delimiter=st.sampled_from(",;\t|"), wide=st.booleans())
def test_odd_values_of_a_given_dialect(
    tmp_path_factory, monkeypatch_module, table, delimiter, wide
):
    """Arrow's reader and our own for wide tables read the same."""
    columns, rows = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        [columns, *rows]
    )
    path = tmp_path_factory.mktemp("odd") / "t"
    path.write_bytes(text.getvalue().encode())
    monkeypatch_module.setattr(csv_text, "WIDE", 1 if wide else 1000)
    assert read(path, delimiter=delimiter).to_pydict() == {
        name: [row[i] for row in rows] for i, name in enumerate(columns)
    }


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@given(
    st.text(LETTERS + " ,;\"'\r\n", max_size=60),
    st.sampled_from(",;"),
    st.sampled_from("\"'"),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_records_do_not_depend_on_how_a_text_arrives(text, delimiter, quote, cuts):
    dialect = Dialect(delimiter, quote)
    whole, used = split_records(text, dialect, at_end=True)
    assert used == len(text)
    records, held, start = [], "", 0
    for end in [*sorted(cuts), len(text)]:
        held += text[start:end]
        start = max(start, end)
        found, used = split_records(held, dialect, at_end=start >= len(text))
        records += found
        held = held[used:]
        if start >= len(text):
            break
    assert records == whole


@given(st.text(max_size=30))
def test_names_of_encodings(name):
    with suppress(TableError):  # and nothing else
        assert "".encode(check_encoding(name)) is not None
