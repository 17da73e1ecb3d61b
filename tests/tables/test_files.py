"""CSV and Parquet: what is read, what is refused, and outputs that are whole or not there."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.tables.files import open_table, output_kind, read_table, write_table
from clearprop.tables.files.records import BATCH_ROWS
from clearprop.tables.frames import TableError, TableWarning
from clearprop.writing import replacing


@pytest.fixture
def csv_file(tmp_path):
    def write(data, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    return write


# ---- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        ("a,b\n1,x\n,007\n", "t.csv", {"a": ["1", ""], "b": ["x", "007"]}),
        ("a,b\r\n1,x\r\n", "t.csv", {"a": ["1"], "b": ["x"]}),
        ("a,b\n1,2", "t.csv", {"a": ["1"], "b": ["2"]}),
        ("\ufeffa,b\n1,2\n", "t.csv", {"a": ["1"], "b": ["2"]}),
        ("a;b\n1,5;2\n", "t.csv", {"a": ["1,5"], "b": ["2"]}),
        ("a|b,c\n1|2,3\n", "t.csv", {"a|b": ["1|2"], "c": ["3"]}),
        ("a\tb\n1\t2\n", "t.csv", {"a": ["1"], "b": ["2"]}),
        ("a,x\tb\n1\t2\n", "t.tsv", {"a,x": ["1"], "b": ["2"]}),
        ('"a,1";b\nx;2\n', "t.csv", {"a,1": ["x"], "b": ["2"]}),
        ('"a\nb",c\n"1\n2",2\n', "t.csv", {"a\nb": ["1\n2"], "c": ["2"]}),
        ("a\n1\n\n2\n", "t.csv", {"a": ["1", "2"]}),
        ("a,b\n1,ä\n", "t.csv", {"a": ["1"], "b": ["ä"]}),
    ],
)
def test_csv_is_read_as_text(csv_file, data, name, expected):
    table, is_text = read_table(csv_file(data, name))
    assert table.to_pydict() == expected
    assert is_text


def test_delimiter_and_encoding_can_be_given(csv_file):
    path = csv_file("a,x;b\n1,5;ä\n".encode("latin-1"))
    table, _ = read_table(path, delimiter=";", encoding="latin-1")
    assert table.to_pydict() == {"a,x": ["1,5"], "b": ["ä"]}
    table, _ = read_table(csv_file("a\nß\n".encode("utf-16")), encoding="utf-16")
    assert table.to_pydict() == {"a": ["ß"]}


def test_compressed_csv(csv_file):
    data = gzip.compress(b"a,b\n1,2\n" * 100, mtime=0)
    table, _ = read_table(csv_file(data, "t.csv.gz"))
    assert len(table) == 199
    for end in (3, len(data) // 2, len(data) - 4):
        with pytest.raises(TableError, match=r"t\.csv\.gz: "):
            read_table(csv_file(data[:end], "t.csv.gz"))


def test_only_the_columns_asked_for(csv_file):
    table, _ = read_table(csv_file("a,b,c\n1,2,3\n"), columns=["c", "a", "z"])
    assert table.to_pydict() == {"a": ["1"], "c": ["3"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("a,b\n", "the table has no rows"),
        ("a,b", "the table has no rows"),
        ("a,b\n1,2\n3\n", "row 1 has 1 values, the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "row 1 has 3 values, the header has 2"),
        ("a,b,a\n1,2,3\n", "two columns have the name 'a'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "this is a PNG image, not a table"),
        (b"a\x00b,c\n1,2\n", "zero bytes in line 1"),
        (b"PAR1 and then something else", "not a parquet file|Parquet"),
        (b"\x1f\x8bnot gzip", "Unknown compression method"),
        (gzip.compress(bytes(range(256)), mtime=0)[:12] + b"damaged" * 9, "decompress"),
    ],
)
def test_what_is_no_table(csv_file, data, message):
    path = csv_file(data)
    with pytest.raises(TableError, match=f"{path}: .*({message})") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_wrong_text_far_from_the_beginning(csv_file):
    rows = b"1,2\n" * 600_000
    with pytest.warns(TableWarning, match="line 600,002 has 'ÿ'"):
        table, _ = read_table(csv_file(b"a,b\n" + rows + b"\xff,2\n"))
    assert table.column("a")[600_000].as_py() == "ÿ"
    with pytest.raises(TableError, match=r"before byte 2,400,005 in line 600,002;.*--encoding"):
        read_table(csv_file("a,ä\n".encode() + rows + b"\xff,2\n"))
    with pytest.raises(TableError, match=r"not text in utf-8 \(byte 2,400,004, line 600,002\)"):
        read_table(csv_file(b"a,b\n" + rows + b"\xff,2\n"), encoding="utf-8")
    with pytest.raises(TableError, match="row 600000 has 3 values, the header has 2"):
        read_table(csv_file(b"a,b\n" + rows + b"1,2,3\n"))
    with pytest.raises(TableError, match="a quote that is not closed"):
        read_table(csv_file(b"a,b\n" + rows[:4000] + b'1,"2\n' + rows))


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(str(tmp_path / "none.csv"))
    with pytest.raises(IsADirectoryError):
        read_table(str(tmp_path))
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    with pytest.raises(TableError, match="there is no encoding 'klingon'"):
        read_table(str(path), encoding="klingon")


def test_standard_input(monkeypatch):
    class Slow(io.BytesIO):
        """A pipe that gives a few bytes at a time."""

        def read(self, n=-1):
            return super().read(min(n, 7) if n >= 0 else n)

    data = b"a,b\n" + b"1,2\n" * 1000
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Slow(data)))
    table, is_text = read_table("-")
    assert (len(table), is_text) == (1000, True)


def test_batches_are_the_rows_in_order(csv_file):
    n = 300_000
    path = csv_file("i\n" + "".join(f"{i}\n" for i in range(n)))
    with open_table(path) as table:
        sizes, first = [], 0
        for batch in table.batches():
            values = batch.column("i").to_pylist()
            assert values == [str(i) for i in range(first, first + len(values))]
            first += len(values)
            sizes.append(len(values))
    assert first == n
    assert len(sizes) > 1  # not the whole file at once


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    path = str(tmp_path_factory.mktemp("csv") / "t.csv")
    columns = {"a": [row[0] for row in rows], 'b "," c': [row[1] for row in rows]}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    with write_table(path, table.schema) as output:
        output.write(table)
    # The delimiter is given: a header alone does not always tell it.
    read, _ = read_table(path, delimiter=",")
    assert read.to_pydict() == columns


# ---- Parquet -------------------------------------------------------------------------------------


def test_parquet(tmp_path):
    path = str(tmp_path / "table.bin")  # known by its first bytes, not by its name
    table = pa.table({"a": [1, None], "b.c": ["x", "y"], "d": [[1], [2]]})
    pq.write_table(table, path)
    read, is_text = read_table(path)
    assert read.equals(table)
    assert not is_text
    read, _ = read_table(path, columns=["b.c"])
    assert read.column_names == ["b.c"]


def test_parquet_in_batches(tmp_path):
    path = str(tmp_path / "table.parquet")
    pq.write_table(pa.table({"i": range(100_000)}), path)
    with open_table(path) as table:
        sizes = [len(batch) for batch in table.batches()]
    assert sum(sizes) == 100_000
    assert max(sizes) == BATCH_ROWS


def test_damaged_parquet(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"i": range(1000)}), path, compression="none")
    data = path.read_bytes()
    path.write_bytes(data[:-50])
    with pytest.raises(TableError, match=r"table\.parquet: "):
        read_table(str(path))
    pq.write_table(pa.table({"i": pa.array([], pa.int64())}), path)
    with pytest.raises(TableError, match="the table has no rows"):
        read_table(str(path))


# ---- writing -------------------------------------------------------------------------------------

TABLE = pa.table({"p": ["<=50K", ">50K"], "x": [0.5, None]})


@pytest.mark.parametrize("ending", ["csv", "parquet", "pq", "CSV"])
def test_outputs(tmp_path, ending):
    path = str(tmp_path / f"out.{ending}")
    with write_table(path, TABLE.schema) as output:
        output.write(TABLE)
        output.write(TABLE)
    if ending.lower() == "csv":
        with open(path, "rb") as file:
            assert file.read() == b"p,x\n<=50K,0.5\n>50K,\n<=50K,0.5\n>50K,\n"
    else:
        assert pq.read_table(path).equals(pa.concat_tables([TABLE, TABLE]))
    assert os.listdir(tmp_path) == [f"out.{ending}"]


@pytest.mark.parametrize("existing", [None, b"old"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_error_leaves_what_was_there(tmp_path, existing, error, ending):
    path = tmp_path / f"out.{ending}"
    if existing is not None:
        path.write_bytes(existing)

    def interrupted():
        with write_table(str(path), TABLE.schema) as output:
            output.write(TABLE)
            raise error

    with pytest.raises(error):
        interrupted()
    assert os.listdir(tmp_path) == ([path.name] if existing else [])
    if existing is not None:
        assert path.read_bytes() == existing


def test_permissions_and_links_stay(tmp_path):
    real = tmp_path / "real.csv"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    with replacing(str(link)) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_devices_are_written_directly():
    with replacing("/dev/null") as file:
        file.write(b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_outputs_that_cannot_be_written(tmp_path):
    with pytest.raises(TableError, match=r"out\.txt: the name of an output must end in"):
        output_kind("out.txt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        replacing(str(tmp_path / "none" / "out.csv")).__enter__()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        replacing(str(tmp_path / "folder.csv")).__enter__()
