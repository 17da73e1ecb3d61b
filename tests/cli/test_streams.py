"""Standard streams that are closed, full, unbuffered or narrow; files that are written whole."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import resource
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from clearprop.cli import main
from clearprop.cli.output import warnings_as_notes
from clearprop.cli.streams import output_may_fail
from clearprop.limits import MAX_MESSAGE
from clearprop.writing import replacing, write_whole

SPECIMENS = Path(__file__).parent
while not (SPECIMENS / "specimens").exists():
    SPECIMENS = SPECIMENS.parent
SPECIMENS /= "specimens"
MODEL = str(SPECIMENS / "table_bag_classes.safetensors")


def start(
    *words: str, prepare: object = None, env: dict[str, str] | None = None, **streams: object
):
    """`python -m clearprop WORDS` with these streams; prepare: called in the child."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "clearprop", *words],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        preexec_fn=prepare,
        timeout=60,
        check=False,
        **streams,
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table whose predictions take more than a few pages."""
    lines = (SPECIMENS / "rows.csv").read_text().splitlines(keepends=True)
    path = tmp_path_factory.mktemp("streams") / "rows.csv"
    path.write_text("".join([lines[0], *lines[1:] * 20]))
    return str(path)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_an_error_however_output_is_buffered(table, tmp_path, unbuffered):
    """The system takes a part of what is written, and only the next write fails."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    with (tmp_path / "out.csv").open("wb") as out:
        env = {"PYTHONUNBUFFERED": unbuffered, "PYTHONDONTWRITEBYTECODE": "1"}
        done = start(
            "predict", MODEL, table, prepare=small_files, env=env,
            stdout=out, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert done.returncode == 2
    assert os.strerror(errno.EFBIG) in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_unbuffered_output_is_complete(table, tmp_path):
    out = tmp_path / "out.csv"
    assert main(["predict", MODEL, table, "-o", str(out)]) == 0
    done = start(
        "predict", MODEL, table, env={"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == out.read_bytes()
    assert done.stdout.count(b"\n") == 20 * 60 + 1


def test_a_pipe_that_does_not_block_gets_everything(table):
    read, write = os.pipe()
    os.set_blocking(write, False)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "clearprop", "predict", MODEL, table, "--keep", "all", "-q"],
        stdout=write,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    os.close(write)
    with open(read, "rb") as pipe:
        text = pipe.read()
    assert process.wait(60) == 0
    assert text.count(b"\n") == 20 * 60 + 1


def test_closed_standard_error_puts_no_message_among_predictions(table):
    done = start("predict", MODEL, table, prepare=lambda: os.close(2), stdout=subprocess.PIPE)
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 20 * 60 + 1
    assert not any("clearprop" in line for line in lines)


def test_closed_standard_output_is_one_line_and_exit_code_2(table):
    done = start("predict", MODEL, table, prepare=lambda: os.close(1), stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == ["clearprop: error: standard output is closed"]


def test_a_file_gets_no_descriptor_of_a_closed_stream(table, tmp_path):
    out = tmp_path / "out.csv"
    done = start("predict", MODEL, table, "-o", str(out), prepare=lambda: os.closerange(0, 3))
    assert done.returncode == 0
    assert len(out.read_text().splitlines()) == 20 * 60 + 1


def test_a_reader_that_has_enough(table):
    done = subprocess.run(
        f"{sys.executable} -P -m clearprop predict {MODEL} {table} | head -1",
        shell=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith(b"prediction")
    assert b"Traceback" not in done.stderr


def test_help_and_json_where_letters_cannot_be_shown(tmp_path):
    env = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = start("trace", "--help", env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    rows = (SPECIMENS / "rows.csv").read_text().replace("red", "😀")
    (tmp_path / "rows.csv").write_text(rows)
    words = ("predict", MODEL, str(tmp_path / "rows.csv"), "--json", "--keep", "colour")
    done = start(*words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "😀" in {p["colour"] for p in json.loads(done.stdout)["predictions"]}


def test_messages_have_a_bounded_length(tmp_path):
    name = tmp_path / "t.csv"
    name.write_text(f"{'x' * 50_000},y\n1,2\n3,4\n")
    done = start("predict", MODEL, str(name), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert len(done.stderr) < 2 * MAX_MESSAGE


def test_the_reader_of_a_report_does_not_cost_the_model(table, tmp_path):
    """What `fit | head -1` meets: standard output fails after the first line."""
    words = ("fit", table, "-t", "price", "--network", "--epochs", "2", "-q", "--json")
    with Path("/dev/full").open("wb") as full:
        done = start(
            *words, "-m", str(tmp_path / "m.safetensors"), stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert done.stderr.decode() == f"clearprop: error: {os.strerror(errno.ENOSPC)}\n"
    assert main(["evaluate", str(tmp_path / "m.safetensors"), table]) == 0


def test_help_on_a_full_disk_is_one_line():
    with Path("/dev/full").open("wb") as full:
        done = start("--help", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.decode() == f"clearprop: error: {os.strerror(errno.ENOSPC)}\n"


def test_output_that_fails_ends_the_block_and_then_raises(capsys):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "full")

    def report(steps: list[int]) -> None:
        with contextlib.redirect_stdout(Full()), output_may_fail():
            for step in range(3):
                print("line", flush=True)
                steps.append(step)

    steps: list[int] = []
    with pytest.raises(OSError, match="full"):
        report(steps)
    assert steps == [0, 1, 2]
    with output_may_fail():
        print("whole")
    assert capsys.readouterr().out == "whole\n"


def test_only_warnings_of_our_own_become_notes(capsys):
    def ours() -> None:
        code = "import warnings\nwarnings.warn('a column is left out')"
        exec(code, {"__name__": "clearprop.tables"})

    with warnings_as_notes(quiet=False):
        ours()
        ours()
        warnings.warn("a function is old", DeprecationWarning, stacklevel=1)
        np.log(np.zeros(1))
    assert capsys.readouterr().err == "clearprop: a column is left out\n"
    with warnings_as_notes(quiet=True):
        ours()
    assert capsys.readouterr().err == ""


def test_ctrl_c_outside_the_work_of_a_command():
    code = """
import os, signal
from clearprop.interrupts import raise_interrupts, stop_at_once
stop_at_once()
raise_interrupts()
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("raised", flush=True)
stop_at_once()
os.kill(os.getpid(), signal.SIGINT)
"""
    words = [sys.executable, "-P", "-c", code]
    done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (130, b"raised\n")
    assert done.stderr == b"clearprop: error: interrupted\n"


# ---- files ---------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out.txt"
    write_whole(path, "old")
    os.chmod(path, 0o640)
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"half of the new" * (1 // 0))
    assert path.read_text() == "old"
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    script = (
        "import resource, sys; from clearprop.writing import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: write_whole(sys.argv[1], b'x' * 1000)\n"
        "except OSError as error: print(error.errno, error.filename)"
    )
    path = tmp_path / "out.txt"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, str(path)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout.split() == [str(errno.EFBIG), str(path)]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "out.txt"):
        (tmp_path / "missing.csv").read_text()
    assert caught.value.filename == str(tmp_path / "missing.csv")


@pytest.mark.parametrize("path", ["none/out.txt", ""])
def test_what_cannot_be_written_to(tmp_path, path):
    with pytest.raises(OSError, match="cannot write"):
        write_whole(tmp_path / path, b"")
