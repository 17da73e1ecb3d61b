"""How sure probabilities are: the exponent, its step to the whole bag, and what estimators do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss
from tabular_cases import classifier, columns, target

from clearprop.tabular.bag.calibration import FLOOR, LEAST, MOST, best_exponent, exponent, temper
from clearprop.tabular.bag.folds import Apart

X = pd.DataFrame(columns(240))
VALUE = target(columns(240))


def drawn(n: int, K: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, K) and one-hot classes (n, K) that follow them, twice as sure."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(K), n)
    truth = temper(p, 2.0)
    k = (truth.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return p, np.eye(K)[k]


def test_tempered_by_the_definition() -> None:
    p = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(temper(p, 1.0), p)
    np.testing.assert_allclose(temper(p, 2.0), [[25 / 38, 9 / 38, 4 / 38], [1, 0, 0]])
    np.testing.assert_array_equal(temper(p, 0.7).argmax(axis=1), p.argmax(axis=1))


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 300),
    K=st.integers(2, 5),
    seed=st.integers(0, 1000),
    powers=st.floats(0.2, 5),
)
def test_the_best_exponent_has_the_least_loss(n: int, K: int, seed: int, powers: float) -> None:
    p, t = drawn(n, K, seed)
    p = temper(p, powers)
    weight = np.random.default_rng(seed).exponential(size=n)

    def loss(beta: float) -> float:
        q = temper(np.maximum(p, FLOOR), beta)
        return float(-weight @ np.log((q * t).sum(axis=1)) + (beta - 1) ** 2 / (2 * 0.1**2))

    expected = minimize_scalar(loss, bounds=(LEAST, MOST), method="bounded").x
    assert best_exponent(p, t, weight) == pytest.approx(expected, abs=1e-3)


def test_probabilities_that_are_half_as_sure() -> None:
    p, t = drawn(50_000, 3, 0)
    assert best_exponent(p, t, np.ones(len(p))) == pytest.approx(2, abs=0.05)


def members(n: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of eight networks p(1) (8, n) that vary around what is right in the middle, and t (n, 2)."""
    rng = np.random.default_rng(seed)
    z = rng.normal(scale=2, size=n)
    t = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    of_members = 1.1 * z + rng.normal(scale=spread, size=(8, n))
    return 1 / (1 + np.exp(-of_members)), np.eye(2)[t]


@pytest.mark.parametrize("spread", [0.3, 0.6, 1.0])
def test_the_exponent_of_the_whole_bag(spread: float) -> None:
    """Two of eight members hold a row out; β is right for the mean of eight that are new to it."""
    n = 40_000
    p, t = members(n, spread, 0)
    first = np.arange(n) % 4
    pairs = [(first, np.arange(n)), (first + 4, np.arange(n))]
    ones = np.concatenate([p[who, rows] for who, rows in pairs])
    y_hat = np.stack([1 - ones, ones], axis=1)
    apart = Apart(np.concatenate([np.arange(n)] * 2), y_hat, 8)
    found = exponent(apart, y_hat, t, np.ones(n))
    whole = p.mean(axis=0)
    both = np.stack([1 - whole, whole], axis=1)
    assert found == pytest.approx(best_exponent(both, t, np.ones(n)), abs=0.03)
    rows, m, mean = apart.means(y_hat)
    np.testing.assert_array_equal(rows, np.arange(n))
    np.testing.assert_array_equal(m, 2)
    assert found > best_exponent(mean, t, np.ones(n))  # two alone would have to be less sure


def test_one_where_nothing_can_be_told() -> None:
    p, t = drawn(40, 3, 1)
    once, twice = Apart(np.arange(40), p, 4), Apart(np.tile(np.arange(20), 2), p, 8)
    assert exponent(once, p, t, np.ones(40)) == 1
    assert exponent(twice, p, t, np.ones(40)) != 1
    assert exponent(twice, p, t, np.zeros(40)) == 1
    assert exponent(twice, np.where(p > 0.9, np.nan, p), t, np.ones(40)) == 1


def test_a_weight_counts_as_so_many_rows() -> None:
    p, t = drawn(40, 3, 2)
    rows, weight = np.tile(np.arange(20), 2), np.ones(40)
    weight[:5] = 0
    kept = rows >= 5
    some = exponent(Apart(rows[kept], p[kept], 8), p[kept], t, np.ones(40))
    assert exponent(Apart(rows, p, 8), p, t, weight) == pytest.approx(some, rel=1e-12)


@pytest.mark.parametrize("kind", ["single", "labels", "columns"])
def test_estimators_predict_tempered_means(kind: str) -> None:
    two, three = (VALUE > 1).astype(int), np.digitize(VALUE, [-1, 2])
    y: Any = {
        "single": three,
        "labels": np.stack([two, VALUE > 0], axis=1).astype(int),
        "columns": np.stack([two, three], axis=1),
    }[kind]
    model = classifier(8).fit(X, y)
    assert len(model.calibration_) == (1 if kind == "single" else 2)
    assert all(beta != 1 for beta in model.calibration_)
    y_hat = model._y_hat(X)
    p = model.predict_proba(X)
    if kind == "labels":
        for m, beta in enumerate(model.calibration_):
            odds = (y_hat[:, m] / (1 - y_hat[:, m])) ** beta
            np.testing.assert_allclose(p[:, m], odds / (1 + odds), rtol=1e-9)
        np.testing.assert_array_equal(model.predict(X), p > 0.5)
    else:
        parts = p if kind == "columns" else [p]
        of_parts = model.target_.groups(y_hat)
        for part, q, beta in zip(parts, of_parts, model.calibration_, strict=True):
            np.testing.assert_allclose(part, temper(q, beta), rtol=1e-6)
        np.testing.assert_array_equal(model.predict(X), model.target_.decide(y_hat))


def test_few_members_are_left_as_they_are() -> None:
    model = classifier(4).fit(X, VALUE > 1)
    assert model.calibration_ == (1.0,)


def test_networks_that_learn_noise_by_heart_are_made_less_sure() -> None:
    rng = np.random.default_rng(3)
    train, new = rng.normal(size=(2, 1500, 12))
    y, y_new = ((x[:, 0] + rng.normal(scale=2, size=1500) > 0).astype(int) for x in (train, new))
    model = classifier(8).fit(train, y)
    plain = model.target_.probabilities(model._y_hat(new))
    assert model.calibration_[0] < 1
    assert log_loss(y_new, model.predict_proba(new)) < log_loss(y_new, plain)
