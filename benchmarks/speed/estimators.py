"""clearprop and scikit-learn: training and prediction through the public estimators."""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.speed.cases import Case
from benchmarks.speed.compare import Run
from benchmarks.speed.settings import UnavailableError
from clearprop._typing import Array


def ours(case: Case, precision: str = "float32", **parameters: Any) -> cp.MLPClassifier:
    """Our estimator for a case; UnavailableError if it lacks the precision."""
    if precision != "float32":
        if "precision" not in inspect.signature(cp.MLPClassifier).parameters:
            raise UnavailableError(f"this version of clearprop has no {precision}")
        parameters["precision"] = precision
    # two classes are two outputs here, as the case says
    return cp.MLPClassifier(output="softmax", **(_parameters(case) | parameters))


def theirs(case: Case, **parameters: Any) -> Any:
    """scikit-learn's estimator for a case; for two classes it has one logistic output."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(**(_parameters(case) | parameters))


def _parameters(case: Case) -> dict[str, Any]:
    return {
        "hidden_layer_sizes": case.sizes[1:-1],
        "batch_size": case.batch_size,
        "max_iter": case.epochs,
        "n_iter_no_change": np.inf,  # nothing stops it early
        "random_state": 0,
    }


def prepare_ours(case: Case, X: Array, y: Array, precision: str) -> Run:
    """A run of our `fit`; everything in it counts."""
    estimator = ours(case, precision)
    try:
        return _fit_run(estimator, case, X, y)
    except ValueError as error:
        if precision == "float32":
            raise
        raise UnavailableError(str(error)) from error  # not on this processor


def prepare_theirs(case: Case, X: Array, y: Array, precision: str) -> Run:
    """A run of scikit-learn's `fit`; everything in it counts."""
    return _fit_run(theirs(case), case, X, y)


def _fit_run(estimator: Any, case: Case, X: Array, y: Array) -> Run:
    warm_up(estimator, case, X, y)

    def run() -> float:
        start = time.perf_counter()
        fit(estimator, X, y)
        return time.perf_counter() - start

    return run


def warm_up(estimator: Any, case: Case, X: Array, y: Array) -> None:
    """An epoch of few rows, so that what is loaded on first use is loaded."""
    few = slice(2 * case.batch_size)
    fit(estimator.set_params(max_iter=1), X[few], y[few])
    estimator.set_params(max_iter=case.epochs)


def fit(estimator: Any, X: Array, y: Array) -> Any:
    """`fit` without the warning that it might have gone on."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


# ---- prediction ----------------------------------------------------------------------------------


def fitted(case: Case) -> cp.MLPClassifier:
    """Our estimator after a step or two; all contestants predict with its network."""
    X, y = _few_rows(case)
    model: cp.MLPClassifier = fit(ours(case, max_iter=1), X, y)
    return model


def predictor_of_ours(model: cp.MLPClassifier, case: Case) -> Callable[[Array], Array]:
    """Our `predict_proba`."""
    return model.predict_proba


def predictor_of_theirs(model: cp.MLPClassifier, case: Case) -> Callable[[Array], Array]:
    """scikit-learn's `predict_proba` with the same weights.

    For two classes its logistic output has z = z₁ − z₀, which gives the same probabilities.
    """
    X, y = _few_rows(case)
    estimator = fit(theirs(case, max_iter=1), X, y)
    coefs = [np.array(W.T) for W in model.network_.W]
    intercepts = [np.array(b) for b in model.network_.b]
    if case.sizes[-1] == 2:
        coefs[-1] = np.ascontiguousarray(coefs[-1][:, 1:] - coefs[-1][:, :1])
        intercepts[-1] = intercepts[-1][1:] - intercepts[-1][:1]
    estimator.coefs_, estimator.intercepts_ = coefs, intercepts
    predict: Callable[[Array], Array] = estimator.predict_proba
    return predict


def _few_rows(case: Case) -> tuple[Array, Array]:
    """One batch of rows with every class among them."""
    X, _ = case.data()
    return X[: case.batch_size], np.arange(case.batch_size) % case.sizes[-1]
