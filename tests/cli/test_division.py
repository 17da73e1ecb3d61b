"""`clearprop fit --group` and `--time`: the held-out rows are of other groups, or later."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.tables.frames import TableError
from clearprop.tabular.model import TableModel
from clearprop.tabular.network import NetworkOptions
from clearprop.tabular.problem import read_problem, split


def visits() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    person, day = rng.integers(0, 12, 160), rng.permutation(160)
    x = rng.normal(size=160).round(3)
    answer = np.where(x + rng.normal(size=160) > 0, "yes", "no")
    when = [(date(2024, 1, 1) + timedelta(days=int(d))).isoformat() for d in day]
    return pd.DataFrame({"person": person, "day": when, "x": x, "answer": answer})


@pytest.mark.parametrize("options", [["--members", "2"], ["--network", "--epochs", "2"]])
def test_held_out_rows_are_of_other_groups(run, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    visits().to_csv("visits.csv", index=False)
    done = run("fit", "visits.csv", "-t", "answer", "--group", "person", "--json", *options)
    assert done.code == 0
    assert "column 'person' holds the groups, and is not an input" in done.err
    report = json.loads(done.out)
    kinds = {column["name"]: column["kind"] for column in report["columns"]}
    assert kinds["person"] == "ignore"
    assert 20 <= report["rows"]["held_out"] <= 44
    visits().drop(columns="person").to_csv("new.csv", index=False)
    assert run("predict", "visits.safetensors", "new.csv").code == 0
    assert run("evaluate", "visits.safetensors", "visits.csv").code == 0
    kept = run("fit", "visits.csv", "-t", "answer", "--group", "person", "--json", *options,
               "--categorical", "person", "--force")  # fmt: skip
    assert "holds the groups" not in kept.err
    kinds = {column["name"]: column["kind"] for column in json.loads(kept.out)["columns"]}
    assert kinds["person"] == "categorical"


@pytest.mark.parametrize("options", [["--members", "2"], ["--network", "--epochs", "2"]])
def test_held_out_rows_are_the_latest(run, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    visits().to_csv("visits.csv", index=False)
    done = run("fit", "visits.csv", "-t", "answer", "--time", "day", "--json", "-q", *options)
    assert (done.code, done.err) == (0, "")
    report = json.loads(done.out)
    assert report["rows"]["held_out"] == 32
    assert {c["name"]: c["kind"] for c in report["columns"]}["day"] == "date"  # still an input
    odd = visits()
    odd.loc[odd["day"] == odd["day"].max(), "answer"] = "never seen"
    odd.to_csv("odd.csv", index=False)
    told = run("fit", "odd.csv", "-t", "answer", "--time", "day", *options)
    assert told.code == 0
    assert "1 of the latest rows are training rows, since earlier rows lack their" in told.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--group", "person", "--time", "day"), "not allowed with argument"),
        (("--group", "persn"), "did you mean 'person'?"),
        (("--group", "answer"), "column 'answer' is the target; it cannot be the group, too"),
        (("--time", "word"), "'soon' is not a date"),
        (("--group", "gaps"), "column 'gaps': 2 values are missing (row 3, 5)"),
    ],
)
def test_errors_are_one_line(run, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    table = visits().assign(word="soon", gaps="a")
    table.loc[[3, 5], "gaps"] = None
    table.to_csv("visits.csv", index=False)
    done = run("fit", "visits.csv", "-t", "answer", *options)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_rows_without_a_target_need_no_group():
    table = visits()
    table.loc[[3, 5], ["person", "answer"]] = None
    problem = read_problem(
        table, "answer", group="person", skip_missing_target=True, test_size=0.25
    )
    groups = problem.groups
    assert groups is not None
    assert not set(groups[problem.train]) & set(groups[problem.test])
    assert groups[[3, 5]].tolist() == [-1, -1]
    assert len(problem.train) + len(problem.test) == 158
    with pytest.raises(ValueError, match="group and time exclude each other"):
        read_problem(table, "answer", group="person", time="day")


def test_a_model_of_a_table_takes_the_names_of_the_columns():
    table = visits()
    table["day"] = pd.to_datetime(table["day"])
    grouped = TableModel.fit(table, "answer", group="person", n_members=2, random_state=0)
    assert "person" not in grouped.names
    assert not np.isnan(grouped.estimator.oof_prediction_).all()
    timed = TableModel.fit(pa.table(table), "x", time="day", n_members=1, random_state=0)
    assert np.isnan(timed.estimator.oof_prediction_).sum() == 140
    assert TableModel.fit(table, "x", group="person", network=NetworkOptions(epochs=1)).names
    with pytest.raises(TableError, match="two groups"):
        TableModel.fit(table.assign(person=1), "answer", group="person")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=50),
    st.floats(0, 0.9),
    st.booleans(),
)
def test_a_split_keeps_groups_and_times_together(rows, share, stratified):
    labels, classes = np.array(rows).T
    numbers = np.unique(labels, return_inverse=True)[1]
    if numbers.max() == 0:
        return
    known = np.unique(classes, return_inverse=True)[1] if stratified else None
    first, second = split(len(rows), share, 0, known, groups=numbers)
    assert not set(numbers[first]) & set(numbers[second])
    assert np.array_equal(np.union1d(first, second), np.arange(len(rows)))
    assert len(first)
    assert known is None or set(known[first]) == set(known)
    earlier, later = split(len(rows), share, 0, known, times=numbers)
    assert np.array_equal(np.union1d(earlier, later), np.arange(len(rows)))
    assert known is None or set(known[earlier]) == set(known)
    if known is None and len(later):
        assert numbers[earlier].max() < numbers[later].min()
    if share == 0:
        assert len(second) == len(later) == 0
