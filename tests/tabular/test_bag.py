"""Folds, out-of-fold predictions, the epoch they choose, time limits, interrupts, threads."""

from __future__ import annotations

import io
import signal
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import classifier, columns, regressor, target, with_epochs

from clearprop.engines.native import NativeEngine
from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.select import get_engine
from clearprop.jobs import Data
from clearprop.outputs import Linear
from clearprop.tables.sources import source_of
from clearprop.tabular.bag import folds as folds_module
from clearprop.tabular.bag.folds import Apart, HeldOut, folds
from clearprop.tabular.bag.intervals import excess_variance
from clearprop.tabular.bag.recipe import (
    REGRESSION,
    batch_size,
    build_architectures,
    build_job,
    n_epochs,
    plan_epochs,
)
from clearprop.tabular.bag.train import train_bag
from clearprop.tabular.inputs import TableInputs
from clearprop.training import NonFiniteError

TABLE = columns(200)
X, Y = pd.DataFrame(TABLE), target(TABLE)
QUICK = replace(REGRESSION, epochs=6, hidden_sizes=(16,))


def bag_of(data: Data, inputs: TableInputs, n_members: int = 4, **options: Any) -> Any:
    def score(y_hat: np.ndarray, rows: Any) -> float:
        return float(((y_hat - data.t[rows]).astype(np.float64) ** 2).mean())

    architectures = build_architectures(inputs.layer, 1, Linear(), QUICK)
    return train_bag(architectures, data, n_members, QUICK, score, seed=3, **options)


def some_data(n: int, seed: int = 0) -> tuple[Data, TableInputs]:
    matrix = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    inputs = TableInputs.fit(source_of(matrix))
    t = matrix[:, :1] + np.sin(matrix[:, 1:2])
    return Data(inputs.transform(source_of(matrix)), t), inputs


@pytest.mark.parametrize("n", [1, 2, 3, 5, 101])
def test_folds_are_partitions(n: int) -> None:
    parts = folds(n, 8, np.random.default_rng(0))
    k = min(4, n)
    assert len(parts) == 8
    for first in range(0, 8 - k + 1, k):
        held = np.sort(np.concatenate([fold.held for fold in parts[first : first + k]]))
        np.testing.assert_array_equal(held, np.arange(n))
    for fold in parts:
        assert len(fold.train) > 0
        if n > 1:
            np.testing.assert_array_equal(np.union1d(fold.train, fold.held), np.arange(n))
            assert not np.intersect1d(fold.train, fold.held).size


def test_folds_keep_the_shares_of_classes() -> None:
    strata = np.repeat([0, 1, 2], [80, 40, 9])
    for fold in folds(129, 8, np.random.default_rng(0), strata):
        counts = np.bincount(strata[fold.held])
        assert np.all(np.abs(counts - np.array([20, 10, 2.25])) < 1)


def test_out_of_fold_predictions_are_of_networks_that_did_not_see_the_row() -> None:
    """A member trained alone, by its job on its rows, predicts what the bag has for its fold."""
    data, inputs = some_data(120)
    bag = bag_of(data, inputs)
    parts = folds(120, 4, np.random.default_rng(3))
    for architecture, theta, fold in zip(bag.architectures, bag.thetas, parts, strict=True):
        y_hat = NativeEngine(1).forward(architecture, theta, data.X[fold.held])
        np.testing.assert_array_equal(bag.oof[fold.held], y_hat)
    assert bag.score == pytest.approx(float(((bag.oof - data.t) ** 2).mean()))


def test_partitions_take_the_activations_in_turn() -> None:
    """Predictions for held-out rows too are made with the member's own."""
    data, inputs = some_data(120)
    recipe = replace(QUICK, activations=("selu", "mish"))
    architectures = build_architectures(inputs.layer, 1, Linear(), recipe)
    bag = train_bag(architectures, data, 10, recipe, lambda *_: 0.0, seed=3)
    names = [architecture.layers[2].activation.name for architecture in bag.architectures]
    assert names == ["selu"] * 4 + ["mish"] * 4 + ["selu"] * 2
    y_hat = np.zeros((120, 1))
    times = np.zeros((120, 1))
    parts = folds(120, 10, np.random.default_rng(3))
    for architecture, theta, fold in zip(bag.architectures, bag.thetas, parts, strict=True):
        y_hat[fold.held] += NativeEngine(1).forward(architecture, theta, data.X[fold.held])
        times[fold.held] += 1
    np.testing.assert_allclose(bag.oof, y_hat / times, rtol=1e-6)


def test_targets_of_held_out_rows_do_not_matter() -> None:
    data, inputs = some_data(120)
    fold = folds(120, 1, np.random.default_rng(3))[0]
    t = data.t.copy()
    t[fold.held] = 100
    architectures = build_architectures(inputs.layer, 1, Linear(), QUICK)
    one, other = (
        train_bag(architectures, part, 1, QUICK, lambda *_: 0.0, seed=3)
        for part in (data, Data(data.X, t))
    )
    assert one.epoch == other.epoch == 6  # of equal ones the last
    np.testing.assert_array_equal(one.thetas[0], other.thetas[0])
    assert np.isnan(one.oof[fold.train]).all()
    assert not np.isnan(one.oof[fold.held]).any()


def test_the_excess_of_variance_of_out_of_fold_predictions() -> None:
    """By its definition, row by row."""
    data, inputs = some_data(120)
    bag = bag_of(data, inputs, 8)
    engine = get_engine("auto", bag.architectures[0])
    rows = np.full((8, 120), np.nan)
    parts = folds(120, 8, np.random.default_rng(3))
    for i, (fold, theta) in enumerate(zip(parts, bag.thetas, strict=True)):
        rows[i, fold.held] = engine.forward(bag.architectures[i], theta, data.X[fold.held])[:, 0]
    assert (np.isfinite(rows).sum(axis=0) == 2).all()
    expected = np.nanvar(rows, axis=0, ddof=1) * (1 / 2 - 1 / 8)
    np.testing.assert_allclose(excess_variance(bag.apart), [expected.mean()], rtol=1e-5)
    alone = bag_of(data, inputs, 4).apart  # a row is held out by one member
    assert excess_variance(alone).tolist() == [0]


def test_of_many_outputs_fewer_predictions_are_kept_apart(monkeypatch: Any) -> None:
    data, inputs = some_data(120)
    whole = bag_of(data, inputs, 8).apart
    assert len(whole.rows) == 8 * 30
    monkeypatch.setattr(folds_module, "ENTRIES", 8 * 7)
    some = bag_of(data, inputs, 8).apart
    assert len(some.rows) == 8 * 7
    first = (np.arange(8)[:, None] * 30 + np.arange(7)).ravel()
    np.testing.assert_array_equal(some.rows, whole.rows[first])
    np.testing.assert_array_equal(some.y_hat, whole.y_hat[first])


def test_infinite_predictions_tell_no_variance() -> None:
    y_hat = np.full((8, 1), np.inf, np.float32)
    assert excess_variance(Apart(np.arange(8) % 4, y_hat, 8)).tolist() == [0]


def test_the_best_epoch_is_kept() -> None:
    data, inputs = some_data(120)
    scores = [5.0, 2.0, 3.0, 2.0, 2.05, 2.1]
    values = iter(scores)
    architectures = build_architectures(inputs.layer, 1, Linear(), QUICK)
    bag = train_bag(architectures, data, 4, QUICK, lambda *_: next(values), seed=3)
    assert (bag.epoch, bag.score) == (4, 2.0)  # of equal ones the later
    assert bag.scores == list(enumerate(scores, 1))
    assert bag.stopped == "epochs"


def test_a_bag_ends_after_a_cycle_without_a_better_epoch() -> None:
    """Scores that only get worse: over after the cycle that ends at 3/15."""
    data, inputs = some_data(120)
    values = iter(range(1000))
    architectures = build_architectures(inputs.layer, 1, Linear(), QUICK)
    recipe = replace(QUICK, epochs=60)
    bag = train_bag(architectures, data, 4, recipe, lambda *_: float(next(values)), seed=3)
    assert bag.stopped == "patience"
    assert bag.epoch == 1
    assert bag.scores[-1][0] == 60 * 3 // 15


def test_many_rows_are_judged_by_some(monkeypatch: Any) -> None:
    """The out-of-fold predictions at the end are of all rows nevertheless."""
    monkeypatch.setattr(folds_module, "SCORED_ROWS", 50)
    data, inputs = some_data(300)
    bag = bag_of(data, inputs, 8)
    assert bag.oof.shape == (300, 1)
    assert not np.isnan(bag.oof).any()
    rows = np.sort(np.random.default_rng(3).choice(300, 50, replace=False))
    assert bag.score == pytest.approx(float(((bag.oof - data.t)[rows] ** 2).mean()), rel=1e-6)


def test_predictions_until_a_deadline(monkeypatch: Any) -> None:
    """Some rows of every member, and NaN for the others."""
    monkeypatch.setattr(folds_module, "CHUNK", 5)
    data, inputs = some_data(120)
    bag = bag_of(data, inputs)
    parts = folds(120, 4, np.random.default_rng(3))
    held_out = HeldOut.whole(data, parts, lambda y_hat, rows: len(y_hat), NativeEngine(1))
    thetas = dict(enumerate(bag.thetas))
    y_hat, seen = held_out.predict(bag.architectures, thetas, time.monotonic() - 1)
    assert seen.sum() == 4 * 5
    np.testing.assert_array_equal(np.isnan(y_hat[:, 0]), ~seen)
    assert held_out.judge(bag.architectures, thetas, time.monotonic() - 1).score == 20


def test_epochs_and_batches_suit_the_rows() -> None:
    assert [batch_size(n) for n in (10, 511, 512, 2047, 2048, 10**7)] == [
        10,
        64,
        128,
        128,
        256,
        256,
    ]
    sizes = [10, 300, 3000, 30_000, 300_000, 3_000_000]
    epochs = [n_epochs(n) for n in sizes]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 256
    assert epochs[-1] == 2
    # as many as 1000 steps of 256 take, or 40; then the steps, not the epochs, grow
    assert [n_epochs(256 * steps) for steps in (10, 25, 40, 64, 1024)] == [100, 40, 40, 32, 8]
    plan = plan_epochs(1_000_000, REGRESSION)
    assert plan.parts == 3906 // 256
    assert plan.epochs == plan.parts * n_epochs(1_000_000)
    data, inputs = some_data(64)
    (architecture,) = build_architectures(inputs.layer, 1, Linear(), QUICK)
    theta = np.zeros(architecture.n_parameters, np.float32)
    assert build_job(architecture, theta, np.arange(64), QUICK, 0, plan).parts == plan.parts
    assert len(data) == 64


# ---- the estimators ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_members", [1, 2, 3, 5, 9])
def test_any_number_of_members(n_members: int) -> None:
    model = regressor(n_members).fit(X, Y)
    held = min(n_members, 4) * 50
    assert (~np.isnan(model.oof_prediction_)).sum() == held
    assert np.isfinite(model.oof_score_)
    assert model.predict(X).shape == (200,)


def test_bits_do_not_depend_on_threads_or_runs() -> None:
    models = [
        (
            classifier(n_threads=n).fit(X, Y > 0),
            regressor(n_threads=n).fit(X, Y),
        )
        for n in (1, 2, 3, 1)
    ]
    for other in models[1:]:
        for one, two in zip(models[0], other, strict=True):
            np.testing.assert_array_equal(one.oof_prediction_, two.oof_prediction_)
            np.testing.assert_array_equal(one.predict(X), two.predict(X))
            assert one.oof_curve_ == two.oof_curve_


def test_another_random_state_is_another_bag() -> None:
    one, two = (regressor(random_state=seed).fit(X, Y) for seed in (0, 1))
    assert (one.predict(X) != two.predict(X)).any()


def test_the_reference_engine_agrees() -> None:
    native, reference = (
        with_epochs(regressor(engine=engine), 3).fit(X, Y) for engine in ("native", "reference")
    )
    assert (native.engine_, reference.engine_) == ("native", "reference")
    # float32 on one side: a few hundred steps' roundings
    np.testing.assert_allclose(native.predict(X), reference.predict(X), rtol=0, atol=2e-2)


@pytest.mark.filterwarnings("ignore:.*too short for more than linear members")  # on a busy machine
@pytest.mark.parametrize("limit", [0.5, 1.5])
def test_a_time_limit_is_kept(limit: float) -> None:
    """A fit that would take minutes: in time, usable, and said so."""
    rng = np.random.default_rng(0)
    many = rng.normal(size=(15_000, 8))  # all of them, however slow the machine
    model = with_epochs(regressor(time_limit=limit, n_threads=1), 2000)
    begun = time.monotonic()
    model.fit(many, many[:, 0] + many[:, 1] ** 2)
    # loose, for machines that do other work at the same time
    assert time.monotonic() - begun < limit + 20
    assert model.stopped_ in ("time_limit", "patience")
    assert np.isfinite(model.oof_score_)
    assert np.isfinite(model.predict(many[:9])).all()


def test_a_generous_time_limit_changes_nothing() -> None:
    y = np.sin(3 * X["size"].fillna(0)).to_numpy()
    one, two = regressor().fit(X, y), regressor(time_limit=100).fit(X, y)
    assert not two.linear_
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert one.stopped_ == two.stopped_ != "time_limit"


@pytest.mark.filterwarnings("ignore:.*too short for more than linear members")
@pytest.mark.filterwarnings("ignore:column 'x0' alone predicts")
def test_a_time_limit_that_is_too_small_for_the_table() -> None:
    rng = np.random.default_rng(0)
    many = rng.normal(size=(400_000, 20)).astype(np.float32)
    with pytest.warns(
        UserWarning, match=r"time_limit=0\.05 is enough for only \d+ of the 400000 rows"
    ):
        model = regressor(time_limit=0.05).fit(many, many[:, 0])
    assert np.isfinite(model.predict(many[:5])).all()
    assert np.isnan(model.oof_prediction_).any()


@pytest.mark.filterwarnings("ignore:column 'x0' alone predicts")
def test_an_interrupt_leaves_a_model() -> None:
    many = np.random.default_rng(0).normal(size=(20_000, 8))
    model = with_epochs(regressor(), 5000)
    timer = threading.Timer(0.7, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(many, many[:, 0])
    timer.join()
    assert model.stopped_ == "interrupted"
    assert np.isfinite(model.predict(many[:9])).all()


def test_members_that_run_into_nan_are_left_out() -> None:
    """A target whose square overflows: only the member that does not train on it ends as planned.

    Of the others one may be kept as it was before the batch with that row came.
    """
    data, inputs = some_data(120)
    data.t[7] = 3e30
    bag = bag_of(data, inputs)
    parts = folds(120, 4, np.random.default_rng(3))
    assert sorted(bag.lost) == [i for i, fold in enumerate(parts) if 7 not in fold.held]
    assert all(np.isfinite(theta).all() for theta in bag.thetas)
    data.t[:] = 3e30
    with pytest.raises(NonFiniteError, match="all networks stopped at NaN or infinity"):
        bag_of(data, inputs)


def test_a_lost_member_is_told_of(monkeypatch: Any) -> None:
    def lose_the_last(*arguments: Any, **options: Any) -> Any:
        bag = train_bag(*arguments, **options)
        bag.lost[3] = NonFinite("h", 1, 2)
        return bag

    monkeypatch.setattr("clearprop.tabular.fitting.train_bag", lose_the_last)
    with pytest.warns(RuntimeWarning, match="network 3 of 4 stopped at NaN or infinity"):
        regressor().fit(X, Y)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_bar_has_a_rate_and_the_time_left(monkeypatch: Any) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    model = regressor(verbose=True, random_state=1).fit(X, Y)
    shown = terminal.getvalue()
    assert model.stopped_ == "epochs"
    assert "networks" in shown
    assert "12/12" in shown
    assert "epochs/s" in shown
    assert "0:00:00" in shown
    terminal.truncate(0)
    regressor().fit(X, Y)
    assert terminal.getvalue().strip("\x00") == ""
