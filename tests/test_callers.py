"""Warnings point at the user's own line, whatever stands between it and the cause."""

from __future__ import annotations

import linecache
import sys
import types
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import clearprop as cp
from clearprop import Data, Job, Network, train
from clearprop.callers import users_line
from clearprop.engines import get_engine

X, Y = np.arange(24.0).reshape(12, 2) / 24, np.arange(12) % 2
OWN = cp.Activation("own", np.sin, lambda z, h: np.cos(z))


def line_of(record: Any) -> str:
    """The one line that was warned of, if it is in this file."""
    (warning,) = record
    assert warning.filename == __file__
    return linecache.getline(warning.filename, warning.lineno).strip()


def test_the_slow_engine_is_told_where_it_is_asked_for() -> None:
    net = Network([2, 3, 1], hidden=OWN, seed=0)
    slow = "the slow reference engine runs"
    with pytest.warns(UserWarning, match=slow) as record:
        net.train(X, Y, epochs=1)
    assert line_of(record) == "net.train(X, Y, epochs=1)"
    job, data = Job(net.architecture, net.theta, "adam", epochs=1), Data(X, Y[:, None] * 1.0)
    with pytest.warns(UserWarning, match=slow) as record:
        train([job], data)
    assert line_of(record) == "train([job], data)"
    with pytest.warns(UserWarning, match=slow) as record:
        get_engine("auto", net.architecture)
    assert line_of(record) == 'get_engine("auto", net.architecture)'
    model = cp.MLPRegressor(hidden_layer_sizes=(3,), activation=OWN, solver="lbfgs", tol=10.0)
    with pytest.warns(UserWarning, match=slow) as record:
        model.fit(X, Y)
    assert line_of(record) == "model.fit(X, Y)"
    model = cp.MLPClassifier((3,), activation=OWN)
    with pytest.warns(UserWarning, match=slow) as record:
        model.partial_fit(X, Y, classes=[0, 1])
    assert line_of(record) == "model.partial_fit(X, Y, classes=[0, 1])"
    with pytest.warns(UserWarning, match=slow) as record:
        model.initialize(X, Y)
    assert line_of(record) == "model.initialize(X, Y)"


def test_through_scikit_learn() -> None:
    model = cp.MLPClassifier((3,), max_iter=2, batch_size=50, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model)
    with pytest.warns(UserWarning, match="batch_size|Maximum iterations") as record:
        pipeline.fit(X, Y)
    assert {line_of([warning]) for warning in record} == {"pipeline.fit(X, Y)"}
    assert len(record) == 2
    with pytest.warns(UserWarning, match="Maximum iterations") as record:
        cross_val_score(model.set_params(batch_size=2), X, Y, cv=2)
    lines = {line_of([warning]) for warning in record}
    assert lines == {"cross_val_score(model.set_params(batch_size=2), X, Y, cv=2)"}


def test_an_interrupt_is_told_where_training_was_called() -> None:
    def interrupt(report: cp.history.EpochReport) -> None:
        raise KeyboardInterrupt

    net = Network([2, 3, 1], seed=0)
    with pytest.warns(UserWarning, match="interrupted") as record:
        net.train(X, Y, epochs=5, callbacks=[interrupt])
    assert line_of(record) == "net.train(X, Y, epochs=5, callbacks=[interrupt])"
    model = cp.MLPClassifier((3,), max_iter=5, callbacks=[interrupt])
    with pytest.warns(UserWarning, match="interrupted") as record:
        model.fit(X, Y)
    assert line_of(record) == "model.fit(X, Y)"


def test_a_module_that_only_sounds_like_ours_is_the_users() -> None:
    theirs = types.ModuleType("clearprop_experiments")
    exec("def run(f):\n    return f()", vars(theirs))  # its __name__ is what counts
    assert theirs.run(users_line) == 1
    ours = types.ModuleType("clearprop.something")
    exec("def run(f):\n    return f()", vars(ours))
    assert ours.run(users_line) == 2
    assert theirs.run(lambda: ours.run(users_line)) == 2


def test_where_nobody_is_the_user_it_is_the_outermost_line(monkeypatch: Any) -> None:
    depth, roots = 0, set()
    frame: Any = sys._getframe()
    while frame is not None:
        roots.add(frame.f_globals.get("__name__", "").partition(".")[0])
        frame, depth = frame.f_back, depth + 1
    monkeypatch.setattr("clearprop.callers.BETWEEN", tuple(roots))
    level = users_line()
    assert level == depth
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        warnings.warn("told", stacklevel=level)
    assert len(record) == 1
