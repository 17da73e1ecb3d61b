"""What the recipe makes of the size and the columns of a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clearprop.embeddings import Embedding, Identity, Parallel, PiecewiseLinear
from clearprop.layers import Dense
from clearprop.outputs import Linear
from clearprop.schedules import CosLog4
from clearprop.tables.sources import source_of
from clearprop.tabular.bag.recipe import (
    CLASSIFICATION,
    LEAST_SPREAD,
    REGRESSION,
    Recipe,
    batch_size,
    build_architectures,
    build_job,
    forget_unseen,
    peak_rate,
    plan_epochs,
    start,
)
from clearprop.tabular.input_codec import inputs_from_document, inputs_to_document
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.regressor import TabularRegressor


def test_the_learning_rate_falls_as_the_steps_become_more() -> None:
    recipe = replace(REGRESSION, learning_rate=0.4)
    for steps, n_steps in ((37, 40 * 37), (64, 32 * 64), (1024, 8 * 1024)):
        factor = min(1, (1500 / n_steps) ** 0.5)
        assert peak_rate(256 * steps, recipe) == pytest.approx(0.4 * factor)


@pytest.mark.parametrize(("n", "factor"), [(4, 0.25), (400, 0.25), (800, 0.5), (9000, 1.0)])
def test_the_learning_rate_falls_with_the_batch(n: int, factor: float) -> None:
    recipe = replace(REGRESSION, learning_rate=0.4)
    assert peak_rate(n, recipe) == pytest.approx(0.4 * factor)
    assert batch_size(n) == min(n, round(256 * factor))


def test_a_job_trains_at_that_rate() -> None:
    (architecture,) = build_architectures(Parallel((Identity(3),)), 1, Linear(), REGRESSION)
    X = np.random.default_rng(0).normal(size=(600, 3))
    theta = start(architecture, X, np.random.default_rng(0))
    for n in (100, 600):
        plan = plan_epochs(n, REGRESSION)
        job = build_job(architecture, theta, np.arange(n), REGRESSION, 0, plan)
        assert job.optimizer == replace(
            job.optimizer, learning_rate=CosLog4(peak_rate(n, REGRESSION))
        )


def test_the_start_stays_tame_where_the_rows_hardly_differ() -> None:
    """Two different rows leave one direction, to which a unit's random W may be all but normal."""
    (architecture,) = build_architectures(Parallel((Identity(1),)), 1, Linear(), REGRESSION)
    X = np.array([[-0.5], [0.5]] * 20)
    for seed in range(20):
        theta = start(architecture, X, np.random.default_rng(seed))
        spreads = []
        h = X
        for layer, p in zip(architecture.layers, architecture.unpack(theta), strict=True):
            if isinstance(layer, Dense):
                spreads.append((layer.gain * (h @ p["W"].T)).std(axis=0))
                sizes = np.linalg.norm(p["W"], axis=1)
                assert sizes.max() < 1.5 / LEAST_SPREAD * np.median(sizes)
            h, _ = layer.forward(p, h, None)
        assert max(spread.max() for spread in spreads) < 1 + 1e-5
        assert np.median(spreads[1]) == pytest.approx(1, abs=1e-5)


def test_vectors_of_categories_without_rows_are_zero() -> None:
    layers = (Identity(1), Embedding((3, 4), 2))
    (architecture,) = build_architectures(Parallel(layers), 1, Linear(), REGRESSION)
    X = np.array([[5, 1, 0], [6, 1, 3], [7, 2, 1], [8, 0, 2]], np.float32)
    theta = start(architecture, X[:3], np.random.default_rng(0))
    before = architecture.unpack(theta.copy())
    forget_unseen(architecture, theta, X, np.array([0, 1, 2]))
    E = architecture.unpack(theta)[0]["1.E"]
    assert np.flatnonzero((E == 0).all(axis=1)).tolist() == [0, 3 + 2]
    seen = [1, 2, 3, 4, 6]
    np.testing.assert_array_equal(E[seen], before[0]["1.E"][seen])
    for p, q in zip(architecture.unpack(theta)[1:], before[1:], strict=True):
        for name in p:
            np.testing.assert_array_equal(p[name], q[name])


def test_a_column_of_two_values_is_learnt() -> None:
    X, y = np.array([[0.0], [1.0]] * 20), np.array([5.0, 7.0] * 20)
    for seed in range(4, 8):
        model = TabularRegressor(n_members=4, random_state=seed).fit(X, y)
        np.testing.assert_allclose(model.predict(X[:2]), y[:2], atol=0.15)


@pytest.mark.parametrize(
    ("n", "d", "units"),
    [(100, 1, 8), (100, 5, 8), (100, 8, 5), (100, 10, 4), (6000, 40, 2), (6001, 40, 3)],
)
def test_few_columns_have_more_units(n: int, d: int, units: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, d))
    inputs = TableInputs.fit(source_of(X))
    assert isinstance(inputs.layer.layers[0], PiecewiseLinear)
    assert inputs.layer.n_out == d * (units + 1)
    assert inputs_from_document(inputs_to_document(inputs), "file") == inputs


@pytest.mark.parametrize(
    ("recipe", "n", "hidden_sizes"),
    [
        (CLASSIFICATION, 6000, (128, 64)),
        (CLASSIFICATION, 6001, (128, 128)),
        (REGRESSION, 9, (128, 128)),
    ],
)
def test_classes_of_few_rows_have_a_smaller_network(
    recipe: Recipe, n: int, hidden_sizes: tuple[int, ...]
) -> None:
    assert recipe.for_rows(n).hidden_sizes == hidden_sizes
