"""Optimisers: one table (optimiser × schedule × dtype) against PyTorch, scikit-learn's formulas,

purity, state, weight decay and errors; L-BFGS.
"""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cases import STEPPERS

from clearprop import _native
from clearprop.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RMSprop,
    State,
    get_optimizer,
)
from clearprop.schedules import (
    Clock,
    Constant,
    Cosine,
    CosLog4,
    InverseScaling,
    OneCycle,
    Schedule,
    StepDecay,
    WarmUp,
)

DTYPES = (np.float32, np.float64)
STEPS = 50
# So small that adding it to √v and to √(v/(1−β₂ᵗ)) is the same: both lose it. With it Kingma and
# Ba's ε̂ form, which is ours, and PyTorch's are one.
NO_EPSILON = 1e-30

every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@dataclass(frozen=True)
class Quadratic:
    """ℒ = ½ θᵀAθ − cᵀθ, with a minimum so far away that no component of g changes its sign."""

    A: np.ndarray
    c: np.ndarray
    theta: np.ndarray

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        return self.A @ theta - self.c

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        return float(0.5 * theta @ self.A @ theta - self.c @ theta), self.gradient(theta)


def quadratic(dtype: type = np.float64, size: int = 7) -> Quadratic:
    rng = np.random.default_rng(0)
    B = rng.normal(size=(size, size)) / size
    A = B @ B.T + 0.5 * np.eye(size)
    theta = rng.uniform(1.0, 2.0, size)
    c = A @ theta + 20 * np.sign(rng.normal(size=size))
    return Quadratic(A.astype(dtype), c.astype(dtype), theta.astype(dtype))


def rates(schedule: Schedule) -> list[float]:
    """The rates of a run of 5 epochs of 10 steps, as training asks for them."""
    epochs = (
        Clock(np.arange(10.0) + 10 * e, n_steps=STEPS, epoch=e, n_samples=320 * e, reductions=0)
        for e in range(5)
    )
    return [rate for clock in epochs for rate in schedule(clock).tolist()]


def run(optimizer: Optimizer, problem: Quadratic, alphas: list[float]) -> np.ndarray:
    theta, state = problem.theta, optimizer.init(problem.theta)
    for alpha in alphas:
        theta, state = optimizer.update(theta, problem.gradient(theta), state, alpha)
    return theta


def torch_run(make: Callable[..., object], problem: Quadratic, alphas: list[float]) -> np.ndarray:
    torch = pytest.importorskip("torch")
    A, c = torch.from_numpy(problem.A), torch.from_numpy(problem.c)
    theta = torch.from_numpy(problem.theta.copy()).requires_grad_()
    optimizer = make(torch.optim, [theta], alphas[0])
    for alpha in alphas:
        optimizer.param_groups[0]["lr"] = alpha
        theta.grad = (A @ theta - c).detach()
        optimizer.step()
    return theta.detach().numpy()


@pytest.fixture(autouse=True)
def _float64_scalars_in_pytorch() -> Iterator[None]:
    """PyTorch keeps NAdam's product of momenta in its default dtype."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


SCHEDULES: list[Schedule] = [
    Constant(0.02),
    InverseScaling(0.02, power=0.2),
    StepDecay(0.02, every=20, factor=2),
    Cosine(0.02),
    OneCycle(0.02),
    WarmUp(Cosine(0.02), steps=10),
    CosLog4(0.02),
]


def torch_lion(optim: Any, parameters: list[Any], lr: float) -> Any:
    """Lion as in its authors' program, on PyTorch's base class, which has none."""

    class TorchLion(optim.Optimizer):  # type: ignore[misc,name-defined]
        def step(self) -> None:
            for theta in parameters:
                m = self.state[theta].setdefault("m", 0 * theta.grad)
                update = m * 0.9 + theta.grad * (1 - 0.9)
                theta.data.add_(update.sign(), alpha=-self.param_groups[0]["lr"])
                m.mul_(0.99).add_(theta.grad, alpha=1 - 0.99)

    return TorchLion(parameters, {"lr": lr})


# name: ours, PyTorch's, the schedules for which the two are one formula
PEERS = {
    "sgd": (SGD(), lambda o, p, lr: o.SGD(p, lr), SCHEDULES),
    # With momentum ours has α inside v (scikit-learn's form), PyTorch's outside.
    "momentum": (SGD(momentum=0.8), lambda o, p, lr: o.SGD(p, lr, momentum=0.8), SCHEDULES[:1]),
    "nesterov": (
        SGD(momentum=0.8, nesterov=True),
        lambda o, p, lr: o.SGD(p, lr, momentum=0.8, nesterov=True),
        SCHEDULES[:1],
    ),
    "adam": (
        Adam(epsilon=NO_EPSILON),
        lambda o, p, lr: o.Adam(p, lr, eps=NO_EPSILON),
        SCHEDULES,
    ),
    "adam betas": (
        Adam(beta_1=0.7, beta_2=0.95, epsilon=NO_EPSILON),
        lambda o, p, lr: o.Adam(p, lr, betas=(0.7, 0.95), eps=NO_EPSILON),
        SCHEDULES,
    ),
    "adamw": (
        AdamW(epsilon=NO_EPSILON, weight_decay=0.3),
        lambda o, p, lr: o.AdamW(p, lr, eps=NO_EPSILON, weight_decay=0.3),
        SCHEDULES,
    ),
    # These two have PyTorch's own ε.
    "rmsprop": (RMSprop(epsilon=0.1), lambda o, p, lr: o.RMSprop(p, lr, eps=0.1), SCHEDULES),
    "lion": (Lion(), torch_lion, SCHEDULES),
    "nadam": (
        NAdam(epsilon=0.1, weight_decay=0.3),
        lambda o, p, lr: o.NAdam(p, lr, eps=0.1, weight_decay=0.3, decoupled_weight_decay=True),
        SCHEDULES,
    ),
}
TABLE = [
    pytest.param(ours, torch_make, schedule, id=f"{name}-{type(schedule).__name__}")
    for name, (ours, torch_make, schedules) in PEERS.items()
    for schedule in schedules
]


@every_dtype
@pytest.mark.parametrize(("ours", "torch_make", "schedule"), TABLE)
def test_fifty_steps_are_pytorchs(
    ours: Optimizer, torch_make: Callable[..., object], schedule: Schedule, dtype: type
) -> None:
    problem = quadratic(dtype)
    alphas = rates(schedule)
    theta = run(ours, problem, alphas)
    expected = torch_run(torch_make, problem, alphas)
    assert theta.dtype == dtype
    moved = np.abs(expected - problem.theta)
    assert moved.min() > 0.1  # or the table would show nothing
    # A step rounds θ by half an ulp and its small change a few times; nothing amplifies that.
    scale = np.abs(expected).max() + np.abs(problem.theta).max()
    tolerance = STEPS * np.finfo(dtype).eps * scale
    np.testing.assert_allclose(theta, expected, rtol=0, atol=tolerance)


def test_adams_epsilon_is_kingma_and_bas_epsilon_hat() -> None:
    """PyTorch's ε at step t is ours divided by √(1−β₂ᵗ): equal after such a change, else not."""
    torch = pytest.importorskip("torch")
    problem, epsilon = quadratic(), 0.5
    theta = torch.from_numpy(problem.theta.copy()).requires_grad_()
    peer = torch.optim.Adam([theta], 0.02)
    ours = Adam(epsilon=epsilon)
    mine, state = problem.theta, ours.init(problem.theta)
    for t in range(1, STEPS + 1):
        mine, state = ours.update(mine, problem.gradient(mine), state, 0.02)
        peer.param_groups[0]["eps"] = epsilon / math.sqrt(1 - 0.999**t)
        theta.grad = torch.from_numpy(problem.gradient(theta.detach().numpy()))
        peer.step()
    np.testing.assert_allclose(mine, theta.detach().numpy(), rtol=STEPS * 4 * 2.3e-16)


def sklearn_sgd(problem: Quadratic, alphas: list[float], *, nesterov: bool) -> np.ndarray:
    """scikit-learn's SGDOptimizer._get_updates, for one array."""
    theta, velocity = problem.theta.copy(), np.zeros_like(problem.theta)
    for alpha in alphas:
        gradient = problem.gradient(theta)
        update = velocity = 0.9 * velocity - alpha * gradient
        if nesterov:
            update = 0.9 * velocity - alpha * gradient
        theta += update
    return theta


def sklearn_adam(problem: Quadratic, alphas: list[float]) -> np.ndarray:
    """scikit-learn's AdamOptimizer._get_updates, for one array."""
    theta, m, v = problem.theta.copy(), np.zeros_like(problem.theta), np.zeros_like(problem.theta)
    for t, alpha in enumerate(alphas, start=1):
        gradient = problem.gradient(theta)
        m = 0.9 * m + (1 - 0.9) * gradient
        v = 0.999 * v + (1 - 0.999) * (gradient**2)
        rate = alpha * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        theta += -rate * m / (np.sqrt(v) + 1e-8)
    return theta


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_sgd_and_adam_are_scikit_learns_to_the_last_bit(schedule: Schedule) -> None:
    problem, alphas = quadratic(), rates(schedule)
    for nesterov in (False, True):
        np.testing.assert_array_equal(
            run(SGD(momentum=0.9, nesterov=nesterov), problem, alphas),
            sklearn_sgd(problem, alphas, nesterov=nesterov),
        )
    np.testing.assert_array_equal(run(Adam(), problem, alphas), sklearn_adam(problem, alphas))


# ---------------------------------------------------------- what holds for every init/update pair

STEPPING: dict[str, Optimizer] = {
    **{name: kind() for name, kind in STEPPERS.items()},
    "sgd": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
}
SLOTS = {name: set(_native.OPTIMIZERS[each.native()[0]]) for name, each in STEPPING.items()}
each = pytest.mark.parametrize("name", STEPPING)


def frozen(state: State) -> State:
    for slot in state.values():
        slot.flags.writeable = False
    return state


@every_dtype
@each
def test_init_and_update_write_into_nothing_and_share_nothing(name: str, dtype: type) -> None:
    optimizer, problem = STEPPING[name], quadratic(dtype)
    theta, gradient = problem.theta.copy(), problem.gradient(problem.theta)
    state = optimizer.init(theta)
    for array in (theta, gradient):
        array.flags.writeable = False
    for _ in range(3):
        before = copy.deepcopy([theta, gradient, state])
        new_theta, new_state = optimizer.update(theta, gradient, frozen(state), 0.01)
        np.testing.assert_equal([theta, gradient, state], before)
        given = [theta, gradient, *state.values()]
        made = [new_theta, *new_state.values()]
        assert not any(np.shares_memory(a, b) for a in given for b in made)
        theta, state = new_theta, new_state
        theta.flags.writeable = False


@every_dtype
@each
def test_the_state_has_slots_like_theta_and_counts_the_steps(name: str, dtype: type) -> None:
    optimizer, problem = STEPPING[name], quadratic(dtype)
    theta = problem.theta
    state = optimizer.init(theta)
    extra = {"mu_product"} if name == "nadam" else set()
    for step in range(3):
        assert set(state) == {"step"} | SLOTS[name] | extra
        assert all(isinstance(slot, np.ndarray) for slot in state.values())
        assert state["step"].dtype == np.int64
        assert state["step"].shape == ()
        assert state["step"] == step
        for slot in SLOTS[name]:
            assert state[slot].dtype == dtype
            assert state[slot].shape == theta.shape
            assert state[slot].any() == (step > 0)
        theta, state = optimizer.update(theta, problem.gradient(theta), state, 0.01)


@every_dtype
@each
@pytest.mark.parametrize("alpha", [0.01, np.float64(0.01), np.array(0.01), np.full(7, 0.01)])
def test_theta_keeps_its_dtype_whatever_that_of_the_rate_and_the_gradient(
    name: str, dtype: type, alpha: float | np.ndarray
) -> None:
    optimizer, problem = STEPPING[name], quadratic(dtype)
    gradient = problem.gradient(problem.theta).astype(np.float64)
    decay = np.ones(7)
    theta, state = optimizer.update(
        problem.theta, gradient, optimizer.init(problem.theta), alpha, decay
    )
    assert theta.dtype == dtype
    assert all(state[slot].dtype == dtype for slot in SLOTS[name])
    plain, _ = optimizer.update(problem.theta, gradient, optimizer.init(problem.theta), 0.01)
    # an array of rates is rounded to θ's dtype before, a number after it is multiplied
    np.testing.assert_allclose(theta, plain, rtol=4 * np.finfo(dtype).eps)


@each
def test_a_rate_for_each_parameter_is_that_parameters_rate(name: str) -> None:
    optimizer, problem = STEPPING[name], quadratic()
    gradient, alphas = problem.gradient(problem.theta), np.linspace(0, 0.06, 7)
    theta, state = problem.theta, optimizer.init(problem.theta)
    theta, state = optimizer.update(theta, gradient, state, alphas)
    theta, state = optimizer.update(theta, gradient, state, alphas)
    for i, alpha in enumerate(alphas.tolist()):
        one, one_state = problem.theta, optimizer.init(problem.theta)
        one, one_state = optimizer.update(one, gradient, one_state, alpha)
        one, one_state = optimizer.update(one, gradient, one_state, alpha)
        assert one[i] == theta[i]
    assert theta[0] == problem.theta[0]  # where α = 0 nothing moves


@each
def test_a_run_goes_on_from_a_stored_state_with_the_same_bits(name: str) -> None:
    optimizer, problem = STEPPING[name], quadratic()
    whole = run(optimizer, problem, [0.02] * 20)
    theta, state = problem.theta, optimizer.init(problem.theta)
    for _ in range(8):
        theta, state = optimizer.update(theta, problem.gradient(theta), state, 0.02)
    theta, state = pickle.loads(pickle.dumps((theta, state)))
    for _ in range(12):
        theta, state = optimizer.update(theta, problem.gradient(theta), state, 0.02)
    np.testing.assert_array_equal(theta, whole)


DECAYING: list[Callable[[float], Optimizer]] = [
    lambda decay: SGD(momentum=0.9, nesterov=True, weight_decay=decay),
    *(lambda decay, kind=kind: kind(weight_decay=decay) for kind in STEPPERS.values()),
]


@pytest.mark.parametrize("make", DECAYING)
@pytest.mark.parametrize("mask", [None, np.array([1, 1, 0, 1, 0, 0, 1.0])])
def test_weight_decay_shrinks_theta_before_the_step_where_the_mask_says_so(
    make: Callable[[float], Optimizer], mask: np.ndarray | None
) -> None:
    problem, alpha, decay = quadratic(), 0.05, 0.4
    gradient = problem.gradient(problem.theta)
    with_decay, without = make(decay), make(0.0)
    theta, state = with_decay.update(
        problem.theta, gradient, with_decay.init(problem.theta), alpha, mask
    )
    shrunk = problem.theta * (1 - alpha * decay * (np.ones(7) if mask is None else mask))
    expected, plain_state = without.update(shrunk, gradient, without.init(shrunk), alpha, mask)
    np.testing.assert_allclose(theta, expected, rtol=4 * 2.3e-16)
    np.testing.assert_equal(state, plain_state)  # decay does not enter the moments


@each
def test_a_gradient_of_another_shape_is_refused(name: str) -> None:
    theta = np.ones(3)
    optimizer = STEPPING[name]
    with pytest.raises(ValueError, match=r"gradient must have the shape of theta, \(3,\), got \(4"):
        optimizer.update(theta, np.ones(4), optimizer.init(theta), 0.1)


# --------------------------------------------------------------------------- records and the table


@pytest.mark.parametrize("kind", OPTIMIZERS.values())
def test_records_are_frozen_equal_by_value_and_survive_pickle(kind: type) -> None:
    record = kind()
    assert record == kind()
    assert pickle.loads(pickle.dumps(record)) == record
    with pytest.raises(AttributeError):
        record.tol = record.learning_rate = 1.0


def test_adamw_alone_decays_by_default() -> None:
    decays = {name: kind().weight_decay for name, kind in STEPPERS.items()}
    assert decays == dict.fromkeys(STEPPERS, 0.0) | {"adamw": 0.01}


def test_get_optimizer_takes_names_records_and_own_optimisers() -> None:
    class Own:
        learning_rate = 0.1
        weight_decay = 0.0

        def init(self, theta: np.ndarray) -> State:
            return {"step": np.array(0)}

        def update(
            self,
            theta: np.ndarray,
            gradient: np.ndarray,
            state: State,
            learning_rate: float | np.ndarray,
            decay: np.ndarray | None = None,
        ) -> tuple[np.ndarray, State]:
            return theta - learning_rate * gradient, {"step": state["step"] + 1}

    assert {name: get_optimizer(name) for name in OPTIMIZERS} == {
        name: kind() for name, kind in OPTIMIZERS.items()
    }
    for given in (SGD(0.1, momentum=0.9), Adam(Cosine(0.1)), LBFGS(), Own()):
        assert get_optimizer(given) is given
    with pytest.raises(
        ValueError, match=r"solver: unknown optimiser 'sdg'; choose from sgd, adam,"
    ):
        get_optimizer("sdg", argument="solver")
    for bad in (SGD, 0.1, None, lambda theta: theta):
        with pytest.raises(TypeError, match="optimizer must be the name of an optimiser"):
            get_optimizer(bad)


@pytest.mark.parametrize("kind", STEPPERS.values())
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"learning_rate": 0.0}, ValueError, r"learning_rate must be > 0, got 0\.0"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be > 0, got nan"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number or a schedule"),
        ({"weight_decay": -0.1}, ValueError, r"weight_decay must be ≥ 0, got -0\.1"),
        ({"weight_decay": None}, TypeError, "weight_decay must be a number, got None"),
    ],
)
def test_common_hyper_parameters_out_of_range_are_refused_by_name(
    kind: type, bad: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        kind(**bad)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(momentum=1.1), ValueError, r"momentum must be ≥ 0 and ≤ 1, got 1\.1"),
        (lambda: SGD(nesterov="yes"), TypeError, "nesterov must be True or False, got 'yes'"),
        (lambda: RMSprop(rho=1.0), ValueError, r"rho must be ≥ 0 and < 1, got 1\.0"),
        (lambda: RMSprop(epsilon=0.0), ValueError, r"epsilon must be > 0, got 0\.0"),
        (lambda: LBFGS(memory=0), ValueError, "memory must be ≥ 1, got 0"),
        (lambda: LBFGS(memory=2.5), TypeError, r"memory must be an integer, got 2\.5"),
        (lambda: LBFGS(max_fun=0), ValueError, "max_fun must be ≥ 1"),
        (lambda: LBFGS(tol=-1.0), ValueError, "tol must be ≥ 0"),
    ]
    + [
        (lambda kind=kind, bad=bad: kind(**bad), ValueError, f"{next(iter(bad))} must be")
        for kind in (Adam, AdamW, NAdam)
        for bad in ({"beta_1": 1.0}, {"beta_1": -0.1}, {"beta_2": 1.0}, {"epsilon": 0.0})
    ],
)
def test_own_hyper_parameters_out_of_range_are_refused_by_name(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


# ------------------------------------------------------------------------------------------ L-BFGS


def rosenbrock(theta: np.ndarray) -> tuple[float, np.ndarray]:
    from scipy.optimize import rosen, rosen_der

    return float(rosen(theta)), rosen_der(theta)


@every_dtype
def test_lbfgs_finds_the_minimum_and_leaves_theta_alone(dtype: type) -> None:
    problem = quadratic(dtype)
    exact = quadratic()
    start = problem.theta.copy()
    start.flags.writeable = False
    result = LBFGS(tol=1e-10).minimize(exact.loss_and_gradient, start, max_iter=200)
    np.testing.assert_array_equal(start, problem.theta)
    assert result.success
    minimum = np.linalg.solve(exact.A, exact.c)
    # SciPy also stops when ℒ changes by less than 1e7·eps of itself, so to about its square root
    np.testing.assert_allclose(result.x, minimum, rtol=1e-4)
    assert result.x.dtype == np.float64


def test_lbfgs_keeps_to_its_limits() -> None:
    start = np.full(6, -1.5)
    assert LBFGS().minimize(rosenbrock, start, max_iter=3).nit == 3
    few = LBFGS(max_fun=5).minimize(rosenbrock, start, max_iter=1000)
    assert not few.success
    assert few.nfev < 30  # a line search is finished first
    loose = LBFGS(tol=10.0).minimize(rosenbrock, start, max_iter=1000)
    assert 1e-3 < np.abs(loose.jac).max() <= 10.0
    full = LBFGS(tol=1e-6).minimize(rosenbrock, start, max_iter=1000)
    assert np.abs(full.jac).max() < 1e-3
    short = LBFGS(memory=1, tol=1e-6).minimize(rosenbrock, start, max_iter=1000)
    assert short.nit > full.nit  # less memory, more iterations
    with pytest.raises(ValueError, match="max_iter must be ≥ 1, got 0"):
        LBFGS().minimize(rosenbrock, start, max_iter=0)


def test_lbfgs_calls_back_and_stops_when_told() -> None:
    seen: list[np.ndarray] = []

    def callback(theta: np.ndarray) -> None:
        seen.append(theta.copy())
        if len(seen) == 4:
            raise StopIteration

    result = LBFGS().minimize(rosenbrock, np.full(6, -1.5), max_iter=1000, callback=callback)
    assert len(seen) == 4
    np.testing.assert_array_equal(result.x, seen[-1])
