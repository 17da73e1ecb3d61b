"""The allowed values of an estimator's parameters, and the training records built from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS, Activation, get_activation
from clearprop.architecture import Architecture, initial_theta
from clearprop.callers import users_line
from clearprop.checkpoints import Checkpoint
from clearprop.checks import MAX_THREADS, one_per_layer, scale_weights
from clearprop.estimators.sklearn_private import Hidden, Interval, Options, StrOptions
from clearprop.history import EpochReport
from clearprop.initializers import INITIALIZERS, Initializer
from clearprop.jobs import Penalty, Stopping
from clearprop.layers import Dense
from clearprop.limits import shown_value
from clearprop.numpy_random import uniform
from clearprop.optimizers import LBFGS, OPTIMIZERS, Optimizer
from clearprop.schedules import (
    Adaptive,
    Constant,
    Cosine,
    CosLog4,
    InverseScaling,
    OneCycle,
    Schedule,
)

if TYPE_CHECKING:
    from clearprop.estimators.base import BaseMLP

LEARNING_RATES = ("constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4")

# what a field of an optimiser's record is called as a parameter, where that differs
RENAMED = {"nesterov": "nesterovs_momentum"}

MOST_SIZE = 1e6  # the mean of sample weights that may stand for numbers of rows; at least 1e-6

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), list, tuple, Activation],
    "solver": [StrOptions(set(OPTIMIZERS)), Hidden(Optimizer), Hidden(LBFGS)],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(LEARNING_RATES)), callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean", StrOptions({"optimizer"})],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "l1": [Interval(Real, 0, None, closed="left")],
    "l2": [Interval(Real, 0, None, closed="left")],
    "weight_decay": [Interval(Real, 0, None, closed="left"), None],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "scoring": [str, callable, None],
    "initializer": [StrOptions({"auto", *INITIALIZERS}), callable, tuple],
    "callbacks": [list, tuple, None],
    "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    "max_steps": [Interval(Integral, 1, None, closed="left"), None],
    "checkpoint": [str, PathLike, Checkpoint, None],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "engine": [str],
    "n_threads": [Interval(Integral, 1, MAX_THREADS, closed="both"), None],
    "precision": [StrOptions({"bfloat16"}), None],
}


def theta_dtype(estimator: BaseMLP, X: Array) -> np.dtype[Any]:
    """The dtype of the weights: the dtype of X or `dtype`; float32 with precision="bfloat16"."""
    if estimator.precision is None:
        return np.dtype(X.dtype if estimator.dtype == "auto" else estimator.dtype)
    if estimator.dtype == "float64":
        raise ValueError(
            f"precision={estimator.precision!r} needs dtype 'auto' or 'float32'; got 'float64'"
        )
    return np.dtype(np.float32)


def hidden_sizes(estimator: BaseMLP) -> list[int]:
    """The sizes of the hidden layers as a list, with scikit-learn's error for sizes ≤ 0."""
    sizes = estimator.hidden_layer_sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    if not all(isinstance(size, Integral) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers, got {sizes}.")
    return sizes


def hidden_activations(estimator: BaseMLP, n_hidden: int) -> list[Activation]:
    """φ of each hidden layer; ValueError or TypeError that names `activation`."""
    given = one_per_layer(estimator.activation, n_hidden, "activation")
    return [get_activation(each, "activation") for each in given]


def check_callbacks(callbacks: Any) -> list[Callable[[EpochReport], object]]:
    """The callbacks as a list of functions; TypeError for what cannot be called."""
    result = list(callbacks or [])
    for callback in result:
        if not callable(callback):
            raise TypeError(f"callbacks must be functions of an EpochReport; got {callback!r}")
    return result


def uses_lbfgs(estimator: BaseMLP) -> bool:
    return isinstance(estimator.solver, LBFGS) or estimator.solver == "lbfgs"


def build_optimizer(estimator: BaseMLP) -> Optimizer | LBFGS:
    """The optimiser that `solver` names, with the estimator's parameters; or `solver` itself."""
    e, solver = estimator, estimator.solver
    if not isinstance(solver, str):
        given: Optimizer | LBFGS = solver
        return given
    if solver == "lbfgs":
        return LBFGS(max_fun=e.max_fun, tol=e.tol)
    kind: Any = OPTIMIZERS[solver]
    options = {name: getattr(e, RENAMED.get(name, name)) for name in kind.shared}
    if e.weight_decay is not None:
        options["weight_decay"] = float(e.weight_decay)
    built: Optimizer = kind(build_schedule(e), **options)
    return built


def build_schedule(estimator: BaseMLP) -> Schedule:
    """The schedule that `learning_rate` names, starting (or peaking) at `learning_rate_init`.

    As in scikit-learn, "invscaling" and "adaptive" take effect with solver="sgd" only.
    """
    name, initial = estimator.learning_rate, float(estimator.learning_rate_init)
    if not isinstance(name, str):
        schedule: Schedule = name
        return schedule
    if name in ("invscaling", "adaptive") and estimator.solver != "sgd":
        return Constant(initial)
    if name == "invscaling":
        return InverseScaling(initial, estimator.power_t)
    kinds: dict[str, Callable[[float], Schedule]] = {
        "constant": Constant,
        "adaptive": Adaptive,
        "cosine": Cosine,
        "one_cycle": OneCycle,
        "coslog4": CosLog4,
    }
    return kinds[name](initial)


def build_penalty(estimator: BaseMLP) -> Penalty:
    return Penalty(l1=estimator.l1, l2=estimator.l2, l2_per_batch=estimator.alpha)


def build_stopping(estimator: BaseMLP, monitor: str) -> Stopping:
    """scikit-learn's rule: on the validation score if early_stopping, else on the training loss."""
    return Stopping(
        monitor=monitor,
        patience=float(estimator.n_iter_no_change),
        tol=estimator.tol,
        restore_best=monitor != "loss",
    )


def monitored(estimator: BaseMLP) -> str:
    """What decides which epoch is the best: the loss, or the name of a score."""
    scoring = estimator.scoring
    if not estimator.early_stopping or uses_lbfgs(estimator):
        return "loss"
    return f"score {scoring if isinstance(scoring, str) else callable(scoring)}"


def build_batch_size(estimator: BaseMLP, n_rows: int) -> int:
    if isinstance(estimator.batch_size, str):
        return min(200, n_rows)
    if estimator.batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=users_line(),
        )
    return int(min(estimator.batch_size, n_rows))


def build_theta(
    estimator: BaseMLP, architecture: Architecture, rng: np.random.RandomState, dtype: Any
) -> Array:
    """The initial θ: given weights, an initialiser's, or scikit-learn's uniform ones ("auto")."""
    initializer = estimator.initializer
    if isinstance(initializer, tuple):
        if len(initializer) != 2:
            raise ValueError(
                f"initializer must be a pair (coefs, intercepts); got {len(initializer)} entries"
            )
        return pack_coefs(architecture, *initializer, dtype, "initializer")
    if callable(initializer):
        initializer = _shape_checked(initializer)
    if not isinstance(initializer, str) or initializer != "auto":
        return initial_theta(architecture, rng, initializer, np.dtype(dtype))
    hidden = [d.activation.name for d in architecture.dense if d.activation is not None]
    # the output layer is drawn like the last hidden one
    last = hidden[-1] if hidden else estimator.activation
    names = iter([*hidden, last])
    parameters = []
    for layer in architecture.layers:
        if isinstance(layer, Dense):
            factor = 2.0 if next(names) == "logistic" else 6.0
            bound = np.sqrt(factor / (layer.n_in + layer.n_out))
            W = uniform(rng, -bound, bound, layer.n_out, layer.n_in, dtype)
            b = rng.uniform(-bound, bound, layer.n_out)
            parameters.append({"W": W, "b": b})
        else:
            parameters.append({})
    return architecture.pack(parameters, np.dtype(dtype))


def _shape_checked(initializer: Initializer) -> Initializer:
    """The same initialiser; ValueError if its result does not have the shapes of W and b."""

    def checked(rng: Any, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        drawn = initializer(rng, fan_in, fan_out)
        shapes = tuple(np.shape(part) for part in drawn) if isinstance(drawn, tuple) else ()
        if shapes != ((fan_out, fan_in), (fan_out,)):
            raise ValueError(
                "initializer must return a tuple (W, b) of the shapes "
                f"({fan_out}, {fan_in}) and ({fan_out},); got {shapes or type(drawn).__name__}"
            )
        return drawn

    return checked


def pack_coefs(
    architecture: Architecture, coefs: Any, intercepts: Any, dtype: Any, argument: str
) -> Array:
    """θ from scikit-learn's lists: coefs[l] (n_in, n_out), intercepts[l] (n_out,); ValueError."""
    wanted = [((d.n_in, d.n_out), (d.n_out,)) for d in architecture.dense]
    shapes = [(np.shape(c), np.shape(i)) for c, i in zip(coefs, intercepts, strict=False)]
    if shapes != wanted or len(coefs) != len(intercepts):
        raise ValueError(
            f"{argument}: the weights must have the shapes (coefs, intercepts) {wanted} for this "
            f"data and hidden_layer_sizes; got {shapes}"
        )
    pairs = iter(zip(coefs, intercepts, strict=True))
    parameters = []
    for layer in architecture.layers:
        if isinstance(layer, Dense):
            W, b = next(pairs)
            parameters.append({"W": np.asarray(W).T, "b": np.asarray(b)})
        else:
            parameters.append({})
    return architecture.pack(parameters, np.dtype(dtype))


def is_stochastic(estimator: BaseMLP) -> bool:
    """Whether the solver takes steps on mini-batches, so that partial_fit exists."""
    if uses_lbfgs(estimator):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


def bounded_weights(w: Array) -> Array:
    """Weights (N,), divided by their mean if it lies beyond 1e-6 … 1e6.

    Weights of such a mean do not count rows, so that only their ratios have a meaning. Products of
    the results neither overflow nor vanish, and float32 holds them.
    """
    scaled, size = scale_weights(w)
    return w if 1 / MOST_SIZE <= size <= MOST_SIZE else scaled


def class_weights(
    class_weight: Any,
    columns: Sequence[Array],
    classes: Sequence[Array],
    sample_weight: Array | None,
) -> Array:
    """The weight of each row: its sample weight times the weight of its class in every column.

    "balanced" is scikit-learn's n / (number of classes · n in the class), where n counts rows with
    their sample weights, so that a row of weight 2 counts as two rows. Raises ValueError for a list
    of the wrong length, and for unknown classes in a dict in which some class has no weight.
    """
    weights = np.ones(len(columns[0])) if sample_weight is None else bounded_weights(sample_weight)
    if isinstance(class_weight, dict) and len(columns) > 1:
        raise ValueError(
            "class_weight must be a list with one dict for each column of y; got a dict"
        )
    if isinstance(class_weight, list) and len(class_weight) != len(columns):
        raise ValueError(
            f"class_weight must have one dict for each column of y ({len(columns)}); "
            f"got {len(class_weight)}"
        )
    each = class_weight if isinstance(class_weight, list) else [class_weight] * len(columns)
    result = weights
    for given, column, known in zip(each, columns, classes, strict=True):
        if given != "balanced" and not isinstance(given, dict):
            raise ValueError(
                f"class_weight must consist of dicts or 'balanced'; got {shown_value(given)}"
            )
        index = np.searchsorted(known, column)
        if given == "balanced":
            totals = np.bincount(index, weights, minlength=len(known))
            n_classes = np.count_nonzero(totals)
            # a class with total weight 0 has no rows that count
            weight = totals.sum() / (n_classes * np.where(totals == 0, np.inf, totals))
        else:
            names = known.tolist()
            unknown = [key for key in given if key not in names]
            missing = [name for name in names if name not in given]
            if unknown and missing:
                raise ValueError(
                    f"class_weight has unknown classes {unknown}; the classes are {names}"
                )
            weight = np.array([float(given.get(name, 1.0)) for name in names])
            for name, value in zip(names, weight, strict=True):
                if not 0 <= value < np.inf:
                    raise ValueError(
                        f"class_weight must be finite and >= 0; got {value} for class {name!r}"
                    )
            weight = bounded_weights(weight) if weight.any() else weight
        result = result * weight[index]
    if not result.any():
        raise ValueError("class_weight and sample_weight leave no row with a weight > 0")
    return result
