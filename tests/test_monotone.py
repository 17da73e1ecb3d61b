"""Networks that are monotone in some columns: bounds of parameters, outputs, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop import LBFGS, Job, Network
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture
from clearprop.documents import ModelFileError
from clearprop.embeddings import Embedding, Identity, Parallel, Periodic, PiecewiseLinear, Scale
from clearprop.layers import Dense, Dropout
from clearprop.monotone import Monotone
from clearprop.network_files import architecture_from_document, architecture_to_document
from clearprop.outputs import OUTPUTS, Quantile, Softmax
from clearprop.persistence import read_file, write_file
from clearprop.predictor import Predictor

RELU = ACTIVATIONS["relu"]
EDGES = ((-2.0, -0.3, 0.0, 0.1, 3.0), (0.0, 1.0))


def network(
    output: Any = None,
    directions: tuple[int, ...] = (1, -1, 0),
    free: tuple[int, ...] = (2, 3),
    seed: int = 0,
    dtype: Any = np.float32,
    K: int = 1,
) -> tuple[Architecture, Any]:
    """Two constrained columns with bins and a free one, with random parameters."""
    output = OUTPUTS["linear"]() if output is None else output
    layers = (
        Parallel((PiecewiseLinear(EDGES), Identity(1))),
        Scale(9),
        Dense(9, 8, RELU, gain=1 / 3, slope=True),
        Dropout(0.1),
        Dense(8, 7, RELU, gain=8**-0.5, slope=True),
        Dense(7, K, None),
    )
    architecture = Architecture(layers, output, Monotone(directions, free))
    theta = np.random.default_rng(seed).normal(size=architecture.n_parameters).astype(dtype)
    return architecture, architecture.project(theta)


def grid(around: float = 0.0) -> Any:
    """Values in order: neighbours in float32 of edges and of others, dense ones, far ones."""
    edges = np.float32([*EDGES[0], *EDGES[1], around, 2.9, -1.7])
    near = edges.view(np.int32)[:, None] + np.arange(-30, 31, dtype=np.int32)
    far = np.float32([1e-30, 1e-10, 5, 6, 1e3, 1e6])
    parts = (near.view(np.float32).ravel(), np.linspace(-4, 5, 500), far, -far, edges)
    values = np.unique(np.concatenate(parts).astype(np.float32))
    return values[np.isfinite(values)]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    directions=st.tuples(*[st.sampled_from([-1, 0, 1])] * 3).filter(any),
    free=st.tuples(st.integers(0, 8), st.integers(0, 7)),
)
def test_outputs_are_monotone_to_the_last_bit(
    seed: int, directions: tuple[int, ...], free: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(seed)
    architecture, theta = network(None, directions, free, seed)
    X = rng.normal(size=(3, 3)).astype(np.float32)
    predict = Predictor(architecture, theta)
    for column, direction in enumerate(directions):
        values = grid(float(rng.normal()))
        for row in X:
            rows = np.repeat(row[None], len(values), axis=0)
            rows[:, column] = values
            z = predict(rows)[:, 0]
            if direction:
                assert (np.diff(z) * direction >= 0).all()
            for i in rng.integers(0, len(values), 3):
                assert predict(rows[i]) == z[i]


def test_which_parameters_have_which_bounds() -> None:
    architecture, _ = network(Softmax(), K=2)
    assert architecture.bounds is not None
    low, high = (architecture.unpack(np.array(ends)) for ends in architecture.bounds)
    inf = np.inf
    # both columns with bins are constrained: no V < 0, no scale < 0
    assert (low[0]["0.V"] == 0).all()
    assert (high[0]["0.V"] == inf).all()
    assert low[1]["s"].tolist() == [0.0] * 8 + [-inf]
    # first the two free units, then the monotone ones; x̃ of the constrained columns is not used
    W = (low[2]["W"], high[2]["W"])
    assert all((ends[:2, :8] == 0).all() for ends in W)
    assert all((ends[:, [0, 4]] == 0).all() for ends in W)
    assert (W[0][2:, 1:4] == 0).all()
    assert (W[1][2:, 1:4] == inf).all()
    assert (W[0][2:, 5:8] == -inf).all()
    assert (W[1][2:, 5:8] == 0).all()
    assert (W[0][:, 8] == -inf).all()
    assert (W[1][:, 8] == inf).all()
    assert low[2]["slope"].tolist() == [-inf] * 2 + [-3.0] * 6
    assert high[2]["slope"].tolist() == [inf] * 2 + [1.0] * 6
    W = (low[4]["W"], high[4]["W"])
    assert all((ends[:3, 2:] == 0).all() for ends in W)
    assert (W[0][3:, 2:] == 0).all()
    assert (W[1][3:, 2:] == inf).all()
    assert (W[0][:, :2] == -inf).all()
    assert (W[1][:, :2] == inf).all()
    # the second class becomes more probable, the first less
    W = (low[5]["W"], high[5]["W"])
    assert W[0][:, 3:].tolist() == [[-inf] * 4, [0.0] * 4]
    assert W[1][:, 3:].tolist() == [[0.0] * 4, [inf] * 4]
    for p in (*low, *high):
        assert all(np.isinf(values).all() for name, values in p.items() if name == "b")


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_training_stays_within_the_bounds_and_learns(engine: str) -> None:
    architecture, theta = network(dtype=np.float64)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    t = np.minimum(X[:, 0], X[:, 2]) - 0.5 * X[:, 1] + np.sin(3 * X[:, 2])
    net = Network.from_theta(architecture, theta)
    before = net.loss(X, t)
    net.train(X, t, optimizer=cp.Adam(0.01), epochs=60, batch_size=50, seed=0, engine=engine)
    assert architecture.within_bounds(net.theta)
    assert net.loss(X, t) < 0.2 * before
    z = net.predict(np.c_[grid(), np.zeros((len(grid()), 2))])
    assert (np.diff(z, axis=0) >= -1e-12).all()


def test_gradients_are_those_of_the_definition() -> None:
    """The bounds move parameters after a step; they are no part of the function."""
    architecture, theta = network(dtype=np.float64, seed=3)
    net = Network.from_theta(architecture, theta)
    X = np.random.default_rng(0).normal(size=(9, 3))
    assert cp.check_gradients(net, X, X[:, :1]).ok


def test_what_cannot_be_monotone() -> None:
    architecture, theta = network()
    for monotone, message in (
        (Monotone((1, 2, 0), (2, 3)), "directions must be 1, −1 or 0"),
        (Monotone((1, 0), (2, 3)), "directions must be for each"),
        (Monotone((1, 0, 0), (2,)), "free must be the number of free units"),
        (Monotone((1, 0, 0), (2, 9)), "free must be the number of free units"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(architecture, monotone=monotone)
    for layer, message in (
        (Embedding((3,)), "categories cannot be monotone"),
        (Periodic(1), "columns of periodic cannot be monotone"),
    ):
        with pytest.raises(ValueError, match=message):
            Architecture(
                (layer, Dense(layer.n_out, 1, None)), OUTPUTS["linear"](), Monotone((1,), ())
            )
    for output, K in ((Softmax(), 3), (OUTPUTS["gaussian"](), 2)):
        with pytest.raises(ValueError, match="cannot be monotone"):
            network(output, K=K)
    layers = (Dense(1, 2, ACTIVATIONS["mish"]), Dense(2, 1, None))
    with pytest.raises(ValueError, match="must be relu units; got mish"):
        Architecture(layers, OUTPUTS["linear"](), Monotone((1,), (0,)))
    with pytest.raises(ValueError, match="within the bounds"):
        Job(architecture, theta - 10, cp.Adam(0.1))
    with pytest.raises(ValueError, match="monotone has no meaning for L-BFGS"):
        Job(architecture, theta, LBFGS())


@pytest.mark.parametrize(
    ("output", "K"), [(Quantile((0.1, 0.9)), 2), (OUTPUTS["poisson"](), 1), (Softmax(), 2)]
)
def test_files(output: Any, K: int, tmp_path: Path) -> None:
    architecture, theta = network(output, K=K)
    net = Network.from_theta(architecture, theta)
    path = tmp_path / "net.safetensors"
    net.save(path)
    back = Network.load(path)
    assert back.architecture == architecture
    np.testing.assert_array_equal(back.theta, theta)
    document, tensors = read_file(path, "network")
    document.pop("kind")
    tensors["W2"] = -np.abs(tensors["W2"]) - 1
    write_file(path, "network", document, tensors)
    with pytest.raises(ModelFileError, match="beyond their bounds"):
        Network.load(path)


def test_sizes_that_a_file_does_not_hold_take_no_memory() -> None:
    layers = (Dense(2, 2**31, RELU), Dense(2**31, 1, None))
    architecture = Architecture(layers, OUTPUTS["linear"](), Monotone((1, 0), (2**30,)))
    document = architecture_to_document(architecture)
    assert architecture_from_document(document, "file") == architecture


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"directions": [1, 0, 0]},
        {"directions": [1, 0, 5], "free": [2, 3]},
        {"directions": [1, 0, True], "free": [2, 3]},
        {"directions": [1, 0], "free": [2, 3]},
        {"directions": [1, 0, 0], "free": [-1, 3]},
        {"directions": [1, 0, 0], "free": [2, 10**30]},
        {"directions": [1, 0, 0], "free": [2, 3], "more": 1},
    ],
)
def test_constraints_of_hostile_files(entry: Any) -> None:
    architecture, _ = network()
    document = architecture_to_document(architecture)
    assert architecture_from_document(document, "file") == architecture
    with pytest.raises(ModelFileError, match="file"):
        architecture_from_document(document | {"monotone": entry}, "file")
