"""Rows that belong together are held out together, and judged rows are later than training rows."""

from __future__ import annotations

import pickle
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_score

from clearprop import TabularClassifier, TabularRegressor
from clearprop.schedules import Clock
from clearprop.tables.division import read_groups, read_times
from clearprop.tables.frames import TableError
from clearprop.tabular.bag import division as division_module
from clearprop.tabular.bag.budget import sample_rows
from clearprop.tabular.bag.division import Division, cut_by_time, deal_groups, windows
from clearprop.tabular.bag.epochs import Pace, Paced

# ---- folds of groups -----------------------------------------------------------------------------


@st.composite
def grouped_rows(draw: Any) -> tuple[Any, Any]:
    """Groups (n,) of at least two numbers, in any order of the rows, and classes (n,)."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=40))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    groups = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return groups, rng.integers(0, draw(st.integers(1, 4)), len(groups))


@settings(max_examples=40, deadline=None)
@given(grouped_rows(), st.booleans(), st.integers(1, 9), st.sampled_from([3, 10_000]))
def test_no_group_is_on_both_sides_of_a_fold(
    rows: Any, stratified: bool, n_members: int, one_by_one: int
) -> None:
    groups, classes = rows
    n, n_groups = len(groups), groups.max() + 1
    division = Division(classes if stratified else None, groups)
    before, division_module.ONE_BY_ONE = division_module.ONE_BY_ONE, one_by_one
    try:
        parts = division.folds(n, n_members, np.random.default_rng(0))
        again = division.folds(n, n_members, np.random.default_rng(0))
    finally:
        division_module.ONE_BY_ONE = before
    k = min(4, n_groups)
    assert len(parts) == n_members
    for fold, same in zip(parts, again, strict=True):
        assert np.array_equal(fold.held, same.held)
        assert not set(groups[fold.train]) & set(groups[fold.held])
        assert np.array_equal(np.union1d(fold.train, fold.held), np.arange(n))
        assert len(fold.train)
        assert len(fold.held) or one_by_one == 3
    for begin in range(0, n_members - k + 1, k):  # each row is held out once in a partition
        held = np.concatenate([fold.held for fold in parts[begin : begin + k]])
        assert np.array_equal(np.sort(held), np.arange(n))
    if not stratified and one_by_one > len(groups):
        sizes = [len(fold.held) for fold in parts[:k]]
        assert max(sizes) <= n / k + np.bincount(groups).max()


@pytest.mark.parametrize(("one_by_one", "tolerance"), [(10_000, 0.01), (20, 0.15)])
def test_sizes_and_classes_are_balanced(
    one_by_one: int, tolerance: float, monkeypatch: Any
) -> None:
    monkeypatch.setattr(division_module, "ONE_BY_ONE", one_by_one)
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 12, 400)
    groups = np.repeat(np.arange(400), sizes)
    classes = np.repeat(rng.random(400) < 0.1, sizes).astype(int)  # each group has one class
    dealt = deal_groups(groups, np.full(4, 0.25), np.random.default_rng(1), classes)[groups]
    for of_class in (classes == 0, classes == 1):
        counts = np.bincount(dealt[of_class])
        assert counts.max() - counts.min() <= tolerance * of_class.sum() + 1
    first, second = Division(classes, groups).folds(len(groups), 8, rng)[::4]
    assert 0.1 < np.isin(first.held, second.held).mean() < 0.5  # partitions are independent
    uneven = deal_groups(groups, np.array([0.8, 0.2]), np.random.default_rng(1), classes)[groups]
    assert uneven.mean() == pytest.approx(0.2, abs=0.02)
    assert uneven[classes == 1].mean() == pytest.approx(0.2, abs=0.05)


def test_many_groups_take_little_time() -> None:
    groups = np.random.default_rng(0).integers(0, 60_000, 200_000)
    groups = np.unique(groups, return_inverse=True)[1]
    dealt = deal_groups(groups, np.full(4, 0.25), np.random.default_rng(0))[groups]
    assert np.abs(np.bincount(dealt) / len(groups) - 0.25).max() < 1e-3


def test_a_sample_of_the_rows_has_whole_groups() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 100, 5000)
    rows = sample_rows(5000, 1000, Division(groups=groups), None, rng)
    assert 900 < len(rows) <= 1000
    assert len(set(groups[rows])) == np.isin(np.arange(100), groups[rows]).sum()
    assert np.isin(groups, groups[rows]).sum() == len(rows)
    few = groups // 20
    assert len(set(few[sample_rows(5000, 10, Division(groups=few), None, rng)])) == 4
    times = np.r_[np.zeros(4999, int), 1]
    assert set(times[sample_rows(5000, 100, Division(times=times), None, rng)]) == {0, 1}


# ---- folds by time -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda t: len(set(t)) > 1),
    st.integers(1, 13),
)
def test_judged_rows_are_later_than_training_rows(values: list[int], n_members: int) -> None:
    times = np.unique(values, return_inverse=True)[1]
    n = len(times)
    parts = Division(times=times).folds(n, n_members, np.random.default_rng(0))
    judges = [fold for fold in parts if not fold.kept]
    kept = [fold for fold in parts if fold.kept]
    assert len(kept) == n_members
    assert len(judges) == min(n_members, 8)
    for fold in kept:
        assert np.array_equal(fold.train, np.arange(n))
        assert len(fold.held) == 0
    for fold in judges:
        assert len(fold.train)
        assert times[fold.train].max() < times[fold.held].min()  # equal times stay together
    found = windows(times)
    judged = np.concatenate([held for _, held in found])
    assert len(set(judged)) == len(judged)
    assert times.argmax() in found[0][1]  # the latest window ends with the last row
    assert parts[0].held.tolist() == found[0][1].tolist()
    late = cut_by_time(times, 0.3)
    assert np.count_nonzero(~late) > 0
    assert not late.any() or times[~late].max() < times[late].min()


def test_windows_of_distinct_times_are_eighths_of_the_second_half() -> None:
    rng = np.random.default_rng(0)
    times = rng.permutation(80)
    found = windows(times)
    assert [(len(train), len(held)) for train, held in found] == [
        (70, 10), (60, 10), (50, 10), (40, 10),
    ]  # fmt: skip
    assert sorted(times[found[0][1]]) == list(range(70, 80))
    assert np.array_equal(np.sort(times[cut_by_time(times, 0.2)]), np.arange(64, 80))


def test_members_that_are_left_out_are_left_out_with_their_judges() -> None:
    division = Division(times=np.arange(80))
    parts = division.folds(80, 16, np.random.default_rng(0))
    assert [fold.kept for fold in parts] == ([False] * 4 + [True] * 4) * 2 + [True] * 8
    assert [fold.partition for fold in parts] == [0] * 8 + [1] * 8 + [2] * 4 + [3] * 4
    assert division.at_once == 8


def test_members_of_different_length_share_one_pace() -> None:
    seen: list[Any] = []
    pace = Pace(100)
    schedule = Paced(lambda clock: seen.append(clock.step) or clock.step, pace, ratio=2.0)
    schedule(Clock(np.array([25.0]), 50, 0, 0, 0))  # half of 50 steps is half of 100
    pace.move_end(50, 200)
    schedule(Clock(np.array([50.0]), 50, 0, 0, 0))
    assert np.allclose(seen, [[0.5], [0.5 + 0.5 * 50 / 150]])


# ---- labels and times of any type ----------------------------------------------------------------

NAMES = ["ann", "bob", "ann", "cy", "bob"]
DAYS = [date(2024, 1, 31) + timedelta(days=d) for d in (5, 0, 5, 300, 0)]


@pytest.mark.parametrize(
    "groups",
    [
        NAMES,
        np.array(NAMES),
        pd.Series(NAMES, index=[7, 3, 3, 1, 0]),
        pd.Series(NAMES, dtype="category"),
        pl.Series(NAMES),
        pa.array(NAMES),
        pa.chunked_array([NAMES[:2], NAMES[2:]]),
        [("ann", 1), ("bob", 2), ("ann", 1), ("cy", 0), ("bob", 2)],
        [3, "b", 3, 1.5, "b"],
        np.array([[4.0], [2.0], [4.0], [9.0], [2.0]]),
        pd.Series([True, False, True, 3, False], dtype=object),
        DAYS,
    ],
)
def test_groups_are_read_as_labels(groups: Any) -> None:
    assert read_groups(groups, 5).tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize(
    "time",
    [
        DAYS,
        pd.Series(pd.to_datetime(DAYS), index=[7, 3, 3, 1, 0]),
        pd.Series(pd.to_datetime(DAYS)).dt.tz_localize("Asia/Tokyo"),
        pl.Series(DAYS),
        np.array(DAYS, dtype="datetime64[D]"),
        [str(day) for day in DAYS],
        [2, 1, 2, 300, 1],
        ["2", "1", "2", "10", "1"],
        np.array([2.5, -np.inf, 2.5, 7, -np.inf]),
        [day.strftime("%d/%m/%Y") for day in DAYS],
        [day.strftime("%d %B %Y") for day in DAYS],
        ["2,5", "1,5", "2,5", "10,25", "1,5"],
        pd.Series(DAYS, dtype="period[D]"),
        [2**53 + 1, 2**53, 2**53 + 1, 2**60, 2**53],
    ],
)
def test_times_are_put_in_order(time: Any) -> None:
    assert read_times(time, 5).tolist() == [1, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", None, "b", "", "b"], r"2 values are missing \(row 1, 3\)"),
        ([1.0, float("nan"), 2.0, 2.0, 2.0], r"1 value is missing \(row 1\)"),
        (["a"] * 5, "all rows have the same value; at least two groups"),
        (["a", "b"], "groups has 2 values, but there are 5 rows"),
        (np.ones((5, 2)), r"one value for each row; got an array of shape \(5, 2\)"),
    ],
)
def test_errors_name_the_rows(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_groups(values, 5)


def test_times_have_to_be_dates_or_numbers() -> None:
    with pytest.raises(TableError, match="'soon' is not a date"):
        read_times(["2024-01-01", "soon"], 2)
    with pytest.raises(TableError, match=r"time: 1 value is missing \(row 2\)"):
        read_times(["2024-01-01", "2024-01-02", "?"], 3)
    day_first = {"day_first": True}
    assert read_times(["3/4/2024", "1/5/2024", "2/4/2024"], 3, day_first).tolist() == [1, 2, 0]
    with pytest.raises(TableError, match="two times"):
        read_times([3, 3], 2)
    with pytest.raises(TableError, match="must hold dates, times or numbers"):
        read_times([[1], [2]], 2)


# ---- fits ----------------------------------------------------------------------------------------


def people(n: int, seed: int, each: int = 8) -> tuple[Any, Any, Any]:
    """Rows of n people with an intercept of their own, and columns that are the same in all rows
    of a person, but say nothing about others.
    """
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n), each)
    x = rng.normal(size=len(person))
    y = x + 2 * rng.normal(size=n)[person] + 0.3 * rng.normal(size=len(person))
    return np.c_[x, rng.normal(size=(n, 2))[person]], y, person


def test_with_groups_the_out_of_fold_score_is_the_score_for_new_groups() -> None:
    X, y, person = people(40, 1)
    new_X, new_y, _ = people(100, 2)
    scores = {}
    for groups in (None, person):
        model = TabularRegressor(4, random_state=0).fit(X, y, groups=groups)
        new = np.sqrt(np.mean((model.predict(new_X) - new_y) ** 2))
        scores["at random" if groups is None else "grouped"] = (model.oof_score_, new)
    assert scores["at random"][0] < 0.5 * scores["at random"][1]
    assert scores["grouped"][0] == pytest.approx(scores["grouped"][1], rel=0.2)


@pytest.mark.filterwarnings("ignore:.*too short for more than linear members")
def test_with_times_only_later_rows_are_judged_and_all_rows_are_learnt() -> None:
    rng = np.random.default_rng(0)
    time = rng.permutation(400)
    X = np.c_[rng.normal(size=400), time]
    y = X[:, 0] + np.where(time < 200, 0, time / 20)
    model = TabularRegressor(8, random_state=0).fit(X, y, time=time)
    judged = ~np.isnan(model.oof_prediction_)
    assert np.array_equal(judged, time >= 200)
    assert model.residuals_[0].n == 200
    assert len(model.networks_) == 8
    # no judge has seen a y as large as the latest, but the networks that are kept have
    assert np.sqrt(np.mean((model.predict(X) - y)[time > 350] ** 2)) < model.oof_score_
    short = TabularRegressor(8, random_state=0, time_limit=0.3).fit(X, y, time=time)
    assert len(short.networks_) in (1, 4, 8)
    classes = TabularClassifier(2, random_state=0, tune=0.5).fit(X, y > 10, time=time)
    assert len(classes.networks_) == 2
    assert np.isnan(classes.oof_prediction_).mean() > 0.5


def test_groups_in_a_search_and_for_few_groups() -> None:
    X, y, person = people(3, 1, each=20)
    model = TabularClassifier(4, random_state=0, tune=0.5).fit(X, y > 0, groups=person)
    assert not np.isnan(model.oof_prediction_).any()
    with pytest.raises(ValueError, match="groups and time exclude each other"):
        model.fit(X, y > 0, groups=person, time=person)


def test_scikit_learn_passes_groups_on() -> None:
    X, y, person = people(12, 1)
    model = clone(TabularRegressor(4, random_state=0))
    plain = cross_val_score(model, X, y, cv=2, params={"groups": person})
    assert plain.shape == (2,)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = clone(model).set_fit_request(groups=True, time=False)
        routed = cross_val_score(asking, X, y, cv=GroupKFold(2), params={"groups": person})
    train, test = next(GroupKFold(2).split(X, y, person))
    fitted = clone(model).fit(X[train], y[train], groups=person[train])
    assert routed[0] == fitted.score(X[test], y[test])
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
