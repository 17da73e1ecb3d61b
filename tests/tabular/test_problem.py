"""What is to be learnt from a table: the task and its target, the split, scores and baselines."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from answers import QUICK, column_of, frame, made_table
from hypothesis import given
from hypothesis import strategies as st

from clearprop.tables.target_column import TargetColumn, find_target, infer_task
from clearprop.tabular import baselines
from clearprop.tabular.baselines import linear_baseline, trivial_baseline
from clearprop.tabular.model import TableModel
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.problem import read_problem, split
from clearprop.tabular.scores import (
    classification_scores,
    confusion_matrix,
    regression_scores,
    residual_summary,
)
from clearprop.tabular.target import Standardization

# ---- task and target -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        (["1", "2"] * 10, "classification"),
        (["1.5", "2", "7"] * 10, "regression"),
        ([True, False], "classification"),
        ([0, 1], "classification"),
        ([0.0, 1.0, None], "classification"),
        (list(range(10)) * 10, "classification"),
        (list(range(10)) * 9, "regression"),
        (list(range(21)) * 50, "regression"),
        ([0.5, 1.0], "regression"),
    ],
)
def test_choice_of_the_task(values, task):
    assert infer_task(column_of(values))[0] == task


def test_numbers_as_text_are_ordered_as_numbers():
    target = find_target(column_of(["10", "9", "2", "10"]), "classification")
    assert target.labels == ("2", "9", "10")
    assert target.encode(column_of([9, 10, None])).tolist() == [1, 2, -1]
    words = find_target(column_of(["True", "false", "TRUE"]), "classification")
    assert words == TargetColumn("t", "classification", ("false", "true"), "boolean")
    assert words.encode(column_of([True, False])).tolist() == [1, 0]
    codes = find_target(column_of(["01", "1"]), "classification")
    assert codes.labels == ("01", "1")  # as text they are two


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, unique=True))
def test_standardization(values):
    column = column_of(values)
    y = find_target(column, "regression").encode(column)
    np.testing.assert_array_equal(y, values)
    standardization = Standardization.of(y)
    t = standardization.encode(y)
    assert np.isfinite(t).all()
    scale = np.abs(values).max()
    # t has a spread of 1, so that decoding rounds at the level of the largest value.
    np.testing.assert_allclose(standardization.decode(t), values, rtol=1e-12, atol=1e-12 * scale)


# ---- split ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), st.floats(0, 0.95), st.integers(0, 9))
def test_split(classes, share, seed):
    classes = np.array(classes)
    n = len(classes)
    first, second = split(n, share, seed, classes=classes)
    assert sorted([*first, *second]) == list(range(n))
    assert set(classes[second]) <= set(classes[first])
    n_classes = len(set(classes.tolist()))
    assert len(second) == min(round(share * n), n - n_classes)
    for k in set(classes.tolist()):
        # Of the rows of a class but one, an equal share of all such rows, rounded up or down.
        free = (classes == k).sum() - 1
        expected = len(second) * free / max(n - n_classes, 1)
        assert abs((classes[second] == k).sum() - expected) < 1 + 1e-9
    again = split(n, share, seed, classes=classes)
    np.testing.assert_array_equal(second, again[1])
    plain, held = split(n, share, seed)
    assert sorted([*plain, *held]) == list(range(n))
    assert len(held) == min(round(share * n), n)


def test_the_split_is_random():
    assert (split(1000, 0.2, 0)[1] != split(1000, 0.2, 1)[1]).any()
    counts = np.zeros(50)
    for seed in range(200):
        counts[split(50, 0.3, seed, classes=np.arange(50) % 2)[1]] += 1
    # Binomial of 200 draws with p = .3: mean 60, deviation 6.5.
    assert counts.min() > 60 - 5 * 6.5
    assert counts.max() < 60 + 5 * 6.5


def test_statistics_do_not_see_the_held_out_rows():
    table = frame("y")
    problem = read_problem(table, "answer", test_size=0.3, seed=3)
    changed = table.to_pydict()
    for i in problem.test:
        changed["x"][i] = 1e6
    other = read_problem(pa.table(changed), "answer", test_size=0.3, seed=3)
    one, two = (TableEncoding.fit(p.frame, rows=p.train) for p in (problem, other))
    assert one == two
    number = read_problem(frame("answer"), "y", test_size=0.3, seed=3)
    model = TableModel.fit_network(number, TableEncoding.fit(number.frame), QUICK)
    y = np.array(made_table()["y"])[number.train]
    assert model.standardization.mean == pytest.approx(y.mean(), rel=1e-12)


# ---- scores --------------------------------------------------------------------------------------


def test_scores_are_those_of_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    for k in (2, 4):
        t = rng.integers(k, size=200)
        p = rng.dirichlet(np.ones(k), 200)
        scores = classification_scores(t, p)
        predicted = p.argmax(axis=1)
        expected = {
            "accuracy": metrics.accuracy_score(t, predicted),
            "balanced accuracy": metrics.balanced_accuracy_score(t, predicted),
            "log-loss": metrics.log_loss(t, p),
        } | ({"AUC": metrics.roc_auc_score(t, p[:, 1])} if k == 2 else {})
        assert scores == pytest.approx(expected, rel=1e-12)
        np.testing.assert_array_equal(
            confusion_matrix(t, p), metrics.confusion_matrix(t, predicted)
        )
    y, y_hat = rng.standard_normal((2, 200))
    assert regression_scores(y, y_hat) == pytest.approx(
        {
            "RMSE": metrics.root_mean_squared_error(y, y_hat),
            "MAE": metrics.mean_absolute_error(y, y_hat),
            "R²": metrics.r2_score(y, y_hat),
        },
        rel=1e-12,
    )
    summary = residual_summary(y, y_hat)
    assert summary["median"] == pytest.approx(np.median(y - y_hat))


def test_scores_at_the_limits():
    one_class = classification_scores(np.array([1, 1]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert one_class["AUC"] is None
    assert math.isfinite(one_class["log-loss"])
    assert regression_scores(np.ones(3), np.zeros(3))["R²"] is None


def test_baselines(monkeypatch):
    problem = read_problem(frame("y"), "answer", test_size=0.25)
    encoding = TableEncoding.fit(problem.frame, rows=problem.train)
    y, y_test = problem.y[problem.train], problem.y[problem.test]
    trivial = trivial_baseline(problem)
    assert trivial.name == f"always {problem.target.labels[np.bincount(y).argmax()]}"
    np.testing.assert_allclose(
        trivial.prediction, np.tile(np.bincount(y) / len(y), (len(y_test), 1))
    )
    logistic = linear_baseline(problem, encoding)
    assert logistic.name == "logistic regression"
    assert classification_scores(y_test, logistic.prediction)["accuracy"] > 0.85
    monkeypatch.setattr(baselines, "BASELINE_ROWS", 50)
    assert linear_baseline(problem, encoding).name.endswith("on 50 rows")

    monkeypatch.undo()
    number = read_problem(frame("answer"), "y", test_size=0.25)
    encoding = TableEncoding.fit(number.frame, rows=number.train)
    np.testing.assert_allclose(trivial_baseline(number).prediction, number.y[number.train].mean())
    linear = linear_baseline(number, encoding)
    # y is linear in the columns, except where x is missing.
    assert regression_scores(number.y[number.test], linear.prediction)["R²"] > 0.85
