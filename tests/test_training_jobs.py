"""Many jobs over shared data, and training that goes wrong: NaN, overflow, Ctrl-C."""

from __future__ import annotations

import copy
import itertools
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fits import classifier, data_of, job, run, spirals

from clearprop import (
    SGD,
    Adam,
    AdamW,
    Data,
    Job,
    NAdam,
    Network,
    NonFiniteError,
    Penalty,
    RMSprop,
    Stopping,
    train,
)
from clearprop.activations import ACTIVATIONS, Activation
from clearprop.history import EpochReport, TrainingState
from clearprop.schedules import OneCycle

# ---- many jobs -----------------------------------------------------------------------------------


def many_jobs() -> tuple[list[Callable[[], Job]], Data]:
    """Jobs that differ in everything they may differ in, each made anew by its function."""
    X, t = spirals(50)
    rng = np.random.default_rng(0)
    w = rng.uniform(0.1, 1, 50)
    data = data_of(classifier(), X, t, w)
    held_out, others = np.arange(10), np.arange(10, 50)
    score = {"score": lambda e: float(e.y_hat[:, 0].mean())}

    def net(*hidden: int, seed: int = 0, **options: Any) -> Network:
        return Network([2, *hidden, 2], output="softmax", seed=seed, **options)

    return [
        lambda: job(net(5), optimizer=SGD(0.1, momentum=0.9), epochs=7),
        lambda: job(net(3, 4, seed=1, hidden="tanh"), optimizer=Adam(0.01), epochs=4, shuffle=5),
        lambda: job(net(), optimizer=NAdam(0.01), rows=np.arange(0, 50, 2)),
        lambda: job(net(6, dropout=0.5), optimizer=AdamW(OneCycle(0.01)), seed=3, batch_size=7),
        lambda: job(net(6, dropout=0.5), optimizer=AdamW(OneCycle(0.01)), seed=4, batch_size=7),
        lambda: job(
            net(4),
            optimizer=RMSprop(0.01),
            epochs=30,
            rows=others,
            validation=held_out,
            metrics=score,
            stopping=Stopping("score", patience=2),
        ),
        lambda: job(net(8), shuffle=None, max_steps=11, epochs=9, clip_norm=0.1),
        lambda: job(
            net(8), shuffle=np.random.RandomState(1), penalty=Penalty(l1=0.01, l2_per_batch=1)
        ),
        lambda: job(net(4), shuffle=np.random.default_rng(8), drop_last=True, batch_size=11),
        lambda: job(net(4), optimizer=SGD(1e200), epochs=5),  # ends with NaN
    ], data


def test_many_jobs_give_bit_for_bit_what_each_gives_alone() -> None:
    makers, data = many_jobs()
    together = train([make() for make in makers], data)
    for make, state in zip(makers, together, strict=True):
        (alone,) = train([make()], data)
        np.testing.assert_array_equal(state.theta, alone.theta)
        assert state.engine_state is not None
        assert alone.engine_state is not None
        for name, array in alone.engine_state.items():
            np.testing.assert_array_equal(state.engine_state[name], array)
        for name in ("loss", "validation_loss", "metrics", "learning_rate", "stopped"):
            ours, theirs = getattr(state.history, name), getattr(alone.history, name)
            np.testing.assert_equal(ours, theirs)
        assert state.nonfinite == alone.nonfinite
    assert {state.history.stopped for state in together} >= {"epochs", "max_steps", "nonfinite"}
    assert len({len(state.history) for state in together}) >= 4


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("shuffle", [3, np.random.RandomState(3)])
def test_a_pass_in_parts_sees_the_rows_in_the_order_of_whole_passes(
    engine: str, shuffle: Any
) -> None:
    """Epochs of parts are the same steps as whole passes, but for a rest that is left out."""
    X, t = spirals(50)
    net = classifier()
    data = data_of(net, X, t)
    rows = np.arange(48, dtype=np.int32)  # 12 steps of 4
    rows.flags.writeable = False

    def end(epochs: int, parts: int) -> TrainingState:
        again = copy.deepcopy(shuffle)
        fit = job(
            net, epochs=epochs, parts=parts, batch_size=4, rows=rows, shuffle=again, drop_last=True
        )
        (state,) = train([fit], data, engine=engine)
        return state

    whole = end(3, 1)
    for parts in (2, 3, 12):
        in_parts = end(3 * parts, parts)
        assert in_parts.n_steps == whole.n_steps == 36
        np.testing.assert_array_equal(in_parts.theta, whole.theta)
    rest = end(10, 5)
    assert rest.n_steps == 20  # two passes, two steps of each left out
    one_each = end(13, 100)
    assert one_each.n_steps == 13
    assert job(net, rows=rows).rows is rows  # no copy of what cannot be written to


def test_parts_are_of_shuffled_rows() -> None:
    with pytest.raises(ValueError, match="parts needs shuffled rows"):
        job(classifier(), parts=2, shuffle=None)
    with pytest.raises(ValueError, match="parts must be an integer >= 1; got 0"):
        job(classifier(), parts=0)


def test_rows_are_indices_or_a_mask() -> None:
    X, t = spirals()
    mask = np.arange(60) % 3 == 0
    by_mask = run(classifier(), X, t, rows=mask, validation=~mask)
    by_index = run(classifier(), X, t, rows=np.flatnonzero(mask), validation=np.flatnonzero(~mask))
    np.testing.assert_array_equal(by_mask.theta, by_index.theta)
    assert by_mask.history.validation_loss == by_index.history.validation_loss


def test_data_of_encodes_and_checks() -> None:
    X, t = spirals()
    net = classifier(dtype="float32")
    data = Data.from_arrays(net.architecture, X.tolist(), t, np.ones(60), dtype="float32")
    assert data.X.dtype == data.t.dtype == np.float32
    assert data.sample_weight is not None
    np.testing.assert_array_equal(data.t, np.eye(2)[t])
    assert len(data) == len(data.rows(slice(7))) + 53 == 60
    with pytest.raises(ValueError, match=r"t must have one row per row of X \(60\); got 59"):
        Data.from_arrays(net.architecture, X, t[1:])


BAD_JOBS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"rows": [0, 60]}, ValueError, "rows must hold row numbers below 60; got 60"),
    ({"rows": [-1]}, ValueError, "rows must be row indices >= 0 or a mask"),
    ({"rows": [0.5]}, ValueError, "rows must be row indices >= 0 or a mask"),
    ({"rows": np.zeros((2, 2), int)}, TypeError, "rows must be row indices or a mask, of one"),
    ({"validation": [99]}, ValueError, "validation must hold row numbers below 60; got 99"),
    (
        {"validation": (1, 2)},
        TypeError,
        r"validation must be .*; pass your own data as Data.from_arrays",
    ),
    ({"validation": Data(np.ones((3, 5)), np.ones((3, 2)))}, ValueError, "X of validation must"),
    (
        {"validation": Data(np.ones((3, 2)), np.ones(3))},
        ValueError,
        r"t of validation must .*\(3,\)",
    ),
    ({"theta": np.zeros(3)}, ValueError, r"theta must have shape \(42,\); got \(3,\)"),
]


@pytest.mark.parametrize(("options", "kind", "message"), BAD_JOBS)
def test_jobs_that_do_not_fit_the_data_are_refused(options: Any, kind: Any, message: str) -> None:
    net = classifier()
    options = {"theta": net.theta, "optimizer": "sgd"} | options
    data = Data.from_arrays(net.architecture, *spirals())
    with pytest.raises(kind, match=message):
        train([Job(net.architecture, **options)], data)


def test_targets_that_are_not_encoded_are_refused() -> None:
    """With t of shape (N,) the residual z − t would be (N, N), and nothing would stop it."""
    X, t = spirals()
    net = Network([2, 1], seed=0)
    with pytest.raises(ValueError, match=r"t of data must have shape \(60, 1\), as the output"):
        train([job(net)], Data(X, t))
    with pytest.raises(ValueError, match=r"X of data must have shape \(N, 2\); got \(60, 3\)"):
        train([job(net)], Data(np.ones((60, 3)), t[:, None]))


def test_a_callback_ends_its_own_job_only() -> None:
    X, t = spirals()
    net = classifier()
    told: list[tuple[int, int]] = []

    def stop_the_second(report: EpochReport) -> bool:
        told.append((report.job, report.epoch))
        return report.job == 1 and report.epoch == 2

    jobs = [job(net, epochs=4), job(net, epochs=4), job(net, epochs=3)]
    states = train(jobs, data_of(net, X, t), callbacks=[stop_the_second])
    assert [state.history.stopped for state in states] == ["epochs", "callback", "epochs"]
    assert [len(state.history) for state in states] == [4, 2, 3]
    assert told == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (0, 3), (2, 3), (0, 4)]


def test_states_can_be_trained_further() -> None:
    X, t = spirals()
    net = classifier()
    optimizer = Adam(0.01)
    whole = run(net, X, t, optimizer=optimizer, epochs=6)
    state = run(net, X, t, optimizer=optimizer, epochs=6, callbacks=[lambda r: r.epoch == 2])
    assert state.history.stopped == "callback"
    state.history.stopped = ""
    again = run(net, X, t, optimizer=optimizer, epochs=6, states=[state])
    assert again is state
    np.testing.assert_array_equal(again.theta, whole.theta)
    assert again.history.loss == whole.history.loss
    whole_state = whole.engine_state
    # what is finished stays so, and a budget that is used up leaves nothing to do
    (done,) = train([job(net, epochs=6)], data_of(net, X, t), states=[whole])
    assert (done.epoch, done.history.stopped) == (6, "epochs")
    for options, reason in (({"epochs": 6}, "epochs"), ({"max_steps": 48}, "max_steps")):
        whole.history.stopped = ""
        (done,) = train([job(net, **({"epochs": 7} | options))], data_of(net, X, t), states=[whole])
        assert (len(done.history), done.history.stopped) == (6, reason)
        assert done.engine_state.keys() == whole_state.keys()  # still Adam's, to go on from


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_state_of_another_optimiser_is_refused(engine: str) -> None:
    X, t = spirals()
    net = classifier()
    state = run(net, X, t, optimizer=Adam(0.01), epochs=1)
    state.history.stopped = ""
    more = [job(net, optimizer=SGD(0.1), epochs=2)]
    with pytest.raises(ValueError, match=r"the state of job 0 lacks \['velocity'\], which SGD"):
        train(more, data_of(net, X, t), states=[state], engine=engine)


# ---- trouble -------------------------------------------------------------------------------------


def test_nan_in_X_is_reported_with_step_and_row_and_theta_stays() -> None:
    X, t = spirals()
    X[17, 1] = np.nan
    net = classifier()
    before = net.theta.copy()
    message = r"\(X became NaN or infinite at step 3, in row 1 of its batch\)"
    with pytest.raises(NonFiniteError, match=message):
        net.train(X, t, epochs=3, batch_size=8, shuffle=False)
    np.testing.assert_array_equal(net.theta, before)


def test_nan_in_t_is_reported() -> None:
    net = Network([2, 3, 1], seed=0)
    t = np.zeros(60)
    t[4] = np.inf
    with pytest.raises(NonFiniteError, match="t became NaN or infinite at step 1, in row 4"):
        net.train(spirals()[0], t, shuffle=False)


def test_exploding_descent_is_reported_with_step_and_layer_and_theta_stays() -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(40, 3)), rng.normal(size=40)
    net = Network([3, 5, 4, 1], hidden="relu", seed=0)
    before = net.theta.copy()
    with pytest.raises(NonFiniteError) as caught:
        net.train(X, t, optimizer=SGD(10.0), epochs=1000)
    message = str(caught.value)
    assert "non-finite" in message
    assert "need to be preprocessed" in message
    place = message[message.index("(") :]
    assert " of layer " in place or "the loss" in place
    step = int(place.split("at step ")[1].rstrip(")").split(",")[0])
    assert step > 1
    np.testing.assert_array_equal(net.theta, before)
    # the step before is the last one that can be done
    state = run(net, X, t, optimizer=SGD(10.0), epochs=1000, batch_size=32, shuffle=None)
    assert state.nonfinite is not None
    assert state.history.stopped == "nonfinite"
    assert state.nonfinite.step == state.n_steps + 1
    assert np.isfinite(state.theta).all()
    assert np.isnan(state.history.loss[-1])
    again = run(
        net,
        X,
        t,
        optimizer=SGD(10.0),
        epochs=1000,
        max_steps=state.n_steps,
        batch_size=32,
        shuffle=None,
    )
    np.testing.assert_array_equal(again.theta, state.theta)


def test_an_update_that_overflows_is_reported_as_theta() -> None:
    X, t = spirals()
    net = classifier()
    with pytest.raises(NonFiniteError, match="θ became NaN or infinite at step 1"):
        net.train(X, t, optimizer=SGD(1e308, weight_decay=1e308), epochs=1)


def test_the_best_theta_is_kept_when_training_explodes() -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(40, 3)), rng.normal(size=40)
    net, thetas = Network([3, 5, 1], seed=0), []

    class Explodes(SGD):
        def update(
            self, theta: Any, gradient: Any, state: Any, rate: Any, decay: Any = None
        ) -> Any:
            factor = 1e300 if state["step"] >= 6 else 1.0
            return super().update(theta, gradient * factor, state, rate, decay)

    with pytest.warns(RuntimeWarning, match="the best parameters so far are kept"):
        history = net.train(
            X,
            t,
            optimizer=Explodes(0.01),
            batch_size=20,
            epochs=50,
            validation=(X, t),
            callbacks=[lambda report: thetas.append(report.theta)],
            engine="reference",
        )
    assert history.stopped == "nonfinite"
    best = int(np.nanargmin(history.validation_loss))
    np.testing.assert_array_equal(net.theta, thetas[best])
    assert np.isfinite(net.theta).all()


def test_ctrl_c_in_a_callback_leaves_a_usable_network() -> None:
    X, t = spirals()
    net, thetas = classifier(), []

    def interrupt(report: EpochReport) -> None:
        thetas.append(report.theta)
        if report.epoch == 4:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(UserWarning, match="Training interrupted by user."):
        history = net.train(X, t, epochs=100, callbacks=[interrupt])
    assert history.stopped == "interrupted"
    assert len(history) == len(history.seconds) == len(history.learning_rate) == 4
    np.testing.assert_array_equal(net.theta, thetas[-1])
    assert net.train(X, t, epochs=2).stopped == "epochs"  # and it can be trained further


@pytest.mark.parametrize("call", [1, 2, 30])
def test_ctrl_c_within_a_step_leaves_the_last_whole_step(call: int) -> None:
    X, t = spirals()
    calls = itertools.count(1)

    def phi(z: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return np.tanh(z)

    tanh = ACTIVATIONS["tanh"]
    options: Any = {"epochs": 9, "batch_size": 8, "optimizer": Adam(0.01), "engine": "reference"}
    net = Network([2, 8, 2], hidden=Activation("t", phi, tanh.dphi), output="softmax", seed=0)
    with pytest.warns(UserWarning, match="interrupted"):
        history = net.train(X, t, **options)
    assert history.stopped == "interrupted"
    assert len(history) == (call - 1) // 8
    same = classifier()
    before = same.theta.copy()
    if call > 1:
        same.train(X, t, max_steps=call - 1, **options)
    np.testing.assert_array_equal(net.theta, same.theta)
    assert (call == 1) == bool((net.theta == before).all())


def test_ctrl_c_ends_every_job() -> None:
    X, t = spirals()
    net = classifier()

    def interrupt(report: EpochReport) -> None:
        if (report.job, report.epoch) == (1, 2):
            raise KeyboardInterrupt

    jobs = [job(net, epochs=1), job(net, epochs=9), job(net, epochs=9)]
    states = train(jobs, data_of(net, X, t), callbacks=[interrupt])
    assert [state.history.stopped for state in states] == ["epochs", "interrupted", "interrupted"]
    for state in states:
        assert np.isfinite(state.theta).all()
