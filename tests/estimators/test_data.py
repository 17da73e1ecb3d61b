"""What goes in and comes out: scikit-learn's interface, kinds of X and y, frames, tools."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.neural_network as peer
from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix
from sklearn import config_context
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, learning_curve
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.multiclass import unique_labels
from toy_data import (
    NAMES,
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

CLASSES = ("MLPClassifier", "MLPRegressor")


# ---- the same interface as scikit-learn's --------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
def test_parameters_are_those_of_scikit_learn(name: str) -> None:
    ours = inspect.signature(getattr(cp, name)).parameters
    theirs = inspect.signature(getattr(peer, name)).parameters
    assert [p for p in ours if p in theirs] == list(theirs)  # all of them, in their order
    assert len(theirs) >= 23
    for parameter in theirs:
        assert ours[parameter].default == theirs[parameter].default, parameter
        assert ours[parameter].kind == theirs[parameter].kind, parameter
    positional = [p for p in ours if ours[p].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert positional == [p for p in theirs if p in positional]
    assert getattr(cp, name)().get_params().keys() == ours.keys()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_attributes_and_methods_are_those_of_scikit_learn(
    name: str, parameters: dict[str, Any]
) -> None:
    y = Y_THREE if name == "MLPClassifier" else Y_REAL
    X_frame = pd.DataFrame(X, columns=list("abcde"))
    ours = getattr(cp, name)(max_iter=2, **parameters).fit(X_frame, y)
    theirs = getattr(peer, name)(max_iter=2, **parameters).fit(X_frame, y)

    def public(estimator: Any) -> set[str]:
        entries = {entry for entry in dir(estimator) if not entry.startswith("_")}
        return entries - estimator.get_params().keys()

    # `loss` of its classifier is a constant; it shows partial_fit for lbfgs, which cannot do it
    shown = public(theirs) - {"loss"} - ({"partial_fit"} if theirs.solver == "lbfgs" else set())
    assert shown <= public(ours)
    for attribute in sorted(shown):
        mine, other = getattr(ours, attribute), getattr(theirs, attribute)
        if not callable(other):
            assert (mine is None) == (other is None), attribute
            if isinstance(other, str | int | np.ndarray):
                assert type(mine) is type(other), attribute
        elif not attribute.startswith("set_"):  # those take scikit-learn's requests
            wanted = list(inspect.signature(other).parameters.values())
            given = list(inspect.signature(mine).parameters.values())
            assert [(p.name, p.default, p.kind) for p in given[: len(wanted)]] == [
                (p.name, p.default, p.kind) for p in wanted
            ], attribute
    assert get_tags(ours).input_tags == get_tags(theirs).input_tags
    assert get_tags(ours).target_tags == get_tags(theirs).target_tags
    assert is_classifier(ours) == is_classifier(theirs)
    assert is_regressor(ours) == is_regressor(theirs)


def test_partial_fit_is_for_stochastic_solvers() -> None:
    for make in (classifier, regressor):
        with pytest.raises(AttributeError, match="no attribute 'partial_fit'"):
            _ = make(solver="lbfgs").partial_fit
        assert hasattr(make(solver="rmsprop"), "partial_fit")


# ---- kinds of X ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [csr_array, csr_matrix, csc_array, csc_matrix])
@pytest.mark.parametrize(
    "parameters", [{}, {"solver": "lbfgs"}, {"early_stopping": True}, {"dtype": "float32"}]
)
def test_sparse_X_is_the_same_as_dense(form: Any, parameters: dict[str, Any]) -> None:
    dense = np.where(np.abs(X) > 0.5, X, 0.0)
    sparse = form(dense)
    # rounding in another order: some eps, amplified by five epochs
    close = {"rtol": 1e-3 if parameters.get("dtype") else 1e-9, "atol": 1e-6}
    for make, y in ((classifier, Y_THREE), (regressor, Y_SEVERAL)):
        a = make(**parameters).fit(dense, y, sample_weight=WEIGHTS)
        b = make(**parameters).fit(sparse, y, sample_weight=WEIGHTS)
        np.testing.assert_allclose(flat(a), flat(b), **close)
        np.testing.assert_allclose(a.predict(sparse), a.predict(dense), **close)
        c = make(**parameters).fit(dense, y, X_val=sparse, y_val=y)
        assert len(c.validation_loss_curve_) == c.n_iter_
    whole = classifier().fit(sparse, Y_THREE)
    assert whole.predict_proba(sparse[:1]).shape == (1, 3)
    part = classifier().partial_fit(sparse, Y_THREE, classes=[0, 1, 2])
    assert part.n_iter_ == 1


def test_one_row_one_feature_and_lists() -> None:
    one = regressor(batch_size="auto").fit([[1.0]], [2.0])
    assert one.predict([[1.0]]).shape == (1,)
    same = regressor().fit(X.tolist(), Y_REAL.tolist())
    assert same_weights(same, regressor().fit(X, Y_REAL))
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        one.predict([1.0])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames(frame: Any) -> None:
    table = frame({name: X[:, i] for i, name in enumerate("abcde")})
    for make, y in ((classifier, Y_THREE), (regressor, Y_REAL)):
        estimator = make().fit(table, y)
        assert list(estimator.feature_names_in_) == list("abcde")
        assert same_weights(estimator, make().fit(X, y))
        np.testing.assert_array_equal(estimator.predict(table), make().fit(X, y).predict(X))
        other = frame({name: X[:, i] for i, name in enumerate("abcdz")})
        for use in (
            estimator.predict,
            estimator.trace,
            estimator.hidden_activations,
            lambda T, e=estimator, y=y: e.partial_fit(T, y),
            lambda T, e=estimator, y=y: e.score(T, y),
            lambda T, m=make, t=table, y=y: m().fit(t, y, X_val=T, y_val=y),
        ):
            with pytest.raises(ValueError, match=r"(?s)feature names should match.*- z"):
                use(other)
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            estimator.predict(X)
    assert not hasattr(classifier().fit(X, Y_THREE), "feature_names_in_")


def test_series_as_y() -> None:
    by_series = classifier().fit(X, pd.Series(NAMES, dtype="category"), pd.Series(WEIGHTS))
    plain = classifier().fit(X, NAMES, WEIGHTS)
    assert same_weights(by_series, plain)
    np.testing.assert_array_equal(by_series.predict(X), plain.predict(X))
    frame = pd.DataFrame({"kind": NAMES, "size": np.where(Y_TWO, "big", "small")})
    columns = classifier().fit(X, frame)
    assert [list(c) for c in columns.classes_] == [["ant", "bee", "cat"], ["big", "small"]]
    assert columns.predict(X).shape == (N, 2)


# ---- kinds of y ----------------------------------------------------------------------------------

LABELS: dict[str, Any] = {
    "strings": NAMES,
    "objects": NAMES.astype(object),
    "two objects": np.array(["no", "yes"], dtype=object)[Y_TWO],
    "booleans": Y_TWO > 0,
    "int8": Y_THREE.astype(np.int8) - 5,
    "uint64": Y_THREE.astype(np.uint64),
    "float64": Y_THREE * 2.0,
    "one float32": Y_TWO.astype(np.float32),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("output", ["auto", "softmax", "logistic"])
def test_labels_come_back_as_they_went_in(name: str, output: str) -> None:
    y = LABELS[name]
    estimator = classifier(output=output, max_iter=100, learning_rate_init=0.05).fit(X, y)
    prediction = estimator.predict(X)
    # as scikit-learn has it: strings come back as strings if they were objects
    assert prediction.dtype == unique_labels(y).dtype
    assert prediction.shape == (N,)
    np.testing.assert_array_equal(estimator.classes_, np.unique(y))
    proba = estimator.predict_proba(X)
    assert proba.shape == (N, len(np.unique(y)))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(estimator.predict_log_proba(X), np.log(proba))
    np.testing.assert_array_equal(prediction, estimator.classes_[proba.argmax(axis=1)])
    assert estimator.score(X, y) > 0.85
    assert estimator.score(X, y, WEIGHTS) == accuracy_score(y, prediction, sample_weight=WEIGHTS)


@pytest.mark.parametrize("output", ["auto", "softmax"])
def test_one_class_only(output: str) -> None:
    """As in scikit-learn, predict_proba has two columns."""
    y = np.full(N, "ant")
    estimator = classifier(output=output).fit(X, y)
    assert list(estimator.classes_) == ["ant"]
    assert (estimator.predict(X) == "ant").all()
    assert estimator.score(X, y) == 1
    assert estimator.predict_proba(X).shape == (N, 2)
    if output == "auto":
        settings = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, "batch_size": 16}
        theirs = peer.MLPClassifier(**settings).fit(X, y)
        np.testing.assert_allclose(estimator.predict_proba(X), theirs.predict_proba(X))


def test_multi_label() -> None:
    estimator = classifier(max_iter=100, learning_rate_init=0.05).fit(X, Y_LABELS)
    proba = estimator.predict_proba(X)
    np.testing.assert_array_equal(estimator.predict(X), (proba > 0.5).astype(int))
    assert estimator.score(X, Y_LABELS) == (estimator.predict(X) == Y_LABELS).all(axis=1).mean()
    assert estimator.out_activation_ == "logistic"
    sparse = classifier(max_iter=100, learning_rate_init=0.05).fit(X, csr_matrix(Y_LABELS))
    assert same_weights(estimator, sparse)
    prediction = sparse.predict(X)
    assert isinstance(prediction, csr_matrix)  # as it went in
    np.testing.assert_array_equal(prediction.toarray(), estimator.predict(X))
    early = {"early_stopping": True, "class_weight": "balanced"}
    assert same_weights(
        classifier(**early).fit(X, csr_matrix(Y_LABELS)), classifier(**early).fit(X, Y_LABELS)
    )


@pytest.mark.parametrize("dtype", [int, str, object])
def test_several_columns_of_classes(dtype: Any) -> None:
    y = Y_COLUMNS if dtype is int else Y_COLUMNS.astype(str).astype(dtype)
    estimator = classifier(solver="lbfgs", max_iter=60, alpha=0.0).fit(X, y)
    assert [list(c) for c in estimator.classes_] == [
        list(np.unique(y[:, 0])),
        list(np.unique(y[:, 1])),
    ]
    prediction = estimator.predict(X)
    assert prediction.dtype == y.dtype
    proba = estimator.predict_proba(X)
    assert [p.shape for p in proba] == [(N, 3), (N, 2)]
    for column, (p, classes) in enumerate(zip(proba, estimator.classes_, strict=True)):
        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_array_equal(prediction[:, column], classes[p.argmax(axis=1)])
    for p, log_p in zip(proba, estimator.predict_log_proba(X), strict=True):
        with np.errstate(divide="ignore"):
            np.testing.assert_array_equal(log_p, np.log(p))
    right = (prediction == y).all(axis=1)
    assert estimator.score(X, y) == right.mean() > 0.8
    assert estimator.score(X, y, WEIGHTS) == pytest.approx(np.average(right, weights=WEIGHTS))
    net = estimator.network_
    assert estimator.loss_ == pytest.approx(net.loss(X, Y_COLUMNS - [0, 4]))


def test_log_of_a_vanished_probability() -> None:
    estimator = classifier().fit(X, Y_THREE)
    estimator.intercepts_[-1][:] = [1e4, 0, 0]
    log_proba = estimator.predict_log_proba(X)
    np.testing.assert_array_equal(log_proba[:, 0], 0)
    assert (log_proba[:, 1:] == -np.inf).all()


def test_column_vector_y_warns() -> None:
    from sklearn.exceptions import DataConversionWarning

    for make, y in ((classifier, Y_TWO), (regressor, Y_REAL)):
        with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
            estimator = make().fit(X, y[:, None])
        assert estimator.predict(X).shape == (N,)


# ---- scikit-learn's tools ------------------------------------------------------------------------


def test_html_and_text() -> None:
    for estimator in (
        classifier(solver=cp.Adam(cp.schedules.Cosine(0.01)), activation=[cp.ACTIVATIONS["gelu"]]),
        classifier(class_weight={0: 1.0}).fit(X, Y_THREE),
        regressor(loss=cp.outputs.Huber(2.0)).fit(X, Y_REAL),
    ):
        name = type(estimator).__name__
        html = estimator._repr_html_()
        assert f">{name}<" in html
        assert "hidden_layer_sizes" in html
        assert repr(estimator).startswith(f"{name}(")
        assert name in make_pipeline(StandardScaler(), estimator)._repr_html_()


def test_grid_search_over_our_own_parameters() -> None:
    grid = {
        "mlpclassifier__hidden_layer_sizes": [(4,), (3, 2)],
        "mlpclassifier__solver": ["nadam", cp.SGD(cp.schedules.OneCycle(0.1))],
        "mlpclassifier__activation": ["gelu", cp.ACTIVATIONS["mish"]],
    }
    search = GridSearchCV(make_pipeline(StandardScaler(), classifier(max_iter=2)), grid, cv=2)
    search.fit(X, NAMES)
    assert len(search.cv_results_["params"]) == 8
    assert search.predict(X).dtype == NAMES.dtype
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_two_processes() -> None:
    """The scores are the same; the estimators travel by pickle, the own φ too."""
    own = cp.Activation("softsign", lambda z: z / (1 + abs(z)), lambda z, h: 1 / (1 + abs(z)) ** 2)
    for parameters in ({"activation": own, "engine": "reference"}, {}):
        estimator = classifier(callbacks=[lambda report: report.epoch == 3], **parameters)
        scores = cross_val_score(estimator, X, Y_THREE, cv=2, n_jobs=2)
        np.testing.assert_array_equal(scores, cross_val_score(estimator, X, Y_THREE, cv=2))


def test_learning_curve_by_partial_fit() -> None:
    sizes, train, test = learning_curve(
        classifier(batch_size=5),
        X,
        Y_THREE,
        exploit_incremental_learning=True,
        cv=KFold(2),
        train_sizes=[10, 20, 40],
    )
    assert list(sizes) == [10, 20, 40]
    assert train.shape == test.shape == (3, 2)
    for fold, (train_rows, test_rows) in enumerate(KFold(2).split(X)):
        by_hand, start = classifier(batch_size=5), 0
        for number, size in enumerate(sizes):
            rows = train_rows[start:size]
            by_hand.partial_fit(X[rows], Y_THREE[rows], classes=[0, 1, 2])
            assert test[number, fold] == by_hand.score(X[test_rows], Y_THREE[test_rows])
            start = size


def test_metadata_routing() -> None:
    with config_context(enable_metadata_routing=True):
        estimator = classifier().set_fit_request(
            sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
        )
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = Pipeline([("scale", scaler), ("net", estimator)], transform_input=["X_val"])
        pipeline.fit(
            X,
            Y_THREE,
            sample_weight=WEIGHTS,
            X_val=X[:30] + 1,
            y_val=Y_THREE[:30],
            sample_weight_val=WEIGHTS[:30],
        )
        S = StandardScaler().fit(X)
        by_hand = classifier().fit(
            S.transform(X),
            Y_THREE,
            WEIGHTS,
            X_val=S.transform(X[:30] + 1),
            y_val=Y_THREE[:30],
            sample_weight_val=WEIGHTS[:30],
        )
        assert same_weights(pipeline["net"], by_hand)
        assert pipeline["net"].validation_loss_curve_ == by_hand.validation_loss_curve_

        weighted = classifier().set_fit_request(sample_weight=True)
        weighted.set_score_request(sample_weight=True)
        weighted.set_partial_fit_request(sample_weight=True, classes=True)
        search = GridSearchCV(weighted, {"alpha": [0.0, 9.0]}, cv=2)
        search.fit(X, Y_THREE, sample_weight=WEIGHTS)
        best = classifier(**search.best_params_).fit(X, Y_THREE, WEIGHTS)
        assert same_weights(search.best_estimator_, best)
        assert search.score(X, Y_THREE, sample_weight=WEIGHTS) == best.score(X, Y_THREE, WEIGHTS)
        # without a request scikit-learn stops the user
        with pytest.raises(ValueError, match="sample_weight"):
            GridSearchCV(classifier(), {"alpha": [0.0]}, cv=2).fit(
                X, Y_THREE, sample_weight=WEIGHTS
            )
        # early stopping scores with the weights whatever is requested
        early = classifier(early_stopping=True, scoring="accuracy")
        early.fit(X, Y_THREE, sample_weight=WEIGHTS)
        assert len(early.validation_scores_) == early.n_iter_
