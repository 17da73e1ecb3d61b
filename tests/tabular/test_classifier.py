"""TabularClassifier: outputs of all kinds, weights, scores, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import cross_val_score
from tabular_cases import classifier, columns, target, with_epochs

import clearprop as cp

TABLE = columns(240)
X, VALUE = pd.DataFrame(TABLE), target(TABLE)
YES = np.where(VALUE > 1, "yes", "no")
THREE = np.digitize(VALUE, [-1, 2])


def test_two_classes() -> None:
    model = with_epochs(classifier(), 60).fit(X, YES)
    assert model.classes_.tolist() == ["no", "yes"]
    p = model.predict_proba(X)
    assert p.shape == (240, 2)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
    np.testing.assert_array_equal(model.predict_log_proba(X), np.log(p))
    assert model.score(X, YES) > 0.9


def test_the_score_is_an_estimate_of_that_for_new_rows() -> None:
    later = columns(2000, seed=9)
    truth = np.where(target(later, seed=8) > 1, "yes", "no")
    model = with_epochs(classifier(8), 60).fit(X, YES)
    p = model.oof_prediction_
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert model.oof_score_ == pytest.approx(log_loss(YES, p), rel=1e-6)
    new = log_loss(truth, model.predict_proba(pd.DataFrame(later)))
    # 240 rows: the standard error of their mean log-loss is about 0.03
    assert model.oof_score_ == pytest.approx(new, abs=0.12)
    assert new < 0.35


@pytest.mark.parametrize(
    ("scoring", "of"),
    [
        (None, log_loss),
        ("log_loss", log_loss),
        ("accuracy", lambda y, p: accuracy_score(y, p.argmax(axis=1))),
        (
            "auc",
            lambda y, p: roc_auc_score(y, p, multi_class="ovr", average="weighted"),
        ),
    ],
)
def test_scoring(scoring: Any, of: Any) -> None:
    model = classifier(scoring=scoring).fit(X, THREE)
    assert model.oof_score_ == pytest.approx(of(THREE, model.oof_prediction_), rel=1e-6)
    chosen = dict(model.oof_curve_)[model.n_iter_]
    assert chosen == min(value for _, value in model.oof_curve_)


def test_auc_of_two_classes() -> None:
    model = classifier(scoring="auc").fit(X, YES)
    assert model.oof_score_ == pytest.approx(roc_auc_score(YES, model.oof_prediction_[:, 1]))


@pytest.mark.parametrize("labels", [[0, 1, 2], [5, -3, 10], [1.0, 7.0, 2.0], list("abc")])
def test_labels_of_any_type(labels: list[Any]) -> None:
    model = with_epochs(classifier(), 30).fit(X, np.array(labels)[THREE])
    assert set(model.predict(X)) <= set(labels)
    assert model.classes_.tolist() == sorted(labels)
    assert (model.predict(X) == np.array(labels)[THREE]).mean() > 0.7


def test_y_of_any_library() -> None:
    import polars as pl
    import pyarrow as pa

    expected = classifier().fit(X, YES).predict_proba(X)
    for y in (pd.Series(YES), pd.Categorical(YES), pl.Series(YES), pa.array(YES), list(YES)):
        np.testing.assert_array_equal(classifier().fit(X, y).predict_proba(X), expected)
    booleans = classifier().fit(X, YES == "yes")
    assert booleans.classes_.tolist() == [False, True]


def test_one_class() -> None:
    with pytest.warns(cp.TableWarning, match="y has only the class 'only'; the model"):
        model = classifier().fit(X, ["only"] * len(X))
    assert set(model.predict(X)) == {"only"}
    np.testing.assert_array_equal(model.predict_proba(X), 1)
    assert model.oof_score_ == 0


def test_rare_classes() -> None:
    """One with a single row, which some members never see."""
    y = THREE.astype(object)
    y[0] = 99
    model = classifier().fit(X, y.astype(int))
    assert model.classes_.tolist() == [0, 1, 2, 99]
    p = model.predict_proba(X)
    assert p.shape == (240, 4)
    assert p[1:, 3].max() < 0.5


def test_several_labels() -> None:
    y = np.stack([VALUE > 1, VALUE < 0, np.array(TABLE["open"])], axis=1).astype(int)
    model = with_epochs(classifier(), 40).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == y.shape
    np.testing.assert_array_equal(model.predict(X), p > 0.5)
    assert model.score(X, y) > 0.7
    assert model.oof_prediction_.shape == y.shape
    assert model.classes_.tolist() == [0, 1, 2]
    again = with_epochs(classifier(), 40).fit(X, sparse.csr_matrix(y))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_several_columns() -> None:
    y = np.stack([THREE, np.array(TABLE["open"]).astype(int) + 5], axis=1)
    model = with_epochs(classifier(), 40).fit(X, y)
    p = model.predict_proba(X)
    assert [part.shape for part in p] == [(240, 3), (240, 2)]
    for part, classes, column in zip(p, model.classes_, model.predict(X).T, strict=True):
        np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(column, classes[part.argmax(axis=1)])
    assert model.score(X, y) > 0.7
    assert [part.shape for part in model.predict_log_proba(X)] == [(240, 3), (240, 2)]
    assert [part.shape for part in model.oof_prediction_] == [(240, 3), (240, 2)]


# ---- weights -------------------------------------------------------------------------------------


def test_rows_of_weight_zero_do_not_teach() -> None:
    wrong = YES.copy()
    wrong[:60] = np.where(YES[:60] == "yes", "no", "yes")
    weight = np.ones(240)
    weight[:60] = 0
    trusting = with_epochs(classifier(), 60).fit(X, wrong)
    warned = with_epochs(classifier(), 60).fit(X, wrong, sample_weight=weight)
    assert warned.score(X, YES) > 0.88
    assert warned.score(X, YES) > trusting.score(X, YES)
    assert warned.oof_score_ == pytest.approx(
        log_loss(wrong, warned.oof_prediction_, sample_weight=weight), rel=1e-6
    )


def test_class_weights() -> None:
    rare = np.where(np.random.default_rng(0).permutation(240) < 30, "yes", "no")  # by chance alone

    def mean(class_weight: Any) -> float:
        model = classifier(class_weight=class_weight).fit(X, rare)
        return float(model.predict_proba(X)[:, 1].mean())

    plain = mean(None)
    assert plain == pytest.approx(30 / 240, abs=0.07)
    assert mean("balanced") == pytest.approx(1 / 2, abs=0.13)
    assert mean({"yes": 20}) == pytest.approx(600 / 810, abs=0.13)
    assert mean({"no": 1.0, "yes": 1.0}) == pytest.approx(plain, abs=0.02)


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_members": 0}, "n_members must be"),
        ({"n_members": 2.5}, "n_members must be"),
        ({"scoring": "f1"}, "scoring must be one of log_loss, accuracy, auc or None; got 'f1'"),
        ({"time_limit": 0}, "time_limit must be a number of seconds > 0 .* or None; got 0"),
        ({"time_limit": "1"}, "time_limit must be"),
        ({"n_threads": 0}, "n_threads must be"),
        ({"kinds": ["numeric"]}, "kinds must be a dict"),
        ({"kinds": {"sise": "numeric"}}, "no column 'sise'; did you mean 'size'"),
        ({"kinds": {"size": "number"}}, r"kinds\['size'\] must be one of numeric, categorical"),
        ({"engine": "quick"}, "engine must be"),
        ({"class_weight": "even"}, "class_weight"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        classifier(**parameters).fit(X, YES)


def test_wrong_data() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, YES[:-1])
    with pytest.raises(ValueError, match="y contains NaN"):
        classifier().fit(X, np.where(VALUE > 1, 1.0, np.nan))
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, VALUE)
    with pytest.raises(ValueError, match="sample_weight"):
        classifier().fit(X, YES, sample_weight=[1.0])
    with pytest.raises(ValueError, match="sample_weight must have at least one entry > 0"):
        classifier().fit(X, YES, sample_weight=np.zeros(240))


# ---- with scikit-learn ---------------------------------------------------------------------------


def test_permutation_importance() -> None:
    """Of nine columns two carry what there is to know, and are found."""
    model = with_epochs(classifier(), 60).fit(X, YES)
    found = permutation_importance(model, X, YES, n_repeats=3, random_state=0)
    importance = dict(zip(X.columns, found.importances_mean, strict=True))
    assert sorted(importance, key=importance.__getitem__)[-2:] in (
        ["colour", "size"],
        ["open", "size"],
    )
    assert importance["constant"] == 0


def test_cross_validation_and_clones() -> None:
    from sklearn.base import clone

    scores = cross_val_score(with_epochs(classifier(), 60), X, YES, cv=2)
    assert scores.min() > 0.7
    model = cp.TabularClassifier(3, kinds={"size": "ignore"}, scoring="auc", time_limit=5)
    assert clone(model).get_params() == model.get_params()
    assert "n_members=3" in repr(model)
