"""Damaged files of tables are tables or refused; tests/helpers/fuzz_tables.py runs many more."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from contextlib import nullcontext

import pytest
from file_zoo import edited, xlsx, zipped, zstd
from fuzz_tables import check_reader, originals

from clearprop.tables.files import archives, csv_text, read_table
from clearprop.tables.frames import TableError

KINDS = sorted(originals())


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind, tmp_path):
    assert sum(check_reader(kind, 30, tmp_path, seed=99).values()) == 30


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstd, lambda data: zipped(("t", data))]
)
def test_bombs(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    path = tmp_path / "t.csv"
    path.write_bytes(pack(b"a,b\n" + b"1,2\n" * 2**20))
    with pytest.raises(TableError, match=r"more than 200 times its size .* unpack it first"):
        read_table(str(path))
    path.write_bytes(pack(b"a,b\n" + b"1,2\n" * 2**17))  # small enough
    assert len(read_table(str(path))[0]) == 2**17


def test_sheets_that_say_they_are_huge(tmp_path):
    path = tmp_path / "t.xlsx"
    book = xlsx(("s", [["a"], ["x"]]))
    path.write_bytes(edited(book, "xl/worksheets/sheet1.xml", lambda data: data + b" " * 2**27))
    with pytest.raises(TableError, match=r"unpack to 134,\d+,\d+ bytes"):
        read_table(str(path))
    # A size that is too small is believed, too, and the rest is not read.
    start = book.rfind(b"PK\x01\x02")
    place = book.find(b"PK\x01\x02")
    while b"sheet1.xml" not in book[place : place + 80]:
        place = book.find(b"PK\x01\x02", place + 1)
        assert 0 < place <= start
    path.write_bytes(book[: place + 24] + (9).to_bytes(4, "little") + book[place + 28 :])
    with pytest.raises(TableError, match="damaged"):
        read_table(str(path))


@pytest.mark.parametrize("data", [b"x", b",", b'"', b"x\n,", b'a,b\n"', b'a,b\n"",', b" ", b"{"])
def test_a_line_without_end(data, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "MAX_ROW_BYTES", 2**21)
    path = tmp_path / "t.csv"
    path.write_bytes(data[:-1] + data[-1:] * (3 * 2**21))
    with pytest.raises(TableError, match=r"more than 2,097,152 bytes"):
        read_table(str(path))


@pytest.mark.parametrize("delimiter", [",", "  "])
def test_a_hundred_thousand_columns(delimiter, tmp_path):
    n = 100_000
    rows = [[f"c{i}" for i in range(n)], *[["1.5"] * n] * 3]
    path = tmp_path / "t.tsv.csv"
    path.write_text("\n".join(map(delimiter.join, rows)))
    with pytest.warns() if delimiter == "  " else nullcontext():
        table, _ = read_table(str(path), columns=rows[0])
    assert table.shape == (3, n)


def test_more_columns_than_can_be_read(tmp_path):
    path = tmp_path / "t.csv"
    for n, data in (
        (300_000, ",".join(f"c{i}" for i in range(300_000))),
        (2_000_000, "," * 1_999_999),
    ):
        path.write_text(f"{data}\n{',' * (n - 1)}\n")
        with pytest.raises(TableError, match="columns; at most 262,144 can be read"):
            read_table(str(path))


def test_zip_archives_of_many_members(tmp_path):
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(2000):
            archive.writestr(f"{i}.csv", "")
    with pytest.raises(TableError, match=r"2,000 files .* and 1,995 more"):
        read_table(str(path))
