"""Commands read tables of every kind of file, and say what they did with them."""

from __future__ import annotations

import io
import json
import lzma
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from animals import QUICK
from file_zoo import arrow, xlsx, zipped, zstd

TABLE = "animals.csv"


def indexed(data):
    lines = data.split(b"\n")
    rows = [b"%d,%s" % (i, line) for i, line in enumerate(lines[1:-1])]
    return b"\n".join([b"," + lines[0], *rows, b""])


def as_sheet(data):
    table = pa_csv.read_csv(io.BytesIO(data))
    rows = [list(row.values()) for row in table.to_pylist()]
    return xlsx(("animals", [table.column_names, *rows]), ("notes", [["x"], [1]]))


def as_json_lines(data):
    rows = pa_csv.read_csv(io.BytesIO(data)).to_pylist()
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


def as_semicolons(data):
    buffer = io.BytesIO()
    pa_csv.write_csv(pa_csv.read_csv(io.BytesIO(data)), buffer, pa_csv.WriteOptions(delimiter=";"))
    return b"sep=;\n" + buffer.getvalue()


FORMS = {
    "t.csv.xz": (lzma.compress, ""),
    "t.zst": (zstd, ""),
    "t.zip": (lambda data: zipped(("animals.csv", data)), ""),
    "utf16.csv": (lambda data: data.decode().encode("utf-16"), "read as utf-16"),
    "index.csv": (indexed, "column 0 (without a name) has row numbers: left out"),
    "semicolons.csv": (as_semicolons, ""),
    "comments.csv": (lambda data: b"# animals\n" + data, "the first 1 line "),
    "t.xlsx": (as_sheet, "the first of 2 sheets ('animals') was read"),
    "t.jsonl": (as_json_lines, ""),
    "t.arrow": (lambda data: arrow(pa_csv.read_csv(io.BytesIO(data)), pa.ipc.new_file), ""),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_table_means_the_same_in_every_form(run, here, name):
    make, told = FORMS[name]
    Path(name).write_bytes(make(Path(TABLE).read_bytes()))
    for command in (
        ("predict", "class.safetensors", "{}"),
        ("evaluate", "class.safetensors", "{}", "--json"),
        ("trace", "number.safetensors", "{}", "--rows", "3", "--json"),
        ("diagnose", "class.safetensors", "{}", "--json"),
    ):
        expected = run(*(TABLE if part == "{}" else part for part in command))
        done = run(*(name if part == "{}" else part for part in command))
        assert done.code == expected.code
        assert done.out.replace(name, TABLE) == expected.out
        assert (told in done.err) if told else (done.err == expected.err)
        quiet = run(*(name if part == "{}" else part for part in command), "-q")
        assert quiet.err == ""


@pytest.mark.parametrize("name", ["t.xlsx", "t.zip"])
def test_packed_files_on_standard_input(run, here, monkeypatch, name):
    data = FORMS[name][0](Path(TABLE).read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert (
        run("predict", "class.safetensors", "-").out
        == run("predict", "class.safetensors", TABLE).out
    )


def test_fit_leaves_out_an_index_and_needs_none_later(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(60)]
    Path("i.csv").write_text(",x,t\n" + "\n".join(rows) + "\n")
    done = run("fit", "i.csv", "-t", "t", "--json", *QUICK)
    assert (done.code, "row numbers: left out" in done.err) == (0, True)
    assert [column["name"] for column in json.loads(done.out)["columns"]] == ["x"]
    Path("plain.csv").write_text("x\n3\n4\n")
    Path("shuffled.csv").write_text(",x\n17,3\n5,4\n")
    plain, shuffled = (
        run("predict", "i.safetensors", name) for name in ("plain.csv", "shuffled.csv")
    )
    assert plain.out == shuffled.out != ""
    kept = run("predict", "i.safetensors", "shuffled.csv", "--keep", "all")
    assert kept.out.startswith("x,")


def test_files_without_a_header(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 9}.5,{i % 7},{'ab'[i % 2]}" for i in range(60)]
    Path("t.data").write_text("\n".join(rows) + "\n")
    assert "looks like data; --no-header" in run("fit", "t.data", "-t", "x").err
    done = run("fit", "t.data", "--no-header", "-t", "x2", *QUICK)
    assert done.code == 0
    assert run("evaluate", "t.safetensors", "t.data", "--no-header", "--json").code == 0
    assert "the table has no column" in run("predict", "t.safetensors", "t.data").err


def test_classes_that_are_called_none(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kinds = ["None", "NA", "nan", "some"]
    rows = [f"{i % 4},{kinds[i % 4]}" for i in range(80)]
    Path("t.csv").write_text("x,t\n" + "\n".join(rows) + "\n,\n")
    refused = run("fit", "t.csv", "-t", "t", *QUICK)
    assert refused.code == 2
    assert "row 0: the target is missing (in 61 of 81 rows)" in refused.err
    assert "'None' in 20 rows, 'NA' in 20 rows, 'nan' in 20 rows were taken" in refused.err
    assert "--no-default-missing keeps" in refused.err
    options = ("--no-default-missing", "--skip-missing-target")
    assert run("fit", "t.csv", "-t", "t", *options, *QUICK).code == 0
    Path("rows.csv").write_text("x,t\n" + "\n".join(rows) + "\n")
    scored = run("evaluate", "t.safetensors", "rows.csv", "--json")
    assert json.loads(scored.out)["classes"] == sorted(kinds)
    again = ("fit", "t.csv", "-t", "t", *options, "--missing", "NA", "--force", *QUICK)
    assert run(*again).code == 0
    Path("rows.csv").write_text("x,t\n1,some\n2,None\n3,nan\n")
    scored = run("evaluate", "t.safetensors", "rows.csv", "--json")
    assert json.loads(scored.out)["classes"] == ["None", "nan", "some"]
    Path("one.csv").write_text("x,t\n1,some\n2,NA\n")
    assert "row 1: the target is missing; 'NA' in 1 row was taken" in run(
        "evaluate", "t.safetensors", "one.csv"
    ).err  # fmt: skip


def test_reading_excel_needs_its_library(run, here, monkeypatch):
    Path("t.xlsx").write_bytes(as_sheet(Path(TABLE).read_bytes()))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    done = run("predict", "class.safetensors", "t.xlsx")
    assert (done.code, done.out) == (2, "")
    assert "pip install 'clearprop[excel]'" in done.err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--encoding", "base64"), "there is no encoding 'base64' of text files"),
        (("--comment", ""), "must be 1 to 10 characters"),
        (("--sheet", "s"), "only an Excel file has sheets"),
        (("--delimiter", "'"), "must be one character, tab or blanks"),
    ],
)
def test_options_that_do_not_fit(run, here, option, message):
    done = run("predict", "class.safetensors", TABLE, *option)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
