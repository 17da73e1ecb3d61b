"""Fitting again and again, stopping early, budgets, checkpoints, Ctrl-C, and fits that fail."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from toy_data import (
    WEIGHTS,
    Y_COLUMNS,
    Y_LABELS,
    Y_REAL,
    Y_SEVERAL,
    Y_THREE,
    Y_TWO,
    N,
    X,
    classifier,
    flat,
    regressor,
    same_weights,
)

import clearprop as cp

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class StopNowError(Exception):
    """Raised by a callback to break off a fit."""


def raise_at(epoch: int, error: type[BaseException]) -> Any:
    def callback(report: cp.history.EpochReport) -> None:
        if report.epoch == epoch:
            raise error

    return callback


# ---- the same bits -------------------------------------------------------------------------------

SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "float32": {"dtype": "float32", "dropout": 0.3, "solver": "nadam"},
    "early": {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive"},
    "lbfgs": {"solver": "lbfgs", "initializer": "orthogonal"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_bits_run_after_run(name: str) -> None:
    first = classifier(**SETTINGS[name]).fit(X, Y_THREE)
    second = clone(first).fit(X, Y_THREE)
    assert same_weights(first, second)
    assert first.loss_curve_ == second.loss_curve_
    assert same_weights(first.fit(X, Y_THREE), second)  # the same object again
    other = clone(first).set_params(random_state=1).fit(X, Y_THREE)
    assert not same_weights(first, other)


PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path[:0] = sys.argv[1], sys.argv[1] + "/tests/helpers"
from tests.estimators.test_training import SETTINGS
from toy_data import X, Y_THREE, classifier, flat
print(*[flat(classifier(**s).fit(X, Y_THREE)).tobytes().hex() for s in SETTINGS.values()])
"""


def test_the_same_bits_in_another_process() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    here = [flat(classifier(**s).fit(X, Y_THREE)).tobytes().hex() for s in SETTINGS.values()]
    assert result.stdout.split() == here


def test_no_global_random_state_is_touched() -> None:
    state = np.random.get_state()  # noqa: NPY002 the legacy state is the one that must not change
    classifier(dropout=0.5, early_stopping=True).fit(X, Y_THREE)
    np.testing.assert_equal(np.random.get_state(), state)  # noqa: NPY002


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_dtype(dtype: str, solver: str) -> None:
    estimator = classifier(dtype=dtype, solver=solver).fit(X, Y_THREE, sample_weight=WEIGHTS)
    assert flat(estimator).dtype == dtype
    assert estimator.network_.theta.dtype == dtype
    assert estimator.predict_proba(X).dtype == dtype
    assert estimator.hidden_activations(X).dtype == dtype
    # "auto" is that of X
    auto = classifier(solver=solver).fit(X.astype(dtype), Y_THREE)
    assert flat(auto).dtype == dtype
    assert auto.predict_proba(X).dtype == dtype
    assert flat(classifier(solver=solver).fit((9 * X).astype(int), Y_THREE)).dtype == "float64"
    assert regressor(dtype=dtype, solver=solver).fit(X, Y_REAL).predict(X).dtype == dtype


# ---- again and again -----------------------------------------------------------------------------


def test_warm_start_keeps_weights_and_curves() -> None:
    estimator = classifier(warm_start=True).fit(X, Y_THREE)
    first = estimator.loss_curve_
    estimator.fit(X, Y_THREE)
    assert estimator.n_iter_ == 5
    assert estimator.loss_curve_[:5] == first
    assert len(estimator.loss_curve_) == 10
    assert estimator.t_ == 10 * N
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
        estimator.fit(X, Y_TWO)
    with pytest.raises(ValueError, match="the fitted coefs_: the weights must have the shapes"):
        estimator.set_params(hidden_layer_sizes=(3,)).fit(X, Y_THREE)


def test_warm_start_of_the_optimizer() -> None:
    """Two fits of 5 full-batch epochs are one of 10; Adam's moments and step count go on."""
    settings = {"batch_size": N, "shuffle": False, "n_iter_no_change": np.inf}
    whole = classifier(max_iter=10, **settings).fit(X, Y_THREE)
    halves = classifier(warm_start="optimizer", **settings).fit(X, Y_THREE).fit(X, Y_THREE)
    assert same_weights(whole, halves)
    restarted = classifier(warm_start=True, **settings).fit(X, Y_THREE).fit(X, Y_THREE)
    assert not same_weights(whole, restarted)


@pytest.mark.parametrize("warm_start", [True, "optimizer"])
def test_a_schedule_starts_again_with_every_fit(warm_start: Any) -> None:
    estimator = classifier(warm_start=warm_start, learning_rate="cosine", max_steps=12)
    rates = estimator.fit(X, Y_THREE).history_.learning_rate
    assert estimator.fit(X, Y_THREE).history_.learning_rate == rates * 2
    assert estimator.n_iter_ == 3  # 5 + 5 + 2 steps
    assert estimator.history_.stopped == "max_steps"


@pytest.mark.parametrize("warm_start", [True, "optimizer"])
def test_another_solver_in_the_next_fit(warm_start: Any) -> None:
    estimator = classifier(warm_start=warm_start).fit(X, Y_THREE)
    for solver in ("sgd", "rmsprop", "lbfgs", "nadam"):
        before = estimator.loss_
        estimator.set_params(solver=solver, learning_rate_init=1e-4).fit(X, Y_THREE)
        assert estimator.loss_ < before
    estimator.set_params(solver="sgd").partial_fit(X, Y_THREE)
    estimator.set_params(solver="adam").partial_fit(X, Y_THREE)


def test_early_stopping_switched_on_and_off_between_fits() -> None:
    """Losses are not compared with scores, nor is the old best restored."""
    estimator = classifier(warm_start=True, early_stopping=True).fit(X, Y_THREE)
    best = flat(estimator)
    estimator.set_params(early_stopping=False).fit(X, Y_THREE)
    assert not np.array_equal(flat(estimator), best)
    assert estimator.best_loss_ == min(estimator.loss_curve_[5:])
    estimator.partial_fit(X, Y_THREE)
    estimator.set_params(early_stopping=True, scoring="loss").fit(X, Y_THREE)
    assert estimator.best_validation_score_ == -min(estimator.validation_loss_curve_[-5:])
    estimator.set_params(scoring=None, solver="adam").fit(X, Y_THREE)
    assert estimator.best_validation_score_ == max(estimator.validation_scores_[-5:])


def test_partial_fit_goes_through_the_data_once() -> None:
    """Five calls are one fit without shuffling."""
    whole = classifier(shuffle=False, n_iter_no_change=np.inf).fit(X, Y_THREE)
    parts = classifier(shuffle=False)
    for _ in range(5):
        parts.partial_fit(X, Y_THREE, classes=[0, 1, 2])
        assert parts.n_iter_ == 1
        assert parts.history_.stopped == ""
    assert same_weights(whole, parts)
    assert parts.loss_curve_ == whole.loss_curve_
    for kind in (X.astype(np.float32), X):  # whatever the dtype of the batch
        parts.partial_fit(kind, Y_THREE)
    with pytest.raises(ValueError, match="`y` has classes not in"):
        parts.partial_fit(X, Y_THREE + 1)


def test_partial_fit_of_several_columns_of_classes() -> None:
    classes = [[0, 1, 2], [4, 5]]
    whole = classifier(shuffle=False, n_iter_no_change=np.inf).fit(X, Y_COLUMNS)
    parts = classifier(shuffle=False)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        parts.partial_fit(X, Y_COLUMNS)
    for _ in range(5):
        parts.partial_fit(X, Y_COLUMNS, classes=classes)
    assert same_weights(whole, parts)
    few = (Y_THREE < 2) & (Y_TWO == 0)  # a batch that lacks classes in every column
    parts.partial_fit(X[few], Y_COLUMNS[few])
    with pytest.raises(ValueError, match="`classes` must be the same as in the first call"):
        parts.partial_fit(X, Y_COLUMNS, classes=[[0, 1], [4, 5]])
    with pytest.raises(ValueError, match="column 1 of `y` has classes not in"):
        parts.partial_fit(X, Y_COLUMNS + np.array([0, 1]))
    with pytest.raises(ValueError, match=r"y of shape \(80,\) does not match"):
        parts.partial_fit(X, Y_THREE)


def test_max_steps_of_each_partial_fit() -> None:
    estimator = classifier(max_steps=3)
    for number in (1, 2, 3):
        estimator.partial_fit(X, Y_THREE, classes=[0, 1, 2])
        assert estimator.t_ == number * 3 * 16


# ---- stopping ------------------------------------------------------------------------------------


def test_convergence_warning_names_the_callers_line() -> None:
    for solver, text in (("adam", r"Maximum iterations \(5\) reached"), ("lbfgs", "max_iter=5")):
        with pytest.warns(ConvergenceWarning, match=text) as record:
            classifier(solver=solver).fit(X, Y_THREE)
        assert record[0].filename == __file__
    with pytest.warns(ConvergenceWarning, match="max_fun=3 evaluations"):
        classifier(solver=cp.LBFGS(max_fun=3)).fit(X, Y_THREE)


def test_lbfgs_that_has_converged_before_it_starts() -> None:
    estimator = classifier(solver="lbfgs", tol=10.0, alpha=0.0).fit(X, Y_THREE)
    assert estimator.n_iter_ == 0
    assert estimator.loss_ == pytest.approx(estimator.network_.loss(X, Y_THREE))
    assert estimator.best_loss_ == estimator.loss_
    assert estimator.history_.stopped == "converged"


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_that_returns_true_ends_training(solver: str) -> None:
    seen = []
    callbacks = [lambda report: report.epoch == 3, lambda report: seen.append(report.loss)]
    estimator = classifier(solver=solver, callbacks=callbacks).fit(X, Y_THREE)
    assert (estimator.n_iter_, estimator.history_.stopped) == (3, "callback")
    assert seen == estimator.loss_curve_  # every callback hears of every epoch
    assert same_weights(estimator, classifier(solver=solver, max_iter=3).fit(X, Y_THREE))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_time_limit(solver: str) -> None:
    estimator = classifier(solver=solver, time_limit=1e-9, max_iter=10**6).fit(X, Y_THREE)
    assert estimator.history_.stopped == "time_limit"
    assert estimator.n_iter_ <= 1
    assert np.isfinite(estimator.loss_)
    assert estimator.predict(X).shape == (N,)


def test_max_steps_cuts_an_epoch_short() -> None:
    estimator = classifier(max_steps=7, shuffle=False).fit(X, Y_THREE)
    assert estimator.history_.stopped == "max_steps"
    assert (estimator.n_iter_, estimator.t_) == (2, 7 * 16)
    parts = classifier(shuffle=False).partial_fit(X, Y_THREE, classes=[0, 1, 2])
    parts.partial_fit(X[:32], Y_THREE[:32])
    assert same_weights(estimator, parts)
    with pytest.raises(ValueError, match="max_steps has no meaning for L-BFGS"):
        classifier(max_steps=7, solver="lbfgs").fit(X, Y_THREE)


# ---- Ctrl-C and checkpoints ----------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_ctrl_c_leaves_a_usable_estimator(parameters: dict[str, Any]) -> None:
    interrupted = classifier(callbacks=[raise_at(3, KeyboardInterrupt)], **parameters)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        interrupted.fit(X, Y_THREE)
    assert interrupted.history_.stopped == "interrupted"
    assert interrupted.n_iter_ == 3
    assert same_weights(interrupted, classifier(**parameters, max_iter=3).fit(X, Y_THREE))
    assert interrupted.score(X, Y_THREE) >= 0
    interrupted.set_params(callbacks=None, warm_start=True).fit(X, Y_THREE)


CHECKPOINTED: dict[str, dict[str, Any]] = {
    "adam": {},
    "dropout": {"dropout": 0.3, "solver": "nadam", "dtype": "float32"},
    "early": {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 20},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 2},
    "one_cycle": {"solver": "rmsprop", "learning_rate": "one_cycle", "clip_norm": 0.5},
}


@pytest.mark.parametrize("name", CHECKPOINTED)
@pytest.mark.parametrize("data", ["three", "real"])
def test_a_checkpoint_resumes_bit_exactly(name: str, data: str, tmp_path: Path) -> None:
    make, y = (classifier, Y_THREE) if data == "three" else (regressor, Y_SEVERAL)
    settings = CHECKPOINTED[name] | {"max_iter": 12}
    whole = make(**settings).fit(X, y)
    path = tmp_path / "state"
    broken = make(**settings, checkpoint=path, callbacks=[raise_at(5, StopNowError)])
    with pytest.raises(StopNowError):
        broken.fit(X, y)
    assert not hasattr(broken, "coefs_")
    # another object, as after a crash; the path may be a str, a path or a record
    heard = []
    resumed = make(**settings, checkpoint=str(path), callbacks=[lambda r: heard.append(r.epoch)])
    resumed.fit(X, y)
    assert heard == list(range(5, whole.n_iter_ + 1))  # the state after epoch 4 was on disk
    assert same_weights(whole, resumed)
    names = ("loss_curve_", "validation_scores_", "n_iter_", "t_", "best_loss_", "learning_rate_")
    for attribute in names:
        assert getattr(whole, attribute) == getattr(resumed, attribute), attribute
    finished = make(**settings, checkpoint=cp.Checkpoint(path)).fit(X, y)  # nothing left to do
    assert same_weights(whole, finished)
    assert finished.n_iter_ == whole.n_iter_


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    classifier(checkpoint=path).fit(X, Y_THREE)
    for other, what in (
        (classifier(checkpoint=path, alpha=1.0), "penalty"),
        (classifier(checkpoint=path, solver="sgd"), "optimizer"),
        (classifier(checkpoint=path, random_state=1), "theta"),
    ):
        with pytest.raises(ValueError, match=f"a different run .it differs in: .*{what}"):
            other.fit(X, Y_THREE)
    with pytest.raises(ValueError, match="differs in: data"):
        classifier(checkpoint=path).fit(X + 1, Y_THREE)
    with pytest.raises(ValueError, match="L-BFGS"):
        classifier(checkpoint=tmp_path / "new", solver="lbfgs").fit(X, Y_THREE)
    # partial_fit has no run to resume
    parts = classifier(checkpoint=path).partial_fit(X, Y_THREE, classes=[0, 1, 2])
    assert parts.partial_fit(X, Y_THREE).t_ == 2 * N


# ---- fits that fail ------------------------------------------------------------------------------

NAN = np.where(np.arange(N)[:, None] == 7, np.nan, X)
FAILURES: dict[str, tuple[dict[str, Any], Any, Any, str]] = {
    "NaN in X": ({}, NAN, Y_THREE, "Input X contains NaN"),
    "infinity in X": ({}, np.where(np.isnan(NAN), np.inf, X), Y_THREE, "Input X contains infinity"),
    "other length": ({}, X[:9], Y_THREE, "inconsistent numbers of samples"),
    "continuous y": ({}, X, Y_REAL, "Unknown label type: continuous"),
    "parameter": ({"alpha": -1}, X, Y_TWO, "'alpha' parameter"),
    "engine": ({"engine": "warp"}, X, Y_TWO, "engine must be"),
    "weights": ({"initializer": ([], [])}, X, Y_TWO, "initializer: the weights"),
    "diverges": ({"solver": "sgd", "learning_rate_init": 1e300}, X, Y_TWO, "non-finite"),
    "callback": ({"callbacks": [raise_at(2, StopNowError)]}, X, Y_TWO, "^$"),
    "too few rows": ({"early_stopping": True}, X[:5], Y_TWO[:5], "test_size = 1 should be"),
    "no weight": ({"class_weight": {0: 0, 1: 0}}, X, Y_TWO, "no row with a weight"),
}


OBJECTS = ("_net", "_compiled", "_architecture", "_label_binarizer", "_random_state", "_state")
TRAINING = ("diverges", "callback", "too few rows")  # `initialize` gets through these


@pytest.mark.parametrize(
    ("name", "method"),
    [(n, m) for n in FAILURES for m in ("fit", "initialize") if m == "fit" or n not in TRAINING],
)
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_failing_fit_changes_nothing(name: str, warm_start: bool, method: str) -> None:
    parameters, X_bad, y, message = FAILURES[name]
    estimator = classifier(warm_start=warm_start).fit(X, Y_LABELS)
    before = copy.deepcopy(vars(estimator))
    theta = estimator.network_.theta
    estimator.set_params(warm_start=False, **parameters)
    with pytest.raises((ValueError, StopNowError), match=message):
        getattr(estimator, method)(X_bad, y)
    estimator.set_params(**{key: before[key] for key in ("warm_start", *parameters)})
    after = vars(estimator)
    assert after.keys() == before.keys()
    for key in before:
        if key not in OBJECTS:
            np.testing.assert_equal(after[key], before[key], err_msg=key)
    assert estimator.network_.theta is theta
    np.testing.assert_array_equal(flat(estimator), flat(copy.deepcopy(estimator)))
    fresh = classifier(warm_start=warm_start).fit(X, Y_LABELS)
    np.testing.assert_array_equal(estimator.predict(X), fresh.predict(X))
    assert same_weights(estimator.partial_fit(X, Y_LABELS), fresh.partial_fit(X, Y_LABELS))


def test_a_failing_first_fit_leaves_it_unfitted() -> None:
    for estimator, fit in (
        (classifier(engine="warp"), lambda e: e.fit(X, Y_THREE)),
        (classifier(engine="warp"), lambda e: e.partial_fit(X, Y_THREE, classes=[0, 1, 2])),
        (classifier(engine="warp"), lambda e: e.initialize(X, Y_THREE)),
    ):
        before = dict(vars(estimator))
        with pytest.raises(ValueError, match="engine must be"):
            fit(estimator)
        assert vars(estimator) == before
    estimator.set_params(engine="auto").partial_fit(X, Y_TWO, classes=[0, 1])


def test_a_diverging_fit_names_step_and_place() -> None:
    text = (
        r"Solver produced non-finite parameter weights\. The input data may contain large values "
        r"and need to be preprocessed\. \(.*became NaN or infinite at step 2"
    )
    with pytest.raises(cp.NonFiniteError, match=text):
        regressor(solver="sgd", learning_rate_init=1e200).fit(X, Y_REAL)
    with pytest.raises(cp.NonFiniteError, match=r"of layer \d"):
        regressor(solver="sgd", learning_rate_init=1e200, hidden_layer_sizes=(5, 5)).fit(X, Y_REAL)


def test_divergence_after_a_validated_epoch_keeps_the_best_weights() -> None:
    """A schedule that explodes in the third epoch: the best of the first two stays."""
    estimator = regressor(
        early_stopping=True,
        solver="sgd",
        learning_rate=lambda clock: np.where(clock.step < 10, 0.01, 1e200),
    )
    with pytest.warns(RuntimeWarning, match="Training stopped; the best parameters so far"):
        estimator.fit(X, Y_REAL)
    assert estimator.history_.stopped == "nonfinite"
    assert np.isfinite(flat(estimator)).all()
    assert estimator.best_validation_score_ == max(estimator.validation_scores_[:2])
