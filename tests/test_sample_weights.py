"""Only the ratios of sample weights matter, whatever their scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.checks import scale_weights

SCALES = (5e-324, 1e-310, 1e-40, 2.0**-90, 3e-7, 1.0, 7e5, 1e39, 1e300)


def table(n: int = 60) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = (X[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int)
    return X, y, 2.0 ** rng.integers(0, 5, n)


@settings(max_examples=60, deadline=None)
@given(
    w=st.lists(st.floats(0, 1e308), min_size=1, max_size=40).filter(any),
    exponent=st.integers(-900, 900),
)
def test_weights_divided_by_their_mean_stay_as_they_are(w: list[float], exponent: int) -> None:
    weights = np.array(w)
    scaled, size = scale_weights(weights)
    assert np.isfinite(scaled).all()
    assert scaled.mean() == pytest.approx(1, abs=1e-13)
    assert np.array_equal(scale_weights(scaled)[0], scaled)
    assert size == pytest.approx(np.mean(weights / len(weights)) * len(weights), rel=1e-12)
    with np.errstate(all="ignore"):
        moved = np.ldexp(weights, exponent)
    normal = (moved == 0) == (weights == 0)
    if np.isfinite(moved).all() and normal.all() and moved[moved > 0].min() > 1e-300:
        assert np.array_equal(scale_weights(moved)[0], scaled)


@settings(max_examples=10, deadline=None)
@given(exponent=st.integers(-1000, 1000), by_class=st.booleans())
def test_a_bag_and_a_network_see_only_the_ratios(exponent: int, by_class: bool) -> None:
    X, y, w = table()
    scale = 2.0**exponent
    class_weight = {0: scale, 1: 3 * scale} if by_class else None
    common = {0: 1.0, 1: 3.0} if by_class else None
    for kind, options in (
        (cp.TabularClassifier, {"n_members": 1, "time_limit": None}),
        (cp.MLPClassifier, {"hidden_layer_sizes": (4,), "alpha": 0, "max_iter": 5}),
    ):
        model, plain = (
            kind(class_weight=c, random_state=0, **options) for c in (class_weight, common)
        )
        with pytest.warns() if kind is cp.MLPClassifier else _nothing():
            model.fit(X, y, w * scale)
            plain.fit(X, y, w / w.mean())
        p = plain.predict_proba(X)
        assert np.allclose(model.predict_proba(X), p, rtol=1e-9 if kind is cp.MLPClassifier else 0)
        assert model.score(X, y, w * scale) == pytest.approx(plain.score(X, y, w), rel=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_regressors_at_all_scales(scale: float) -> None:
    X, _, w = table()
    t = X @ [1.0, 2.0, 3.0]
    given = w * scale
    for model in (
        cp.TabularRegressor(1, random_state=0),
        cp.MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=20, random_state=0),
    ):
        model.set_params(**({"alpha": 0.0, "tol": 0.5} if hasattr(model, "alpha") else {}))
        scaled = model.fit(X, t, given).predict(X)
        plain = model.fit(X, t, w / w.mean()).predict(X)
        assert np.allclose(scaled, plain, rtol=1e-6, atol=1e-6)
        assert model.score(X, t, given) == pytest.approx(model.score(X, t, w), rel=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", SCALES)
def test_the_loss_of_a_network_at_all_scales(scale: float, dtype: Any) -> None:
    X, y, w = table()
    net = cp.Network([3, 2], output="softmax", seed=0, dtype=dtype)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert net.loss(X, y, w * scale) == pytest.approx(net.loss(X, y, w), rel=tolerance)
    gradients, scaled = (net.backward(net.forward(X), y, v).theta for v in (w, w * scale))
    assert np.allclose(gradients, scaled, rtol=tolerance, atol=tolerance)


def test_alpha_is_divided_by_the_sum_of_weights_that_may_count_rows() -> None:
    X, _, w = table()
    t = X @ [1.0, 2.0, 3.0]

    def size(weights: Any, alpha: float) -> float:
        model = cp.MLPRegressor(
            hidden_layer_sizes=(), solver="lbfgs", alpha=alpha, tol=1e-8, random_state=0
        ).fit(X, t, weights)
        return float(np.abs(model.coefs_[0]).sum())

    assert size(10 * w, 100.0) == pytest.approx(size(w, 10.0), rel=1e-4)  # as in scikit-learn
    assert size(1e-40 * w, 100.0) == size(w / w.mean(), 100.0)


def test_weights_of_hugely_different_sizes() -> None:
    X, _, _ = table()
    w = np.where(np.arange(60) < 30, 1e-300, 1.0)
    few = cp.TabularRegressor(1, random_state=0).fit(X, X[:, 0], w)
    none = cp.TabularRegressor(1, random_state=0).fit(X, X[:, 0], (w == 1).astype(float))
    assert np.array_equal(few.predict(X), none.predict(X))


@pytest.mark.parametrize(
    "model", [cp.TabularClassifier(1), cp.MLPClassifier(hidden_layer_sizes=(2,), max_iter=2)]
)
def test_errors_name_the_argument(model: Any) -> None:
    X, y, w = table()
    with pytest.raises(ValueError, match="sample_weight must have at least one entry > 0"):
        model.fit(X, y, 0 * w)
    model.set_params(class_weight={0: -1.0, 1: 1.0})
    with pytest.raises(ValueError, match=r"class_weight must be finite and >= 0; got -1\.0 for"):
        model.fit(X, y)
    model.set_params(class_weight={0: 0.0, 1: 0.0})
    with pytest.raises(ValueError, match="class_weight and sample_weight leave no row"):
        model.fit(X, y)


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()
