"""Permutation importances of a bag: the right score, the right columns, honest standard errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score, root_mean_squared_error
from tabular_cases import classifier, columns, regressor, target

import clearprop as cp
from clearprop import explain

TRAIN, TEST = pd.DataFrame(columns(400)), pd.DataFrame(columns(300, seed=7))
Y, Y_TEST = target(columns(400)), target(columns(300, seed=7))


def test_the_columns_that_matter_come_first() -> None:
    model = regressor().fit(TRAIN, Y)
    found = model.feature_importances(TEST, Y_TEST, random_state=0)
    assert found.columns == tuple(TEST.columns)
    assert [found.columns[c] for c in found.order[:3]] == ["size", "colour", "open"]
    assert found.repeats.shape == (9, 5)
    assert found.mean[0] > 10 * found.standard_error[0]
    constant = found.columns.index("constant")
    assert found.mean[constant] == found.standard_error[constant] == 0
    again = model.feature_importances(TEST, Y_TEST, random_state=0)
    np.testing.assert_array_equal(found.repeats, again.repeats)
    np.testing.assert_array_equal(found.standard_error, again.standard_error)
    other = model.feature_importances(TEST, Y_TEST)
    assert (found.repeats[:3] != other.repeats[:3]).any()


def expected(model: Any, y: np.ndarray) -> float:
    if isinstance(model, cp.TabularRegressor):
        score = mean_absolute_error if model.scoring == "mae" else root_mean_squared_error
        return float(score(y, model.predict(TEST)))
    p = model.predict_proba(TEST)
    if model.scoring == "accuracy":
        return float((model.predict(TEST) == y).mean())
    return float(roc_auc_score(y, p[:, 1]) if model.scoring == "auc" else log_loss(y, p))


@pytest.mark.parametrize("scoring", [None, "accuracy", "auc", "rmse", "mae"])
def test_the_score_is_the_estimator_s(scoring: str | None) -> None:
    of_classes = scoring not in ("rmse", "mae")
    model = classifier(8, scoring=scoring) if of_classes else regressor(scoring=scoring)
    y, y_test = (Y > 1, Y_TEST > 1) if of_classes else (Y, Y_TEST)
    model.fit(TRAIN, y)
    found = model.feature_importances(TEST, y_test)
    assert found.score == pytest.approx(expected(model, y_test), rel=1e-5)
    assert found.scoring == (scoring or "log_loss")
    assert (found.mean[[0, 2]] > 0).all()
    # the same exchanges of values, by scikit-learn on the frame: equal within the spread of either
    sign = 1 if scoring in ("accuracy", "auc") else -1

    def scorer(model: Any, X: pd.DataFrame, y: np.ndarray) -> float:
        return sign * model._value(model._y_hat(X), y, np.ones(len(y)))

    theirs = permutation_importance(
        model, TEST, y_test, scoring=scorer, n_repeats=5, random_state=3
    )
    spread = np.hypot(theirs.importances_std, found.repeats.std(axis=1, ddof=1)) / np.sqrt(5)
    assert (np.abs(found.mean - theirs.importances_mean) <= 5 * spread + 1e-9).all()


def test_standard_errors_are_what_other_rows_would_change() -> None:
    model = regressor().fit(TRAIN, Y)
    means, errors = [], []
    for seed in range(20, 50):
        table = columns(200, seed=seed)
        X, y = pd.DataFrame(table), target(table, seed=seed)
        found = model.feature_importances(X, y, random_state=seed)
        means.append(found.mean)
        errors.append(found.standard_error)
    # a standard deviation of 30 is known within 13 %, and a jackknife of 20 groups as well
    ratio = np.mean(errors, axis=0)[[0, 2, 4]] / np.std(means, axis=0, ddof=1)[[0, 2, 4]]
    assert 0.6 < ratio.min() <= ratio.max() < 1.6


def test_every_kind_of_target() -> None:
    three = np.digitize(Y, [-1, 2])
    cases: dict[str, tuple[Any, np.ndarray]] = {
        "labels": (classifier(), np.stack([Y > 0, Y > 3], axis=1).astype(int)),
        "columns": (classifier(), np.stack([three, three > 0], axis=1)),
        "two numbers": (regressor(), np.stack([Y, 1000 * Y], axis=1)),
        "quantiles": (regressor(loss=cp.outputs.Quantile((0.1, 0.9))), Y),
        "poisson": (regressor(loss="poisson"), np.round(np.abs(Y))),
    }
    for name, (model, y) in cases.items():
        found = model.fit(TRAIN, y).feature_importances(TRAIN, y, n_repeats=2)
        assert found.columns[found.order[0]] == "size", name
        assert found.score == pytest.approx(model.oof_score_, rel=0.5), name
        assert np.isfinite(found.standard_error).all()


def test_weights_of_rows() -> None:
    model = regressor().fit(TRAIN, Y)
    half = np.arange(300) < 150
    weighted = model.feature_importances(TEST, Y_TEST, sample_weight=half.astype(float))
    assert weighted.score == pytest.approx(
        model.feature_importances(TEST[:150], Y_TEST[:150]).score, rel=1e-6
    )
    assert weighted.mean[0] > 0


def test_a_single_row_and_wrong_arguments() -> None:
    model = classifier().fit(TRAIN, Y > 1)
    found = model.feature_importances(TEST[:1], Y_TEST[:1] > 1)
    assert not found.repeats.any()
    assert not found.standard_error.any()
    with pytest.raises(ValueError, match="n_repeats must be"):
        model.feature_importances(TEST, Y_TEST > 1, n_repeats=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.feature_importances(TEST, Y_TEST[:5] > 1)
    with pytest.raises(ValueError, match="not in training"):
        model.feature_importances(TEST, np.where(Y_TEST > 1, "a", "b"))


def test_it_prints_and_becomes_json_and_a_picture() -> None:
    model = classifier(scoring="accuracy").fit(TRAIN, Y > 1)
    found = model.feature_importances(TEST, Y_TEST > 1)
    text = str(found)
    assert text.startswith("decrease of accuracy, which is 0.")
    assert text.index("size") < text.index("constant")
    document = json.loads(json.dumps(found.to_document()))
    assert document["columns"][0]["column"] == found.columns[found.order[0]]
    assert "<table>" in found._repr_html_()
    picture = explain.plot_importances(found, top=4)
    (axes,) = picture.figure.axes
    assert len(axes.patches) == 4
    assert axes.get_yticklabels()[0].get_text() == found.columns[found.order[0]]
