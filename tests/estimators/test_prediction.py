"""Predictions follow the weights, whoever has changed them, and the quick way there is exact."""

from __future__ import annotations

import copy
import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer
from toy_data import NAMES, Y_REAL, Y_THREE, Y_TWO, X, classifier, regressor

import clearprop as cp
from clearprop import _native
from clearprop.estimators.prediction import CompiledNetwork

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def by_definition(estimator: Any, rows: Any = X) -> Any:
    """ŷ of the network made anew from coefs_ and intercepts_, by the reference engine."""
    theta = np.concatenate(
        [
            part
            for W, b in zip(estimator.coefs_, estimator.intercepts_, strict=True)
            for part in (np.asarray(W).T.ravel(), np.asarray(b))
        ]
    )
    net = cp.Network.from_theta(estimator.network_.architecture, theta)
    return net.forward(rows).y_hat


def check(estimator: Any) -> Any:
    """What it predicts is what its present weights give; close, as it is by another engine."""
    proba = estimator.predict_proba(X)
    np.testing.assert_allclose(proba, by_definition(estimator), rtol=1e-10, atol=1e-13)
    for row in (0, 7):
        np.testing.assert_array_equal(estimator.predict_proba(X[row : row + 1])[0], proba[row])
    return proba


def write_coef(estimator: Any) -> None:
    estimator.coefs_[0][2, 1] += 1


def write_intercept(estimator: Any) -> None:
    estimator.intercepts_[-1][:] += [1, -1, 0]


def write_w(estimator: Any) -> None:
    estimator.network_.W[-1][0] *= -3


def write_theta(estimator: Any) -> None:
    estimator.network_.theta[:] *= 2


def replace_entry(estimator: Any) -> None:
    estimator.coefs_[1] = estimator.coefs_[1] * 0.5


def replace_list(estimator: Any) -> None:
    estimator.intercepts_ = [b + 1 for b in estimator.intercepts_]


def swap_units(estimator: Any) -> None:
    """The same numbers at other places."""
    estimator.coefs_[0][:, :2] = estimator.coefs_[0][:, 1::-1].copy()


CHANGES = [write_coef, write_intercept, write_w, write_theta, replace_entry, replace_list]


@pytest.mark.parametrize("change", [*CHANGES, swap_units], ids=lambda f: f.__name__)
def test_predictions_follow_what_is_written(change: Any) -> None:
    estimator = classifier().fit(X, Y_THREE)
    for _ in range(2):
        before = check(estimator)
        change(estimator)
        assert not np.array_equal(check(estimator), before)


def test_a_network_that_was_given_another_theta() -> None:
    estimator = classifier().fit(X, Y_THREE)
    check(estimator)
    net = estimator.network_
    net.theta = net.theta + 1  # of which coefs_ are no views
    np.testing.assert_allclose(estimator.predict_proba(X), net.forward(X).y_hat, rtol=1e-10)


def test_numbers_that_compare_equal_or_never() -> None:
    estimator = classifier().fit(X, Y_THREE)
    check(estimator)
    estimator.coefs_[0][0, 0] = np.nan
    for _ in range(2):
        assert np.isnan(estimator.predict_proba(X)).all()
    estimator.coefs_[0][0, 0] = 0.5
    check(estimator)
    estimator = regressor(hidden_layer_sizes=()).fit(X, Y_REAL)
    for zero in (0.0, -0.0, 0.0):
        estimator.coefs_[0][:], estimator.intercepts_[0][:] = zero, zero
        expected = estimator.network_.forward(-np.abs(X[:1])).y_hat
        y_hat = estimator.predict(-np.abs(X[:1]))
        assert np.signbit(y_hat[0]) == np.signbit(expected[0, 0])


def test_predictions_follow_training() -> None:
    estimator = classifier(warm_start=True).fit(X, Y_THREE)
    seen = [check(estimator)]
    for train in ("fit", "partial_fit", "initialize", "fit"):
        getattr(estimator, train)(X, Y_THREE)
        seen.append(check(estimator))
    for a, b in itertools.pairwise(seen):
        assert not np.array_equal(a, b)
    estimator.set_params(dtype="float32").fit(X, Y_THREE)
    assert estimator.predict_proba(X).dtype == np.float32


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_are_independent(duplicate: Any) -> None:
    estimator = classifier().fit(X, Y_THREE)
    before = check(estimator)
    twin = duplicate(estimator)
    np.testing.assert_array_equal(check(twin), before)
    write_coef(twin)
    assert not np.array_equal(check(twin), before)
    if duplicate is not copy.copy:
        np.testing.assert_array_equal(check(estimator), before)
    check(clone(twin).fit(X, Y_THREE))


def test_a_handle_is_made_once_and_never_pickled() -> None:
    estimator = classifier().fit(X, Y_THREE)
    size = len(pickle.dumps(estimator))
    compiled = estimator._compiled
    assert compiled.compiled is None
    estimator.predict(X)
    first = compiled.compiled
    for rows in (X, X[:1], X.astype(np.float32), np.asfortranarray(X)):
        estimator.predict_proba(rows)
    assert compiled.compiled is first is not None
    assert estimator._compiled is compiled
    write_coef(estimator)
    estimator.predict(X)
    assert compiled.compiled is not first
    assert len(pickle.dumps(estimator)) == size
    again = pickle.loads(pickle.dumps(compiled))
    assert isinstance(again, CompiledNetwork)
    assert again.compiled is None
    np.testing.assert_array_equal(again(X, None), compiled(X, None))


def test_weights_that_nobody_was_given_are_not_compared(monkeypatch: Any) -> None:
    compared = []
    plain = _native.same_bytes
    monkeypatch.setattr(_native, "same_bytes", lambda a, b: compared.append(0) or plain(a, b))
    estimator = classifier().fit(X, Y_THREE)
    proba = estimator.predict_proba(X)
    estimator.predict(X)
    pickle.dumps(estimator)
    estimator.score(X, Y_THREE)
    assert not compared
    for name in ("coefs_", "intercepts_", "network_"):
        estimator = classifier().fit(X, Y_THREE)
        estimator.predict(X)
        getattr(estimator, name)
        assert not compared
        np.testing.assert_array_equal(estimator.predict_proba(X), proba)  # compiled once more
        assert not compared
        np.testing.assert_array_equal(estimator.predict_proba(X), proba)
        assert compared.pop() == 0


def test_weights_are_not_there_before_the_fit() -> None:
    estimator = classifier()
    for name in ("coefs_", "intercepts_", "network_"):
        assert not hasattr(estimator, name)
    with pytest.raises(AttributeError, match="'MLPClassifier' object has no attribute 'coefs_'"):
        _ = estimator.coefs_


def test_many_threads_while_the_weights_change() -> None:
    """Each prediction is that of the weights before, or of those after."""
    estimator = classifier(hidden_layer_sizes=(50,)).fit(X, Y_THREE)
    thetas = [estimator.network_.theta.copy() * factor for factor in (1, -2)]
    answers = []
    for theta in thetas:
        estimator.network_.theta[:] = theta
        answers.append(estimator.predict_proba(X))

    def ask(number: int) -> Any:
        return [estimator.predict_proba(X) for _ in range(40)]

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(ask, number) for number in range(4)]
        for number in range(200):
            # one assignment of a whole array, which the interpreter's lock makes atomic
            estimator.network_.theta = thetas[number % 2]
        seen = [y_hat for future in waiting for y_hat in future.result()]
    for y_hat in seen:
        assert any(np.array_equal(y_hat, answer) for answer in answers)


# ---- labels --------------------------------------------------------------------------------------

LABELS = {
    "two": Y_TWO,
    "three": Y_THREE,
    "strings": NAMES,
    "truth": Y_TWO.astype(bool),
    "objects": NAMES.astype(object),
    "floats": Y_THREE / 2.0 * 4,
    "gaps": np.array([-7, 40, 3], dtype=np.int8)[Y_THREE],
    "unsigned": np.array([5, 0, 250], dtype=np.uint8)[Y_THREE],
    "one": np.zeros(len(X), dtype=int),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("output", ["auto", "softmax", "logistic"])
def test_labels_are_those_of_the_binarizer(name: str, output: str) -> None:
    """Encoded and decoded as scikit-learn's LabelBinarizer does it, or stratified likewise."""
    y = LABELS[name]
    estimator = classifier(output=output).fit(X, y)
    binarizer = LabelBinarizer().fit(y)
    np.testing.assert_array_equal(estimator.classes_, np.unique(y))
    assert estimator.classes_.dtype == binarizer.classes_.dtype
    ours = estimator._label_binarizer
    assert (ours.y_type_, ours.sparse_input_) == (binarizer.y_type_, False)
    t = estimator._encode(y, np.float64).t
    expected = binarizer.transform(y)
    if expected.shape[1] == 1 and output == "softmax":
        expected = np.hstack([1 - expected, expected])
    np.testing.assert_array_equal(t, expected)
    proba = estimator.predict_proba(X)
    if len(binarizer.classes_) > 1:
        wanted = binarizer.classes_[proba.argmax(axis=1)]
    else:
        wanted = binarizer.classes_.repeat(len(X))
    np.testing.assert_array_equal(estimator.predict(X), wanted)
    assert estimator.predict(X).dtype == binarizer.classes_.dtype


# ---- what goes the quick way, and what does not --------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_form_of_x_gives_the_same(dtype: str, tmp_path: Any) -> None:
    rows = X.astype(np.float32)  # so that all forms hold the same numbers
    estimator = classifier(dtype=dtype).fit(rows, Y_THREE)
    expected = estimator.predict_proba(rows)
    big = np.zeros((2 * len(X), 2 * X.shape[1]))
    big[::2, ::2] = rows
    memmap = np.memmap(tmp_path / "x", dtype=np.float32, mode="w+", shape=rows.shape)
    memmap[:] = rows
    forms = [
        rows.astype(np.float64), rows.tolist(), pd.DataFrame(rows), np.asfortranarray(rows),
        big[::2, ::2], memmap, rows.astype(">f4"), rows.astype(object),
    ]  # fmt: skip
    for form in forms:
        np.testing.assert_array_equal(estimator.predict_proba(form), expected)
    read_only = rows.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(estimator.predict_proba(read_only), expected)
    integers = np.arange(2 * X.shape[1]).reshape(2, -1)
    np.testing.assert_array_equal(
        estimator.predict_proba(integers), estimator.predict_proba(integers * 1.0)
    )


def test_large_x_of_another_dtype() -> None:
    """More numbers than are converted in one go."""
    rng = np.random.default_rng(0)
    many = rng.normal(size=(40_000, X.shape[1]))
    estimator = classifier(dtype="float32").fit(X, Y_THREE)
    proba = estimator.predict_proba(many)
    np.testing.assert_array_equal(proba, estimator.predict_proba(many.astype(np.float32)))
    np.testing.assert_array_equal(proba[123:124], estimator.predict_proba(many[123:124]))


def test_errors_are_scikit_learns() -> None:
    estimator = classifier().fit(X, Y_THREE)
    D = X.shape[1]
    for wrong, message in (
        (X[0], "Expected 2D array, got 1D array"),
        (X[:, :-1], f"X has {D - 1} features, but MLPClassifier is expecting {D} features"),
        (X[:0], "Found array with 0 sample"),
        (X[:, :0], "0 feature"),
        (np.where(X[3, 1] == X, np.nan, X), "Input X contains NaN"),
        (np.where(X[3, 1] == X, np.inf, X), "Input X contains infinity"),
        (X.astype(complex), "Complex data not supported"),
        (X[None], "Found array with dim 3"),
    ):
        for ask in (estimator.predict, estimator.predict_proba):
            with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
                ask(wrong)
    for ask in (classifier().predict, classifier().predict_proba, regressor().predict):
        with pytest.raises(NotFittedError, match="not fitted"):
            ask(X)


def test_numbers_whose_sum_overflows_are_finite() -> None:
    estimator = classifier().fit(X, Y_THREE)
    assert estimator.predict_proba(np.full_like(X, 1e308)).shape == (len(X), 3)


def test_names_of_features_are_checked_as_before() -> None:
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    estimator = classifier().fit(frame, Y_THREE)
    proba = estimator.predict_proba(frame)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(estimator.predict_proba(X), proba)
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.predict(frame.rename(columns={"x0": "other"}))
    estimator.fit(X, Y_THREE)
    assert not hasattr(estimator, "feature_names_in_")
    with pytest.warns(
        UserWarning, match="X has feature names, but MLPClassifier was fitted without"
    ):
        estimator.predict(frame)
