"""The command line as a whole: usage, Ctrl-C, full disks, any table; partly in real processes."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pyarrow.csv as pa_csv
import pytest
from animals import QUICK, N
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.cli import main
from clearprop.tabular.model import TableModel

# ---- usage ---------------------------------------------------------------------------------------


def test_version_and_help(run):
    done = run("--version")
    assert (done.code, done.out) == (0, f"clearprop {cp.__version__}\n")
    overview = run("--help")
    assert overview.code == 0
    for command in ("fit", "predict", "evaluate", "trace", "diagnose", "check-gradients"):
        assert command in overview.out
        assert "--json" in run(command, "--help").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: COMMAND (see clearprop --help)"),
        (("fly",), "invalid choice: 'fly'"),
        (("fit", "animals.csv"), "required: -t/--target (see clearprop fit --help)"),
        (("fit", "animals.csv", "-t", "animal", "--epochs", "0"), "--epochs: must be a whole"),
        (("fit", "animals.csv", "-t", "animal", "--test-size", "1"), "--test-size: must be a"),
        (
            ("fit", "animals.csv", "-t", "animal", "--hidden-sizes", "8,x"),
            "--hidden-sizes: must be a whole",
        ),
        (("fit", "animals.csv", "-t", "animal", "--hidden", "rellu"), "rellu"),
        (("fit", "animals.csv", "-t", "animal", "--hidden", "relu,tanh,gelu"), "3 names for 2"),
        (("fit", "animals.csv", "-t", "animal", "--solver", "lbfgs", "--dropout", ".1"), "lbfgs"),
        (
            ("fit", "animals.csv", "-t", "animal", "--delimiter", "ab"),
            "one character, tab or blanks",
        ),
        (("fit", "animals.csv", "-t", "animal", "--date", "legs"), "must hold dates, not text"),
        (
            ("fit", "animals.csv", "-t", "animal", "--date", "legs", "--numeric", "legs"),
            "column 'legs': both --numeric and --date",
        ),
        (("trace", "class.safetensors", "animals.csv", "--rows", "5-2"), "is not a range"),
        (("check-gradients", "class.safetensors"), "TABLE is missing"),
        (("check-gradients", "--layers", "3"), "at least the inputs and the outputs"),
        (("check-gradients", "--output", "max"), "output must be one of"),
        (("check-gradients", "--rows", "3"), "--samples"),
        (("check-gradients", "class.safetensors", "animals.csv", "--seed", "1"), "--seed is for"),
    ],
)
def test_bad_usage(run, here, arguments, message):
    before = sorted(os.listdir())
    done = run(*arguments)
    if message == "must hold dates, not text":  # a whole number as text is no date
        message = "is not a date in ISO 8601 form"
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("clearprop: error: ")
    assert done.err.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_names_with_commas(run, here):
    text = Path("animals.csv").read_text().replace('"skin"', '"skin, or so"', 1)
    Path("animals.csv").write_text(text)
    done = run(
        "fit", "animals.csv", "-t", "animal", "--ignore", 'legs,"skin, or so"', *QUICK, "--json"
    )
    kinds = {column["name"]: column["kind"] for column in json.loads(done.out)["columns"]}
    assert kinds["legs"] == kinds["skin, or so"] == "ignore"


# ---- what may happen -----------------------------------------------------------------------------


def test_ctrl_c_before_training(run, here, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("clearprop.cli.fit.read_table", interrupted)
    done = run("fit", "animals.csv", "-t", "animal")
    assert (done.code, done.out, done.err) == (130, "", "clearprop: error: interrupted\n")
    assert not Path("animals.safetensors").exists()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (cp.NonFiniteError("diverged"), "NonFiniteError: diverged"),
    ],
)
def test_what_fails_has_exit_code_1(run, here, monkeypatch, error, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("clearprop.tabular.model.train_network", fail)
    done = run("fit", "animals.csv", "-t", "animal", "--network", "--json")
    assert (done.code, done.out, done.err) == (1, "", f"clearprop: error: {message}\n")
    monkeypatch.setenv("CLEARPROP_TRACEBACK", "1")
    with pytest.raises(type(error)):
        main(["fit", "animals.csv", "-t", "animal", "--network"])


def test_training_that_diverges_writes_nothing(run, here):
    done = run(
        "fit", "animals.csv", "-t", "length", *QUICK[:4], "--learning-rate", "1e30", "--solver",
        "sgd", "--no-early-stopping",
    )  # fmt: skip
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert not Path("animals.safetensors").exists()


def start(*arguments, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "clearprop", *arguments],
        stdout=kwargs.pop("stdout", subprocess.PIPE),
        stderr=kwargs.pop("stderr", subprocess.PIPE),
        **kwargs,
    )


def test_a_closed_pipe_is_no_error(here):
    text = Path("animals.csv").read_text()
    header, rows = text.split("\n", 1)
    Path("big.csv").write_text(header + "\n" + rows * 100)
    process = start("predict", "class.safetensors", "big.csv")
    assert process.stdout.readline().startswith(b"prediction,")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_one_line(here):
    with open("/dev/full", "wb") as full:
        process = start("predict", "class.safetensors", "animals.csv", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == b"clearprop: error: No space left on device\n"


def test_ctrl_c_during_training_leaves_a_usable_model(here):
    """On a terminal, where the progress bar tells that training runs."""
    ours, theirs = pty.openpty()
    process = start(
        "fit", "animals.csv", "-t", "animal", "--epochs", "1000000", "--no-early-stopping",
        stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + 60
    while b"loss" not in shown and time.monotonic() < deadline:
        shown += os.read(ours, 10_000)
    assert b"training" in shown
    process.send_signal(signal.SIGINT)
    rest = []
    try:
        while piece := os.read(ours, 10_000):
            rest.append(piece)
    except OSError:  # how Linux says that the terminal's other side is closed
        pass
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted; the model trained so far is saved to animals.s" in b"".join(rest)
    assert b"training ended: Ctrl-C" in out
    assert TableModel.load("animals.safetensors").predict(pa_csv.read_csv("animals.csv")).shape == (
        N,
    )


def test_a_terminal_without_unicode(here):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = start("trace", "class.safetensors", "animals.csv", env=environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert rb"\u2202" in out


def test_the_installed_command():
    command = Path(sys.executable).with_name("clearprop")
    done = subprocess.run([command, "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"clearprop {cp.__version__}\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from clearprop.cli import main; main(['fit', '--help']); "
        "print([m for m in ('numpy', 'sklearn', 'pyarrow', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().endswith("[]\n")


CELLS = st.sampled_from(
    [
        *("", "1", "2.5", "-1e308", "1e-320", "99999999999999999999", "1_000", "NaN", "inf"),
        *("true", "2020-01-01", "2020-02-30", "a", "b", " x ", "=cmd()"),
        *('"q,q"', '"a\nb"', "é", "\u202e", "\x1b["),
    ]
)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=4).flatmap(
        lambda columns: st.lists(
            st.tuples(*(st.sampled_from(column) for column in columns)), max_size=40
        )
    ),
    st.sampled_from([(), ("--task", "regression"), ("--numeric", "c1"), ("--date", "c1")]),
)
@settings(max_examples=100)
def test_any_table_is_learnt_or_refused_in_one_line(tmp_path_factory, rows, options):
    folder = tmp_path_factory.mktemp("any")
    table, model = folder / "table.csv", folder / "m.safetensors"
    names = [f"c{i}" for i in range(len(rows[0]))] if rows else ["c0", "c1"]
    table.write_text("\n".join(",".join(row) for row in [names, *rows]))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["fit", str(table), "-t", "c0", "-m", str(model), "--json", *options, *QUICK])
    if code == 0:
        json.loads(out.getvalue())
        with redirect_stdout(io.StringIO()), redirect_stderr(err):
            assert main(["predict", str(model), str(table), "-o", str(folder / "out.csv")]) == 0
            assert main(["trace", str(model), str(table)]) == 0
    else:
        assert (code, out.getvalue()) == (2, "")
        assert err.getvalue().count("\n") == 1
        assert err.getvalue()[:-1].isprintable()
        assert os.listdir(folder) == ["table.csv"]
