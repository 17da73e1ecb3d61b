"""scikit-learn's callback protocol, the lines of verbose=True, and our own progress bar."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network as peer
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_data import (
    WEIGHTS,
    Y_COLUMNS,
    Y_REAL,
    Y_SEVERAL,
    Y_THREE,
    Y_TWO,
    Watch,
    X,
    classifier,
    regressor,
    same_weights,
)

import clearprop as cp

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [(classifier, Y_THREE), (regressor, Y_REAL)]


class Recorder:
    """A callback that writes down what it is told; it may ask to stop, or break."""

    def __init__(self, stop_after: int | None = None, break_at: str = "") -> None:
        self.events: list[tuple[Any, ...]] = []
        self.stop_after, self.break_at = stop_after, break_at
        self.given: list[dict[str, Any]] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.events.append(("setup", context.max_subtasks))

    def teardown(self, estimator: Any, context: Any) -> None:
        self.events.append(("teardown",))

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, X=None, y=None, metadata=None, fitted_estimator=None
    ) -> None:
        self.events.append(("begin", context.task_name, context.task_id))
        if self.break_at == f"begin {context.task_name}":
            raise RuntimeError("broken callback")

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X=None, y=None, metadata=None, fitted_estimator=None
    ) -> bool:
        self.events.append(("end", context.task_name, context.task_id))
        self.given.append({"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator})
        if self.break_at == f"end {context.task_name}":
            raise RuntimeError("broken callback")
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def epochs(events: list[tuple[Any, ...]]) -> int:
    begun = [event for event in events if event[:2] == ("begin", "epoch")]
    ended = [event for event in events if event[:2] == ("end", "epoch")]
    assert [event[2] for event in begun] == [event[2] for event in ended] == list(range(len(begun)))
    return len(begun)


# ---- the protocol --------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "y"), KINDS)
@pytest.mark.parametrize(
    ("parameters", "n"),
    [
        ({}, 5),
        ({"solver": "lbfgs"}, 5),
        ({"max_iter": 30, "n_iter_no_change": 1, "tol": 10.0}, 3),
        ({"early_stopping": True}, 5),
        ({"callbacks": [lambda report: report.epoch == 2]}, 2),
        ({"max_steps": 7}, 2),
        ({"time_limit": 1e-9}, 1),
    ],
)
def test_an_epoch_is_a_task(make: Any, y: Any, parameters: dict[str, Any], n: int) -> None:
    recorder = Recorder()
    estimator = make(**parameters).set_callbacks(recorder)
    estimator.fit(X, y)
    events = recorder.events
    assert events[0] == ("setup", estimator.max_iter)
    assert events[1] == ("begin", "fit", 0)
    assert events[-2:] == [("end", "fit", 0), ("teardown",)]
    if parameters.get("time_limit") is None:
        assert estimator.n_iter_ == n
    assert epochs(events) == estimator.n_iter_
    assert same_weights(estimator, make(**parameters).fit(X, y))
    assert recorder.given[-1]["fitted"].score(X, y) == estimator.score(X, y)


def test_lbfgs_that_converges_ends_one_empty_task_more() -> None:
    """As in scikit-learn: which iteration is the last one, SciPy tells afterwards."""
    recorder = Recorder()
    estimator = classifier(solver="lbfgs", max_iter=100, tol=0.05).set_callbacks(recorder)
    estimator.fit(X, Y_THREE)
    assert estimator.n_iter_ < 100
    assert epochs(recorder.events) == estimator.n_iter_ + 1
    assert [given["fitted"] is None for given in recorder.given[-3:]] == [False, True, False]


def test_what_the_callbacks_are_given() -> None:
    recorder, watch = Recorder(), Watch()
    frame = pd.DataFrame(X, columns=list("abcde"))
    estimator = classifier(callbacks=[watch]).set_callbacks(recorder)
    estimator.fit(frame, Y_THREE, sample_weight=WEIGHTS)
    for given, theta in zip(recorder.given, watch.thetas, strict=False):
        assert given["X"] is frame
        np.testing.assert_array_equal(given["y"], Y_THREE)
        np.testing.assert_array_equal(given["metadata"]["sample_weight"], WEIGHTS)
        fitted = given["fitted"]
        np.testing.assert_array_equal(fitted.network_.theta, theta)
        fitted.predict(frame)  # without a warning
        assert fitted is not estimator
    recorder = Recorder()
    classifier().set_callbacks(recorder).fit(X, Y_THREE)
    assert {str(given["metadata"]) for given in recorder.given} == {"None"}


def test_the_estimator_at_the_beginning_of_an_epoch() -> None:
    thetas = []

    class Begin(Recorder):
        def on_fit_task_begin(self, estimator: Any, context: Any, *, fitted_estimator=None) -> None:
            if context.task_name == "epoch":
                thetas.append(fitted_estimator.network_.theta)

    watch = Watch()
    estimator = classifier(callbacks=[watch]).set_callbacks(Begin())
    start = clone(estimator).initialize(X, Y_THREE).network_.theta
    estimator.fit(X, Y_THREE)
    np.testing.assert_array_equal(thetas, [start, *watch.thetas[:-1]])


@pytest.mark.parametrize(("make", "y"), KINDS)
def test_a_callback_that_returns_true_stops(make: Any, y: Any) -> None:
    recorder, other = Recorder(stop_after=2), Recorder()
    estimator = make().set_callbacks(recorder, other).fit(X, y)
    assert estimator.n_iter_ == 2
    assert estimator.history_.stopped == "callback"
    assert epochs(recorder.events) == epochs(other.events) == 2
    assert same_weights(estimator, make(max_iter=2).fit(X, y))


@pytest.mark.parametrize("place", ["begin fit", "end fit", "begin epoch", "end epoch"])
def test_teardown_after_an_error(place: str) -> None:
    first, second = Recorder(break_at=place), Recorder()
    estimator = classifier().fit(X, Y_TWO)
    before = dict(vars(estimator))
    estimator.set_callbacks(first, second)
    with pytest.raises(RuntimeError, match="broken callback"):
        estimator.fit(X, Y_THREE)
    assert first.events[-1] == second.events[-1] == ("teardown",)
    assert estimator.set_callbacks() is estimator
    assert vars(estimator) == before
    recorder = Recorder()
    with pytest.raises(RuntimeError, match="own callback"):
        classifier(callbacks=[broken]).set_callbacks(recorder).fit(X, Y_THREE)
    assert recorder.events[-1] == ("teardown",)


def broken(report: cp.history.EpochReport) -> None:
    raise RuntimeError("own callback")


def test_ctrl_c_ends_the_task() -> None:
    def interrupt(report: cp.history.EpochReport) -> None:
        if report.epoch == 3:
            raise KeyboardInterrupt

    recorder = Recorder()
    estimator = classifier(callbacks=[interrupt]).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="Training interrupted"):
        estimator.fit(X, Y_THREE)
    assert epochs(recorder.events) == estimator.n_iter_ == 3
    assert recorder.events[-1] == ("teardown",)


def test_fit_again_with_another_shape() -> None:
    """`fitted_estimator` never mixes this fit's form with the weights of the one before."""
    recorder = Recorder()
    estimator = classifier().set_callbacks(recorder).fit(X, Y_THREE)
    estimator.set_params(hidden_layer_sizes=(4, 3)).fit(X[:, :2], Y_TWO)
    assert recorder.given[-2]["fitted"].predict(X[:, :2]).shape == (80,)
    assert recorder.given[0]["fitted"].predict(X).shape == (80,)


def test_only_fit_has_tasks() -> None:
    recorder = Recorder()
    estimator = classifier().set_callbacks(recorder).initialize(X, Y_THREE)
    estimator.partial_fit(X, Y_THREE)
    assert recorder.events == []
    with pytest.raises(TypeError, match="must be instances following the FitCallback protocol"):
        estimator.set_callbacks(print)


# ---- scikit-learn's own callbacks ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "y", "scoring"),
    [
        (classifier, Y_THREE, "neg_log_loss"),
        (classifier, Y_TWO, "roc_auc"),
        (regressor, Y_SEVERAL, "r2"),
        (regressor, Y_REAL, ["r2", "neg_mean_absolute_error"]),
    ],
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor(make: Any, y: Any, scoring: Any, solver: str) -> None:
    """Its scores are those of the network of each epoch."""
    monitor, watch = ScoringMonitor(scoring=scoring), Watch()
    estimator = make(solver=solver, callbacks=[watch]).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data
    assert [row["task_name"] for row in log] == ["fit"] + ["epoch"] * 5
    assert [row["task_id"] for row in log] == [0, 0, 1, 2, 3, 4]
    other = clone(estimator).fit(X, y)
    for name in [scoring] if isinstance(scoring, str) else scoring:
        expected = []
        for theta in watch.thetas[:5]:
            other.network_.theta[...] = theta
            expected.append(get_scorer(name)(other, X, y))
        np.testing.assert_allclose([row[name] for row in log[1:]], expected, rtol=1e-12)
        assert log[0][name] == pytest.approx(get_scorer(name)(estimator, X, y))


def test_scoring_monitor_of_a_data_frame_and_of_columns() -> None:
    monitor = ScoringMonitor(scoring={"score": lambda e, X, y: e.score(X, y)})
    frame = pd.DataFrame(X, columns=list("abcde"))
    estimator = classifier().set_callbacks(monitor).fit(frame, Y_COLUMNS)
    log = monitor.get_logs().data
    assert log[0]["score"] == log[-1]["score"] == estimator.score(frame, Y_COLUMNS)


@pytest.mark.parametrize(("make", "y"), KINDS)
def test_monitor_in_a_pipeline_and_a_grid(make: Any, y: Any) -> None:
    name = "accuracy" if make is classifier else "r2"
    monitor, watch = ScoringMonitor(scoring=name), Watch()
    estimator = make(callbacks=[watch]).set_callbacks(monitor)
    pipeline = make_pipeline(StandardScaler(), estimator).fit(X, y)
    log = monitor.get_logs().data
    # the last step's fit is one task of the pipeline's
    assert [row["task_id_path"] for row in log] == [(0, 1), *((0, 1, i) for i in range(5))]
    S, net = pipeline[0].transform(X), pipeline[1]
    assert log[0][name] == net.score(S, y)

    monitor = ScoringMonitor(scoring=name)
    grid = GridSearchCV(make(max_iter=3).set_callbacks(monitor), {"alpha": [0.0, 5.0]}, cv=2)
    grid.fit(X, y)
    rows = monitor.get_logs().data
    assert len(rows) == 5 * (1 + 3)  # two candidates, two folds, and the refit
    # the refit's tasks lie one level higher than the folds'
    refit = [r for r in rows if r["task_name"] == "epoch" and len(r["task_id_path"]) == 3]
    assert len(refit) == 3
    assert refit[-1][name] == grid.best_estimator_.score(X, y)


@pytest.mark.parametrize(("make", "y"), KINDS)
def test_progress_bar(make: Any, y: Any, capsys: Any) -> None:
    name = type(make()).__name__
    bar = ProgressBar(max_propagation_depth=None)
    assert same_weights(make().set_callbacks(bar).fit(X, y), make().fit(X, y))
    shown = capsys.readouterr().out
    assert f"{name} - fit" in shown
    assert "100%" in shown
    pipeline = make_pipeline(StandardScaler(), make()).set_callbacks(bar)
    assert same_weights(pipeline.fit(X, y)[1], make().fit(StandardScaler().fit_transform(X), y))
    assert f"{name} - fit #1" in capsys.readouterr().out
    grid = GridSearchCV(pipeline.set_callbacks(), {f"{name.lower()}__alpha": [0.0, 1.0]}, cv=2)
    grid.set_callbacks(bar).fit(X, y)
    assert capsys.readouterr().out.count(f"{name} - fit #1") == 5
    # the bar is full although training stops before max_iter
    make(max_iter=1000, max_steps=9).set_callbacks(bar).fit(X, y)
    assert "100%" in capsys.readouterr().out


# ---- verbose -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"solver": "sgd", "max_iter": 30, "tol": 0.05, "n_iter_no_change": 2},
        {"early_stopping": True, "max_iter": 30, "n_iter_no_change": 3, "tol": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1},
        {
            "solver": "sgd",
            "learning_rate": "adaptive",
            "tol": 1.0,
            "n_iter_no_change": 1,
            "learning_rate_init": 2e-5,
            "max_iter": 30,
            "early_stopping": True,
        },
    ],
)
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_verbose_lines_are_those_of_scikit_learn(
    kind: str, parameters: dict[str, Any], capsys: Any
) -> None:
    settings = {"hidden_layer_sizes": (6,), "max_iter": 7, "random_state": 0, "batch_size": 16}
    y = Y_THREE if kind == "MLPClassifier" else Y_REAL
    texts = []
    for package in (cp, peer):
        estimator = getattr(package, kind)(verbose=True, **settings | parameters).fit(X, y)
        estimator.set_params(early_stopping=False)
        for _ in range(2 if not parameters.get("early_stopping") else 0):
            estimator.partial_fit(X, y)
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert texts[0].startswith("Iteration 1, loss = ")
    if parameters:
        assert "did not improve more than tol=" in texts[0]


def test_verbose_where_scikit_learn_has_no_lines(capsys: Any) -> None:
    estimator = classifier(solver="lbfgs", verbose=True).fit(X, Y_THREE)
    lines = capsys.readouterr().out.splitlines()
    curve = enumerate(estimator.loss_curve_, 1)
    assert lines == [f"Iteration {number}, loss = {loss:.8f}" for number, loss in curve]
    estimator = classifier(early_stopping=True, scoring="loss", verbose=True).fit(X, Y_THREE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1::2] == [f"Validation loss: {v:f}" for v in estimator.validation_loss_curve_]
    classifier().fit(X, Y_THREE)
    assert capsys.readouterr().out == ""


# ---- our own progress bar ------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("make", "y"), KINDS)
def test_own_progress_bar_on_a_terminal(make: Any, y: Any) -> None:
    terminal = Terminal()
    bar = cp.ProgressBar("learning", file=terminal)
    estimator = make(callbacks=[bar]).fit(X, y, X_val=X[:20], y_val=y[:20])
    text = terminal.getvalue()
    assert "learning" in text
    assert "5/5" in text
    assert f"loss {estimator.loss_:.4g}" in text
    assert f"validation {estimator.validation_loss_curve_[-1]:.4g}" in text
    length = len(text)
    estimator.fit(X, y)  # the same bar serves again
    assert "5/5" in terminal.getvalue()[length:]
    assert estimator.history_.stopped == "epochs"


def test_own_progress_bar_is_silent_where_nobody_looks(capsys: Any) -> None:
    file = io.StringIO()
    classifier(callbacks=[cp.ProgressBar(file=file), cp.ProgressBar()]).fit(X, Y_THREE)
    assert file.getvalue() == ""
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_own_progress_bar_after_an_early_end() -> None:
    terminal = Terminal()
    bar = cp.ProgressBar(file=terminal)
    estimator = classifier(callbacks=[bar], max_iter=1000, max_steps=9).fit(X, Y_THREE)
    assert estimator.n_iter_ == 2
    assert "2/1000" in terminal.getvalue()
    assert bar._progress is None  # closed: the cursor is back
    stopped = classifier(callbacks=[bar, lambda report: report.epoch == 3]).fit(X, Y_THREE)
    assert stopped.n_iter_ == 3
    bar.close()
    assert accuracy_score(Y_THREE, stopped.predict(X)) >= 0
