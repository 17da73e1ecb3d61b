"""The training loop: steps, schedules, regularisation, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from cases import STEPPERS
from fits import classifier, data_of, run, spirals
from scipy import sparse

from clearprop import OUTPUTS, SGD, Adam, NAdam, Network, Penalty, Stopping
from clearprop.architecture import Architecture, initial_theta
from clearprop.history import TrainingState
from clearprop.layers import Dense, Derivatives
from clearprop.row_orders import RowOrder
from clearprop.schedules import (
    Adaptive,
    Clock,
    Cosine,
    CosLog4,
    InverseScaling,
    OneCycle,
    StepDecay,
    WarmUp,
)

OPTIMIZERS = [
    SGD(0.1),
    SGD(0.05, momentum=0.9),
    SGD(0.05, momentum=0.9, nesterov=True),
    SGD(0.1, weight_decay=0.001),
    *(kind(0.01) for kind in STEPPERS.values() if kind is not SGD),
]
SCHEDULES = [
    InverseScaling(0.2, power=0.2),
    Adaptive(0.1),
    StepDecay(0.1, every=20),
    Cosine(0.1),
    OneCycle(0.2),
    WarmUp(0.1, steps=10),
    CosLog4(0.2),
]


# ---- the steps -----------------------------------------------------------------------------------


def test_one_step_of_gradient_descent_by_hand() -> None:
    X, t = spirals()
    net = classifier()
    theta, gradient = net.theta.copy(), net.backward(net.forward(X), t).theta
    loss = net.loss(X, t)
    history = net.train(X, t, optimizer=SGD(0.3), epochs=1, batch_size=60, shuffle=False)
    # θ − α ∂ℒ/∂θ, up to the order of the sums: a few eps of numbers near 1
    np.testing.assert_allclose(net.theta, theta - 0.3 * gradient, rtol=0, atol=1e-15)
    assert history.loss == [pytest.approx(loss, rel=1e-14)]  # before the step


@pytest.mark.parametrize("weighted", [False, True])
def test_epochs_of_mini_batches_by_hand(weighted: bool) -> None:
    """Batches of 8 from 60 rows, the last of 4, in a new order each epoch; α of each step."""
    X, t = spirals()
    w = np.random.default_rng(1).uniform(size=60) if weighted else None
    net, by_hand = classifier(), classifier()
    optimizer = SGD(Cosine(0.2), momentum=0.9)
    rng, state, losses = np.random.default_rng(7), optimizer.init(net.theta), []
    rates = optimizer.learning_rate(Clock(np.arange(24.0), 24, 0, 0, 0))
    step = 0
    for _ in range(3):
        order, total = rng.permutation(60), 0.0
        for start in range(0, 60, 8):
            rows = order[start : start + 8]
            weights = None if w is None else w[rows]
            trace = by_hand.forward(X[rows])
            total += by_hand.loss(X[rows], t[rows], weights) * len(rows)
            g = by_hand.backward(trace, t[rows], weights).theta
            by_hand.theta, state = optimizer.update(by_hand.theta, g, state, rates[step])
            step += 1
        losses.append(total / 60)
    result = run(net, X, t, w, optimizer=optimizer, shuffle=7)
    # 24 steps, each of which rounds numbers near 1 to a few eps
    np.testing.assert_allclose(result.theta, by_hand.theta, rtol=0, atol=1e-13)
    assert result.history.loss == pytest.approx(losses, rel=1e-13)
    assert result.history.learning_rate == rates[7::8].tolist()
    assert (result.epoch, result.n_steps, result.n_samples) == (3, 24, 180)


def test_without_shuffling_the_rows_stay_as_they_lie() -> None:
    X, t = spirals()
    net = classifier()
    order = np.random.default_rng(0).permutation(60)
    by_rows = run(net, X, t, shuffle=None, rows=order)
    np.testing.assert_array_equal(by_rows.theta, run(net, X[order], t[order], shuffle=None).theta)
    assert (by_rows.theta != run(net, X, t, shuffle=None).theta).any()
    assert (by_rows.theta != run(net, X, t, shuffle=0).theta).any()


def test_a_job_sees_its_own_rows_only() -> None:
    X, t = spirals()
    rows = np.arange(0, 60, 3)
    spoilt = np.full_like(X, np.nan)
    spoilt[rows] = X[rows]
    a = run(classifier(), X[rows], t[rows], shuffle=1)
    b = run(classifier(), spoilt, t, rows=rows, shuffle=1)
    np.testing.assert_array_equal(a.theta, b.theta)


def test_drop_last_leaves_the_small_batch_out() -> None:
    X, t = spirals(20)
    net = classifier()
    state = run(net, X, t, shuffle=None, epochs=2, drop_last=True)
    assert (state.n_steps, state.n_samples) == (4, 32)
    same = run(net, X[:16], t[:16], shuffle=None, epochs=2)
    np.testing.assert_array_equal(state.theta, same.theta)
    small = run(net, X, t, batch_size=50, drop_last=True, epochs=1)
    assert small.n_steps == 1  # one batch there must be


def test_a_random_state_shuffles_the_order_before_as_scikit_learn_does() -> None:
    utils = pytest.importorskip("sklearn.utils")
    order = RowOrder(np.random.RandomState(3), np.arange(11))
    expected, rng = np.arange(11), np.random.RandomState(3)
    for _ in range(4):
        expected = utils.shuffle(expected, random_state=rng)
        np.testing.assert_array_equal(order.next(), expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_every_optimiser_learns(optimizer: Any) -> None:
    X, t = spirals()
    net = classifier()
    before = net.loss(X, t)
    history = net.train(X, t, optimizer=optimizer, epochs=60, batch_size=8)
    assert net.loss(X, t) < 0.5 * before
    assert history.loss[-1] < 0.6 * history.loss[0]
    assert history.stopped == "epochs"


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_every_schedule_learns_and_gives_each_step_its_rate(schedule: Any) -> None:
    X, t = spirals()
    net = classifier()
    before = net.loss(X, t)
    history = net.train(X, t, optimizer=SGD(schedule, momentum=0.9), epochs=40, batch_size=8)
    assert net.loss(X, t) < 0.75 * before
    for epoch, rate in enumerate(history.learning_rate):
        clock = Clock(np.arange(8.0) + 8 * epoch, 320, epoch, 60 * epoch, 0)
        assert rate == schedule(clock)[-1]


def test_names_of_optimisers_stand_for_their_defaults() -> None:
    X, t = spirals()
    for name, optimizer in (("sgd", SGD()), ("adam", Adam()), ("nadam", NAdam())):
        a, b = classifier(), classifier()
        a.train(X, t, optimizer=name, epochs=2)
        b.train(X, t, optimizer=optimizer, epochs=2)
        np.testing.assert_array_equal(a.theta, b.theta)


def test_the_seed_decides_everything() -> None:
    X, t = spirals()

    def theta(seed: Any) -> Any:
        net = classifier(dropout=0.2)
        net.train(X, t, epochs=3, seed=seed, validation=0.25)
        return net.theta

    np.testing.assert_array_equal(theta(5), theta(5))
    np.testing.assert_array_equal(theta(5), theta(np.random.default_rng(5)))
    assert (theta(5) != theta(6)).any()


def test_training_goes_on_where_it_ended() -> None:
    X, t = spirals()
    net = classifier()
    first = net.train(X, t, optimizer=SGD(0.1), epochs=10)
    second = net.train(X, t, optimizer=SGD(0.1), epochs=10)
    assert second.loss[0] < first.loss[0]
    assert second.loss[-1] < first.loss[-1]


def test_float32_and_sparse() -> None:
    X, t = spirals()
    X = X * (np.abs(X) > 0.3)
    results = []
    for dtype, form in (("float64", np.asarray), ("float32", np.asarray), ("float64", "csr")):
        net = classifier(dtype=dtype)
        net.train(sparse.csr_matrix(X) if form == "csr" else X, t, epochs=5)
        assert net.theta.dtype == np.dtype(dtype)
        results.append(net.theta)
    # 10 steps of Adam of at most 0.001 each, whose directions float32 knows to a few digits
    np.testing.assert_allclose(results[1], results[0], atol=1e-4)
    np.testing.assert_allclose(results[2], results[0], atol=1e-9)


# ---- regularisation ------------------------------------------------------------------------------


def test_clipping_limits_the_length_of_a_step() -> None:
    X, t = spirals()
    net = classifier()
    g = net.backward(net.forward(X), t).theta
    length = float(np.linalg.norm(g))
    options: Any = {"epochs": 1, "batch_size": 60, "shuffle": None, "optimizer": SGD(1.0)}
    clipped = run(net, X, t, clip_norm=length / 4, **options)
    np.testing.assert_allclose(clipped.theta, net.theta - g / 4, rtol=0, atol=2e-15)
    free = run(net, X, t, clip_norm=2 * length, **options)
    np.testing.assert_allclose(free.theta, net.theta - g, rtol=0, atol=2e-15)


def test_clipping_works_where_the_squares_overflow() -> None:
    net = Network([1, 1], seed=0, dtype="float32")
    X, t = np.full((1, 1), 1e15, dtype=np.float32), np.zeros(1)
    g = net.backward(net.forward(X), t).theta
    assert np.isfinite(g).all()
    options: Any = {"epochs": 1, "clip_norm": 1.0, "optimizer": SGD(1.0)}
    step = run(net, X, t, **options).theta - net.theta
    assert np.linalg.norm(step) == pytest.approx(1, rel=1e-5)


def test_the_reported_loss_has_the_penalty_and_the_validation_loss_has_not() -> None:
    X, t = spirals()
    net = classifier()
    plain, weights = net.loss(X, t), np.concatenate([W.ravel() for W in net.W])
    options: Any = {"epochs": 1, "batch_size": 60, "shuffle": None, "optimizer": SGD(1e-12)}
    penalty = Penalty(l1=0.01, l2=0.1, l2_per_batch=3.0)
    state = run(net, X, t, penalty=penalty, validation=data_of(net, X, t), **options)
    extra = 0.01 * np.abs(weights).sum() + (0.1 + 3.0 / 60) / 2 * (weights**2).sum()
    assert state.history.loss[0] == pytest.approx(plain + extra, rel=1e-12)
    assert state.history.validation_loss[0] == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("penalty", [Penalty(l1=0.05), Penalty(l2=0.3), Penalty(l2_per_batch=20.0)])
def test_penalties_make_the_weights_smaller(penalty: Penalty) -> None:
    X, t = spirals()
    sizes = []
    for p in (Penalty(), penalty):
        net = classifier()
        net.train(X, t, optimizer=SGD(0.1), epochs=100, penalty=p)
        sizes.append(sum(np.abs(W).sum() for W in net.W))
    assert sizes[1] < 0.7 * sizes[0]
    if penalty.l1:  # a subgradient leaves weights within α·l1 of 0
        assert (np.abs(net.W[0]) < 0.1 * 0.05 * 2).mean() > 0.3


def test_weight_decay_spares_the_biases() -> None:
    net = Network([2, 3, 1], initializer=lambda rng, i, o: (np.ones((o, i)), np.ones(o)))
    frozen = net.architecture.is_decayed
    X, t = np.zeros((4, 2)), net.predict(np.zeros((4, 2)))  # no residual, so no gradient
    state = run(net, X, t, optimizer=SGD(0.1, weight_decay=0.5), epochs=1, batch_size=4)
    np.testing.assert_allclose(state.theta, np.where(frozen == 1, 0.95, 1.0), rtol=1e-15)


def test_each_step_draws_its_own_dropout_mask() -> None:
    X, t = spirals(16)
    net = classifier(dropout=0.5)
    options: Any = {"epochs": 1, "batch_size": 8, "shuffle": None}
    state = run(net, X, t, seed=11, **options)
    theta = net.theta.copy()
    for step, rows in enumerate((slice(0, 8), slice(8, 16))):
        net.theta[...] = theta
        g = net.backward(net.forward(X[rows], draw=(11, step)), t[rows]).theta
        theta = theta - 0.1 * g
    np.testing.assert_allclose(state.theta, theta, rtol=0, atol=2e-15)


# ---- errors --------------------------------------------------------------------------------------

BAD_ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"epochs": 0}, ValueError, "epochs must be an integer >= 1; got 0"),
    ({"epochs": 2.5}, ValueError, "epochs must be an integer >= 1; got 2.5"),
    ({"epochs": True}, ValueError, "epochs must be an integer >= 1; got True"),
    ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1; got 0"),
    ({"max_steps": 0}, ValueError, "max_steps must be an integer >= 1; got 0"),
    ({"clip_norm": 0.0}, ValueError, "clip_norm must be > 0 or None; got 0.0"),
    ({"time_limit": 0}, ValueError, "time_limit must be a number of seconds > 0; got 0"),
    ({"optimizer": "adagrad"}, ValueError, "optimizer: unknown optimiser 'adagrad'; choose from"),
    ({"optimizer": SGD}, TypeError, "optimizer must be the name of an optimiser or an optimiser"),
    ({"engine": "cuda"}, ValueError, "engine must be 'auto', 'native' or 'reference'; got 'cuda'"),
    ({"validation": 1.5}, ValueError, "validation must be .* a fraction .*; got 1.5 of 60 rows"),
    ({"validation": 0.001}, ValueError, "a fraction that leaves rows on both sides; got 0.001"),
    ({"validation": (np.zeros((3, 2)),)}, ValueError, "validation must be .*; got a tuple of 1"),
    (
        {"validation": (np.zeros((3, 9)), [0, 1, 0])},
        ValueError,
        "X of validation must have 2 columns; got 9",
    ),
    ({"validation": (np.zeros((3, 2)), [0])}, ValueError, "t of validation must have one row per"),
    (
        {"stopping": Stopping()},
        ValueError,
        r"can monitor \['loss'\] here; got 'validation_loss' \(",
    ),
    ({"stopping": Stopping("f1"), "validation": 0.5}, ValueError, "got 'f1'"),
    ({"metrics": {"f1": len}}, ValueError, "metrics need validation data, and there is none"),
    ({"sample_weight": np.ones(3)}, ValueError, r"sample_weight must have shape \(60,\); got"),
]


@pytest.mark.parametrize(("options", "kind", "message"), BAD_ARGUMENTS)
def test_errors_name_the_argument(options: Any, kind: Any, message: str) -> None:
    X, t = spirals()
    net = classifier()
    before = net.theta.copy()
    with pytest.raises(kind, match=message):
        net.train(X, t, **options)
    np.testing.assert_array_equal(net.theta, before)


def test_records_check_themselves() -> None:
    for name in ("l1", "l2", "l2_per_batch"):
        for value in (-1.0, np.nan, np.inf):
            with pytest.raises(ValueError, match=f"{name} must be (≥ 0|finite).*, got"):
                Penalty(**{name: value})
    with pytest.raises(ValueError, match="patience must be >= 0; got -1"):
        Stopping(patience=-1)
    with pytest.raises(ValueError, match="tol must be >= 0; got nan"):
        Stopping(tol=np.nan)
    with pytest.raises(ValueError, match="there are no rows to train on"):
        run(classifier(), *spirals(), rows=np.array([], dtype=int))
    with pytest.raises(RuntimeError, match="training has not started"):
        _ = TrainingState().theta


@dataclass(frozen=True)
class Shift:
    """A custom kind: its input plus a learnt shift, whose name begins with b."""

    n: int
    biases: frozenset[str]
    decayed: frozenset[str]
    name: ClassVar[str] = "shift"
    stochastic: ClassVar[bool] = False

    @property
    def n_in(self) -> int:
        return self.n

    @property
    def n_out(self) -> int:
        return self.n

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"beta": (self.n,)}

    def initial(self, rng: Any, initializer: Any) -> dict[str, Any]:
        return {"beta": np.full(self.n, 2.0)}

    def forward(self, p: Any, h: Any, draw: Any) -> tuple[Any, Any]:
        return h + p["beta"], None

    def backward(self, p: Any, saved: Any, dL_dh_next: Any) -> Derivatives:
        return Derivatives(dL_dh_next, {"beta": dL_dh_next.sum(axis=0)})


@pytest.mark.parametrize("decays", [True, False])
def test_a_layer_says_which_of_its_parameters_decay_and_how_they_start(decays: bool) -> None:
    beta = frozenset({"beta"})
    shift = Shift(2, beta - beta if decays else beta, beta if decays else beta - beta)
    architecture = Architecture((shift, Dense(2, 1, None)), OUTPUTS["linear"]())
    theta = initial_theta(architecture, np.random.default_rng(0), "zeros", np.dtype("float64"))
    np.testing.assert_array_equal(theta, [2, 2, 0, 0, 0])
    np.testing.assert_array_equal(architecture.is_decayed, [decays, decays, 1, 1, 0])
    net = Network.from_theta(architecture, theta)
    with pytest.warns(UserWarning, match="shift"):
        net.train(
            [[1.0, 2.0]], [0.0], SGD(0.1, weight_decay=0.5), epochs=1, penalty=Penalty(l2=1.0)
        )
    # W is 0, so the gradient of the loss by beta is 0: only decay and penalty move it
    expected = 2 * (1 - 0.1 * 0.5) - 0.1 * 2 if decays else 2
    np.testing.assert_allclose(net.theta[:2], expected, rtol=1e-15)


def test_a_layer_cannot_name_parameters_that_it_lacks() -> None:
    wrong = Shift(2, frozenset({"gamma"}), frozenset())
    with pytest.raises(ValueError, match=r"layer 0 \(shift\) names .* it lacks: gamma"):
        Architecture((wrong, Dense(2, 1, None)), OUTPUTS["linear"]())
