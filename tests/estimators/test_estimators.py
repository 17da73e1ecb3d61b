"""The estimators' parameters: each does to training, or to the network, what it says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from toy_data import (
    WEIGHTS,
    Y_COLUMNS,
    Y_LABELS,
    Y_REAL,
    Y_THREE,
    Y_TWO,
    N,
    X,
    classifier,
    flat,
    regressor,
    same_weights,
)

import clearprop as cp

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE_STEP = {"max_iter": 1, "batch_size": N, "shuffle": False, "alpha": 0.0}
PLAIN_SGD = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, **ONE_STEP}


def start(estimator: Any, y: Any) -> cp.Network:
    """The network that `fit` would begin with."""
    return clone(estimator).initialize(X, y).network_


def gradient(net: cp.Network, y: Any, **options: Any) -> Any:
    return net.backward(net.forward(X, **options), y).theta


# ---- weights of classes --------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weight_is_a_sample_weight(solver: str) -> None:
    table = {0: 0.5, 1: 3.0, 2: 1.5}
    weight = np.array([table[label] for label in Y_THREE])
    plain, weighted = classifier(solver=solver), classifier(solver=solver, class_weight=table)
    assert same_weights(weighted.fit(X, Y_THREE), plain.fit(X, Y_THREE, sample_weight=weight))
    plain.fit(X, Y_THREE, sample_weight=weight * WEIGHTS)
    assert same_weights(weighted.fit(X, Y_THREE, sample_weight=WEIGHTS), plain)
    assert not same_weights(weighted, classifier(solver=solver).fit(X, Y_THREE))
    assert same_weights(
        classifier(class_weight={1: 3.0}).fit(X, Y_THREE),  # the other classes have weight 1
        classifier().fit(X, Y_THREE, sample_weight=np.where(Y_THREE == 1, 3.0, 1.0)),
    )


def test_balanced_class_weight() -> None:
    counts = np.bincount(Y_THREE)
    weight = (N / (3 * counts))[Y_THREE]
    balanced = classifier(class_weight="balanced").fit(X, Y_THREE)
    assert same_weights(balanced, classifier().fit(X, Y_THREE, sample_weight=weight))


def test_balanced_counts_with_the_sample_weights() -> None:
    """A weight of 2 is the same as the row twice, of 0 as no row: also for a whole class."""
    repeats = np.arange(N) % 3 * (Y_THREE != 2)
    settings = {"class_weight": "balanced", "solver": "lbfgs"}
    weighted = classifier(**settings).initialize(X, Y_THREE)
    weights = weighted._fit_weights(Y_THREE, repeats.astype(float), False)
    repeated = np.repeat(Y_THREE, repeats)
    two = classifier(**settings).initialize(np.repeat(X, repeats, axis=0), repeated)
    np.testing.assert_allclose(
        np.repeat(weights / np.maximum(repeats, 1), repeats),
        two._fit_weights(repeated, None, False),
    )
    assert (weights[repeats == 0] == 0).all()


def test_class_weight_of_labels_and_of_columns() -> None:
    tables = [{0: 1.0, 1: 2.0}, {1: 3.0}, {0: 0.5}]
    pairs = zip(tables, Y_LABELS.T, strict=True)
    weight = np.prod([[table.get(v, 1.0) for v in column] for table, column in pairs], axis=0)
    assert same_weights(
        classifier(class_weight=tables).fit(X, Y_LABELS),
        classifier().fit(X, Y_LABELS, sample_weight=weight),
    )
    tables = [{1: 2.0}, {5: 3.0}]
    weight = np.where(Y_THREE == 1, 2.0, 1.0) * np.where(Y_TWO == 1, 3.0, 1.0)
    assert same_weights(
        classifier(class_weight=tables).fit(X, Y_COLUMNS),
        classifier().fit(X, Y_COLUMNS, sample_weight=weight),
    )


def test_class_weight_in_partial_fit_knows_classes_that_a_batch_lacks() -> None:
    rows = Y_THREE != 1
    weighted = classifier(class_weight={1: 3.0})
    plain = classifier()
    for estimator in (weighted, plain):
        estimator.partial_fit(X[rows], Y_THREE[rows], classes=[0, 1, 2])
    assert same_weights(weighted, plain)
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported"):
        classifier(class_weight="balanced").partial_fit(X, Y_THREE, classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("class_weight", "y", "message"),
    [
        ({7: 2.0}, Y_THREE, r"class_weight has unknown classes \[7\]; the classes are \[0, 1, 2\]"),
        ({0: 0, 1: 0, 2: 0}, Y_THREE, "leave no row with a weight > 0"),
        ({0: 2.0}, Y_LABELS, "a list with one dict for each column of y; got a dict"),
        ([{0: 2.0}], Y_LABELS, r"for each column of y \(3\); got 1"),
        ([3, 4, 5], Y_LABELS, "must consist of dicts or 'balanced'; got 3"),
        ("heavy", Y_THREE, "'class_weight' parameter of MLPClassifier"),
    ],
)
def test_wrong_class_weight(class_weight: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier(class_weight=class_weight).fit(X, y)


# ---- activations and dropout ---------------------------------------------------------------------


@pytest.mark.parametrize("name", cp.ACTIVATIONS)
def test_every_activation(name: str) -> None:
    estimator = regressor(activation=name).fit(X, Y_REAL)
    W, b = estimator.network_.W, estimator.network_.b
    h = cp.ACTIVATIONS[name].phi(X @ W[0].T + b[0])
    # rounding is relative to the terms of the sum, which are near 1
    expected = (h @ W[1].T + b[1])[:, 0]
    np.testing.assert_allclose(estimator.predict(X), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [list, tuple])
def test_one_activation_per_layer(kind: Any) -> None:
    own = cp.Activation("softsign", lambda z: z / (1 + abs(z)), lambda z, h: 1 / (1 + abs(z)) ** 2)
    activations = kind(["tanh", own, cp.ACTIVATIONS["gelu"]])
    estimator = regressor(activation=activations, hidden_layer_sizes=(4, 3, 2))
    with pytest.warns(UserWarning, match="no activation 'softsign': the slow reference engine"):
        estimator.fit(X, Y_REAL)
    assert estimator.engine_ == "reference"
    net = estimator.network_
    assert cp.check_gradients(net, X[:5], Y_REAL[:5]).ok  # the own φ′ fits its φ
    h = np.tanh(X @ net.W[0].T + net.b[0])
    h = own.phi(h @ net.W[1].T + net.b[1])
    h = cp.ACTIVATIONS["gelu"].phi(h @ net.W[2].T + net.b[2])
    np.testing.assert_allclose(estimator.predict(X), (h @ net.W[3].T + net.b[3])[:, 0])


def test_a_record_is_drawn_like_its_name() -> None:
    by_name = classifier(activation="logistic").fit(X, Y_THREE)
    by_record = classifier(activation=[cp.ACTIVATIONS["logistic"]]).fit(X, Y_THREE)
    assert same_weights(by_name, by_record)


def test_dropout_in_training_only() -> None:
    """One step by hand, with the mask of the seed that follows the initial weights' draws."""
    rng = np.random.RandomState(4)
    estimator = classifier(hidden_layer_sizes=(6, 5), dropout=[0.5, 0.2], **PLAIN_SGD)
    net = clone(estimator).set_params(random_state=rng).initialize(X, Y_THREE).network_
    seed = int(rng.randint(2**31))
    expected = net.theta - 0.1 * gradient(net, Y_THREE, draw=(seed, 0))
    estimator.set_params(random_state=4).fit(X, Y_THREE)
    np.testing.assert_allclose(estimator.network_.theta, expected, rtol=1e-12)
    assert not np.allclose(expected, net.theta - 0.1 * gradient(net, Y_THREE))
    np.testing.assert_allclose(  # no mask in prediction
        estimator.predict_proba(X), estimator.network_.forward(X).y_hat, rtol=1e-13
    )
    assert same_weights(classifier(dropout=0.0).fit(X, Y_THREE), classifier().fit(X, Y_THREE))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"activation": "step"}, ValueError, "'activation' parameter"),
        ({"activation": ["relu", "tanh"]}, ValueError, r"activation must be one .* layer \(1\)"),
        ({"activation": ["step"]}, ValueError, "activation: unknown activation 'step'"),
        ({"activation": [3]}, TypeError, "activation must be"),
        ({"dropout": [0.1, 0.2]}, ValueError, r"dropout must be one .* layer \(1\)"),
        ({"dropout": 1.0}, ValueError, "'dropout' parameter"),
        ({"dropout": [1.5]}, ValueError, "dropout must lie in"),
        ({"dropout": 0.1, "solver": "lbfgs"}, ValueError, "dropout has no meaning for L-BFGS"),
        ({"hidden_layer_sizes": (3, 0)}, ValueError, r"hidden_layer_sizes must be > 0, got \[3, 0"),
        ({"hidden_layer_sizes": (3.5,)}, ValueError, "hidden_layer_sizes must be integers"),
        ({"solver": "newton"}, ValueError, "'solver' parameter"),
        ({"learning_rate": "fast"}, ValueError, "'learning_rate' parameter"),
        ({"l1": -1.0}, ValueError, "'l1' parameter"),
        ({"clip_norm": 0.0}, ValueError, "'clip_norm' parameter"),
        ({"time_limit": 0}, ValueError, "'time_limit' parameter"),
        ({"callbacks": [3]}, TypeError, "callbacks must be functions of an EpochReport; got 3"),
        ({"engine": "warp"}, ValueError, "engine must be"),
        ({"dtype": "float16"}, ValueError, "'dtype' parameter"),
        ({"scoring": "gold", "early_stopping": True}, ValueError, "'gold' is not a valid scoring"),
        ({"initializer": "ones"}, ValueError, "'initializer' parameter"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        classifier(**parameters).fit(X, Y_THREE)


# ---- optimisers and learning rates ---------------------------------------------------------------

STEPS = {
    "sgd": (
        {"momentum": 0.7, "nesterovs_momentum": False},
        cp.SGD(0.02, momentum=0.7, nesterov=False),
    ),
    "nesterov": ({"solver": "sgd", "momentum": 0.7}, cp.SGD(0.02, momentum=0.7, nesterov=True)),
    "adam": ({"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}, cp.Adam(0.02, 0.8, 0.9, 1e-4)),
    "adamw": ({}, cp.AdamW(0.02)),
    "adamw_decay": ({"solver": "adamw", "weight_decay": 0.3}, cp.AdamW(0.02, weight_decay=0.3)),
    "adam_decay": ({"solver": "adam", "weight_decay": 0.3}, cp.Adam(0.02, weight_decay=0.3)),
    "rmsprop": ({"epsilon": 1e-4}, cp.RMSprop(0.02, epsilon=1e-4)),
    "nadam": ({"beta_1": 0.8}, cp.NAdam(0.02, beta_1=0.8)),
}


@pytest.mark.parametrize("name", STEPS)
def test_every_solver_by_hand_and_as_an_object(name: str) -> None:
    """Three full-batch epochs are three updates of the optimiser with the network's gradient."""
    parameters, optimizer = STEPS[name]
    settings = ONE_STEP | {"max_iter": 3}
    estimator = classifier(
        **{"solver": name, **parameters, **settings}, learning_rate_init=0.02, random_state=1
    )
    net = start(estimator, Y_THREE)
    estimator.fit(X, Y_THREE)
    as_object = classifier(solver=optimizer, **settings, random_state=1).fit(X, Y_THREE)
    assert same_weights(estimator, as_object)
    state = optimizer.init(net.theta)
    for _ in range(3):
        net.theta, state = optimizer.update(
            net.theta, gradient(net, Y_THREE), state, 0.02, net.architecture.is_decayed
        )
    np.testing.assert_allclose(estimator.network_.theta, net.theta, rtol=1e-10, atol=1e-14)


@dataclass(frozen=True)
class SignDescent:
    """An optimiser of the user's own: θ ← θ − α sign(g)."""

    learning_rate: float = 0.01
    weight_decay: float = 0.0

    def init(self, theta: Any) -> Any:
        return {"step": np.array(0)}

    def update(self, theta: Any, gradient: Any, state: Any, learning_rate: Any, decay: Any) -> Any:
        return theta - learning_rate * np.sign(gradient), {"step": state["step"] + 1}


def test_an_own_optimiser() -> None:
    estimator = classifier(solver=SignDescent(0.03), engine="reference", **ONE_STEP)
    net = start(estimator, Y_THREE)
    expected = net.theta - 0.03 * np.sign(gradient(net, Y_THREE))
    np.testing.assert_array_equal(estimator.fit(X, Y_THREE).network_.theta, expected)
    with pytest.warns(UserWarning, match=r"no optimiser SignDescent.*: the slow reference engine"):
        estimator.set_params(engine="auto").fit(X, Y_THREE)
    np.testing.assert_array_equal(estimator.network_.theta, expected)
    with pytest.raises(ValueError, match=r"no optimiser SignDescent.*'reference' can run it"):
        estimator.set_params(engine="native").fit(X, Y_THREE)


def test_lbfgs_as_an_object() -> None:
    by_name = classifier(solver="lbfgs", tol=1e-3, max_fun=50).fit(X, Y_THREE)
    by_object = classifier(solver=cp.LBFGS(tol=1e-3, max_fun=50)).fit(X, Y_THREE)
    assert same_weights(by_name, by_object)
    other = classifier(solver=cp.LBFGS(memory=1), max_iter=10).fit(X, Y_THREE)
    assert not same_weights(other, classifier(solver="lbfgs", max_iter=10).fit(X, Y_THREE))
    for estimator in (by_name, by_object):
        assert not hasattr(estimator, "partial_fit")


RATES = {
    "constant": cp.schedules.Constant(0.1),
    "invscaling": cp.schedules.InverseScaling(0.1, 0.7),
    "cosine": cp.schedules.Cosine(0.1),
    "one_cycle": cp.schedules.OneCycle(0.1),
    "coslog4": cp.schedules.CosLog4(0.1),
}


@pytest.mark.parametrize("name", RATES)
def test_every_learning_rate(name: str) -> None:
    by_name = classifier(solver="sgd", learning_rate=name, learning_rate_init=0.1, power_t=0.7).fit(
        X, Y_THREE
    )
    schedule = RATES[name]
    n_steps = 5 * N // 16
    clocks = [cp.schedules.Clock(np.array([5.0 * e + 4]), n_steps, e, N * e, 0) for e in range(5)]
    expected = [schedule(clock)[0] for clock in clocks]
    np.testing.assert_allclose(by_name.history_.learning_rate, expected)
    by_object = classifier(solver="sgd", learning_rate=schedule).fit(X, Y_THREE)
    assert same_weights(by_name, by_object)
    inside = classifier(solver=cp.SGD(schedule, momentum=0.9, nesterov=True)).fit(X, Y_THREE)
    assert same_weights(by_name, inside)
    adam = classifier(learning_rate=name, learning_rate_init=0.1, power_t=0.7).fit(X, Y_THREE)
    if name == "invscaling":  # as in scikit-learn, only for sgd
        expected = [0.1] * 5
    np.testing.assert_allclose(adam.history_.learning_rate, expected)


def test_an_own_schedule_and_a_composed_one() -> None:
    own = classifier(learning_rate=lambda clock: 0.01 / (1 + clock.step)).fit(X, Y_THREE)
    np.testing.assert_allclose(own.history_.learning_rate, 0.01 / (5 * np.arange(1, 6)))
    assert own.learning_rate_ == pytest.approx(0.01 / 26)
    ramp = classifier(
        learning_rate=cp.schedules.WarmUp(cp.schedules.StepDecay(0.1, every=5), 10)
    ).fit(X, Y_THREE)
    expected = [0.1 * 5 / 10, 0.1, 0.1, 0.01, 0.001]
    np.testing.assert_allclose(ramp.history_.learning_rate, expected)


def test_adaptive_learning_rate() -> None:
    settings = {"solver": "sgd", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 7}
    estimator = classifier(learning_rate="adaptive", **settings).fit(X, Y_THREE)
    # the first epoch improves on infinity; then every second one meets the plateau
    expected = 0.001 / 5.0 ** np.array([0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_allclose(estimator.history_.learning_rate, expected)
    assert estimator.learning_rate_ == pytest.approx(0.001 / 5**3)


# ---- penalties -----------------------------------------------------------------------------------


def test_penalties_by_hand() -> None:
    estimator = classifier(**PLAIN_SGD, l1=0.02, l2=0.3)
    net = start(estimator, Y_THREE)
    w = net.theta * net.architecture.is_decayed
    expected = net.theta - 0.1 * (gradient(net, Y_THREE) + 0.3 * w + 0.02 * np.sign(w))
    estimator.fit(X, Y_THREE)
    np.testing.assert_allclose(estimator.network_.theta, expected, rtol=1e-12)
    penalty = 0.15 * (w @ w) + 0.02 * abs(w).sum()
    assert estimator.loss_ == pytest.approx(net.loss(X, Y_THREE) + penalty)


def test_alpha_depends_on_the_batch_and_l2_does_not() -> None:
    full = {"solver": "lbfgs", "max_iter": 10}
    by_alpha = classifier(alpha=8.0, **full).fit(X, Y_THREE)
    by_l2 = classifier(alpha=0.0, l2=8.0 / N, **full).fit(X, Y_THREE)
    np.testing.assert_allclose(flat(by_alpha), flat(by_l2), rtol=1e-9)


def test_l1_makes_weights_vanish() -> None:
    def small(l1: float) -> int:
        estimator = classifier(solver="lbfgs", max_iter=100, alpha=0.0, l1=l1).fit(X, Y_THREE)
        return int((abs(np.concatenate([c.ravel() for c in estimator.coefs_])) < 1e-3).sum())

    assert small(0.05) > 20 > small(0.0)


def test_clip_norm_by_hand() -> None:
    estimator = classifier(**PLAIN_SGD, clip_norm=0.01)
    net = start(estimator, Y_THREE)
    g = gradient(net, Y_THREE)
    assert np.linalg.norm(g) > 0.01
    expected = net.theta - 0.1 * g * (0.01 / np.linalg.norm(g))
    np.testing.assert_allclose(estimator.fit(X, Y_THREE).network_.theta, expected, rtol=1e-12)
    loose = classifier(**PLAIN_SGD, clip_norm=1e3).fit(X, Y_THREE)
    assert same_weights(loose, classifier(**PLAIN_SGD).fit(X, Y_THREE))


# ---- initial weights and the glass box -----------------------------------------------------------


@pytest.mark.parametrize("name", cp.INITIALIZERS)
def test_initializer_by_name(name: str) -> None:
    net = classifier(initializer=name).initialize(X, Y_THREE).network_
    rng = np.random.RandomState(0)
    for W, b in zip(net.W, net.b, strict=True):
        W_expected, b_expected = cp.INITIALIZERS[name](rng, *W.shape[::-1])
        np.testing.assert_array_equal(W, W_expected)
        np.testing.assert_array_equal(b, b_expected)


def test_own_initializer_and_given_weights() -> None:
    def draw(rng: Any, fan_in: int, fan_out: int) -> Any:
        return rng.uniform(size=(fan_out, fan_in)), np.full(fan_out, 0.5)

    net = classifier(initializer=draw).initialize(X, Y_THREE).network_
    rng = np.random.RandomState(0)
    np.testing.assert_array_equal(net.W[0], rng.uniform(size=(6, 5)))
    np.testing.assert_array_equal(net.b[1], 0.5)
    constant = classifier(initializer=cp.initializers.constant_weights(0.3, bias=-1)).initialize(
        X, Y_THREE
    )
    assert set(flat(constant)) == {0.3, -1.0}
    fitted = classifier().fit(X, Y_THREE)
    given = (fitted.coefs_, fitted.intercepts_)
    assert same_weights(classifier(initializer=given).initialize(X, Y_THREE), fitted)
    before = flat(fitted)
    classifier(initializer=given).fit(X, Y_THREE)
    np.testing.assert_array_equal(flat(fitted), before)  # they are copied


@pytest.mark.parametrize(
    ("initializer", "message"),
    [
        (([np.zeros((5, 6))], [np.zeros(6)]), r"initializer: the weights must have the shapes"),
        (([np.zeros((6, 5)), np.zeros((6, 3))], [np.zeros(6), np.zeros(3)]), r"got \[\(\(6, 5\)"),
        ((1, 2, 3), r"initializer must be a pair \(coefs, intercepts\); got 3"),
        (lambda rng, fan_in, fan_out: np.zeros((fan_out, fan_in)), "got ndarray"),
        (
            lambda rng, fan_in, fan_out: (np.zeros((fan_in, fan_out)), np.zeros(fan_out)),
            r"the shapes \(6, 5\) and \(6,\); got \(\(5, 6\), \(6,\)\)",
        ),
    ],
)
def test_wrong_initializer(initializer: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier(initializer=initializer).fit(X, Y_THREE)


def test_initialize_then_predict_and_train() -> None:
    drawn = classifier(warm_start=True).initialize(X, Y_THREE)
    assert drawn.n_iter_ == 0
    assert drawn.loss_curve_ == []
    assert math.isnan(drawn.loss_)
    assert drawn.predict_proba(X).shape == (N, 3)
    cold = classifier().fit(X, Y_THREE)
    # the same weights, then the first numbers of the stream once more
    rng = np.random.RandomState(0)
    warm = classifier(warm_start=True, random_state=rng).initialize(X, Y_THREE)
    assert same_weights(warm, drawn)
    assert same_weights(warm.fit(X, Y_THREE), cold)
    partial = classifier(random_state=np.random.RandomState(0)).initialize(X, Y_THREE)
    np.testing.assert_array_equal(
        flat(partial.partial_fit(X, Y_THREE)),
        flat(classifier(random_state=0).partial_fit(X, Y_THREE, classes=[0, 1, 2])),
    )
    again = regressor().fit(X, Y_REAL)
    assert same_weights(again.initialize(X, Y_REAL), regressor().initialize(X, Y_REAL))


def test_initialize_with_classes_that_y_lacks() -> None:
    frame = pd.DataFrame(X[:2], columns=list("abcde"))
    estimator = classifier().initialize(frame, Y_THREE[:2], classes=["x", "y", "z", "w"])
    assert list(estimator.classes_) == ["w", "x", "y", "z"]
    assert list(estimator.feature_names_in_) == list("abcde")
    assert estimator.predict_proba(frame).shape == (2, 4)
    sparse = classifier().initialize(csr_array(X[:2]), Y_THREE[:2], classes=[0, 1, 2])
    assert sparse.predict_proba(csr_array(X)).shape == (N, 3)


@pytest.mark.parametrize("convert", [np.asarray, csr_array, csc_array])
def test_trace_and_hidden_activations(convert: Any) -> None:
    estimator = classifier(hidden_layer_sizes=(4, 3), activation="tanh").fit(X, Y_THREE)
    trace, given = estimator.trace(convert(X)), estimator.network_.forward(X)
    for mine, other in zip([*trace.z, *trace.h[1:]], [*given.z, *given.h[1:]], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-13)
    np.testing.assert_allclose(trace.y_hat, estimator.predict_proba(X))
    h_1 = np.tanh(X @ estimator.coefs_[0] + estimator.intercepts_[0])
    h_2 = np.tanh(h_1 @ estimator.coefs_[1] + estimator.intercepts_[1])
    for layer, h in ((1, h_1), (2, h_2), (-1, h_2), (-2, h_1)):
        found = estimator.hidden_activations(convert(X), layer)
        np.testing.assert_allclose(found, h, rtol=1e-12)
    np.testing.assert_array_equal(
        estimator.hidden_activations(X), estimator.hidden_activations(X, 2)
    )


def test_wrong_hidden_layer() -> None:
    estimator = classifier(hidden_layer_sizes=(4, 3)).fit(X, Y_THREE)
    for layer in (0, 3, -3):
        with pytest.raises(ValueError, match=f"layer must be from 1 to 2.*got {layer}"):
            estimator.hidden_activations(X, layer)
    with pytest.raises(ValueError, match="the network has no hidden layer"):
        classifier(hidden_layer_sizes=()).fit(X, Y_THREE).hidden_activations(X)
    for method in ("trace", "hidden_activations", "predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(classifier(), method)(X)
    with pytest.raises(NotFittedError):
        _ = classifier().network_


def test_the_network_shares_its_memory() -> None:
    estimator = classifier().fit(X, Y_THREE)
    net = estimator.network_
    assert all(np.shares_memory(c, net.theta) for c in estimator.coefs_ + estimator.intercepts_)
    before = estimator.predict_proba(X)
    estimator.coefs_[0][:, 2] = 0.0  # in place
    assert not np.allclose(estimator.predict_proba(X), before)
    assert (net.W[0][2] == 0).all()
    np.testing.assert_allclose(estimator.predict_proba(X), net.forward(X).y_hat, rtol=1e-13)
    estimator.coefs_[0] = np.ones((5, 6))  # replaced
    changed = estimator.predict_proba(X)
    assert (estimator.network_.W[0] == 1).all()
    np.testing.assert_allclose(changed, estimator.network_.forward(X).y_hat, rtol=1e-13)
    estimator.intercepts_ = [[9.0] * 6, [0.0, 0.0, 50.0]]
    assert (estimator.predict(X) == 2).all()
    assert all(np.shares_memory(c, estimator.network_.theta) for c in estimator.coefs_)
    estimator.partial_fit(X, Y_THREE)  # training goes on from them
    assert estimator.intercepts_[0] == pytest.approx(9.0, abs=0.1)
    estimator.coefs_[0] = np.ones((2, 2))
    with pytest.raises(ValueError, match="coefs_, intercepts_: the weights must have the shapes"):
        estimator.predict(X)
