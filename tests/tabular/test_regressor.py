"""TabularRegressor: losses, several outputs, scores, intervals that cover what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, mean_poisson_deviance, root_mean_squared_error
from tabular_cases import columns, regressor, target, with_epochs

import clearprop as cp
from clearprop.tabular.bag.intervals import MAX_RATIOS, MORE_MISSED, Residuals

TABLE = columns(240)
X, Y = pd.DataFrame(TABLE), target(TABLE)


def test_a_quantity() -> None:
    model = with_epochs(regressor(8), 100).fit(X, Y)
    assert model.predict(X).shape == (240,)
    assert model.score(X, Y) > 0.95
    assert model.oof_score_ == pytest.approx(root_mean_squared_error(Y, model.oof_prediction_))
    # the noise that was added is 0.3
    assert 0.3 < model.oof_score_ < 0.8


@pytest.mark.parametrize(("factor", "shift"), [(1e-200, 0.0), (1e6, -3e6), (1e200, 1e200)])
def test_units_do_not_matter(factor: float, shift: float) -> None:
    plain = regressor().fit(X, Y).predict(X)
    other = regressor().fit(X, factor * Y + shift).predict(X)
    # y is given to the networks in float32, of mean 0 and standard deviation 1
    np.testing.assert_allclose((other - shift) / factor, plain, atol=0.02)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_targets_of_any_size(loss: str) -> None:
    """They give a finite model, or an error that names y."""
    y = np.abs(Y[:60]) / np.abs(Y).max()
    for scale in (5e-320, 1e-308, 1e38, 1e140):
        model = regressor(1, loss=loss).fit(X[:60], scale * y)
        assert np.isfinite(model.predict(X)).all()
        assert np.isfinite(model.predict_interval(X[:5], 0.9)).all()
    for scale in (1e304, 1.7e308):
        with pytest.raises(ValueError, match=r"y must be at most .* in size .*; divide y by"):
            regressor(1, loss=loss).fit(X[:60], scale * y)


def test_huber_of_any_delta() -> None:
    for delta, scale in ((1e300, 1.0), (1.0, 1e-300)):
        model = cp.TabularRegressor(1, loss=cp.outputs.Huber(delta)).fit(X[:60], scale * Y[:60])
        assert np.isfinite(model.predict(X)).all()


def test_predictions_lie_within_the_range_of_training() -> None:
    model = regressor().fit(X, Y)
    far = pd.DataFrame(columns(50, seed=5))
    far["size"] = np.linspace(-1e6, 1e6, 50)
    assert model.predict(far).min() >= Y.min()
    assert model.predict(far).max() <= Y.max()


def test_a_constant() -> None:
    with pytest.warns(cp.TableWarning, match=r"y is 3\.5 in all rows; the model"):
        model = regressor().fit(X, np.full(240, 3.5))
    np.testing.assert_array_equal(model.predict(X), 3.5)
    assert model.oof_score_ == 0
    np.testing.assert_allclose(model.predict_interval(X[:2]), 3.5)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("squared_error", "mean"), ("absolute_error", "median"), ("quantile", "median")],
)
def test_what_a_loss_predicts(loss: str, expected: str) -> None:
    """Nothing to learn but a skewed distribution: its mean or its median."""
    rng = np.random.default_rng(0)
    y = rng.exponential(size=3000)
    model = with_epochs(regressor(loss=loss), 10).fit(rng.normal(size=(3000, 1)), y)
    wanted = 1.0 if expected == "mean" else np.log(2)
    # 3,000 rows: the standard error of mean and median is 0.02
    assert model.predict([[0.0]])[0] == pytest.approx(wanted, abs=0.12)


def test_outliers_pull_less_with_hubers_loss() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 1))
    y = x[:, 0] + np.where(rng.random(600) < 0.1, 50, 0)
    errors = {}
    for loss in ("squared_error", "huber", cp.outputs.Huber(delta=0.2)):
        model = with_epochs(regressor(loss=loss), 40).fit(x, y)
        errors[str(loss)] = np.abs(model.predict(x) - x[:, 0]).mean()
    assert errors["huber"] < 0.7 * errors["squared_error"]
    assert errors[str(cp.outputs.Huber(delta=0.2))] < errors["squared_error"]


def test_a_huber_record_is_in_units_of_y() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    y = np.stack([x[:, 0], 3 * x[:, 0] ** 2], axis=1)
    for factor in (1.0, 1000.0):
        loss = cp.outputs.Huber(0.5 * factor)
        model = with_epochs(regressor(loss=loss), 2).fit(x, factor * y)
        target = model.target_
        assert target.output.delta * target.scale == pytest.approx([0.5 * factor] * 2)
        # the score is the record's own loss of y
        matrix = model.encode(x)
        y_hat = np.mean([net.forward(matrix).y_hat for net in model.networks_], axis=0)
        y_hat = y_hat * target.scale + target.centre
        score = model.feature_importances(x, factor * y, n_repeats=1).score
        assert score == pytest.approx(loss.loss(y_hat, factor * y).mean() / 2, rel=1e-4)
    by_name = with_epochs(regressor(loss="huber"), 2).fit(x, y).target_
    distances = np.abs(y - np.median(y, axis=0)).mean(axis=0)
    assert by_name.output.delta * by_name.scale == pytest.approx(distances)


def test_counts() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2))
    rate = np.exp(x[:, 0])
    y = rng.poisson(rate)
    model = with_epochs(regressor(loss="poisson"), 20).fit(x, y)
    assert (model.predict(x) >= 0).all()
    assert np.corrcoef(model.predict(x), rate)[0, 1] > 0.9
    oof = model.oof_prediction_
    assert model.oof_score_ == pytest.approx(mean_poisson_deviance(y, oof), rel=1e-6)
    assert model.oof_score_ < 0.8 * mean_poisson_deviance(y, np.full(2000, y.mean()))
    with pytest.raises(ValueError, match="y must be >= 0, and > 0 somewhere"):
        regressor(loss="poisson").fit(x, y - 1)


def test_quantiles() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 1))
    y = x[:, 0] + np.exp(0.5 * x[:, 0]) * rng.normal(size=3000)
    model = with_epochs(regressor(loss=cp.outputs.Quantile((0.1, 0.5, 0.9))), 20).fit(x, y)
    q = model.predict(x)
    assert q.shape == (3000, 3)
    # of 3,000 rows a share of 0.1 has a standard error of 0.005
    for column, level in zip(model.oof_prediction_.T, (0.1, 0.5, 0.9), strict=True):
        assert (y < column).mean() == pytest.approx(level, abs=0.03)
    with pytest.raises(ValueError, match="predict_interval needs a loss with one prediction"):
        model.predict_interval(x)
    with pytest.raises(ValueError, match="score has no meaning for several quantiles"):
        model.score(x, y)
    both = with_epochs(regressor(loss=cp.outputs.Quantile((0.1, 0.9))), 2).fit(
        x, np.stack([y, -y], 1)
    )
    assert both.predict(x[:5]).shape == (5, 2, 2)
    assert both.oof_prediction_.shape == (3000, 2, 2)
    assert both.n_outputs_ == 4
    assert (both.predict(x)[:, :, 0] < both.predict(x)[:, :, 1]).mean() > 0.9
    with pytest.raises(ValueError, match="scoring must be None for several quantiles"):
        regressor(loss=cp.outputs.Quantile((0.1, 0.9)), scoring="mae").fit(x, y)


def test_several_outputs() -> None:
    both = np.stack([Y, 1000 * np.array(TABLE["count"]) - Y], axis=1)
    model = with_epochs(regressor(), 60).fit(X, both)
    assert model.predict(X).shape == (240, 2)
    assert model.score(X, both) > 0.9
    assert model.predict_interval(X, 0.2).shape == (240, 2, 2)
    oof = model.oof_prediction_
    expected = [root_mean_squared_error(both[:, m], oof[:, m]) for m in range(2)]
    assert model.oof_score_ == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("scoring", "of"), [("rmse", root_mean_squared_error), ("mae", mean_absolute_error)]
)
def test_scoring(scoring: str, of: Any) -> None:
    for loss in ("squared_error", "huber"):
        model = regressor(scoring=scoring, loss=loss).fit(X, Y)
        assert model.oof_score_ == pytest.approx(of(Y, model.oof_prediction_))
        chosen = dict(model.oof_curve_)[model.n_iter_]
        assert chosen == min(value for _, value in model.oof_curve_)


def test_rows_of_weight_zero_do_not_teach() -> None:
    wrong, weight = Y.copy(), np.ones(240)
    wrong[:60], weight[:60] = -Y[:60], 0
    model = with_epochs(regressor(), 60).fit(X, wrong, sample_weight=weight)
    assert model.score(X, Y) > 0.9
    expected = root_mean_squared_error(wrong, model.oof_prediction_, sample_weight=weight)
    assert model.oof_score_ == pytest.approx(expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "rmse"}, "loss must be one of squared_error, absolute_error, huber, quantile"),
        ({"scoring": "r2"}, "scoring must be one of rmse, mae or None; got 'r2'"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regressor(**parameters).fit(X, Y)


# ---- intervals -----------------------------------------------------------------------------------


def test_ends_are_the_quantiles_that_conformal_prediction_asks_for() -> None:
    """Of n exchangeable residuals the k-th is exceeded by the next with probability 1 − k/(n+1)."""
    r = np.random.default_rng(0).normal(size=99)
    residuals = Residuals.of(r, np.zeros(99))
    low, high = residuals.interval(np.zeros(1), 0.1)
    assert high[0] == pytest.approx(np.sort(r)[95 - 1])  # ⌈100·0.95⌉
    assert low[0] == pytest.approx(np.sort(r)[99 - 95])
    residuals.interval(np.zeros(1), 0.02)
    with pytest.raises(ValueError, match=r"alpha=0\.01 needs at least 199 rows"):
        residuals.interval(np.zeros(1), 0.01)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.5])
def test_coverage_of_new_residuals(alpha: float) -> None:
    """Drawn with errors that grow with ŷ: the share that is covered, and where it is."""
    rng = np.random.default_rng(1)
    n = 4000
    y_hat = rng.random(2 * n)
    y = y_hat + (0.1 + y_hat) * rng.standard_t(3, size=2 * n)
    low, high = Residuals.of(y[:n], y_hat[:n]).interval(y_hat[n:], alpha)
    inside = (low <= y[n:]) & (y[n:] <= high)
    # both the quantile and the share are of 4,000: 4 standard errors
    tolerance = 4 * np.sqrt(2 * alpha * (1 - alpha) / n)
    assert inside.mean() == pytest.approx(1 - alpha, abs=tolerance)
    small = y_hat[n:] < 0.2
    assert inside[small].mean() == pytest.approx(1 - alpha, abs=0.06)
    assert (high - low)[small].mean() < 0.5 * (high - low)[~small].mean()


def test_many_residuals_are_kept_as_ranks() -> None:
    r = np.random.default_rng(0).normal(size=100_000)
    residuals = Residuals.of(r, np.zeros(len(r)))
    assert len(residuals.ratios) == MAX_RATIOS
    _, high = residuals.interval(np.zeros(1), 0.1)
    assert high[0] == pytest.approx(stats.norm.ppf(0.95), abs=0.02)


def test_residuals_are_made_smaller_by_the_excess_of_variance() -> None:
    r = np.random.default_rng(0).normal(size=2000)
    zeros = np.zeros(2000)
    low, high = Residuals.of(r, zeros).interval(zeros[:1], 0.1)
    for scale in (1.0, 1e200, 1e-200):
        excess = 0.2 * scale * np.sqrt(np.mean(r**2))
        ends = Residuals.of(r * scale, zeros, excess).interval(zeros[:1], 0.1)
        c = np.sqrt(1 - 0.2**2)
        np.testing.assert_allclose(ends, [c * low * scale, c * high * scale], rtol=1e-12)
    assert Residuals.of(np.ones(9), np.ones(9), 1.0).shrinkage == 1


def test_residuals_are_not_made_so_small_that_many_rows_are_missed() -> None:
    """A third of the rows has the largest residual: to be smaller would miss them all."""
    r = np.r_[np.random.default_rng(0).uniform(-1, 1, 2000), np.ones(1000)]
    zeros = np.zeros(3000)
    low, high = Residuals.of(r, zeros, 0.5).interval(zeros, 0.1)
    assert 1 - 0.1 * MORE_MISSED < ((low <= r) & (r <= high)).mean() < 0.95
    assert high[0] == pytest.approx(1)


def test_intervals_of_the_estimator_cover_new_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    y = x[:, 0] * x[:, 1] + (0.2 + np.abs(x[:, 2])) * rng.normal(size=4000)
    model = with_epochs(regressor(8), 10).fit(x[:2000], y[:2000])
    for alpha in (0.1, 0.3):
        low, high = model.predict_interval(x[2000:], alpha).T
        covered = ((low <= y[2000:]) & (y[2000:] <= high)).mean()
        # wider than promised by a little: the bag of all members errs less than half of them
        assert -0.025 < covered - (1 - alpha) < 0.04
    with pytest.raises(ValueError, match=r"alpha must lie between 0 and 1; got 1"):
        model.predict_interval(x, 1)
    assert (regressor(loss="poisson").fit(x, y**2).predict_interval(x) >= 0).all()


def test_intervals_need_members_that_held_out_rows() -> None:
    few = regressor(2).fit(X, Y)  # two folds of four: half of the rows
    low, high = few.predict_interval(X, 0.1).T
    assert (low < high).all()
    with pytest.raises(ValueError, match=r"needs at least 1999 rows.*there were 120"):
        few.predict_interval(X, 0.001)
