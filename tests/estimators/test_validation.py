"""Own validation data, the validation curve, and early stopping on any scorer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score
from toy_data import (
    WEIGHTS,
    Y_COLUMNS,
    Y_REAL,
    Y_THREE,
    Y_TWO,
    N,
    Watch,
    X,
    classifier,
    regressor,
    same_weights,
)

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRAIN, VALID = np.arange(60), np.arange(60, N)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_own_validation_data(early_stopping: bool, weighted: bool) -> None:
    watch = Watch()
    estimator = classifier(max_iter=12, early_stopping=early_stopping, callbacks=[watch])
    weight = WEIGHTS[VALID] if weighted else None
    estimator.fit(
        X[TRAIN], Y_THREE[TRAIN], X_val=X[VALID], y_val=Y_THREE[VALID], sample_weight_val=weight
    )
    assert estimator.t_ == 60 * estimator.n_iter_  # nothing is split off
    nets = watch.networks(estimator)
    losses = [net.loss(X[VALID], Y_THREE[VALID], weight) for net in nets]
    np.testing.assert_allclose(estimator.validation_loss_curve_, losses)
    if not early_stopping:
        assert estimator.validation_scores_ is None
        assert estimator.best_validation_score_ is None
        assert estimator.best_loss_ == min(estimator.loss_curve_)
        plain = classifier(max_iter=12).fit(X[TRAIN], Y_THREE[TRAIN])
        assert same_weights(estimator, plain)
        assert plain.validation_loss_curve_ is None
    else:
        scores = [
            accuracy_score(Y_THREE[VALID], net.predict(X[VALID]), sample_weight=weight)
            for net in nets
        ]
        np.testing.assert_allclose(estimator.validation_scores_, scores)
        assert estimator.best_loss_ is None
        best = int(np.argmax(scores))
        assert estimator.best_validation_score_ == pytest.approx(scores[best])
        np.testing.assert_array_equal(estimator.network_.theta, watch.thetas[best])


SCORINGS: dict[str, tuple[Any, Any]] = {
    "default": (None, lambda net, X, y: r2_score(y, net.predict(X))),
    "name": (
        "neg_mean_absolute_error",
        lambda net, X, y: -mean_absolute_error(y, net.predict(X)),
    ),
    "function": (
        lambda estimator, X, y: -abs(estimator.predict(X) - y).max(),
        lambda net, X, y: -abs(net.predict(X) - y).max(),
    ),
    "loss": ("loss", lambda net, X, y: -net.loss(X, y)),
}


@pytest.mark.parametrize("name", SCORINGS)
@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("own_data", [False, True])
def test_early_stopping_on_any_scorer(name: str, frame: bool, own_data: bool) -> None:
    scoring, recompute = SCORINGS[name]
    wrap = (lambda A: pd.DataFrame(A, columns=list("abcde"))) if frame else (lambda A: A)
    watch = Watch()
    estimator = regressor(
        early_stopping=True,
        scoring=scoring,
        max_iter=40,
        n_iter_no_change=3,
        learning_rate_init=0.05,
        callbacks=[watch],
    )
    if own_data:
        estimator.fit(wrap(X[TRAIN]), Y_REAL[TRAIN], X_val=wrap(X[VALID]), y_val=Y_REAL[VALID])
        held_out = VALID
    else:
        rng = np.random.RandomState(0)
        clone(estimator).set_params(random_state=rng).initialize(X, Y_REAL)
        held_out = rng.permutation(N)[: math.ceil(0.1 * N)]  # as train_test_split draws them
        estimator.fit(wrap(X), Y_REAL)
    scores = [recompute(net, X[held_out], Y_REAL[held_out]) for net in watch.networks(estimator)]
    np.testing.assert_allclose(estimator.validation_scores_, scores)
    best = int(np.argmax(scores))
    np.testing.assert_array_equal(estimator.network_.theta, watch.thetas[best])
    assert estimator.best_validation_score_ == pytest.approx(scores[best])
    assert best < estimator.n_iter_ - 1
    assert estimator.n_iter_ < 40
    assert estimator.history_.stopped == "patience"


def test_scoring_of_several_columns_of_classes() -> None:
    estimator = classifier(early_stopping=True, max_iter=3)
    estimator.fit(X[TRAIN], Y_COLUMNS[TRAIN], X_val=X[VALID], y_val=Y_COLUMNS[VALID])
    right = (estimator.predict(X[VALID]) == Y_COLUMNS[VALID]).all(axis=1).mean()
    assert estimator.best_validation_score_ == right
    assert estimator.score(X[VALID], Y_COLUMNS[VALID]) == right


def test_a_scorer_after_a_fit_of_another_architecture() -> None:
    """What the scorer is given has the weights of this fit, not those of the one before."""
    estimator = classifier(early_stopping=True, scoring="accuracy").fit(X, Y_THREE)
    estimator.set_params(hidden_layer_sizes=(4, 3)).fit(X[:, :3], Y_TWO)
    fresh = clone(estimator).fit(X[:, :3], Y_TWO)
    assert estimator.validation_scores_ == fresh.validation_scores_
    assert same_weights(estimator, fresh)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"X_val": X}, "X_val and y_val must be given together"),
        ({"y_val": Y_THREE}, "X_val and y_val must be given together"),
        ({"sample_weight_val": WEIGHTS}, "sample_weight_val needs X_val and y_val"),
        ({"X_val": X[:, :2], "y_val": Y_THREE}, "X has 2 features, but MLPClassifier is expecting"),
        ({"X_val": X, "y_val": Y_THREE + 1}, "`y` has classes not in"),
        ({"X_val": X, "y_val": Y_THREE[:9]}, "inconsistent numbers of samples"),
        ({"X_val": X, "y_val": Y_THREE, "sample_weight_val": WEIGHTS[:9]}, "sample_weight"),
    ],
)
def test_wrong_validation_data(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, Y_THREE, **options)
