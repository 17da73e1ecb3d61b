"""Optimisers: frozen records with a pure init and a pure update on the flat θ.

`init(theta)` returns a state; `update(theta, gradient, state, learning_rate)` returns a new θ and a
new state. Neither changes its arguments. g is the gradient, α the learning rate of the step, and t
the number of the step, from 1 on. Weight decay λ is always decoupled (Loshchilov & Hutter 2019):
θ ← θ(1 − αλ) before the step.

`shared` names the fields that are also parameters of the estimators; solver="name" takes their
values from there, and the other fields keep the record's defaults. `native()` returns the name of
the step in the native engine and the constants of its formula.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_number
from clearprop.lbfgs import LBFGS as LBFGS  # noqa: PLC0414  # its home is here
from clearprop.schedules import Schedule, as_schedule

State: TypeAlias = dict[str, Array]


@runtime_checkable
class Optimizer(Protocol):
    """An optimiser that takes one step per mini-batch. Custom ones need only these four."""

    @property
    def learning_rate(self) -> float | Schedule:
        """A number, or a schedule from which training computes α for each step."""

    @property
    def weight_decay(self) -> float:
        """λ; if it is 0, training does not pass `decay`."""

    def init(self, theta: Array) -> State:
        """The state before the first step: slots like θ, and "step", a 0-d int64 array."""

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | Array,
        decay: Array | None = None,
    ) -> tuple[Array, State]:
        """The next θ and state.

        theta, gradient: (P,).
        learning_rate: α, one for all parameters or (P,).
        decay: (P,), factors of λ, 0 for a parameter without decay; None: 1 for all.
        θ and its slots keep θ's dtype. Raises ValueError if gradient and theta differ in shape.
        """


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: v ← μv − αg; θ ← θ + v, or with Nesterov θ ← θ + μv − αg.

    Source: Sutskever et al. 2013, in scikit-learn's form (α inside the velocity v).
    Raises ValueError unless 0 ≤ momentum ≤ 1 and weight_decay ≥ 0.
    """

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    shared: ClassVar[tuple[str, ...]] = ("momentum", "nesterov")

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.weight_decay)
        check_number("momentum", self.momentum, at_least=0, at_most=1)
        if not isinstance(self.nesterov, (bool, np.bool_)):
            raise TypeError(f"nesterov must be True or False, got {self.nesterov!r}")

    def native(self) -> tuple[str, tuple[float, ...]]:
        return "nesterov" if self.nesterov else "sgd", (self.momentum,)

    def init(self, theta: Array) -> State:
        return _slots(theta, "velocity")

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | Array,
        decay: Array | None = None,
    ) -> tuple[Array, State]:
        g = _like(gradient, theta)
        rate = _rate(learning_rate, theta)
        theta = _decayed(theta, learning_rate, self.weight_decay, decay)
        mu = float(self.momentum)
        v = mu * state["velocity"] - rate * g
        theta = theta + (mu * v - rate * g if self.nesterov else v)
        return theta, {"step": _next(state), "velocity": v}


@dataclass(frozen=True)
class AdamFamily:
    """The base of Adam, AdamW and NAdam: the fields, the slots m and v, and Adam's step."""

    learning_rate: float | Schedule = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    shared: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon")

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.weight_decay)
        check_number("beta_1", self.beta_1, at_least=0, below=1)
        check_number("beta_2", self.beta_2, at_least=0, below=1)
        check_number("epsilon", self.epsilon, above=0)

    def native(self) -> tuple[str, tuple[float, ...]]:
        return "adam", (self.beta_1, self.beta_2, self.epsilon)

    def init(self, theta: Array) -> State:
        return _slots(theta, "m", "v")

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | Array,
        decay: Array | None = None,
    ) -> tuple[Array, State]:
        g = _like(gradient, theta)
        theta = _decayed(theta, learning_rate, self.weight_decay, decay)
        beta_1, beta_2, step = float(self.beta_1), float(self.beta_2), _next(state)
        t = int(step)
        m = beta_1 * state["m"] + (1 - beta_1) * g
        v = beta_2 * state["v"] + (1 - beta_2) * (g * g)
        alpha_t = _rate(learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t), theta)
        theta = theta - alpha_t * m / (np.sqrt(v) + float(self.epsilon))
        return theta, {"step": step, "m": m, "v": v}


@dataclass(frozen=True)
class Adam(AdamFamily):
    """Adam: m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − α_t m/(√v + ε).

    α_t = α √(1−β₂ᵗ)/(1−β₁ᵗ) corrects the bias of the zero start.
    Source: Kingma & Ba 2015, the form at the end of section 2 (its ε̂ is our epsilon), as in
    scikit-learn and Keras; PyTorch divides by √(v/(1−β₂ᵗ)) + ε instead.
    Raises ValueError unless 0 ≤ beta_1, beta_2 < 1, epsilon > 0 and weight_decay ≥ 0.
    """


@dataclass(frozen=True)
class AdamW(AdamFamily):
    """Adam with weight decay by default: θ ← θ(1 − αλ), then Adam's step.

    Source: Loshchilov & Hutter 2019. See Adam for the formula, the arguments and the errors.
    """

    weight_decay: float = 0.01


@dataclass(frozen=True)
class RMSprop:
    """RMSprop: v ← ρv + (1−ρ)g²; θ ← θ − αg/(√v + ε).

    Source: Tieleman & Hinton 2012, lecture 6.5; PyTorch's form without momentum, not centred.
    Raises ValueError unless 0 ≤ rho < 1, epsilon > 0 and weight_decay ≥ 0.
    """

    learning_rate: float | Schedule = 0.01
    rho: float = 0.99
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    shared: ClassVar[tuple[str, ...]] = ("epsilon",)

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.weight_decay)
        check_number("rho", self.rho, at_least=0, below=1)
        check_number("epsilon", self.epsilon, above=0)

    def native(self) -> tuple[str, tuple[float, ...]]:
        return "rmsprop", (self.rho, self.epsilon)

    def init(self, theta: Array) -> State:
        return _slots(theta, "v")

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | Array,
        decay: Array | None = None,
    ) -> tuple[Array, State]:
        g = _like(gradient, theta)
        theta = _decayed(theta, learning_rate, self.weight_decay, decay)
        rho = float(self.rho)
        v = rho * state["v"] + (1 - rho) * (g * g)
        theta = theta - _rate(learning_rate, theta) * g / (np.sqrt(v) + float(self.epsilon))
        return theta, {"step": _next(state), "v": v}


@dataclass(frozen=True)
class NAdam(AdamFamily):
    """Adam with Nesterov momentum: μ_t = β₁(1 − ½·0.96^(0.004t)), m and v as in Adam,

    θ ← θ − α [ (1−μ_t) g/(1−∏₁ᵗμ) + μ_{t+1} m/(1−∏₁ᵗ⁺¹μ) ] / (√(v/(1−β₂ᵗ)) + ε).

    Source: Dozat 2016, in PyTorch's form. The state also holds "mu_product" = ∏₁ᵗμ, 0-d float64.
    Raises ValueError unless 0 ≤ beta_1, beta_2 < 1, epsilon > 0 and weight_decay ≥ 0.
    """

    learning_rate: float | Schedule = 0.002

    def native(self) -> tuple[str, tuple[float, ...]]:
        return "nadam", (self.beta_1, self.beta_2, self.epsilon)

    def init(self, theta: Array) -> State:
        return _slots(theta, "m", "v") | {"mu_product": np.array(1.0)}

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | Array,
        decay: Array | None = None,
    ) -> tuple[Array, State]:
        g = _like(gradient, theta)
        theta = _decayed(theta, learning_rate, self.weight_decay, decay)
        beta_1, beta_2, step = float(self.beta_1), float(self.beta_2), _next(state)
        t = int(step)
        mu, mu_next = (beta_1 * (1 - 0.5 * 0.96 ** (0.004 * s)) for s in (t, t + 1))
        product = float(state["mu_product"]) * mu
        m = beta_1 * state["m"] + (1 - beta_1) * g
        v = beta_2 * state["v"] + (1 - beta_2) * (g * g)
        ahead = (1 - mu) / (1 - product) * g + mu_next / (1 - product * mu_next) * m
        root = np.sqrt(v / (1 - beta_2**t)) + float(self.epsilon)
        theta = theta - _rate(learning_rate, theta) * ahead / root
        return theta, {"step": step, "m": m, "v": v, "mu_product": np.array(product)}


@dataclass(frozen=True)
class Lion:
    """Lion: θ ← θ − α sign(β₁m + (1−β₁)g); m ← β₂m + (1−β₂)g.

    Every parameter moves by α in each step, so α should be three to ten times smaller than Adam's.
    Source: Chen et al. 2023, Symbolic discovery of optimization algorithms.
    Raises ValueError unless 0 ≤ beta_1, beta_2 < 1 and weight_decay ≥ 0.
    """

    learning_rate: float | Schedule = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.0
    shared: ClassVar[tuple[str, ...]] = ("beta_1",)

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.weight_decay)
        check_number("beta_1", self.beta_1, at_least=0, below=1)
        check_number("beta_2", self.beta_2, at_least=0, below=1)

    def native(self) -> tuple[str, tuple[float, ...]]:
        return "lion", (self.beta_1, self.beta_2)

    def init(self, theta: Array) -> State:
        return _slots(theta, "m")

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | Array,
        decay: Array | None = None,
    ) -> tuple[Array, State]:
        g = _like(gradient, theta)
        theta = _decayed(theta, learning_rate, self.weight_decay, decay)
        beta_1, beta_2, m = float(self.beta_1), float(self.beta_2), state["m"]
        step = np.sign(beta_1 * m + (1 - beta_1) * g)
        theta = theta - _rate(learning_rate, theta) * step
        return theta, {"step": _next(state), "m": beta_2 * m + (1 - beta_2) * g}


OPTIMIZERS: Mapping[str, type[SGD | Adam | AdamW | RMSprop | NAdam | Lion | LBFGS]] = (
    MappingProxyType(
        {
            "sgd": SGD,
            "adam": Adam,
            "adamw": AdamW,
            "rmsprop": RMSprop,
            "nadam": NAdam,
            "lion": Lion,
            "lbfgs": LBFGS,
        }
    )
)


def get_optimizer(
    optimizer: str | Optimizer | LBFGS, argument: str = "optimizer"
) -> Optimizer | LBFGS:
    """The optimiser of this name with its default hyper-parameters, or the given optimiser.

    Raises ValueError for an unknown name, and TypeError for a value that is neither.
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(
                f"{argument}: unknown optimiser {optimizer!r}; choose from {', '.join(OPTIMIZERS)}"
            )
        return OPTIMIZERS[optimizer]()
    if type(optimizer) in OPTIMIZERS.values():  # checking the protocol takes longer
        return optimizer
    if isinstance(optimizer, type) or not isinstance(optimizer, (Optimizer, LBFGS)):
        raise TypeError(
            f"{argument} must be the name of an optimiser or an optimiser such as SGD(0.1), "
            f"got {optimizer!r}"
        )
    return optimizer


def _check_common(learning_rate: float | Schedule, weight_decay: float) -> None:
    as_schedule(learning_rate)
    check_number("weight_decay", weight_decay, at_least=0)


def _slots(theta: Array, *names: str) -> State:
    return {"step": np.array(0, dtype=np.int64)} | {name: np.zeros_like(theta) for name in names}


def _next(state: State) -> Array:
    return np.array(state["step"] + 1, dtype=np.int64)


def _like(gradient: Array, theta: Array) -> Array:
    if gradient.shape != theta.shape:
        raise ValueError(
            f"gradient must have the shape of theta, {theta.shape}, got {gradient.shape}"
        )
    return gradient.astype(theta.dtype, copy=False)


def _rate(learning_rate: float | Array, theta: Array) -> float | Array:
    """α in a type that does not widen θ: NumPy's float64 scalars would, Python's floats do not."""
    if np.ndim(learning_rate) == 0:
        return float(learning_rate)
    return np.asarray(learning_rate).astype(theta.dtype, copy=False)


def _decayed(
    theta: Array, learning_rate: float | Array, weight_decay: float, decay: Array | None
) -> Array:
    """θ(1 − αλ) for the parameters that decay."""
    if weight_decay == 0:
        return theta
    shrink = learning_rate * float(weight_decay)
    if decay is not None:
        shrink = shrink * decay
    return theta * _rate(1 - shrink, theta)
