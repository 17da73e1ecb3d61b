"""The networks of a bag: what they take, what they give, and the names of their inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from tabular_cases import Classifier, Regressor, classifier, columns, regressor, target

import clearprop as cp

TABLE = pd.DataFrame(columns())
SIZE = target(columns())


def cases() -> dict[str, tuple[Any, Any]]:
    three = np.digitize(SIZE, [-1, 2])
    return {
        "two classes": (classifier(), np.where(SIZE > 0, "large", "small")),
        "three classes": (classifier(), three),
        "labels": (classifier(), np.stack([SIZE > 0, SIZE > 3], axis=1).astype(int)),
        "columns": (classifier(), np.stack([three, three[::-1]], axis=1)),
        "one number": (regressor(), SIZE),
        "two numbers": (regressor(), np.stack([SIZE, 1000 * SIZE**2], axis=1)),
        "quantiles": (regressor(loss=cp.outputs.Quantile((0.1, 0.5, 0.9))), SIZE),
        "counts": (regressor(loss="poisson"), np.round(np.abs(SIZE))),
    }


@pytest.fixture(scope="module", params=cases())
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model, y = cases()[request.param]
    model.fit(TABLE, y)
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    model.save(path)
    return model, type(model).load(path), y


def test_the_mean_of_the_networks_is_what_the_bag_computes(case: Any) -> None:
    for model in case[:2]:  # fitted, and read from a file
        X = model.encode(TABLE)
        assert X.dtype == np.float32
        means = np.mean([net.forward(X).y_hat for net in model.networks_], axis=0)
        y_hat = model._y_hat(TABLE)
        # float32 sums of some hundred products, by two engines
        np.testing.assert_allclose(means, y_hat, rtol=0, atol=1e-4 * np.abs(y_hat).max())


def test_they_share_the_parameters_which_are_read_only(case: Any) -> None:
    model, _, y = case
    net = model.networks_[1]
    assert len(model.networks_) == 4
    assert np.shares_memory(net.theta, model.bag_.thetas)
    before = model._y_hat(TABLE)
    with pytest.raises(ValueError, match="read-only"):
        net.theta[0] = 1.0
    own = cp.Network.from_theta(net.architecture, net.theta.copy())
    own.train(model.encode(TABLE), model.encode_target(y), epochs=1)
    np.testing.assert_array_equal(model._y_hat(TABLE), before)


def test_encoded_targets_are_those_that_were_learnt(case: Any) -> None:
    model, _, y = case
    X, t = model.encode(TABLE), model.encode_target(y)
    assert len(t) == len(TABLE)
    losses = [net.loss(X, t) for net in model.networks_]
    shuffled = np.random.default_rng(0).permutation(len(t))
    worse = [net.loss(X, t[shuffled]) for net in model.networks_]
    assert np.mean(losses) < 0.9 * np.mean(worse)


def test_the_columns_of_the_matrix_have_names() -> None:
    model = regressor().fit(TABLE, SIZE)
    names, X = model.inputs_.feature_names, model.encode(TABLE)
    assert X.shape == (len(TABLE), len(names))
    by_name = dict(zip(names, X.T, strict=True))
    assert len(by_name) == len(names)
    missing = TABLE["size"].isna().to_numpy()
    assert np.corrcoef(by_name["size"][~missing], TABLE["size"][~missing])[0, 1] > 0.9
    for colour in ("red", "green", "blue"):
        flag, has_it = by_name[f"colour={colour}"], (TABLE["colour"] == colour).to_numpy()
        assert flag[has_it].min() > flag[~has_it].max()


def test_before_fit_and_for_strange_targets() -> None:
    with pytest.raises(NotFittedError):
        _ = Classifier().networks_
    with pytest.raises(NotFittedError):
        Regressor().encode(TABLE)
    model = classifier().fit(TABLE, np.where(SIZE > 0, "large", "small"))
    with pytest.raises(ValueError, match=r"class .*'huge'.* not in training"):
        model.encode_target(["huge"] * len(TABLE))
    with pytest.raises(ValueError, match="y must have 1 columns"):
        model.encode_target(np.array([["large", "large"]] * 5))
    with pytest.raises(ValueError, match="no column 'size'"):
        model.encode(TABLE.drop(columns="size"))


def test_pickles_keep_their_networks(tmp_path: Path) -> None:
    import pickle

    model = regressor().fit(TABLE, SIZE)
    again = pickle.loads(pickle.dumps(model))
    for one, other in zip(model.networks_, again.networks_, strict=True):
        np.testing.assert_array_equal(one.theta, other.theta)
