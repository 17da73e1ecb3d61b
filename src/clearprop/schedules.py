"""Learning-rate schedules: frozen records that map the clock of an epoch to its learning rates.

A schedule is called once per epoch with a `Clock` and returns one rate for each step of that epoch.
Some depend on the step, some on the samples seen, some on the number of plateaus of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_number


@dataclass(frozen=True)
class Clock:
    """The progress of training before an epoch.

    step: (S,) float64, the global indices (from 0) of the steps of the coming epoch.
    n_steps: number of all planned steps.
    epoch: index of the coming epoch, from 0.
    n_samples: number of samples seen before this epoch.
    reductions: how often a plateau has reduced the rate.
    """

    step: Array
    n_steps: int
    epoch: int
    n_samples: int
    reductions: int


Schedule: TypeAlias = Callable[[Clock], Array]


@dataclass(frozen=True)
class Constant:
    """The same rate at every step: α = initial. Raises ValueError unless initial > 0."""

    initial: float

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)

    def __call__(self, clock: Clock) -> Array:
        return np.full_like(clock.step, self.initial)


@dataclass(frozen=True)
class InverseScaling:
    """α = initial / (1 + n)^power for n samples seen before the epoch; one rate for a whole epoch.

    The first epoch uses the initial rate, even if training continues an earlier fit (n > 0). This
    is scikit-learn's "invscaling".
    Raises ValueError unless initial > 0 and power is finite.
    """

    initial: float
    power: float = 0.5

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)
        check_number("power", self.power)

    def __call__(self, clock: Clock) -> Array:
        n = clock.n_samples if clock.epoch > 0 else 0
        return np.full_like(clock.step, self.initial / (1 + n) ** self.power)


@dataclass(frozen=True)
class Adaptive:
    """α = initial / factor^r after r plateaus; this is scikit-learn's "adaptive".

    `exhausted` means that the rate cannot be reduced again, so the next plateau ends training.
    Raises ValueError unless initial > 0, factor > 1 and minimum ≥ 0.
    """

    initial: float
    factor: float = 5.0
    minimum: float = 1e-6

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)
        check_number("factor", self.factor, above=1)
        check_number("minimum", self.minimum, at_least=0)

    def _rate(self, clock: Clock) -> float:
        rate = float(self.initial)
        # One division per plateau, not a power: the last bit can decide whether α ≤ minimum.
        for _ in range(clock.reductions):
            rate /= self.factor
        return rate

    def __call__(self, clock: Clock) -> Array:
        return np.full_like(clock.step, self._rate(clock))

    def exhausted(self, clock: Clock) -> bool:
        """Whether α ≤ minimum."""
        return self._rate(clock) <= self.minimum


@dataclass(frozen=True)
class StepDecay:
    """α = initial / factor^⌊step / every⌋: divided by `factor` after every `every` steps.

    Raises ValueError unless initial > 0, every ≥ 1 and factor > 0.
    """

    initial: float
    every: int
    factor: float = 10.0

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)
        check_number("every", self.every, at_least=1, integer=True)
        check_number("factor", self.factor, above=0)

    def __call__(self, clock: Clock) -> Array:
        # A negative exponent underflows to 0; a positive one would overflow with a warning.
        return self.initial * (1 / self.factor) ** (clock.step // self.every)


@dataclass(frozen=True)
class Cosine:
    """α = final + (initial − final)(1 + cos πt)/2, t = step / n_steps.

    Source: Loshchilov & Hutter 2017 (SGDR), without restarts.
    Raises ValueError unless initial > 0 and final ≥ 0.
    """

    initial: float
    final: float = 0.0

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)
        check_number("final", self.final, at_least=0)

    def __call__(self, clock: Clock) -> Array:
        return _cosine(self.initial, self.final, _progress(clock))


@dataclass(frozen=True)
class OneCycle:
    """Up from peak/start_factor to peak, then down to peak/(start_factor·final_factor), by cosines.

    The peak is at step warm_up·n_steps − 1, the end at step n_steps − 1.
    Source: Smith & Topin 2018 (super-convergence), in the two-phase form of fastai and PyTorch.
    Raises ValueError unless peak > 0, 0 ≤ warm_up ≤ 1, start_factor ≥ 1 and final_factor ≥ 1.
    """

    peak: float
    warm_up: float = 0.3
    start_factor: float = 25.0
    final_factor: float = 1e4

    def __post_init__(self) -> None:
        check_number("peak", self.peak, above=0)
        check_number("warm_up", self.warm_up, at_least=0, at_most=1)
        check_number("start_factor", self.start_factor, at_least=1)
        check_number("final_factor", self.final_factor, at_least=1)

    def __call__(self, clock: Clock) -> Array:
        start = self.peak / self.start_factor
        top, end = self.warm_up * clock.n_steps - 1, clock.n_steps - 1
        # A phase may have length 0; a small number in its place does not move the ends.
        up = np.clip(clock.step / max(top, 1e-9), 0, 1)
        down = np.clip((clock.step - top) / max(end - top, 1e-9), 0, 1)
        return np.where(
            clock.step <= top,
            _cosine(start, self.peak, up),
            _cosine(self.peak, start / self.final_factor, down),
        )


@dataclass(frozen=True)
class WarmUp:
    """A linear ramp over the first steps, then another schedule from its beginning.

    α(s) = (s + 1)/steps · schedule(0) for s < steps, then schedule(s − steps), which plans for
    n_steps − steps steps.
    schedule may be a number, for a constant rate after the ramp.
    Raises ValueError unless steps ≥ 1, TypeError if schedule is neither.
    """

    schedule: float | Schedule
    steps: int

    def __post_init__(self) -> None:
        as_schedule(self.schedule, "schedule")
        check_number("steps", self.steps, at_least=1, integer=True)

    def _later(self, clock: Clock) -> Clock:
        step = np.maximum(clock.step - self.steps, 0)
        return replace(clock, step=step, n_steps=max(clock.n_steps - self.steps, 1))

    def __call__(self, clock: Clock) -> Array:
        ramp = np.minimum((clock.step + 1) / self.steps, 1)
        return ramp * as_schedule(self.schedule)(self._later(clock))

    def exhausted(self, clock: Clock) -> bool:
        """Whether the inner schedule cannot be reduced; False if it is adaptive and can be."""
        inner = getattr(self.schedule, "exhausted", None)
        return inner is None or bool(inner(self._later(clock)))


@dataclass(frozen=True)
class CosLog4:
    """α = peak · ½(1 − cos(2π·log₂(1 + 15t))), t = step / n_steps: four cycles, each twice as long.

    Source: Holzmüller, Grinsztajn & Steinwart 2024 (RealMLP), arXiv 2407.04491.
    Raises ValueError unless peak > 0.
    """

    peak: float

    def __post_init__(self) -> None:
        check_number("peak", self.peak, above=0)

    def __call__(self, clock: Clock) -> Array:
        cycles: Array = np.log2(1 + 15 * _progress(clock))
        return self.peak * (1 - np.cos(2 * np.pi * cycles)) / 2


@dataclass(frozen=True)
class FlatCosine:
    """α = initial for the first half, then initial · ½(1 + cos(π(2t − 1))), t = step / n_steps.

    Source: Holzmüller, Grinsztajn & Steinwart 2024, where dropout and weight decay follow it.
    Raises ValueError unless initial > 0.
    """

    initial: float

    def __post_init__(self) -> None:
        check_number("initial", self.initial, above=0)

    def __call__(self, clock: Clock) -> Array:
        return _cosine(self.initial, 0.0, np.maximum(2 * _progress(clock) - 1, 0))


SCHEDULES: Mapping[str, type] = MappingProxyType(
    {
        "constant": Constant,
        "inverse_scaling": InverseScaling,
        "adaptive": Adaptive,
        "step": StepDecay,
        "cosine": Cosine,
        "one_cycle": OneCycle,
        "warm_up": WarmUp,
        "coslog4": CosLog4,
        "flat_cosine": FlatCosine,
    }
)


def as_schedule(learning_rate: float | Schedule, argument: str = "learning_rate") -> Schedule:
    """A number as a constant schedule; a schedule (any callable on a Clock) as it is.

    Raises ValueError for a number that is not finite and positive, TypeError for anything else.
    """
    if callable(learning_rate) and not isinstance(learning_rate, type):
        return learning_rate
    number: object = learning_rate
    if not isinstance(number, Real):
        raise TypeError(f"{argument} must be a number or a schedule, got {learning_rate!r}")
    check_number(argument, number, above=0)
    return Constant(float(number))


def _progress(clock: Clock) -> Array:
    """t = step / n_steps in [0, 1]; steps beyond the plan stay at the end."""
    return np.minimum(clock.step / max(clock.n_steps, 1), 1)


def _cosine(start: float, end: float, t: Array) -> Array:
    return end + (start - end) * (1 + np.cos(np.pi * t)) / 2
