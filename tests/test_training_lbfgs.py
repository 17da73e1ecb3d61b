"""Training by L-BFGS: minima against closed forms, limits, callbacks, trouble."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from clearprop import (
    LBFGS,
    SGD,
    Checkpoint,
    Data,
    Job,
    Network,
    NonFiniteError,
    Penalty,
    Stopping,
    train,
)
from clearprop.activations import ACTIVATIONS, Activation


def regression(K: int = 1, n: int = 50) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return X, X @ rng.normal(size=(3, K)) + 0.5 + 0.3 * rng.normal(size=(n, K))


def least_squares(X: Any, t: Any, l2: float = 0.0, w: Any = None) -> tuple[Any, Any]:
    """W (K, D) and b (K,) that minimise ½ mean|ŷ − t|² + ½ l2 |W|²."""
    N, D = X.shape
    w = np.full(N, 1 / N) if w is None else w / w.sum()
    A = np.column_stack([X, np.ones(N)])
    ridge = l2 * np.diag([*np.ones(D), 0.0])
    solution = np.linalg.solve(A.T @ (w[:, None] * A) + ridge, A.T @ (w[:, None] * t))
    return solution[:-1].T, solution[-1]


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("l2", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_finds_the_least_squares_of_one_or_several_outputs(
    K: int, l2: float, weighted: bool
) -> None:
    """With several outputs scikit-learn's loss and gradient do not belong together (#8349)."""
    X, t = regression(K)
    w = np.random.default_rng(1).uniform(size=50) if weighted else None
    net = Network([3, K], seed=0)
    history = net.train(
        X, t, optimizer=LBFGS(tol=1e-9), penalty=Penalty(l2=l2), sample_weight=w, epochs=500
    )
    W, b = least_squares(X, t, l2, w)
    # SciPy also stops when ℒ falls by less than 2e-9 of itself, and ℒ is quadratic in the distance
    np.testing.assert_allclose(net.W[0], W, atol=1e-4)
    np.testing.assert_allclose(net.b[0], b, atol=1e-4)
    assert history.stopped == "converged"
    assert (np.diff(history.loss) <= 0).all()
    assert history.loss[-1] == pytest.approx(
        net.loss(X, t, w) + l2 / 2 * (net.W[0] ** 2).sum(), rel=1e-9
    )


def test_a_hidden_layer_and_classes() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    t = (X[:, 0] * X[:, 1] > 0).astype(int)
    net = Network([2, 10, 2], hidden="tanh", output="softmax", seed=0)
    history = net.train(X, t, optimizer="lbfgs", epochs=200)
    assert (net.predict(X) == t).mean() > 0.95
    assert history.stopped in ("converged", "epochs")
    assert np.isnan(history.learning_rate).all()  # L-BFGS has none
    same = Network([2, 10, 2], hidden="tanh", output="softmax", seed=0)
    same.train(sparse.csr_matrix(X), t, optimizer="lbfgs", epochs=200, batch_size=7, shuffle=False)
    assert same.loss(X, t) < 0.1


def test_float32_is_searched_in_float64_and_stays_float32() -> None:
    X, t = regression()
    net = Network([3, 1], seed=0, dtype="float32")
    net.train(X, t, optimizer="lbfgs")
    assert net.theta.dtype == np.float32
    W, b = least_squares(X, t)
    np.testing.assert_allclose(net.W[0], W, atol=2e-3)
    np.testing.assert_allclose(net.b[0], b, atol=2e-3)


def test_epochs_are_iterations() -> None:
    X, t = regression()
    net, reports = Network([3, 8, 1], hidden="tanh", seed=0), []
    history = net.train(
        X, t, optimizer=LBFGS(tol=0), epochs=4, validation=(X, t), callbacks=[reports.append]
    )
    assert history.stopped == "epochs"
    assert len(history) == len(history.validation_loss) == len(history.seconds) == 4
    assert [r.epoch for r in reports] == [1, 2, 3, 4]
    np.testing.assert_allclose(history.validation_loss, history.loss, rtol=1e-12)
    at = Network.from_theta(net.architecture, reports[-1].theta)
    assert at.loss(X, t) == pytest.approx(history.loss[-1], rel=1e-12)


def test_evaluations_are_limited() -> None:
    X, t = regression()
    net = Network([3, 8, 1], hidden="tanh", seed=0)
    assert net.train(X, t, optimizer=LBFGS(max_fun=3, tol=0), epochs=100).stopped == "max_fun"


def test_a_callback_stops() -> None:
    X, t = regression()
    net, thetas = Network([3, 8, 1], hidden="tanh", seed=0), []

    def stop(report: Any) -> bool:
        thetas.append(report.theta)
        return report.epoch == 3

    history = net.train(X, t, optimizer="lbfgs", callbacks=[stop])
    assert (len(history), history.stopped) == (3, "callback")
    np.testing.assert_array_equal(net.theta, thetas[-1])


def test_a_time_limit_stops_and_keeps_the_last_iteration() -> None:
    X, t = regression()
    thetas: list[Any] = []
    clock = itertools.count()

    def slow(z: Any) -> Any:
        for _ in range(2000 if next(clock) > 10 else 1):
            h = np.tanh(z)
        return h

    activation = Activation("slow", slow, ACTIVATIONS["tanh"].dphi)
    net = Network([3, 8, 1], hidden=activation, seed=0)
    history = net.train(
        X,
        t,
        optimizer=LBFGS(tol=0),
        epochs=10**6,
        time_limit=0.05,
        callbacks=[lambda report: thetas.append(report.theta)],
        engine="reference",
    )
    assert history.stopped == "time_limit"
    assert len(thetas) == len(history) > 0
    np.testing.assert_array_equal(net.theta, thetas[-1])


def test_patience_and_the_best_theta() -> None:
    X, t = regression(n=12)
    values = iter([3.0, 5.0, 4.0, 4.0, 4.0])
    thetas: list[Any] = []
    net = Network([3, 8, 1], hidden="tanh", seed=0)
    history = net.train(
        X,
        t,
        optimizer=LBFGS(tol=0),
        validation=(X, t),
        metrics={"score": lambda e: next(values)},
        stopping=Stopping("score", patience=2),
        callbacks=[lambda report: thetas.append(report.theta)],
    )
    assert (len(history), history.stopped) == (5, "patience")
    np.testing.assert_array_equal(net.theta, thetas[1])


def test_ctrl_c_within_the_search_keeps_the_last_iteration() -> None:
    X, t = regression()
    net, thetas = Network([3, 8, 1], hidden="tanh", seed=0), []

    def interrupt(report: Any) -> None:
        thetas.append(report.theta)
        if report.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        history = net.train(X, t, optimizer="lbfgs", callbacks=[interrupt])
    assert (len(history), history.stopped) == (2, "interrupted")
    np.testing.assert_array_equal(net.theta, thetas[-1])


def test_nan_is_reported() -> None:
    X, t = regression()
    X[3, 0] = np.nan
    net = Network([3, 1], seed=0)
    before = net.theta.copy()
    with pytest.raises(NonFiniteError, match="X became NaN or infinite at step 0, in row 3"):
        net.train(X, t, optimizer="lbfgs")
    np.testing.assert_array_equal(net.theta, before)


def test_side_by_side_with_jobs_of_steps() -> None:
    X, t = regression()
    net = Network([3, 1], seed=0)
    data = Data(X, t)

    def job(optimizer: Any) -> Job:
        rows = np.arange(0, 50, 2)
        return Job(net.architecture, net.theta.copy(), optimizer, epochs=20, rows=rows)

    lbfgs, sgd = train([job(LBFGS()), job(SGD(0.1))], data)
    (alone,) = train([job(LBFGS())], data)
    np.testing.assert_array_equal(lbfgs.theta, alone.theta)
    assert sgd.history.stopped == "epochs"
    W, _ = least_squares(X[::2], t[::2])
    np.testing.assert_allclose(lbfgs.theta[:3], W[0], atol=1e-3)


@pytest.mark.parametrize("options", [{"max_steps": 5}, {"clip_norm": 1.0}])
def test_what_belongs_to_steps_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} has no meaning for L-BFGS"):
        Network([3, 1]).train(*regression(), optimizer="lbfgs", **options)
    with pytest.raises(ValueError, match="dropout has no meaning for L-BFGS"):
        Network([3, 2, 1], dropout=0.5).train(*regression(), optimizer="lbfgs")


def test_there_are_no_checkpoints_within_scipy(tmp_path: Any) -> None:
    for checkpoint in (tmp_path / "c", Checkpoint(tmp_path / "c")):
        with pytest.raises(
            ValueError, match="L-BFGS cannot be resumed, because its state is inside SciPy"
        ):
            Network([3, 1]).train(*regression(), optimizer="lbfgs", checkpoint=checkpoint)
