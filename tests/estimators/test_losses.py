"""The regressor's losses, the classifier's output units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toy_data import (
    Y_COLUMNS,
    Y_COUNTS,
    Y_LABELS,
    Y_REAL,
    Y_SEVERAL,
    Y_THREE,
    Y_TWO,
    N,
    X,
    classifier,
    regressor,
    same_weights,
)

import clearprop as cp

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# The best constant for each loss: X is 0, so only the last bias can be learnt.
CONSTANTS: dict[str, tuple[Any, Any, Any]] = {
    "squared_error": ("squared_error", Y_REAL, Y_REAL.mean()),
    "absolute_error": ("absolute_error", Y_REAL[:79], np.median(Y_REAL[:79])),
    "wide huber": (cp.outputs.Huber(100.0), Y_REAL, Y_REAL.mean()),
    "narrow huber": (cp.outputs.Huber(1e-3), Y_REAL[:79], np.median(Y_REAL[:79])),
    "median": ("quantile", Y_REAL[:79], np.median(Y_REAL[:79])),
    "quantiles": (
        cp.outputs.Quantile((0.1, 0.5, 0.9)),
        Y_REAL[:79],
        np.quantile(Y_REAL[:79], [0.1, 0.5, 0.9], method="inverted_cdf"),
    ),
    "quantiles of two columns": (
        cp.outputs.Quantile((0.1, 0.9)),
        Y_SEVERAL[:79, :2],
        np.quantile(Y_SEVERAL[:79, :2], [0.1, 0.9], axis=0, method="inverted_cdf").T,
    ),
    "poisson": ("poisson", Y_COUNTS, Y_COUNTS.mean()),
    "gamma": ("gamma", Y_COUNTS + 0.5, Y_COUNTS.mean() + 0.5),
    "tweedie": (cp.outputs.Tweedie(1.3), Y_COUNTS, Y_COUNTS.mean()),
    "negative_binomial": ("negative_binomial", Y_COUNTS, Y_COUNTS.mean()),
    "gaussian": ("gaussian", Y_REAL, Y_REAL.mean()),
    "binary_cross_entropy": ("binary_cross_entropy", 0.3 * Y_LABELS, 0.3 * Y_LABELS.mean(axis=0)),
    "cross_entropy": ("cross_entropy", cp.softmax(Y_SEVERAL), cp.softmax(Y_SEVERAL).mean(axis=0)),
    "several outputs": ("squared_error", Y_SEVERAL, Y_SEVERAL.mean(axis=0)),
    "several counts": (cp.outputs.Poisson(), Y_LABELS * 2.0, (Y_LABELS * 2.0).mean(axis=0)),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_every_loss_has_its_own_best_constant(name: str) -> None:
    loss, y, best = CONSTANTS[name]
    estimator = cp.MLPRegressor(
        loss,
        hidden_layer_sizes=(),
        solver="adam",
        learning_rate="cosine",
        learning_rate_init=0.05,
        max_iter=400,
        batch_size=len(y),
        alpha=0.0,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    estimator.fit(np.zeros((len(y), 1)), y)
    # the steps end below 1e-3, and the data are that far from the next value at a quantile
    np.testing.assert_allclose(estimator.predict(np.zeros((1, 1)))[0], best, atol=5e-3)
    output = estimator.network_.output
    t = output.targets(y, estimator.n_outputs_, np.dtype(float))
    z = estimator.network_.forward(np.zeros((len(y), 1))).z[-1]
    assert estimator.loss_ == pytest.approx(float(output.loss(z, t).mean()), rel=1e-5)


def test_the_gaussian_predicts_the_standard_deviation_too() -> None:
    """Of rows without differences it is that of y; of noise that grows with x it grows."""
    y = np.stack([Y_REAL, 3 * Y_REAL + 1], axis=1)
    options: dict[str, Any] = {"loss": "gaussian", "solver": "lbfgs", "alpha": 0.0, "tol": 1e-9}
    model = cp.MLPRegressor(hidden_layer_sizes=(), max_iter=5000, **options)
    mean, std = model.fit(np.zeros((N, 1)), y).predict(np.zeros((2, 1)), return_std=True)
    assert mean.shape == std.shape == (2, 2)
    np.testing.assert_allclose(mean[0], y.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(std[0], y.std(axis=0), rtol=1e-4)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (2000, 1))
    noisy = rng.normal(0, 0.1 + x[:, 0])
    model = cp.MLPRegressor(
        "gaussian", (16,), max_iter=60, learning_rate_init=0.01, random_state=0
    ).fit(x, noisy)
    mean, std = model.predict([[0.1], [0.9]], return_std=True)
    assert mean.shape == std.shape == (2,)
    np.testing.assert_allclose(std, [0.2, 1.0], rtol=0.25)
    with pytest.raises(ValueError, match=r"return_std=True needs a loss .*; got 'squared_error'"):
        regressor().fit(X, Y_REAL).predict(X, return_std=True)


def test_shapes_of_quantiles() -> None:
    loss = cp.outputs.Quantile((0.1, 0.5, 0.9))
    assert regressor(loss=loss).fit(X, Y_REAL).predict(X).shape == (N, 3)
    several = regressor(loss=loss).fit(X, Y_SEVERAL)
    assert several.predict(X).shape == (N, 3, 3)
    assert regressor(loss="quantile").fit(X, Y_SEVERAL).predict(X).shape == (N, 3)
    with pytest.raises(ValueError, match=r"score is R².*several quantiles"):
        several.score(X, Y_SEVERAL)
    # there is no score of several quantiles, so early stopping watches the loss
    early = regressor(loss=loss, early_stopping=True).fit(X, Y_REAL)
    assert early.validation_scores_ == [-v for v in early.validation_loss_curve_]


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("poisson", Y_REAL, "y must be >= 0 for the loss 'poisson'"),
        ("gamma", Y_COUNTS * 0, "y must be > 0 for the loss 'gamma'; got 0"),
        ("tweedie", Y_REAL, "y must be >= 0 for the loss 'tweedie'"),
        ("binary_cross_entropy", Y_REAL, "y must be probabilities between 0 and 1"),
        ("cross_entropy", Y_SEVERAL, "y must be distributions"),
        ("cosine", Y_REAL, "'loss' parameter of MLPRegressor"),
    ],
)
def test_targets_that_a_loss_does_not_take(loss: str, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regressor(loss=loss).fit(X, y)


def test_output_units_of_the_classifier() -> None:
    softmax = classifier(output="softmax").fit(X, Y_TWO)
    assert softmax.n_outputs_ == 2
    assert softmax.out_activation_ == "softmax"
    z = softmax.network_.forward(X).z[-1]
    np.testing.assert_allclose(softmax.predict_proba(X), cp.softmax(z))
    np.testing.assert_array_equal(softmax.predict(X), z.argmax(axis=1))
    logistic = classifier(output="logistic").fit(X, Y_THREE)
    assert (logistic.n_outputs_, logistic.out_activation_) == (3, "logistic")
    s = cp.sigmoid(logistic.network_.forward(X).z[-1])
    np.testing.assert_allclose(logistic.predict_proba(X), s / s.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(logistic.predict(X), s.argmax(axis=1))
    # one against the rest is multi-label training on the indicators
    one_hot = np.eye(3, dtype=int)[Y_THREE]
    assert same_weights(logistic, classifier().fit(X, one_hot))
    for auto, y in (("logistic", Y_TWO), ("softmax", Y_THREE), ("logistic", Y_LABELS)):
        assert same_weights(classifier(output=auto).fit(X, y), classifier().fit(X, y))
    with pytest.raises(ValueError, match=r"output='softmax' .* multi-label"):
        classifier(output="softmax").fit(X, Y_LABELS)
    with pytest.raises(ValueError, match=r"output='logistic' .* several class columns"):
        classifier(output="logistic").fit(X, Y_COLUMNS)


def test_ordered_classes() -> None:
    """Grades of a quantity: the probabilities are those of the definition; files keep them."""
    grades = np.array(["a", "b", "c", "d"])[
        np.digitize(Y_REAL, np.quantile(Y_REAL, [0.3, 0.6, 0.8]))
    ]
    model = classifier(output="ordinal", max_iter=60).fit(X, grades)
    assert (model.n_outputs_, model.out_activation_) == (3, "ordinal")
    p = model.predict_proba(X)
    assert p.shape == (N, 4)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    above = model.network_.forward(X).y_hat
    np.testing.assert_allclose(p[:, 1:].sum(axis=1), above[:, 0], rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
    np.testing.assert_array_equal(model.network_.predict_proba(X), p)
    np.testing.assert_array_equal(model.network_.predict(X), p.argmax(axis=1))
    t = np.searchsorted(model.classes_, grades)
    loss = -np.log(p[np.arange(N), t]).mean()
    assert model.network_.loss(X, t) == pytest.approx(loss, rel=1e-9)
    two = classifier(output="ordinal").fit(X, Y_TWO)
    logistic = classifier(output="logistic").fit(X, Y_TWO)
    np.testing.assert_allclose(two.predict_proba(X), logistic.predict_proba(X), rtol=1e-9)
    for wrong, message in ((Y_LABELS, "multi-label"), (Y_COLUMNS, "several class columns")):
        with pytest.raises(ValueError, match=rf"output='ordinal' .*{message}"):
            classifier(output="ordinal").fit(X, wrong)
    with pytest.raises(ValueError, match="label_smoothing must be 0"):
        classifier(output="ordinal", label_smoothing=0.1).fit(X, grades)


def test_probabilities_where_all_logistic_outputs_vanish() -> None:
    estimator = classifier(output="logistic").fit(X, Y_THREE)
    estimator.coefs_[-1][...] = 0
    estimator.intercepts_[-1][...] = -1e4
    np.testing.assert_allclose(estimator.predict_proba(X), 1 / 3)


@pytest.mark.parametrize(
    ("y", "output", "n"),
    [(Y_THREE, "auto", 3), (Y_TWO, "softmax", 2), (Y_TWO, "auto", 2), (Y_LABELS, "auto", 2)],
)
def test_label_smoothing(y: Any, output: str, n: int) -> None:
    """The best constant is (1 − ε) times the frequency plus ε/K."""
    estimator = cp.MLPClassifier(
        hidden_layer_sizes=(),
        solver="lbfgs",
        alpha=0.0,
        tol=1e-9,
        random_state=0,
        label_smoothing=0.2,
        output=output,
    )
    proba = estimator.fit(np.zeros((N, 1)), y).predict_proba(np.zeros((1, 1)))[0]
    frequency = y.mean(axis=0) if y.ndim == 2 else np.bincount(y) / N
    np.testing.assert_allclose(proba, 0.8 * frequency + 0.2 / n, atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", cp.outputs.Huber(1.0)])
def test_targets_beyond_the_largest_loss_are_named(loss: Any, solver: str) -> None:
    y = np.ones(40)
    y[7] = -1.7e308
    with pytest.raises(ValueError, match=r"y must be at most .* in size .*-1\.7e\+308 in row 7"):
        cp.MLPRegressor(loss=loss, solver=solver, max_iter=2).fit(np.ones((40, 2)), y)
