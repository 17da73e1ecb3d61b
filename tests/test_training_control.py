"""What ends training, and what is told of it: stopping rules, validation, callbacks, budgets."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fits import classifier, run, spirals
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop import SGD, Adam, Network, Stopping, training
from clearprop.engines import reference
from clearprop.history import STOPPED, EpochReport
from clearprop.schedules import Adaptive, Clock, Cosine, as_schedule

# ---- stopping ------------------------------------------------------------------------------------


def scripted(values: Sequence[float]) -> Callable[[Any], float]:
    """A metric that takes these values one after the other."""
    script: Iterator[float] = iter(values)
    return lambda evaluation: next(script)


def stop_at(values: list[float], patience: float, tol: float) -> tuple[int, int]:
    """By definition: epochs done until more than `patience` in a row are without improvement.

    An epoch improves if it is at least `tol` better than the best one before. Also the best epoch.
    """
    best, best_epoch, in_a_row = -np.inf, 0, 0
    for epoch, value in enumerate(values, 1):
        in_a_row = 0 if value >= best + tol else in_a_row + 1
        if value > best:
            best, best_epoch = value, epoch
        if in_a_row > patience:
            return epoch, best_epoch
    return len(values), best_epoch


@settings(max_examples=40)
@given(
    st.lists(st.integers(-4, 4).map(lambda n: n / 2), min_size=1, max_size=12),
    st.sampled_from([0, 1, 2, 3, np.inf]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
)
def test_the_stopping_rule(values: list[float], patience: Any, tol: float, restore: bool) -> None:
    X, t = spirals(8)
    net, thetas = classifier(), []
    state = run(
        net,
        X,
        t,
        epochs=len(values),
        validation=np.arange(4),
        metrics={"score": scripted(values)},
        stopping=Stopping("score", patience, tol, restore),
        callbacks=[lambda report: thetas.append(report.theta)],
    )
    epochs, best = stop_at(values, patience, tol)
    assert len(state.history) == state.epoch == len(thetas) == epochs
    assert state.history.metrics == {"score": values[:epochs]}
    np.testing.assert_array_equal(state.theta, thetas[(best if restore else epochs) - 1])
    if epochs < len(values):
        assert state.history.stopped == "patience"


def test_less_is_better_for_losses() -> None:
    assert Stopping("loss").sign == Stopping("validation_loss").sign == -1
    assert Stopping("accuracy").sign == 1
    X, t = spirals()
    # a rate so large that the loss goes up and down
    state = run(
        classifier(),
        X,
        t,
        optimizer=SGD(3.0),
        epochs=40,
        validation=np.arange(30),
        stopping=Stopping("validation_loss", patience=5),
    )
    losses = state.history.validation_loss
    assert state.history.stopped == "patience"
    assert len(losses) == int(np.argmin(losses)) + 1 + 6
    assert state.best == -min(losses)


def test_a_metric_that_is_not_a_number_is_no_improvement() -> None:
    X, t = spirals(8)
    values = [np.nan, 1.0, np.nan, np.nan, np.nan, np.nan]
    state = run(
        classifier(),
        X,
        t,
        epochs=6,
        validation=np.arange(4),
        metrics={"score": scripted(values)},
        stopping=Stopping("score", patience=1),
    )
    assert (state.epoch, state.history.stopped) == (4, "patience")


def test_monitoring_the_training_loss_needs_no_validation_data() -> None:
    X, t = spirals()
    state = run(
        classifier(), X, t, epochs=300, stopping=Stopping("loss", 3, tol=0.02, restore_best=False)
    )
    assert state.history.stopped == "patience"
    assert state.best_theta is None
    losses = state.history.loss
    assert stop_at([-v for v in losses], 3, 0.02)[0] == len(losses)


def test_the_default_rule_stops_and_restores_the_best() -> None:
    X, _ = spirals(40)
    noise = np.random.default_rng(0).integers(0, 2, 40)  # nothing can be learnt from these
    net, thetas = classifier(), []
    history = net.train(
        X,
        noise,
        optimizer=Adam(0.05),
        epochs=500,
        validation=0.5,
        callbacks=[lambda report: thetas.append(report.theta)],
    )
    best = int(np.argmin(history.validation_loss))
    assert history.stopped == "patience"
    assert len(history) == best + 1 + 11
    np.testing.assert_array_equal(net.theta, thetas[best])


def test_an_adaptive_rate_is_reduced_before_training_stops() -> None:
    X, t = spirals(8)
    values = [1.0] + [0.0] * 30
    state = run(
        classifier(),
        X,
        t,
        epochs=31,
        optimizer=SGD(Adaptive(0.1, factor=10, minimum=0.001)),
        validation=np.arange(4),
        metrics={"score": scripted(values)},
        stopping=Stopping("score", patience=1),
    )
    # two bad epochs end each plateau: 0.1 for three epochs, 0.01 for two, 0.001 is the minimum
    rates = [0.1] * 3 + [0.01] * 2 + [0.001] * 2
    np.testing.assert_allclose(state.history.learning_rate, rates)
    assert state.history.stopped == "patience"
    assert state.reductions == 2


# ---- validation and history ----------------------------------------------------------------------


def test_own_validation_data_with_weights_and_metrics() -> None:
    X, t = spirals()
    X_val, t_val = spirals(30, seed=1)
    w = np.random.default_rng(0).uniform(size=30)
    net, seen = classifier(), []

    def accuracy(e: Any) -> float:
        seen.append((e.theta.copy(), e.y_hat.copy(), e.t, e.sample_weight))
        return float((e.y_hat.argmax(1) == e.t.argmax(1)).mean())

    history = net.train(
        X,
        t,
        epochs=4,
        validation=(X_val, t_val, w),
        stopping=Stopping(patience=np.inf, restore_best=False),
        metrics={"accuracy": accuracy},
    )
    assert len(seen) == 4
    for epoch, (theta, y_hat, one_hot, weights) in enumerate(seen):
        at = Network.from_theta(net.architecture, theta)
        assert history.validation_loss[epoch] == pytest.approx(at.loss(X_val, t_val, w), rel=1e-12)
        np.testing.assert_allclose(y_hat, at.predict_proba(X_val), rtol=1e-14)
        np.testing.assert_array_equal(one_hot, np.eye(2)[t_val])
        np.testing.assert_array_equal(weights, w)
        right = (at.predict(X_val) == t_val).mean()
        assert history.metrics["accuracy"][epoch] == right
    np.testing.assert_array_equal(seen[-1][0], net.theta)


def test_a_fraction_is_held_out_and_never_trained_on() -> None:
    X = spirals()[0]
    t = np.arange(60.0) / 60  # so that t tells the row
    held_out: list[Any] = []

    def note(e: Any) -> float:
        held_out.append(np.round(e.t[:, 0] * 60).astype(int))
        return 0.0

    def fit(X: Any) -> tuple[Network, Any]:
        net = Network([2, 4, 1], seed=0)
        rule = Stopping("validation_loss", np.inf, restore_best=False)
        metrics = {"note": note}
        return net, net.train(X, t, epochs=3, validation=0.3, stopping=rule, metrics=metrics)

    net, history = fit(X)
    rows = held_out[0]
    assert len(rows) == len(set(rows)) == 18
    assert (rows == held_out[-1]).all()
    spoilt = X.copy()
    spoilt[rows] = np.nan
    other, history_spoilt = fit(spoilt)
    np.testing.assert_array_equal(other.theta, net.theta)
    assert history_spoilt.loss == history.loss
    assert np.isnan(history_spoilt.validation_loss).all()


def test_the_history_has_one_entry_per_epoch() -> None:
    X, t = spirals()
    net = classifier()
    assert len(net.train(X, t, epochs=2).metrics) == 0
    history = net.train(X, t, epochs=7, validation=(X, t), metrics={"a": lambda e: 1.0})
    columns = (history.loss, history.validation_loss, history.metrics["a"], history.learning_rate)
    assert [len(column) for column in (*columns, history.seconds)] == [7] * 5
    assert len(history) == 7
    assert (np.diff(history.seconds) >= 0).all()
    assert history.seconds[0] > 0
    assert history.stopped in STOPPED
    assert net.train(X, t, epochs=3).validation_loss == []


# ---- callbacks -----------------------------------------------------------------------------------


def test_callbacks_are_told_everything() -> None:
    X, t = spirals()
    reports: list[EpochReport] = []
    net = classifier()
    history = net.train(
        X,
        t,
        optimizer=SGD(0.1),
        epochs=4,
        batch_size=20,
        validation=(X, t),
        metrics={"one": lambda e: 1.0},
        callbacks=[reports.append],
    )
    assert [r.epoch for r in reports] == [1, 2, 3, 4]
    assert [r.step for r in reports] == [3, 6, 9, 12]
    assert {r.n_epochs for r in reports} == {4}
    assert {r.job for r in reports} == {0}
    assert [r.loss for r in reports] == history.loss
    assert [r.validation_loss for r in reports] == history.validation_loss
    assert [r.metrics for r in reports] == [{"one": 1.0}] * 4
    assert [r.learning_rate for r in reports] == [0.1] * 4
    assert [r.seconds for r in reports] == history.seconds
    assert [r.stopping for r in reports] == ["", "", "", "epochs"]
    net.train(X, t, epochs=1, callbacks=[reports.append])
    assert reports[-1].validation_loss is None


@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_that_returns_true_stops(answer: Any) -> None:
    X, t = spirals()
    told: list[int] = []
    net = classifier()
    history = net.train(
        X,
        t,
        epochs=9,
        callbacks=[
            lambda report: answer if report.epoch == 3 else None,
            lambda report: told.append(report.epoch),
        ],
    )
    assert history.stopped == "callback"
    assert told == [1, 2, 3]  # those after it are told, too


def test_other_answers_of_a_callback_mean_nothing() -> None:
    X, t = spirals()
    for answer in (1, "stop", [0], None, False, np.False_):
        net = classifier()
        assert len(net.train(X, t, epochs=2, callbacks=[lambda r, a=answer: a])) == 2


def test_the_theta_of_a_report_is_a_copy() -> None:
    X, t = spirals()
    plain, meddled = classifier(), classifier()
    plain.train(X, t, epochs=3)

    def meddle(report: EpochReport) -> None:
        report.theta[...] = np.nan

    meddled.train(X, t, epochs=3, callbacks=[meddle])
    np.testing.assert_array_equal(meddled.theta, plain.theta)


def test_an_error_in_a_callback_leaves_the_network_as_it_was() -> None:
    X, t = spirals()
    net = classifier()
    before = net.theta.copy()

    def fail(report: EpochReport) -> None:
        raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        net.train(X, t, epochs=3, callbacks=[fail])
    np.testing.assert_array_equal(net.theta, before)


# ---- budgets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_steps", [1, 5, 8, 11, 16, 23])
def test_max_steps_are_done_exactly(max_steps: int) -> None:
    """8 steps an epoch: budgets in the middle of an epoch and at its end."""
    X, t = spirals()
    net = classifier()
    state = run(net, X, t, epochs=5, max_steps=max_steps, shuffle=3)
    assert state.n_steps == state.engine_state["n_steps"] == max_steps
    assert state.history.stopped == "max_steps"
    assert len(state.history) == -(-max_steps // 8)
    order = np.concatenate([row for _, row in zip(range(5), orders(3), strict=False)])
    theta = net.theta.copy()
    epochs, rest = divmod(max_steps, 8)
    batches = [order[60 * e : 60 * (e + 1)][8 * i : 8 * i + 8] for e in range(5) for i in range(8)]
    for rows in batches[: 8 * epochs + rest]:
        net.theta[...] = theta
        theta = theta - 0.1 * net.backward(net.forward(X[rows]), t[rows]).theta
    # the order of the sums differs; one step more or less would be 1e-3
    np.testing.assert_allclose(state.theta, theta, rtol=0, atol=1e-13)


def orders(seed: int) -> Iterator[Any]:
    rng = np.random.default_rng(seed)
    while True:
        yield rng.permutation(60)


def test_more_max_steps_than_there_are_change_nothing() -> None:
    X, t = spirals()
    state = run(classifier(), X, t, epochs=2, max_steps=17)
    assert (state.n_steps, state.history.stopped) == (16, "epochs")


def test_schedules_are_planned_for_the_steps_that_will_be_done() -> None:
    X, t = spirals()
    state = run(classifier(), X, t, optimizer=SGD(Cosine(1.0)), epochs=9, max_steps=20)
    last = as_schedule(Cosine(1.0))(Clock(np.array([19.0]), 20, 2, 0, 0))
    assert state.history.learning_rate[-1] == last[0]


def clockwork(monkeypatch: pytest.MonkeyPatch, tick: float) -> None:
    """A clock that goes on by `tick` whenever it is looked at."""
    ticks = itertools.count()
    fake = SimpleNamespace(monotonic=lambda: tick * next(ticks))
    monkeypatch.setattr(training, "time", fake)
    monkeypatch.setattr(reference, "time", fake)


@pytest.mark.parametrize("epochs", [1, 10**6])
def test_a_time_limit_ends_in_the_middle_of_an_epoch(
    epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of the last epoch, which is then not done."""
    X, t = spirals()
    clockwork(monkeypatch, tick=1.0)
    net = classifier()
    state = run(net, X, t, epochs=epochs, batch_size=1, time_limit=20.5, shuffle=None)
    assert state.history.stopped == "time_limit"
    assert 1 <= state.n_steps < 60
    assert state.epoch == 1
    monkeypatch.undo()
    same = run(net, X, t, epochs=1, batch_size=1, max_steps=state.n_steps, shuffle=None)
    np.testing.assert_array_equal(state.theta, same.theta)
    assert state.history.loss == same.history.loss  # the mean over the rows that were done


def test_a_time_limit_is_kept() -> None:
    X, t = spirals()
    net = classifier()
    start = time.monotonic()
    history = net.train(X, t, epochs=10**9, time_limit=0.1)
    assert 0.1 <= time.monotonic() - start < 2
    assert history.stopped == "time_limit"
    assert len(history) > 1


def test_a_time_limit_counts_the_callbacks() -> None:
    X, t = spirals(8)
    history = classifier().train(
        X, t, epochs=100, time_limit=0.02, callbacks=[lambda report: time.sleep(0.03)]
    )
    assert history.stopped == "time_limit"
    assert len(history) <= 2
