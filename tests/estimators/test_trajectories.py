"""With the same parameters and random_state, training follows scikit-learn's own trajectory.

Both implementations do the same sums in another order, so the weights differ by rounding alone:
about the float64 eps (2e-16) at each step, which training may amplify. The bound of 1e-8 relative
after 20 epochs or 20 iterations is the one that clearprop promises.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
import sklearn.neural_network as peer
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

import clearprop as cp

BOUND = 1e-8
EPOCHS = 20
KINDS = ("binary", "multiclass", "multilabel", "regression", "multi-output", "poisson")
SOLVERS: dict[str, dict[str, Any]] = {
    "sgd-constant": {"solver": "sgd", "learning_rate": "constant", "learning_rate_init": 0.05},
    "sgd-invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    # plateaus come soon, so that the rate is reduced within the 20 epochs
    "sgd-adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.1,
        "tol": 0.02,
        "n_iter_no_change": 1,
    },
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "csr": {},
    "sample_weight": {},
    "early_stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "early_stopping_weighted": {"early_stopping": True, "validation_fraction": 0.3},
    "no_shuffle": {"shuffle": False},
    "one_batch": {"batch_size": 61},
    "remainder_of_one": {"batch_size": 12},
    "single_rows": {"batch_size": 1, "max_iter": 4, "learning_rate_init": 1e-3},
    "clipped_batch": {"batch_size": 1000},
    "no_hidden_layer": {"hidden_layer_sizes": ()},
    "three_layers": {"hidden_layer_sizes": (5, 3, 4)},
    "plain_momentum": {"nesterovs_momentum": False, "momentum": 0.5},
    "no_penalty": {"alpha": 0.0},
    "large_penalty": {"alpha": 3.0},
    "betas": {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3},
    "stops_by_itself": {"tol": 0.3, "n_iter_no_change": 2},
}


class Problem(NamedTuple):
    X: Any
    y: Any
    sample_weight: Any


@dataclass(frozen=True)
class Case:
    kind: str
    solver: str
    activation: str = "tanh"
    variant: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join(filter(None, (self.kind, self.solver, self.activation, self.variant)))

    @property
    def parameters(self) -> dict[str, Any]:
        parameters = {
            "hidden_layer_sizes": (7, 4),
            "activation": self.activation,
            "max_iter": EPOCHS,
            "batch_size": 16,
            "random_state": 3,
            **SOLVERS[self.solver],
            **VARIANTS.get(self.variant, {}),
            **self.extra,
        }
        if self.kind == "poisson":
            parameters["loss"] = "poisson"
        if self.kind == "multi-output":
            parameters["alpha"] = 0.0
        return parameters


def make_problem(case: Case) -> Problem:
    rng = np.random.default_rng(11)
    X = rng.normal(size=(61, 5))
    if case.variant == "csr":
        X = csr_array(np.where(rng.uniform(size=X.shape) < 0.5, X, 0))
    dense = X.toarray() if case.variant == "csr" else X
    z = np.tanh(dense @ rng.normal(size=(5, 3))) + 0.3 * rng.normal(size=(61, 3))
    y = {
        "binary": np.array(["no", "yes"])[(z[:, 0] > 0).astype(int)],
        "multiclass": z.argmax(axis=1) + 5,
        "multilabel": (z > 0).astype(int),
        "regression": z[:, 0],
        "multi-output": z,
        "poisson": rng.poisson(np.exp(z[:, 0])).astype(float),
    }[case.kind]
    weighted = case.variant in ("sample_weight", "early_stopping_weighted")
    weights = rng.integers(0, 4, len(y)).astype(float) + 0.5 if weighted else None
    return Problem(X, y, weights)


def is_classifier(kind: str) -> bool:
    return kind in ("binary", "multiclass", "multilabel")


def both(case: Case) -> tuple[Any, Any]:
    """(ours, theirs), not fitted yet."""
    name = "MLPClassifier" if is_classifier(case.kind) else "MLPRegressor"
    ours, theirs = getattr(cp, name)(**case.parameters), getattr(peer, name)(**case.parameters)
    if case.kind == "multi-output" and not ours.early_stopping:
        # our loss is K times as large, and so must be what counts as an improvement of it
        ours.set_params(tol=3 * ours.tol)
    return ours, theirs


def quietly(method: Any, *arguments: Any, **options: Any) -> Any:
    """Call with the warning for reaching max_iter, and only that one, allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Got `batch_size` less than 1 or larger")
        return method(*arguments, **options)


def relative(a: Any, b: Any) -> float:
    """Largest difference, relative to the largest entry."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    assert a.shape == b.shape
    scale = np.abs(b).max()
    return float(np.abs(a - b).max() / (scale if scale else 1.0))


def weights_apart(ours: Any, theirs: Any) -> float:
    pairs = zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    )
    return max(relative(a, b) for a, b in pairs)


def assert_same_fit(ours: Any, theirs: Any, problem: Problem, bound: float = BOUND) -> None:
    assert weights_apart(ours, theirs) < bound
    names = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")
    for name in names:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert_same_curves(ours, theirs, bound)
    mine, other = ours.predict(problem.X), theirs.predict(problem.X)
    if hasattr(ours, "predict_proba"):
        assert np.array_equal(ours.classes_, theirs.classes_)
        assert mine.dtype == other.dtype
        assert np.array_equal(mine, other)
        mine, other = ours.predict_proba(problem.X), theirs.predict_proba(problem.X)
    assert mine.shape == other.shape
    assert relative(mine, other) < bound
    scores = ours.score(problem.X, problem.y), theirs.score(problem.X, problem.y)
    assert scores[0] == pytest.approx(scores[1], rel=bound)


def assert_same_curves(ours: Any, theirs: Any, bound: float) -> None:
    lbfgs = ours.solver == "lbfgs"
    # the loss of several outputs is their sum here, their mean in scikit-learn (alpha is 0 then)
    factor = ours.n_outputs_ if isinstance(ours, cp.MLPRegressor) else 1
    assert relative(ours.loss_, np.multiply(theirs.loss_, factor)) < bound
    for name in ("best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_"):
        mine, other = getattr(ours, name), getattr(theirs, name, None)
        if other is None:  # scikit-learn has no curve and no best loss for L-BFGS
            assert mine is None or lbfgs, name
        else:
            factor = factor if "loss" in name else 1
            assert relative(mine, np.multiply(other, factor)) < bound, name
    assert ours._no_improvement_count == getattr(theirs, "_no_improvement_count", 0)


def table() -> list[Case]:
    activations = ("identity", "logistic", "tanh", "relu")
    cases = [Case(*entry) for entry in itertools.product(KINDS, SOLVERS, activations)]
    kinds = [kind for kind in KINDS if kind != "poisson"]
    cases += [
        Case(kind, solver, "relu", variant)
        for kind, solver, variant in itertools.product(
            kinds, ("sgd-constant", "adam", "lbfgs"), VARIANTS
        )
    ]
    return [c for c in cases if not (c.kind == "multi-output" and c.solver == "lbfgs")]


# L-BFGS tries a step so far away that an output saturates on the wrong side; see the test below
CLIPPED = ("binary-lbfgs-relu-large_penalty",)
CASES = table()


@pytest.mark.parametrize("case", [c for c in CASES if str(c) not in CLIPPED], ids=str)
def test_same_trajectory(case: Case) -> None:
    problem = make_problem(case)
    ours, theirs = both(case)
    for estimator in (ours, theirs):
        quietly(estimator.fit, problem.X, problem.y, sample_weight=problem.sample_weight)
    assert_same_fit(ours, theirs, problem)


@pytest.mark.parametrize("name", CLIPPED)
def test_where_lbfgs_differs_scikit_learn_has_clipped_its_loss(name: str, monkeypatch: Any) -> None:
    """scikit-learn clips ŷ to [eps, 1 − eps] in the loss, but not in the gradient.

    Where the line search tries a θ with an output beyond |z| = −log eps = 36 on the wrong side,
    its loss is too small there and it goes another way. With the same clipping ours follows.
    """
    case = next(c for c in CASES if str(c) == name)
    problem = make_problem(case)
    ours, theirs = both(case)
    ours.set_params(engine="reference")  # whose loss can be replaced
    quietly(theirs.fit, problem.X, problem.y)
    assert weights_apart(quietly(ours.fit, problem.X, problem.y), theirs) > BOUND

    def clipped(self: Any, z: Any, t: Any) -> Any:
        eps = np.finfo(z.dtype).eps
        p = np.clip(self.y_hat(z), eps, 1 - eps)
        return -np.log(np.where(t == 1, p, 1 - p)).sum(axis=1)

    monkeypatch.setattr(cp.outputs.Logistic, "loss", clipped)
    quietly(ours.fit, problem.X, problem.y)
    assert_same_fit(ours, theirs, problem)


@pytest.mark.parametrize("kind", KINDS)
def test_same_initial_weights(kind: str) -> None:
    """A learning rate below the last bit of every weight leaves them as they were drawn."""
    for activation in ("logistic", "relu"):
        case = Case(kind, "sgd-constant", activation, extra={"learning_rate_init": 1e-300})
        problem = make_problem(case)
        ours, theirs = both(case)
        quietly(theirs.fit, problem.X, problem.y)
        ours.initialize(problem.X, problem.y)
        assert weights_apart(ours, theirs) == 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "multi-output"])
@pytest.mark.parametrize("solver", ["sgd-invscaling", "sgd-adaptive", "adam", "lbfgs"])
@pytest.mark.parametrize("variant", ["", "early_stopping"])
def test_warm_start_again_and_again(kind: str, solver: str, variant: str) -> None:
    case = Case(kind, solver, "tanh", variant, {"warm_start": True, "max_iter": 6})
    problem = make_problem(case)
    ours, theirs = both(case)
    for _ in range(3):
        for estimator in (ours, theirs):
            quietly(estimator.fit, problem.X, problem.y)
        assert_same_fit(ours, theirs, problem)
        # scikit-learn goes on training in the very arrays that it keeps as the best weights, so
        # that it "restores" the last ones if it finds no better; copies keep the best ones safe
        theirs.coefs_ = [W.copy() for W in theirs.coefs_]
        theirs.intercepts_ = [b.copy() for b in theirs.intercepts_]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd-invscaling", "sgd-adaptive", "adam"])
def test_partial_fit_fit_and_partial_fit(kind: str, solver: str) -> None:
    case = Case(kind, solver)
    problem = make_problem(case)
    ours, theirs = both(case)
    X, y = problem.X, problem.y
    classes = np.arange(3) if kind == "multilabel" else np.unique(y)
    first = {"classes": classes} if is_classifier(kind) else {}
    order = np.argsort(y if y.ndim == 1 else y[:, 0])  # so that parts lack some classes
    weight = np.linspace(0.1, 2, 20)
    for number in range(3):
        for start in (0, 20, 40):
            rows = order[start : start + 20]
            options = {} if number else first
            if number == 1:
                options = {"sample_weight": weight}
            for estimator in (ours, theirs):
                estimator.partial_fit(X[rows], y[rows], **options)
            assert_same_fit(ours, theirs, problem)
    for estimator in (ours, theirs):
        quietly(estimator.fit, X, y)
        estimator.partial_fit(X[:30], y[:30])
    assert_same_fit(ours, theirs, problem)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("variant", ["", "early_stopping"])
def test_a_shared_random_state_is_used_and_left_alike(solver: str, variant: str) -> None:
    states = []
    results = []
    case = Case("multiclass", solver, "tanh", variant)
    problem = make_problem(case)
    for estimators in zip(both(case), both(case), strict=True):
        rng = np.random.RandomState(8)
        for estimator in estimators:  # one after the other, from one stream
            estimator.set_params(random_state=rng)
            quietly(estimator.fit, problem.X, problem.y)
        results.append(estimators)
        states.append(rng.get_state(legacy=False))
    for ours, theirs in zip(*results, strict=True):
        assert_same_fit(ours, theirs, problem)
    np.testing.assert_equal(*states)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd-constant", "adam"])
def test_float32(kind: str, solver: str) -> None:
    """X in float32 is trained on in float32, from weights drawn in float64 and rounded."""
    case = Case(kind, solver)
    problem = make_problem(case)
    problem = problem._replace(X=problem.X.astype(np.float32))
    ours, theirs = both(case)
    for estimator in (ours, theirs):
        quietly(estimator.fit, problem.X, problem.y)
        assert {w.dtype for w in estimator.coefs_ + estimator.intercepts_} == {np.dtype("f4")}
    # 80 steps, each with a few roundings of eps = 1.2e-7 relative
    assert weights_apart(ours, theirs) < 80 * 4 * np.finfo(np.float32).eps


# ---- several outputs -----------------------------------------------------------------------------


def numeric_gradient(loss: Any, theta: Any, step: float = 1e-6) -> Any:
    gradient = np.empty_like(theta)
    for i in range(len(theta)):
        e = np.zeros_like(theta)
        e[i] = step
        gradient[i] = (loss(theta + e) - loss(theta - e)) / (2 * step)
    return gradient


@pytest.mark.parametrize("n_outputs", [1, 2, 3, 5])
def test_gradient_of_several_outputs(n_outputs: int) -> None:
    """scikit-learn #8349: its gradient is n_outputs times that of the loss it gives to L-BFGS."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=(30, n_outputs))
    parameters = {"hidden_layer_sizes": (6,), "activation": "tanh", "alpha": 0.0}
    t = y if n_outputs > 1 else y.ravel()
    ours = cp.MLPRegressor(**parameters, random_state=0).initialize(X, t)
    net = ours.network_
    engine = cp.engines.get_engine("reference")
    data = cp.Data(X, y)

    def our_loss(theta: Any) -> float:
        return engine.loss_and_gradient(net.architecture, theta, data, cp.Penalty())[0]

    _, gradient = engine.loss_and_gradient(net.architecture, net.theta, data, cp.Penalty())
    # a central difference is right to about step² + eps/step = 1e-10
    np.testing.assert_allclose(gradient, numeric_gradient(our_loss, net.theta), atol=1e-8)

    theirs = peer.MLPRegressor(**parameters, solver="lbfgs", max_iter=1, random_state=0)
    quietly(theirs.fit, X, t)

    def their(theta: Any) -> Any:
        buffers = [[X, None, None], [None] * 2, [None] * 2, [None] * 2]
        return theirs._loss_grad_lbfgs(theta, X, y, None, *buffers)

    theta = np.concatenate([w.ravel() for w in theirs.coefs_ + theirs.intercepts_])
    _, gradient = their(theta.copy())
    numeric = numeric_gradient(lambda theta: their(theta)[0], theta)
    np.testing.assert_allclose(gradient, n_outputs * numeric, atol=1e-8)


@pytest.mark.parametrize("variant", ["", "csr", "sample_weight", "three_layers"])
def test_lbfgs_of_several_outputs_follows_a_corrected_scikit_learn(
    variant: str, monkeypatch: Any
) -> None:
    """With the loss whose gradient it uses, the sum over outputs, it takes our steps."""
    mean_loss = peer._multilayer_perceptron.LOSS_FUNCTIONS["squared_error"]
    monkeypatch.setitem(
        peer._multilayer_perceptron.LOSS_FUNCTIONS,
        "squared_error",
        lambda t, y_hat, weights=None: t.shape[1] * mean_loss(t, y_hat, weights),
    )
    case = Case("multi-output", "lbfgs", "tanh", variant)
    problem = make_problem(case)
    ours, theirs = both(case)
    for estimator in (ours, theirs):
        quietly(estimator.fit, problem.X, problem.y, sample_weight=problem.sample_weight)
    assert weights_apart(ours, theirs) < BOUND
    assert ours.n_iter_ == theirs.n_iter_
    assert relative(ours.loss_, theirs.loss_) < BOUND
