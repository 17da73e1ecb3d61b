"""How a time limit is spent, by a clock that goes as the test wants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import classifier, regressor

from clearprop import track, training
from clearprop.engines.native import NativeEngine
from clearprop.history import EpochReport
from clearprop.jobs import Data
from clearprop.outputs import Linear
from clearprop.schedules import Clock, CosLog4
from clearprop.tables.frames import TableError
from clearprop.tables.sources import source_of
from clearprop.tabular import fitting
from clearprop.tabular.bag import budget
from clearprop.tabular.bag import folds as folds_module
from clearprop.tabular.bag import train as train_module
from clearprop.tabular.bag.budget import (
    PILOT_ROWS,
    ROWS_SHARE,
    Speeds,
    affordable_members,
    affordable_rows,
    sample_rows,
)
from clearprop.tabular.bag.division import Division
from clearprop.tabular.bag.epochs import Pace, Paced
from clearprop.tabular.bag.recipe import REGRESSION, build_architectures, plan_epochs
from clearprop.tabular.inputs import SAMPLE, TableInputs

SPEEDS = Speeds(fit=7e-6, row=6e-6, step=4e-3)


def clock(step: Any, n_steps: int) -> Clock:
    return Clock(np.asarray(step, dtype=np.float64), n_steps, 0, 0, 0)


# ---- the rows ------------------------------------------------------------------------------------


def test_all_rows_where_there_is_time_for_the_whole_plan() -> None:
    n = 1_000_000
    whole = SPEEDS.fit * SAMPLE + SPEEDS.row * n
    whole += plan_epochs(n * 3 // 4, REGRESSION).n_steps * SPEEDS.step
    assert affordable_rows(n, whole, SPEEDS, REGRESSION) == n
    slow_to_read = replace(SPEEDS, row=1e-3)  # most of the time, and yet there is enough of it
    assert affordable_rows(n, whole + 1000, slow_to_read, REGRESSION) == n
    assert affordable_rows(n, whole / 10, SPEEDS, REGRESSION) < n


@pytest.mark.parametrize("seconds", [3.0, 10.0, 40.0])
@pytest.mark.parametrize("row", [1e-6, 6e-6, 50e-6])
def test_some_rows_leave_time_to_learn(seconds: float, row: float) -> None:
    """A third of the time for the rows at most, a step for each of them at least, and no waste."""
    n, speeds = 5_000_000, replace(SPEEDS, row=row)
    k = affordable_rows(n, seconds, speeds, REGRESSION)
    assert PILOT_ROWS < k < n
    preparing = speeds.fit * min(k, SAMPLE) + row * k
    one_pass = (k * 3 // 4) / 256 * speeds.step
    assert preparing <= ROWS_SHARE * seconds
    assert preparing + one_pass <= seconds
    assert preparing > 0.99 * ROWS_SHARE * seconds or preparing + one_pass > 0.99 * seconds


def test_more_time_is_more_rows() -> None:
    rows = [affordable_rows(10**7, s, SPEEDS, REGRESSION) for s in np.geomspace(0.01, 1e4, 40)]
    assert rows == sorted(rows)
    assert (rows[0], rows[-1]) == (PILOT_ROWS, 10**7)
    assert affordable_rows(100, 0.0, SPEEDS, REGRESSION) == 100


@pytest.mark.parametrize(
    ("n", "share", "expected"),
    [(8, 0.01, 4), (8, 0.5, 4), (8, 0.51, 8), (8, 3.0, 8), (16, 0.3, 8), (6, 0.9, 6), (2, 0.1, 2)],
)
def test_fewer_networks_where_all_could_not_learn(n: int, share: float, expected: int) -> None:
    assert affordable_members(n, share) == expected


def test_a_sample_has_weight_and_rare_classes() -> None:
    """A row of a rare class for each fold; no rows without weight; in order, none twice."""
    rng = np.random.default_rng(0)
    strata = np.zeros(100_000, dtype=np.intp)
    strata[[3, 500, 70_000, 99_999]] = 1
    strata[4] = 2
    rows = sample_rows(len(strata), 1000, Division(strata), None, rng)
    assert np.all(np.diff(rows) > 0)
    assert 1000 <= len(rows) <= 1005
    assert list(np.bincount(strata[rows])[1:]) == [4, 1]
    weight = np.zeros(len(strata), dtype=np.float32)
    weight[::3] = 1
    rows = sample_rows(len(strata), 1000, Division(strata), weight, rng)
    assert np.all(weight[rows] > 0)
    assert list(sample_rows(len(strata), 50_000, Division(strata), weight, rng)) == list(
        range(0, 100_000, 3)
    )


def test_a_fit_of_some_rows(monkeypatch: Any) -> None:
    """A warning that says how many; the others have no out-of-fold predictions."""
    rng = np.random.default_rng(0)
    n = 4 * PILOT_ROWS
    X = rng.normal(size=(n, 3))
    y = np.abs(X[:, 0]) + np.abs(X[:, 1])
    asked: list[tuple[Any, ...]] = []

    def some(*arguments: Any) -> int:
        asked.append(arguments)
        return 600

    monkeypatch.setattr(fitting, "affordable_rows", some)
    with pytest.warns(UserWarning, match=f"time_limit=30 is enough for only 600 of the {n} rows"):
        model = regressor(time_limit=30).fit(X, y)
    seen = ~np.isnan(model.oof_prediction_)
    assert (seen.shape, seen.sum()) == ((n,), 600)
    error = y[seen] - model.oof_prediction_[seen]
    assert model.oof_score_ == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
    assert np.isfinite(model.predict_interval(X[:9])).all()
    count, seconds, speeds, _ = asked[0]
    assert count == n
    assert 0 < seconds < 30
    assert min(speeds.fit, speeds.row, speeds.step) > 0
    labels = np.stack([np.sign(y - 1), np.sign(np.sin(3 * X[:, 2]))], axis=1).astype(int)
    labels[::3, 0] = 0
    with pytest.warns(UserWarning, match="600 of the"):
        bag = classifier(time_limit=30).fit(X, labels, np.ones(n))
    assert [p.shape for p in bag.oof_prediction_] == [(n, 3), (n, 2)]
    assert all((~np.isnan(p[:, 0])).sum() == 600 for p in bag.oof_prediction_)


def test_a_sample_is_of_the_whole_table(monkeypatch: Any) -> None:
    """Rows with weight from all of it, a rare class too; an error tells its row in the table."""
    monkeypatch.setattr(fitting, "affordable_rows", lambda *_: 600)
    rng = np.random.default_rng(0)
    n = 4 * PILOT_ROWS
    X = rng.normal(size=(n, 3))
    y = np.where(X[:, 0] > 0, "b", "a").astype(object)
    y[[5, 9_000, 19_999]] = "rare"
    weight = (np.arange(n) % 2).astype(float)
    weight[9_000] = 1.0
    with pytest.warns(UserWarning, match=r"only \d+ of the 20000 rows"):
        model = classifier(time_limit=30).fit(X, y, weight)
    seen = np.flatnonzero(~np.isnan(model.oof_prediction_[:, 0]))
    assert 600 <= len(seen) <= 604
    assert np.all(weight[seen] > 0)
    assert {5, 9_000, 19_999} <= set(seen)
    assert np.mean(seen > n // 2) == pytest.approx(0.5, abs=0.1)

    frame = pd.DataFrame({"c": rng.normal(size=n).astype(str)})
    frame.loc[::2, "c"] = "oops"
    frame.loc[0, "c"] = "1"
    with pytest.raises(TableError, match="column 'c', row 2: 'oops' is not a number"):
        classifier(time_limit=30, kinds={"c": "numeric"}).fit(frame, y)


# ---- the pace ------------------------------------------------------------------------------------


def test_an_end_that_is_not_moved_changes_no_bit() -> None:
    steps, schedule = np.arange(137), CosLog4(0.1)
    paced = Paced(schedule, Pace(137))
    np.testing.assert_array_equal(paced(clock(steps, 137)), schedule(clock(steps, 137)))


def test_an_end_that_is_moved() -> None:
    """From there on evenly to the new end, without a jump; steps beyond the end stay there."""
    pace = Pace(100)
    pace.move_end(40, 60)
    np.testing.assert_allclose(pace.at(np.array([40, 50, 60, 70])), [0.4, 0.7, 1, 1], atol=1e-15)
    pace.move_end(50, 150)
    np.testing.assert_allclose(pace.at(np.array([50, 100, 150])), [0.7, 0.85, 1], atol=1e-15)
    pace.move_end(100, 100)
    np.testing.assert_allclose(pace.at(np.array([100.0])), [0.85], atol=1e-15)


class Machine(NativeEngine):
    """An engine whose steps take as long as the test says, by a clock of its own."""

    cores = 4

    def __init__(self, step_seconds: Callable[[float], float], row_seconds: float = 1e-6) -> None:
        super().__init__(1)
        self.now, self.step_seconds, self.row_seconds = 1000.0, step_seconds, row_seconds

    def run_epochs(self, run: Any, plans: Any, deadline: Any = None) -> Any:
        for _ in range(max(len(plan.learning_rates) for plan in plans.values())):
            self.now += self.step_seconds(self.now - 1000) * math.ceil(len(plans) / self.cores)
        return super().run_epochs(run, plans)

    def forward(self, architecture: Any, theta: Any, X: Any, **options: Any) -> Any:
        self.now += self.row_seconds * len(X)
        return super().forward(architecture, theta, X, **options)


def train_on(
    machine: Machine, monkeypatch: Any, n: int, limit: float | None, n_members: int = 4
) -> Any:
    """A bag with the machine's clock: (bag, seconds, learning rate of each epoch)."""
    for module in (train_module, budget, folds_module, track, training):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: machine.now))
    monkeypatch.setattr(train_module, "get_engine", lambda *_, **__: machine)
    X = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    inputs = TableInputs.fit(source_of(X))
    data = Data(inputs.transform(source_of(X)), X[:, :1] * X[:, 1:])
    recipe = replace(REGRESSION, hidden_sizes=(8,), epochs=20)
    architectures = build_architectures(inputs.layer, 1, Linear(), recipe)
    rates: list[float] = []

    def note(report: EpochReport) -> None:
        rates.append(report.learning_rate)
        assert report.epoch <= report.n_epochs

    def score(y_hat: np.ndarray, rows: Any) -> float:
        return float(((y_hat - data.t[rows]) ** 2).mean())

    begun = machine.now
    bag = train_module.train_bag(
        architectures, data, n_members, recipe, score, seed=1, time_limit=limit, progress=note
    )
    return bag, machine.now - begun, rates


# 2250 training rows are 8 steps of 256, 20 passes 1.6 s at 10 ms a step, the trial 0.24 s
@pytest.mark.parametrize(
    "step_seconds",
    [
        pytest.param(lambda now: 0.01, id="even"),
        pytest.param(lambda now: 0.01 if now < 0.5 else 0.02, id="slower"),
        pytest.param(lambda now: 0.02 if now < 0.5 else 0.01, id="faster"),
        pytest.param(lambda now: 0.01 * (1 + (now * 10 // 1) % 2), id="by turns"),
        pytest.param(lambda now: 0.03 if now < 0.3 else 0.01, id="slow trial"),
        pytest.param(lambda now: 0.003 if now < 0.2 else 0.01, id="quick trial"),
    ],
)
def test_training_ends_in_time_with_a_whole_schedule(
    step_seconds: Callable[[float], float], monkeypatch: Any
) -> None:
    bag, seconds, rates = train_on(Machine(step_seconds), monkeypatch, 3000, 1.5)
    # an epoch, an evaluation and the time of a last linear member are left over at the most
    assert 0.88 * 1.5 < seconds < 1.02 * 1.5
    assert bag.stopped == "time_limit"
    # ½(1 − cos(2πu)) is below 0.02 for u within 0.05 of the end, dt = 0.05·16·ln 2/15 = 0.037
    assert rates[-1] < 0.02 * max(rates)
    assert not np.isnan(bag.oof).any()


def test_time_for_everything_changes_nothing(monkeypatch: Any) -> None:
    whole, seconds, rates = train_on(Machine(lambda _: 0.01), monkeypatch, 3000, None)
    limited, _, same = train_on(Machine(lambda _: 0.01), monkeypatch, 3000, seconds * 1.2)
    assert same == rates
    assert limited.scores == whole.scores
    assert limited.stopped == whole.stopped != "time_limit"
    np.testing.assert_array_equal(limited.thetas, whole.thetas)


def test_a_machine_that_becomes_slow(monkeypatch: Any) -> None:
    """A plan that there was time for when it began; its schedule comes to its end nevertheless."""
    machine = Machine(lambda now: 0.01 if now < 1 else 0.05)
    bag, seconds, rates = train_on(machine, monkeypatch, 3000, 4.0)
    assert 0.85 * 4 < seconds < 1.02 * 4  # an epoch takes 0.4 s in the end
    assert bag.stopped == "time_limit"
    assert rates[-1] < 0.1 * max(rates)


def test_networks_are_left_out_where_that_saves_time(monkeypatch: Any) -> None:
    bag, seconds, _ = train_on(Machine(lambda _: 0.01), monkeypatch, 3000, 1.5, n_members=8)
    assert bag.members == [0, 1, 2, 3]
    assert not np.isnan(bag.oof).any()
    assert 0.93 * 1.5 < seconds < 1.02 * 1.5
    many_cores = Machine(lambda _: 0.01)
    monkeypatch.setattr(Machine, "cores", 8)
    bag, seconds, _ = train_on(many_cores, monkeypatch, 3000, 1.0, n_members=8)
    assert len(bag.members) == 8
    assert 0.9 < seconds < 1.02


def test_a_machine_that_stands_still(monkeypatch: Any) -> None:
    """For a third of the time, right at the beginning: what is left is used."""
    machine = Machine(lambda now: 0.5 if 0.3 < now < 0.8 else 0.01)
    bag, seconds, rates = train_on(machine, monkeypatch, 3000, 1.5)
    assert 0.93 * 1.5 < seconds < 1.02 * 1.5
    assert bag.n_epochs > 0.8 * (1.5 - 0.5 - 0.25) / 0.01
    assert rates[-1] < 0.02 * max(rates)


def test_an_interrupt_before_anything_is_learnt(monkeypatch: Any) -> None:
    def interrupt(now: float) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on(Machine(interrupt), monkeypatch, 3000, 1.5)


def test_time_for_what_follows_is_kept(monkeypatch: Any) -> None:
    """Slow predictions: those of all rows are done in time, or as far as there is time."""
    monkeypatch.setattr(folds_module, "SCORED_ROWS", 500)
    monkeypatch.setattr(folds_module, "CHUNK", 100)
    bag, seconds, _ = train_on(Machine(lambda _: 0.01, 1e-4), monkeypatch, 3000, 2.0)
    assert seconds < 1.02 * 2
    assert not np.isnan(bag.oof).any()
    bag, seconds, _ = train_on(Machine(lambda _: 0.01, 1e-3), monkeypatch, 3000, 2.0)
    assert seconds < 1.2 * 2  # a chunk of each member is 0.4 s
    done = ~np.isnan(bag.oof[:, 0])
    assert 500 <= done.sum() < 3000
