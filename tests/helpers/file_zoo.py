"""A zoo of table files: what each of them holds, or why it is refused.

`ZOO` is a list of frozen records. Values are given as they are read: text from CSV, typed values
from the other kinds of files.
"""

from __future__ import annotations

import bz2
import datetime
import gzip
import io
import json
import lzma
import zipfile
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Animal:
    """A file of the zoo.

    columns: what it holds; None if it is refused.
    error: a part of the error, if it is refused.
    notes: parts of the warnings, in order.
    """

    name: str
    data: bytes
    columns: dict[str, list[Any]] | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    file: str = "t.csv"


def reads(name, data, holds, /, *notes, file="t.csv", **options):
    return Animal(name, _bytes(data), holds, "", notes, options, file)


def refused(name, data, error, /, *notes, file="t.csv", **options):
    return Animal(name, _bytes(data), None, error, notes, options, file)


def _bytes(data):
    return data if isinstance(data, bytes) else data.encode()


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def zstd(data):
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(data)
    return buffer.getvalue().to_pybytes()


def parquet(table, **options):
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue().to_pybytes()


def arrow(table, make):
    buffer = pa.BufferOutputStream()
    with make(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue().to_pybytes()


def feather(table, **options):
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(table, buffer, **options)
    return buffer.getvalue()


def xlsx(*sheets):
    """A workbook of sheets, each a name and its rows."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def edited(archive, name, edit):
    """A zip archive with one member changed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        members = [(n, edit(old.read(n)) if n == name else old.read(n)) for n in old.namelist()]
    return zipped(*members)


AB = {"a": ["1", "3"], "b": ["2", "4"]}
TEXT = "a,b\n1,2\n3,4\n"
TYPED = pa.table({"a": [1, 3], "b": [2.5, None], "c": ["x", "ü"]})
TYPED_COLUMNS = TYPED.to_pydict()
INDEXED = pa.table({"a": [1, 3], "__index_level_0__": [7, 5]})
CP1252 = "read as cp1252, as it is not utf-8"
BLANK = "values are separated by blanks"
ROW_NUMBERS = "has row numbers: left out"
LOOKS = "looks like data; --no-header"
MUELLER = {"name": ["Müller"], "x": ["1"]}
DAY = datetime.datetime(2024, 1, 2)
SHEET = [["a", "b", "c", "d"], [1, 2.5, "x", True], [3, None, "ü", False]]
SHEET_COLUMNS = {"a": [1, 3], "b": [2.5, None], "c": ["x", "ü"], "d": [True, False]}

DELIMITERS = [
    reads("comma", TEXT, AB),
    reads("semicolon", "a;b\n1;2\n3;4\n", AB),
    reads("tab", "a\tb\n1\t2\n3\t4\n", AB),
    reads("pipe", "a|b\n1|2\n3|4\n", AB),
    reads("decimal comma", "a;b\n1,5;2,5\n3,5;4,5\n", {"a": ["1,5", "3,5"], "b": ["2,5", "4,5"]}),
    reads("decimal comma, comma in header", "a,x;b\n1,5;2\n", {"a,x": ["1,5"], "b": ["2"]}),
    reads("decimal comma, tab", "a\tb\n1,5\t2\n3,5\t4\n", {"a": ["1,5", "3,5"], "b": ["2", "4"]}),
    reads("blanks in header", "a b, c\n1,2\n3,4\n", {"a b": ["1", "3"], "c": ["2", "4"]}),
    reads(
        "semicolons in a value",
        "id,tags\n1,a;b\n2,c;d\n",
        {"id": ["1", "2"], "tags": ["a;b", "c;d"]},
    ),
    reads("commas in text", "id;text\n1;a, b\n2;c\n", {"id": ["1", "2"], "text": ["a, b", "c"]}),
    reads(
        "commas in all texts",
        "id;text\n1;a, b\n2;c, d\n",
        {"id": ["1", "2"], "text": ["a, b", "c, d"]},
    ),
    reads(
        "more commas in the header",
        "a, mm;b, mm;c\n1;2;3\n4;5;6\n",
        {"a, mm": ["1", "4"], "b, mm": ["2", "5"], "c": ["3", "6"]},
    ),
    reads("quoted delimiters", '"a,1";b\nx;2\ny;3\n', {"a,1": ["x", "y"], "b": ["2", "3"]}),
    reads("given", "a,x;b\n1,5;2\n", {"a,x": ["1,5"], "b": ["2"]}, delimiter=";"),
    reads("given, another", "a:b\n1:2\n3:4\n", AB, delimiter=":"),
    reads("given blanks", "a b\n1  2\n3 4\n", AB, delimiter=" "),
    reads("one column", "a\n1\n3\n", {"a": ["1", "3"]}),
    reads("one column of text", "a\nx y\nz\n", {"a": ["x y", "z"]}),
    reads("tsv by its name", "a,x\tb\n1\t2\n", {"a,x": ["1"], "b": ["2"]}, file="t.tsv"),
    reads(
        "tsv.gz by its name",
        gzip.compress(b"a,x\tb\n1\t2\n"),
        {"a,x": ["1"], "b": ["2"]},
        file="t.TSV.gz",
    ),
    reads("aligned by blanks", " a   b\n 1   2\n 3  4 \n", AB, BLANK),
    reads("aligned by blanks and tabs", "a \t b\n1\t2\n3   4\n", AB, BLANK),
    reads("blanks and quotes", 'a b\n1 "x y"\n3 z\n', {"a": ["1", "3"], "b": ["x y", "z"]}, BLANK),
    reads(
        "UCI numbers",
        " 0.1  18.0 2\n 0.2   0.0 7\n",
        {"x0": ["0.1", "0.2"], "x1": ["18.0", "0.0"], "x2": ["2", "7"]},
        BLANK,
        header=False,
    ),
    reads(
        "UCI with a tab before a name",
        '18.0  8  307.0\t"a b"\n15.0  8  350.0\t"c d"\n',
        {"x0": ["18.0", "15.0"], "x1": ["8", "8"], "x2": ["307.0", "350.0"], "x3": ["a b", "c d"]},
        BLANK,
        header=False,
    ),
    reads(
        "dates and times with tabs",
        "t\tx\n2024-01-02 10:00\t1\n2024-01-03 11:00\t2\n",
        {"t": ["2024-01-02 10:00", "2024-01-03 11:00"], "x": ["1", "2"]},
    ),
    reads("sep line", "sep=;\na;b\n1;2\n3;4\n", AB),
    reads("sep line with CRLF", "sep=|\r\na|b\r\n1|2\r\n3|4\r\n", AB),
    reads(
        "sep line, quoted, after a BOM", '\ufeff"sep=;"\na;b\n1,5;2\n', {"a": ["1,5"], "b": ["2"]}
    ),
    reads("sep line with a tab", "sep=\t\na\tb\n1\t2\n3\t4\n", AB),
    reads("trailing delimiters", "a,b,\n1,2,\n3,4,\n", AB),
    reads("trailing delimiters in the rows", "a,b\n1,2,\n3,4,\n", AB),
    reads("trailing delimiter in the header", "a,b,\n1,2\n3,4\n", AB),
    reads("trailing semicolons", "a;b;\n1,5;2;\n", {"a": ["1,5"], "b": ["2"]}),
    reads(
        "trailing delimiters without header",
        "1;2;\n3;4;\n",
        {"x0": ["1", "3"], "x1": ["2", "4"]},
        header=False,
    ),
    reads("empty last column with a name", "a,b\n1,\n3,\n", {"a": ["1", "3"], "b": ["", ""]}),
    refused(
        "a value beyond the names",
        "a,b,\n" + "1,2,\n" * 100 + "3,4,x\n",
        "row 100 has 'x' in column 2",
    ),
]

QUOTES = [
    reads("quotes", '"a","b"\n"1","2"\n"3","4"\n', AB),
    reads("doubled quotes", 'a,b\n"say ""hi""",2\n', {"a": ['say "hi"'], "b": ["2"]}),
    reads("a quote inside", 'a,b\n5" pipe,2\n', {"a": ['5" pipe'], "b": ["2"]}),
    reads(
        "line breaks in quotes",
        '"a\nb",c\n"1\n2",3\n"4\r\n5",6\n',
        {"a\nb": ["1\n2", "4\r\n5"], "c": ["3", "6"]},
    ),
    reads("a blank line in quotes", 'a,b\n"1\n\n2",3\n', {"a": ["1\n\n2"], "b": ["3"]}),
    reads(
        "blanks before quotes", 'a, b\n1, "x, y"\n2, "z"\n', {"a": ["1", "2"], "b": ["x, y", "z"]}
    ),
    reads(
        "single quotes",
        "a,b\n'x, y',1\n'z',2\n",
        {"a": ["x, y", "z"], "b": ["1", "2"]},
        "single quotes",
    ),
    reads(
        "single quotes around all of a column",
        "a,b\n'x',1\n'y',2\n",
        {"a": ["x", "y"], "b": ["1", "2"]},
        "single quotes",
    ),
    reads(
        "apostrophes",
        "a,b\n'tis,1\nrock 'n' roll,2\n",
        {"a": ["'tis", "rock 'n' roll"], "b": ["1", "2"]},
    ),
    reads(
        "single quotes beside double ones",
        "a,b\n\"'x'\",1\n\"'y'\",2\n",
        {"a": ["'x'", "'y'"], "b": ["1", "2"]},
    ),
    reads(
        "a field of 200,000 characters",
        "a,b\n" + "x" * 200_000 + ",2\n",
        {"a": ["x" * 200_000], "b": ["2"]},
    ),
    reads(
        "a quoted field of 200,000 characters",
        'a,b\n"' + "x," * 100_000 + '",2\n',
        {"a": ["x," * 100_000], "b": ["2"]},
    ),
    refused(
        "a quote that is not closed",
        'a,b\n1,"2\n' + "3,4\n" * 600_000,
        "a quote that is not closed",
    ),
    refused("a header whose quote is not closed", '"a,b\n' + "3,4\n" * 200_000, "quote"),
]

LINES = [
    reads("CRLF", "a,b\r\n1,2\r\n3,4\r\n", AB),
    reads("CR", "a,b\r1,2\r3,4\r", AB),
    reads("CR CR LF", "a,b\r\r\n1,2\r\r\n3,4\r\r\n", AB),
    reads("CR, aligned", "a  b\r1  2\r3  4\r", AB, BLANK),
    reads("no line break at the end", "a,b\n1,2\n3,4", AB),
    reads("blank lines", "\n\na,b\n\n1,2\n\n\n3,4\n\n", AB),
    reads("lines of blanks", "  \na,b\n  \n1,2\n\t\n3,4\n   \n", AB),
    reads("lines of blanks, one column", "a\n1\n\n3\n", {"a": ["1", "3"]}),
    reads("lines of delimiters", "a,b\n1,2\n,\n", {"a": ["1", ""], "b": ["2", ""]}),
    reads("the end of a file of DOS", "a,b\n1,2\n3,4\n\x1a", AB),
    reads(
        "line separators in values",
        "a,b\nx\u2028y,2\nz\x85,\x1c4\n",
        {"a": ["x\u2028y", "z\x85"], "b": ["2", "\x1c4"]},
    ),
    reads(
        "line separators in names",
        "a\u2028x,b\x85y,c\x1cz\n1,2,3\n",
        {"a\u2028x": ["1"], "b\x85y": ["2"], "c\x1cz": ["3"]},
    ),
    reads(
        "vertical tabs and form feeds", "a\x0bx,b\x0cy\n1,2\n", {"a\x0bx": ["1"], "b\x0cy": ["2"]}
    ),
    refused("short row", "a,b\n1,2\n3\n", "row 1 has 1 values, the header has 2"),
    refused("long row", "a,b\n1,2\n3,4,5\n", "row 1 has 3 values, the header has 2"),
    refused("short row after blanks", "a,b\n1,2\n  \n3\n", "row 1 has 1 values, the header has 2"),
    refused("nothing", "", "the file is empty"),
    refused("blanks only", " \n\n \t\n", "the file is empty"),
    refused("header only", "a,b\n", "the table has no rows"),
    refused("one row without header", "0.5,2\n", "the table has no rows", LOOKS),
    refused("header only, without line break", "a,b", "the table has no rows"),
    refused("header and blank lines", "a,b\n\n  \n", "the table has no rows"),
    refused("a zero byte", "a,b\n1,\0\n", "zero bytes in line 2"),
    refused(
        "a zero byte far from the beginning",
        "a,b\n" + "1,2\n" * 300_000 + "\0,2\n",
        "zero bytes in line 300,002",
    ),
]

HEADERS = [
    reads("blanks around names", " a ,\tb \n1,2\n3,4\n", AB),
    reads("blanks around quoted names", '" a "," b"\n1,2\n3,4\n', AB),
    reads(
        "name without letters",
        "a,\n1,2\n3,4\n",
        {"a": ["1", "3"], "Unnamed: 1": ["2", "4"]},
        "called 'Unnamed: 1'",
    ),
    reads(
        "two columns without names",
        "a,,b,\n1,2,3,4\n",
        {"a": ["1"], "Unnamed: 1": ["2"], "b": ["3"], "Unnamed: 3": ["4"]},
        "called 'Unnamed: 1', 'Unnamed: 3'",
    ),
    reads(
        "a name that is taken",
        "a,,Unnamed: 1\n1,2,3\n",
        {"a": ["1"], "Unnamed: 1_": ["2"], "Unnamed: 1": ["3"]},
        "called 'Unnamed: 1_'",
    ),
    refused("names twice", "a,b,a\n1,2,3\n", "two columns have the name 'a'"),
    refused("names twice, with blanks", "a, a\n1,2\n", "two columns have the name 'a'"),
    refused("data as header", "1,1\n1,2\n3,4\n", "if the first line is data, use --no-header"),
    reads("no header", "1,2\n3,4\n", {"x0": ["1", "3"], "x1": ["2", "4"]}, header=False),
    reads("no header, text", "x,2\ny,4\n", {"x0": ["x", "y"], "x1": ["2", "4"]}, header=False),
    reads("no header, one row", "5,6\n", {"x0": ["5"], "x1": ["6"]}, header=False),
    reads(
        "a header like data",
        "5.1,3.5,x\n4.9,3.0,y\n4.7,3.2,x\n",
        {"5.1": ["4.9", "4.7"], "3.5": ["3.0", "3.2"], "x": ["y", "x"]},
        LOOKS,
    ),
    reads(
        "years as names",
        "place,1999,2000\nx,2,3\ny,4,5\n",
        {"place": ["x", "y"], "1999": ["2", "4"], "2000": ["3", "5"]},
    ),
    reads("pixels as names", "label,0,1\n7,2,3\n", {"label": ["7"], "0": ["2"], "1": ["3"]}),
    reads("index of pandas", ",a,b\n0,1,2\n1,3,4\n", AB, ROW_NUMBERS),
    reads("index of pandas, shuffled", ",a,b\n17,1,2\n3,3,4\n", AB, ROW_NUMBERS),
    reads("index of pandas, one row", ",a,b\n17,1,2\n", {"a": ["1"], "b": ["2"]}, ROW_NUMBERS),
    reads(
        "index of pandas, read again",
        "Unnamed: 0,a,b\n0,1,2\n1,3,4\n",
        AB,
        "column 0 ('Unnamed: 0') has row numbers",
    ),
    reads(
        "index of pandas, twice",
        ",Unnamed: 0,a,b\n0,0,1,2\n1,1,3,4\n",
        AB,
        ROW_NUMBERS,
        ROW_NUMBERS,
    ),
    reads(
        "index that is asked for",
        "Unnamed: 0,a,b\n0,1,2\n1,3,4\n",
        {"Unnamed: 0": ["0", "1"], "a": ["1", "3"]},
        columns=["Unnamed: 0", "a"],
    ),
    reads(
        "texts without a name",
        ",a\nx,1\ny,3\n",
        {"Unnamed: 0": ["x", "y"], "a": ["1", "3"]},
        "called 'Unnamed: 0'",
    ),
    reads(
        "numbers without a name that come again",
        ",a\n1,1\n1,3\n",
        {"Unnamed: 0": ["1", "1"], "a": ["1", "3"]},
        "called 'Unnamed: 0'",
    ),
    reads("R, write.csv", '"","a","b"\n"1",1,2\n"2",3,4\n', AB, ROW_NUMBERS),
    reads("R, write.table", '"a" "b"\n"1" 1 2\n"2" 3 4\n', AB, BLANK, "row names"),
    reads("R, write.table with tabs", "a\tb\n1\t1\t2\n2\t3\t4\n", AB, "row names"),
    reads("R, write.table with names of rows", "a,b\nMazda,1,2\nFord,3,4\n", AB, "row names"),
    refused(
        "a header that is too short", "a,b\n5,1,2\n5,3,4\n", "row 0 has 3 values, the header has 2"
    ),
    reads("comments", "# by me\n# today\na,b\n1,2\n3,4\n", AB, "the first 2 lines"),
    reads("a comment with a comma", "# by me, today\na,b\n1,2\n3,4\n", AB, "the first 1 line "),
    reads("a comment and a blank line", "# by me\n\na,b\n1,2\n3,4\n", AB, "the first 1 line "),
    reads("a name that begins with #", "#a,b\n1,2\n3,4\n", {"#a": ["1", "3"], "b": ["2", "4"]}),
    reads(
        "np.savetxt", "# a b\n1.0 2.0\n3.0 4.0\n", {"a": ["1.0", "3.0"], "b": ["2.0", "4.0"]}, BLANK
    ),
    reads("np.savetxt with commas", "# a,b\n1,2\n3,4\n", AB),
    reads("comment lines anywhere", "% x\na,b\n1,2\n% y, z\n3,4\n", AB, comment="%"),
    reads("comment lines of several characters", "//x\na,b\n1,2\n//\n3,4\n//", AB, comment="//"),
    reads("a # in a value", "a,b\n#1,2\n3,4\n", {"a": ["#1", "3"], "b": ["2", "4"]}),
    reads(
        "comments without header",
        "# x\n1,2\n3,4\n",
        {"x0": ["1", "3"], "x1": ["2", "4"]},
        "the first 1 line",
        header=False,
    ),
    refused("a name of 20,000 characters", "x" * 20_000 + ",b\n1,2\n", "has 20,000 characters"),
    reads("some columns", "a,b,c\n1,2,3\n", {"a": ["1"], "c": ["3"]}, columns=["c", "a", "z"]),
    refused("none of the columns", "a,b\n1,2\n", "the table has no column 'x'", columns=["x"]),
]

ENCODINGS = [
    reads("utf-8", "name,x\nMüller,1\n", MUELLER),
    reads("utf-8 with BOM", "\ufeffname,x\nMüller,1\n", MUELLER),
    reads("utf-8 with BOM, given", "\ufeffname,x\nMüller,1\n", MUELLER, encoding="utf-8"),
    reads("utf-16", "name,x\nMüller,1\n".encode("utf-16"), MUELLER, "read as utf-16"),
    reads(
        "utf-16, big-endian with BOM",
        b"\xfe\xff" + "name,x\nMüller,1\n".encode("utf-16-be"),
        MUELLER,
        "read as utf-16",
    ),
    reads("utf-16-le", "name,x\nMüller,1\n".encode("utf-16-le"), MUELLER, "read as utf-16-le"),
    reads("utf-16-be", "name,x\nMüller,1\n".encode("utf-16-be"), MUELLER, "read as utf-16-be"),
    reads("utf-16, given", "name,x\nMüller,1\n".encode("utf-16"), MUELLER, encoding="utf-16"),
    reads("utf-32", "name,x\nMüller,1\n".encode("utf-32"), MUELLER, "read as utf-32"),
    reads(
        "latin-1",
        "name,x\nMüller,1\n".encode("latin-1"),
        MUELLER,
        f"{CP1252} (line 2 has 'Müller')",
    ),
    reads("cp1252", "name,x\n“5 €”,1\n".encode("cp1252"), {"name": ["“5 €”"], "x": ["1"]}, CP1252),
    reads(
        "latin-1 in the header",
        "größe,x\n1,2\n".encode("latin-1"),
        {"größe": ["1"], "x": ["2"]},
        CP1252,
    ),
    reads("latin-1, given", "name,x\nMüller,1\n".encode("latin-1"), MUELLER, encoding="latin-1"),
    reads(
        "cp1252 that looks like UTF-8 once",
        "name,x\nLIBERTÉ»,1\né,2\nü,3\n".encode("cp1252"),
        {"name": ["LIBERTÉ»", "é", "ü"], "x": ["1", "2", "3"]},
        CP1252,
    ),
    reads(
        "a first letter in row 100,000",
        b"a,b\n" + b"1,2\n" * 100_000 + "é,2\n".encode("latin-1"),
        {"a": ["1"] * 100_000 + ["é"], "b": ["2"] * 100_001},
        f"{CP1252} (line 100,002 has 'é')",
    ),
    reads("undefined bytes of cp1252", b"a,b\n\x81,2\n", {"a": ["\x81"], "b": ["2"]}, CP1252),
    reads(
        "cp1251, given", "а,б\n1,2\n".encode("cp1251"), {"а": ["1"], "б": ["2"]}, encoding="cp1251"
    ),
    reads(
        "shift-jis, given",
        "名,x\n東,1\n".encode("shift-jis"),
        {"名": ["東"], "x": ["1"]},
        encoding="shift-jis",
    ),
    reads(
        "gb18030, given",
        "名,x\n东,1\n".encode("gb18030"),
        {"名": ["东"], "x": ["1"]},
        encoding="gb18030",
    ),
    reads("utf-7, given", "name,x\nMüller,1\n".encode("utf-7"), MUELLER, encoding="utf-7"),
    reads("EBCDIC, given", "name,x\nMüller,1\n".encode("cp500"), MUELLER, encoding="cp500"),
    refused(
        "mixed encodings",
        "a,ü\n".encode() + "ö,ü\n".encode() * 300_000 + b"\xff,2\n",
        "is before byte 1,800,005 in line 300,002",
    ),
    refused(
        "not in the encoding",
        b"a,b\n\xff,2\n",
        "not text in utf-8 (byte 4, line 2)",
        encoding="utf-8",
    ),
    refused("not ASCII", "a,b\nü,2\n", "not text in ascii (byte 4, line 2)", encoding="ascii"),
    refused(
        "utf-16 with an odd number of bytes",
        "a,b\n1,2\n".encode("utf-16") + b"\0",
        "not text in utf-16",
        "read as utf-16",
    ),
    *(
        refused(f"encoding {name}", TEXT, "of text files; choose one such as", encoding=name)
        for name in (
            "base64",
            "hex",
            "rot13",
            "zlib",
            "bz2",
            "uu",
            "quopri",
            "idna",
            "punycode",
            "undefined",
            "unicode_escape",
            "raw_unicode_escape",
            "klingon",
            "",
            "x" * 1000,
            "a\0b",
            "../../x",
        )
    ),
]

PACKED = [
    reads("gz", gzip.compress(TEXT.encode()), AB),
    reads("xz", lzma.compress(TEXT.encode()), AB),
    reads("bz2", bz2.compress(TEXT.encode()), AB),
    reads("zst", zstd(TEXT.encode()), AB),
    reads("zip", zipped(("t.csv", TEXT)), AB),
    reads("zip, stored", zipped(("t.csv", TEXT), compression=zipfile.ZIP_STORED), AB),
    reads("zip, bzip2", zipped(("t.csv", TEXT), compression=zipfile.ZIP_BZIP2), AB),
    reads(
        "zip from a Mac",
        zipped(("x/", ""), ("x/t.csv", TEXT), ("__MACOSX/x/._t.csv", "?"), ("x/.DS_Store", "?")),
        AB,
    ),
    reads("zip of Parquet", zipped(("t.parquet", parquet(TYPED))), TYPED_COLUMNS),
    reads("zip of Excel", zipped(("t.xlsx", xlsx(("s", SHEET)))), SHEET_COLUMNS),
    reads("gz of Parquet", gzip.compress(parquet(TYPED)), TYPED_COLUMNS),
    reads("gz of JSON lines", gzip.compress(b'{"a": 1}\n{"a": 2}\n'), {"a": [1, 2]}),
    reads("gz of utf-16", gzip.compress("a;b\n1;2\n3;4\n".encode("utf-16")), AB, "read as utf-16"),
    reads("xz of latin-1", lzma.compress("name,x\nMüller,1\n".encode("latin-1")), MUELLER, CP1252),
    reads("two gz after one another", gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"), AB),
    reads("two xz after one another", lzma.compress(b"a,b\n1,2\n") + lzma.compress(b"3,4\n"), AB),
    reads("two bz2 after one another", bz2.compress(b"a,b\n1,2\n") + bz2.compress(b"3,4\n"), AB),
    reads("two zst after one another", zstd(b"a,b\n1,2\n") + zstd(b"3,4\n"), AB),
    reads("gz without its ending", gzip.compress(TEXT.encode()), AB, file="table"),
    refused("gz of gz", gzip.compress(gzip.compress(TEXT.encode())), "compressed twice"),
    refused("zip of gz", zipped(("t.gz", gzip.compress(TEXT.encode()))), "compressed twice"),
    refused("zip of zip", zipped(("t.zip", zipped(("t.csv", TEXT)))), "unpack it once"),
    refused(
        "zip of two",
        zipped(("a.csv", TEXT), ("b.csv", TEXT)),
        "2 files ('a.csv', 'b.csv'); unpack it and name one",
    ),
    refused("zip of nothing", zipped(), "the archive is empty"),
    refused("zip of a folder", zipped(("x/", "")), "the archive is empty"),
    refused("zip of an empty file", zipped(("t.csv", "")), "the file is empty"),
    refused(
        "zip by LZMA", zipped(("t.csv", TEXT), compression=zipfile.ZIP_LZMA), "in an unusual way"
    ),
    refused("gz of nothing", gzip.compress(b""), "the file is empty"),
    *(
        refused(f"{name}, cut off", pack(bytes(range(32, 127)) * 999)[:-9], "t.csv: ")
        for name, pack in (
            ("gz", gzip.compress),
            ("xz", lzma.compress),
            ("bz2", bz2.compress),
            ("zst", zstd),
        )
    ),
    refused("zip, cut off", zipped(("t.csv", TEXT))[:-9], "zip"),
    refused("tar", b"t.csv" + bytes(252) + b"ustar\x0000" + bytes(248), "a tar archive"),
    refused("7z", b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
    refused("rar", b"Rar!\x1a\x07\0", "a RAR archive"),
    refused(
        "docx",
        zipped(("word/document.xml", "<x/>"), ("[Content_Types].xml", "<x/>")),
        "a Word document",
    ),
    refused(
        "ods",
        zipped(("mimetype", "application/vnd.oasis.opendocument.spreadsheet")),
        "an OpenDocument",
    ),
    refused(
        "npz", zipped(("a.npy", b"\x93NUMPY"), ("b.npy", b"\x93NUMPY")), "a file of NumPy arrays"
    ),
]

JSON = [
    reads(
        "JSON lines", '{"a": 1, "b": 2.5, "c": "x"}\n{"a": 3, "b": null, "c": "ü"}\n', TYPED_COLUMNS
    ),
    reads(
        "JSON lines by their content",
        '{"a": true}\n{"a": false}\n',
        {"a": [True, False]},
        file="t.txt",
    ),
    reads("JSON lines, one row", '{"a": 1}', {"a": [1]}),
    reads(
        "JSON lines with CRLF and blank lines", '\r\n{"a": 1}\r\n\r\n{"a": 2}\r\n', {"a": [1, 2]}
    ),
    reads("JSON lines with a BOM", '\ufeff{"a": 1}\n', {"a": [1]}),
    reads(
        "JSON lines, a key that is missing",
        '{"a": 1}\n{"b": "x"}\n',
        {"a": [1, None], "b": [None, "x"]},
    ),
    reads("JSON lines, whole numbers and others", '{"a": 1}\n{"a": 2.5}\n', {"a": [1.0, 2.5]}),
    reads(
        "JSON lines, numbers and text", '{"a": 1}\n{"a": "x"}\n{"a": 2.0}\n', {"a": ["1", "x", "2"]}
    ),
    reads("JSON lines, truth values and text", '{"a": true}\n{"a": "x"}\n', {"a": ["true", "x"]}),
    reads(
        "JSON lines, large numbers",
        '{"a": 1}\n{"a": 12345678901234567890123}\n',
        {"a": ["1", "12345678901234567890123"]},
    ),
    reads(
        "JSON lines, lists",
        '{"a": [1, 2], "b": 1}\n{"a": [], "b": 2}\n',
        {"a": [[1, 2], []], "b": [1, 2]},
    ),
    reads("JSON lines in utf-16", '{"a": "ü"}\n'.encode("utf-16"), {"a": ["ü"]}, "read as utf-16"),
    reads("JSON lines, some columns", '{"a": 1, "b": 2}\n', {"b": [2]}, columns=["b"]),
    refused("JSON lines, a damaged line", '{"a": 1}\n{"a": \n', "line 2 is not JSON"),
    refused("JSON lines, not an object", '{"a": 1}\n[1]\n', "line 2 is not a JSON object"),
    refused("JSON lines, nested", '{"a": 1}\n{"a": ' + "[" * 100_000 + "\n", "line 2 is not JSON"),
    refused(
        "JSON lines, a number of 5,000 digits",
        '{"a": ' + "9" * 5000 + "}\n{}\n",
        "line 1 is not JSON",
    ),
    refused("JSON lines without keys", "{}\n{}\n", "its objects are empty"),
    refused("JSON array", '[{"a": 1}, {"a": 2}]', "a JSON array"),
    refused("JSON array of arrays", "[\n[1, 2],\n[3, 4]\n]\n", "a JSON array"),
    reads(
        "brackets in a long file",
        "[0],[1]\n" + "1,2\n" * 200_000,
        {"[0]": ["1"] * 200_000, "[1]": ["2"] * 200_000},
    ),
    refused("JSON array, long", "[" + '{"a": 1},' * 100_000, "a JSON array"),
    refused("JSON object", '{\n  "a": [1, 2]\n}\n', "a JSON object over several lines"),
    refused(
        "JSON object, another layout",
        json.dumps({"a": {"b": 1}, "c": 2}, indent=2),
        "a JSON object",
    ),
    reads("braces in names", "{a},[b]\n1,2\n", {"{a}": ["1"], "[b]": ["2"]}),
]

COLUMNAR = [
    reads("Parquet", parquet(TYPED), TYPED_COLUMNS),
    reads("Parquet, some columns", parquet(TYPED), {"b": [2.5, None]}, columns=["b"]),
    reads(
        "Parquet with the index of pandas",
        parquet(INDEXED),
        {"a": [1, 3]},
        "'__index_level_0__' has the row numbers",
    ),
    reads(
        "Parquet, the index asked for",
        parquet(INDEXED),
        {"__index_level_0__": [7, 5]},
        columns=["__index_level_0__"],
    ),
    reads("Arrow file", arrow(TYPED, pa.ipc.new_file), TYPED_COLUMNS),
    reads("Arrow stream", arrow(TYPED, pa.ipc.new_stream), TYPED_COLUMNS),
    reads("Feather", feather(TYPED), TYPED_COLUMNS),
    reads(
        "Feather with the index of pandas", feather(INDEXED), {"a": [1, 3]}, "row numbers of pandas"
    ),
    reads("gz of an Arrow file", gzip.compress(arrow(TYPED, pa.ipc.new_file)), TYPED_COLUMNS),
    refused("Parquet, cut off", parquet(TYPED)[:-20], "t.csv: "),
    refused("Parquet without rows", parquet(TYPED.slice(0, 0)), "the table has no rows"),
    refused(
        "Parquet, names twice",
        parquet(pa.table([[1], [2]], names=["a", "a"])),
        "two columns have the name 'a'",
    ),
    refused("only the first bytes of Parquet", b"PAR1 and more", "t.csv: "),
    refused("Arrow, cut off", arrow(TYPED, pa.ipc.new_file)[:200], "t.csv: "),
]

SHEETS = [
    reads("Excel", xlsx(("s", SHEET)), SHEET_COLUMNS),
    reads(
        "Excel, first of two sheets",
        xlsx(("s", SHEET), ("t", [["x"], [1]])),
        SHEET_COLUMNS,
        "first of 2 sheets ('s')",
    ),
    reads(
        "Excel, a sheet",
        xlsx(("s", SHEET), ("t", [["x", "y"], [1, 2]])),
        {"x": [1], "y": [2]},
        sheet="t",
    ),
    reads(
        "Excel, dates",
        xlsx(("s", [["d"], [DAY], [None], [DAY + datetime.timedelta(hours=3)]])),
        {"d": [DAY, DAY.replace(hour=3)]},
    ),
    reads(
        "Excel, empty rows and columns",
        xlsx(("s", [[], ["a", "b"], [], [1, 2], [None, None], [3, 4]])),
        {"a": [1, 3], "b": [2, 4]},
    ),
    reads("Excel, whole numbers and others", xlsx(("s", [["a"], [1], [2.5]])), {"a": [1.0, 2.5]}),
    reads(
        "Excel, numbers and text",
        xlsx(("s", [["a"], [1], ["x"], [True]])),
        {"a": ["1", "x", "true"]},
    ),
    reads(
        "Excel, numbers as names",
        xlsx(("s", [["p", 1999, 2000.0], ["x", 1, 2]])),
        {"p": ["x"], "1999": [1], "2000": [2]},
    ),
    reads(
        "Excel, index of pandas",
        xlsx(("s", [[None, "a"], [0, 5], [1, 6]])),
        {"a": [5, 6]},
        ROW_NUMBERS,
    ),
    reads(
        "Excel, no header",
        xlsx(("s", [[1, "x"], [2, "y"]])),
        {"x0": [1, 2], "x1": ["x", "y"]},
        header=False,
    ),
    reads(
        "Excel, formulas without values",
        xlsx(("s", [["a", "b"], [1, "=A2"], [2, "=A3"]])),
        {"a": [1, 2], "b": [None, None]},
    ),
    reads(
        "Excel, a cell in the last row",
        edited(
            xlsx(("s", [["a", "b"], [1, 2], [3, 4]])),
            "xl/worksheets/sheet1.xml",
            lambda data: (
                data.replace(b'r="3"', b'r="1048576"')
                .replace(b'"A3"', b'"A1048576"')
                .replace(b'"B3"', b'"B1048576"')
            ),
        ),
        {"a": [1, 3], "b": [2, 4]},
    ),
    reads(
        "Excel, wrong dimensions",
        edited(
            xlsx(("s", [["a", "b"], [1, 2]])),
            "xl/worksheets/sheet1.xml",
            lambda data: data.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"'),
        ),
        {"a": [1], "b": [2]},
    ),
    refused(
        "Excel, unknown sheet",
        xlsx(("Sales", SHEET)),
        "there is no sheet 'sale'; did you mean 'Sales'?",
        sheet="sale",
    ),
    refused("Excel, empty sheet", xlsx(("s", [])), "sheet 's' is empty"),
    refused("Excel, header only", xlsx(("s", [["a", "b"]])), "the table has no rows"),
    refused(
        "Excel, names twice", xlsx(("s", [["a", "a"], [1, 2]])), "two columns have the name 'a'"
    ),
    refused(
        "Excel, a row beyond the header",
        xlsx(("s", [["a"], *[[1]] * 60, [1, 2]])),
        "row 60 has 2 values, the header has 1",
    ),
    refused(
        "Excel, damaged",
        edited(xlsx(("s", SHEET)), "xl/workbook.xml", lambda _: b"<x"),
        "the Excel file is damaged",
    ),
    refused(
        "Excel, a damaged sheet",
        edited(xlsx(("s", SHEET)), "xl/worksheets/sheet1.xml", lambda d: d[:-90]),
        "damaged",
    ),
    refused("a sheet of CSV", TEXT, "only an Excel file has sheets", sheet="s"),
    refused("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel file (.xls)"),
    refused("xlsb", zipped(("xl/workbook.bin", b"x")), "an Excel file in binary form"),
]

OTHERS = [
    *(
        refused(name, data, f"this is {what}")
        for name, data, what in (
            (
                "HTML",
                "<!DOCTYPE html>\n<html><body>Not found</body></html>",
                "an HTML page, not a table",
            ),
            ("HTML, another", "\n <html lang='en'>\n<head>", "an HTML page, not a table"),
            ("HTML table", "<table><tr><td>1</td></tr></table>", "an HTML page"),
            ("XML", '<?xml version="1.0"?>\n<a><b>1</b></a>', "an XML document"),
            ("PDF", b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
            ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
            ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
            ("GIF", b"GIF89a\1\0\1\0", "a GIF image"),
            ("WebP", b"RIFF\0\0\0\0WEBPVP8 ", "a WebP image"),
            ("SQLite", b"SQLite format 3\0\x10\0", "an SQLite database"),
            ("pickle", b"\x80\x04\x95\x10\0\0\0\0\0\0\0", "a pickle"),
            ("npy", b"\x93NUMPY\1\0v\0{'descr'", "a NumPy array"),
            ("HDF5", b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
            ("ORC", b"ORC\n\x0b\n\3\0", "an ORC file"),
            ("Avro", b"Obj\x01\4\x16avro.schema", "an Avro file"),
            ("rds", gzip.compress(b"X\n\0\0\0\3\0\4\2\1"), "R data (.rds)"),
            ("RData", gzip.compress(b"RDX3\nX\n\0\0\0\3"), "R data (.RData)"),
            ("Stata", b"<stata_dta><header>", "a Stata file"),
            ("SPSS", b"$FL2@(#) SPSS DATA FILE", "an SPSS file"),
            ("SAS", bytes(84) + b"SAS FILE" + bytes(100), "a SAS file"),
            ("MATLAB", b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file"),
            ("RTF", "{\\rtf1\\ansi", "an RTF document"),
            ("ARFF", "@RELATION iris\n\n@ATTRIBUTE a REAL\n@DATA\n1\n", "an ARFF file"),
            ("ARFF with a comment", "% 1. Title: Iris\n%\n@RELATION iris\n", "an ARFF file"),
            (
                "Git LFS",
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
                "a pointer of Git LFS",
            ),
            ("safetensors", (32).to_bytes(8, "little") + b'{"x": {}}' + bytes(40), "a model file"),
            ("program", b"\x7fELF\2\1\1\0", "a program"),
            ("control characters", bytes(range(1, 9)) * 50, "a binary file"),
        )
    ),
    refused("bytes of all kinds", bytes(range(256)) * 4, "this is a binary file"),
]

ZOO = [
    *DELIMITERS,
    *QUOTES,
    *LINES,
    *HEADERS,
    *ENCODINGS,
    *PACKED,
    *JSON,
    *COLUMNAR,
    *SHEETS,
    *OTHERS,
]
