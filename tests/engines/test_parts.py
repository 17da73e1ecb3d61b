"""Native parts are matched by name; custom parts run on the reference engine, in every face."""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop import ACTIVATIONS, OPTIMIZERS, OUTPUTS, _native
from clearprop.embeddings import Embedding, EmbeddingBag, Identity, Periodic, PiecewiseLinear
from clearprop.engines.native import NativeEngine
from clearprop.engines.native_specs import why_not
from clearprop.engines.reference import ReferenceEngine

BINS = PiecewiseLinear(((0.0, 1.0, 2.0),))
LAYERS = (Identity(2), BINS, Periodic(2), Embedding((3, 2)), EmbeddingBag((3,), 2))
SQUARE = dataclasses.replace(
    ACTIVATIONS["relu"], phi=lambda z: z * z, dphi=lambda z, h: 2 * z, kinks=()
)
rng = np.random.default_rng(0)
X, T = rng.normal(size=(40, 3)), rng.normal(size=40)


@dataclasses.dataclass(frozen=True)
class Cubic(cp.outputs.Output):
    """A loss of its own under the name of the library's squared error."""

    name = "linear"
    unit = "linear"

    def loss(self, z: Any, t: Any) -> Any:
        return (np.abs(z - t) ** 3).sum(axis=1)

    def dL_dz(self, z: Any, t: Any) -> Any:
        return 3 * (z - t) * np.abs(z - t)


@dataclasses.dataclass(frozen=True)
class Signs(cp.SGD):
    """A subclass that takes another step than SGD."""

    def update(self, theta: Any, gradient: Any, state: Any, rate: Any, decay: Any = None) -> Any:
        return super().update(theta, np.sign(gradient), state, rate, decay)


def test_every_part_of_the_library_is_native_under_its_own_name() -> None:
    assert set(_native.ACTIVATIONS) == set(ACTIVATIONS)
    assert set(_native.OUTPUTS) == set(OUTPUTS)
    steps = {kind().native()[0] for name, kind in OPTIMIZERS.items() if name != "lbfgs"}
    assert set(_native.OPTIMIZERS) == steps | {cp.SGD(nesterov=True).native()[0]}
    assert {layer.name: tuple(layer.shapes) for layer in LAYERS} == _native.LAYERS
    for slots in _native.LAYERS.values():
        assert set(slots) <= set(_native.PARAMETERS)
    for name, kind in OPTIMIZERS.items():
        if name == "lbfgs":
            continue
        state = kind().init(np.zeros(3))
        slots = [slot for slot, value in state.items() if value.ndim == 1]
        assert tuple(slots) == _native.OPTIMIZERS[kind().native()[0]]


@pytest.mark.parametrize(
    "table", ["ACTIVATIONS", "INITIALIZERS", "OPTIMIZERS", "OUTPUTS", "SCHEDULES"]
)
def test_the_tables_cannot_be_written_to(table: str) -> None:
    entries = getattr(cp, table)
    name = next(iter(entries))
    with pytest.raises(TypeError, match="does not support item assignment"):
        entries[name] = None
    with pytest.raises(TypeError, match="does not support item deletion"):
        del entries[name]


def test_the_order_of_a_table_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    backwards = dict(reversed(ACTIVATIONS.items()))
    net = cp.Network([3, 5, 1], hidden="gelu", seed=0)
    before = NativeEngine(1).forward(net.architecture, net.theta, X)
    monkeypatch.setattr("clearprop.engines.native_specs.ACTIVATIONS", backwards)
    after = NativeEngine(1).forward(dataclasses.replace(net.architecture), net.theta, X)
    np.testing.assert_array_equal(after, before)


def test_a_custom_activation_named_relu_is_not_the_native_relu() -> None:
    net = cp.Network([3, 5, 1], hidden=SQUARE, seed=0)
    assert why_not(net.architecture) == "the native engine has no activation 'relu'"
    np.testing.assert_array_equal(net.forward(X).h[1], net.forward(X).z[0] ** 2)
    with pytest.warns(UserWarning, match="no activation 'relu': the slow reference engine runs"):
        predicted = net.predictor()(X)
    np.testing.assert_allclose(predicted[:, 0], net.predict(X), rtol=1e-12)
    with pytest.raises(ValueError, match="no activation 'relu'; engine='reference' can run it"):
        net.predictor(engine="native")
    with pytest.raises(ValueError, match="no activation 'relu'"):
        NativeEngine(1).forward(net.architecture, net.theta, X)


@pytest.mark.parametrize("output", [Cubic(), "linear"])
@pytest.mark.parametrize("optimizer", [Signs(0.01), cp.Adam(0.01)])
@pytest.mark.parametrize("hidden", [SQUARE, "relu"])
def test_custom_records_train_by_the_definition(hidden: Any, output: Any, optimizer: Any) -> None:
    """Whichever part is custom, training is the reference's own, to the bit."""
    custom = not (hidden == "relu" and output == "linear" and isinstance(optimizer, cp.Adam))
    thetas = []
    for engine in ("auto", "reference"):
        net = cp.Network([3, 5, 1], hidden=hidden, output=output, seed=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            net.train(X, T, optimizer, epochs=3, batch_size=10, engine=engine)
        told = [str(w.message) for w in caught if "reference engine runs" in str(w.message)]
        assert len(told) == (custom and engine == "auto")
        thetas.append(net.theta)
    if custom:
        np.testing.assert_array_equal(*thetas)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_custom_records_in_every_face() -> None:
    """Estimators, gradient check, explanations and pickles take them as they are."""
    with pytest.warns(UserWarning, match="the slow reference engine runs"):
        model = cp.MLPRegressor(
            Cubic(), (4,), SQUARE, solver=Signs(1e-3), max_iter=3, n_iter_no_change=99,
            random_state=0, engine="auto",
        ).fit(X, T)  # fmt: skip
    assert model.engine_ == "reference"
    net = model.network_
    np.testing.assert_allclose(model.predict(X), net.forward(X).y_hat[:, 0])
    assert net.output == Cubic()
    assert cp.check_gradients(net, X, T).ok
    explained = cp.explain.steps(net, X[:2], T[:2])
    np.testing.assert_array_equal(explained["ŷ"].result, net.forward(X[:2]).y_hat)
    with pytest.raises(ValueError, match="none of clearprop's"):
        net.save("nowhere.safetensors")


def test_records_that_come_back_from_a_pickle_are_native() -> None:
    net = cp.Network([3, 4, 1], hidden="gelu", output=cp.outputs.Huber(0.5))
    assert why_not(pickle.loads(pickle.dumps(net.architecture)), cp.NAdam()) == ""


def test_what_is_packed_for_a_theta_is_kept_until_it_changes() -> None:
    """Written to in place, or with another architecture of the same sizes, it is packed anew."""
    engine = NativeEngine(1)
    nets = [cp.Network([3, 4, 1], hidden=hidden, seed=0) for hidden in ("tanh", "relu")]
    theta = nets[0].theta
    for _ in range(3):
        for net in nets:
            ours = engine.forward(net.architecture, theta, X)
            again = engine.forward(net.architecture, theta, X[:7])
            expected = ReferenceEngine().forward(net.architecture, theta, X)
            np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)
            np.testing.assert_array_equal(again, ours[:7])
        theta *= 1.5
