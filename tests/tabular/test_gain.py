"""A model that is not better than a constant prediction is told so, with the likely reason."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

import clearprop as cp
from clearprop.outputs import Quantile
from clearprop.tabular.gain import Gain, best_constant

NOT_BETTER = "held-out rows are not predicted better than by a constant"


def table(n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), rng.normal(size=n)


def messages(model: Any, X: Any, y: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    return [str(w.message) for w in caught if w.category is cp.TableWarning]


@pytest.mark.filterwarnings("ignore:.*too short for more than linear members")
@pytest.mark.parametrize(
    ("n", "options", "reason"),
    [
        (250, {}, "the columns seem to say little or nothing about the target"),
        (60, {}, "there are few rows"),
        (250, {"time_limit": 1e-3}, r"time_limit=0\.001 is too short"),
    ],
)
def test_noise_is_told_with_the_likely_reason(n: int, options: Any, reason: str) -> None:
    X, y = table(n)
    for model, target in (
        (cp.TabularRegressor(4, random_state=0, **options), y),
        (cp.TabularClassifier(4, random_state=0, **options), y > 0),
    ):
        with pytest.warns(cp.TableWarning, match=f"{NOT_BETTER}.*{reason}"):
            model.fit(X, target)
        assert not model.oof_gain_.is_positive
        assert model.oof_gain_.reason


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"]
)
def test_a_model_that_has_learnt_is_not_told_so(loss: str) -> None:
    X, _ = table(120)
    model = cp.TabularRegressor(4, loss=loss, random_state=0)
    assert messages(model, X, np.exp(X[:, 0])) == []
    assert model.oof_gain_.is_positive
    assert model.oof_gain_.reason == ""


def test_a_constant_target_is_told() -> None:
    X, y = table(30)
    pairs = [
        (cp.TabularRegressor(1), np.full(30, 7.5), r"y is 7.5 in all rows"),
        (cp.TabularRegressor(1), np.stack([y, 0 * y], axis=1), r"y[:, 1] is 0 in all rows"),
        (cp.TabularClassifier(1), np.full(30, "a"), "y has only the class 'a'"),
        (cp.TabularClassifier(1), np.full(30, 3), "y has only the class 3"),
    ]
    for model, target, text in pairs:
        assert messages(model, X, target) == [f"{text}; the model always predicts it"]


def test_the_gain_is_the_mean_difference_of_the_losses() -> None:
    X, y = table(90)
    w = np.random.default_rng(2).exponential(size=90)
    model = cp.TabularClassifier(4, random_state=0).fit(X, y + 2 * X[:, 0] > 0, w)
    t = np.array(y + 2 * X[:, 0] > 0)
    share = np.tile(np.average(t, weights=w), 90)
    gain = log_loss(t, share, sample_weight=w) - log_loss(t, model.oof_prediction_, sample_weight=w)
    assert model.oof_gain_.value == pytest.approx(gain, rel=1e-5)
    assert model.oof_gain_.n == 90
    a, b = np.array([1.0, 2.0, 4.0]), np.array([3.0, 3.0, 3.0])
    found = Gain.of(a, b, np.ones(3), "epochs", "")
    assert found.value == pytest.approx(2 / 3)
    assert found.error == pytest.approx((b - a).std() / np.sqrt(3))


def test_the_best_constant_of_a_quantile_is_the_weighted_quantile() -> None:
    t = np.repeat(np.arange(10.0)[:, None], 2, axis=1)
    assert best_constant(Quantile((0.1, 0.5)), t, np.ones(10)).tolist() == [0, 4]
    assert best_constant(Quantile((0.1, 0.5)), t, np.r_[np.zeros(9), 1]).tolist() == [9, 9]
