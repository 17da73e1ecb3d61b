"""Learning-rate schedules against closed forms, scikit-learn's rules and PyTorch's schedulers."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.schedules import (
    SCHEDULES,
    Adaptive,
    Clock,
    Constant,
    Cosine,
    CosLog4,
    FlatCosine,
    InverseScaling,
    OneCycle,
    Schedule,
    StepDecay,
    WarmUp,
    as_schedule,
)

EPS = float(np.finfo(np.float64).eps)


def clock(n_steps: int, *, step: object = None, **changes: int) -> Clock:
    steps = np.arange(n_steps, dtype=np.float64) if step is None else np.asarray(step, float)
    given = {"epoch": 0, "n_samples": 0, "reductions": 0} | changes
    return Clock(step=steps, n_steps=n_steps, **given)


EXAMPLES: list[Schedule] = [
    Constant(0.1),
    InverseScaling(0.1),
    Adaptive(0.1),
    StepDecay(0.1, every=7),
    Cosine(0.1, final=0.001),
    OneCycle(0.1),
    WarmUp(Cosine(0.1), steps=5),
    CosLog4(0.1),
    FlatCosine(0.1),
]
each = pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: type(s).__name__)


def test_the_table_names_every_schedule_and_its_rate_comes_first() -> None:
    assert [type(s) for s in EXAMPLES] == list(SCHEDULES.values())
    first = {name: fields(kind)[0].name for name, kind in SCHEDULES.items()}
    assert first.pop("warm_up") == "schedule"
    assert set(first.values()) == {"initial", "peak"}


@each
def test_rates_are_float64_one_for_each_step_and_the_clock_is_not_changed(
    schedule: Schedule,
) -> None:
    now = clock(20, n_samples=640, reductions=2)
    now.step.flags.writeable = False
    rates = schedule(now)
    assert rates.shape == (20,)
    assert rates.dtype == np.float64
    assert (rates >= 0).all()
    assert rates.max() <= 0.1 * (1 + 4 * EPS)
    np.testing.assert_array_equal(now.step, np.arange(20))
    assert schedule(clock(20, step=[])).shape == (0,)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@each
def test_epochs_one_after_the_other_give_the_rates_of_the_whole_plan(schedule: Schedule) -> None:
    whole = clock(20)
    parts = [schedule(replace(whole, step=whole.step[i : i + 6])) for i in range(0, 20, 6)]
    np.testing.assert_array_equal(np.concatenate(parts), schedule(whole))


@each
@given(n_steps=st.integers(1, 12), beyond=st.integers(0, 5))
def test_short_plans_and_steps_beyond_the_plan_give_usable_rates(
    schedule: Schedule, n_steps: int, beyond: int
) -> None:
    rates = schedule(clock(n_steps, step=np.arange(n_steps + beyond)))
    assert np.isfinite(rates).all()
    assert ((rates >= 0) & (rates <= 0.1 * (1 + 4 * EPS))).all()
    last = schedule(clock(n_steps, step=[n_steps]))
    if isinstance(schedule, (Cosine, OneCycle, CosLog4)):  # they stay at their end
        np.testing.assert_array_equal(rates[n_steps:], np.repeat(last, beyond))


def test_constant() -> None:
    np.testing.assert_array_equal(Constant(0.3)(clock(4)), [0.3] * 4)


def test_inverse_scaling_follows_scikit_learns_rule_epoch_by_epoch() -> None:
    schedule = InverseScaling(0.2, power=0.5)
    rate, seen = 0.2, 0  # scikit-learn: the rate changes after an epoch, by the samples seen
    for epoch in range(4):
        rates = schedule(clock(8, epoch=epoch, n_samples=seen))
        np.testing.assert_array_equal(rates, [rate] * 8)
        seen += 50
        rate = 0.2 / (seen + 1) ** 0.5


def test_adaptive_divides_at_each_plateau_until_it_is_exhausted() -> None:
    schedule = Adaptive(0.1)
    rate = 0.1
    for plateau in range(12):
        now = clock(3, reductions=plateau)
        np.testing.assert_array_equal(schedule(now), [rate] * 3)
        assert schedule.exhausted(now) == (rate <= 1e-6)
        rate /= 5.0
    assert schedule.exhausted(clock(3, reductions=8))
    assert not schedule.exhausted(clock(3, reductions=7))
    assert Adaptive(1.0, factor=2, minimum=0.5).exhausted(clock(1, reductions=1))


def test_step_divides_after_every_so_many_steps() -> None:
    rates = StepDecay(1.0, every=3, factor=4.0)(clock(8))
    np.testing.assert_array_equal(rates, [1, 1, 1, 1 / 4, 1 / 4, 1 / 4, 1 / 16, 1 / 16])
    with np.errstate(all="raise", under="ignore"):
        assert StepDecay(1.0, every=1)(clock(1, step=[1e6])) == 0


def torch_rates(make: Callable[[object], object], n_steps: int) -> list[float]:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=0.1)
    scheduler = make(optimizer)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(n_steps - 1):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.mark.parametrize("n_steps", [2, 10, 97])
def test_cosine_is_pytorchs(n_steps: int) -> None:
    torch = pytest.importorskip("torch")
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=n_steps, eta_min=0.01),
        n_steps,
    )
    # PyTorch computes each rate from the one before: errors add up, and 1 + cos πt cancels
    np.testing.assert_allclose(
        Cosine(0.1, final=0.01)(clock(n_steps)), expected, rtol=8 * n_steps**2 * EPS
    )


@pytest.mark.parametrize("n_steps", [3, 7, 20, 101])
@pytest.mark.parametrize("warm_up", [0.0, 0.3, 0.5, 1.0])
def test_one_cycle_is_pytorchs(n_steps: int, warm_up: float) -> None:
    torch = pytest.importorskip("torch")
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=0.1, total_steps=n_steps, pct_start=warm_up, cycle_momentum=False
        ),
        n_steps,
    )
    rates = OneCycle(0.1, warm_up=warm_up)(clock(n_steps))
    # relative to the peak: near the end the cosine cancels down to 4e-6 of it
    np.testing.assert_allclose(rates, expected, rtol=0, atol=0.1 * 8 * EPS)


def test_one_cycle_meets_its_three_corners() -> None:
    rates = OneCycle(1.0, warm_up=0.5, start_factor=10, final_factor=100)(clock(20))
    assert rates[0] == pytest.approx(0.1, rel=8 * EPS, abs=0)
    assert rates.argmax() == 9
    assert rates[9] == 1.0
    assert rates[-1] == pytest.approx(0.001, rel=1e-12, abs=0)
    one = OneCycle(1.0, warm_up=0.1)(clock(10))  # a warm-up of one step starts at its start
    assert one[0] == pytest.approx(1 / 25, rel=8 * EPS, abs=0)


def test_warm_up_ramps_to_the_start_of_a_schedule_that_then_has_its_own_time() -> None:
    within = Cosine(0.8)
    rates = WarmUp(within, steps=4)(clock(12))
    np.testing.assert_allclose(rates[:4], [0.2, 0.4, 0.6, 0.8], rtol=4 * EPS)
    np.testing.assert_array_equal(rates[4:], within(clock(8)))
    np.testing.assert_allclose(WarmUp(0.4, steps=2)(clock(4)), [0.2, 0.4, 0.4, 0.4], rtol=4 * EPS)
    assert np.isfinite(WarmUp(within, steps=40)(clock(12))).all()


def test_warm_up_passes_samples_and_plateaus_on() -> None:
    later = clock(9, step=[7, 8], n_samples=99, reductions=3)
    np.testing.assert_array_equal(
        WarmUp(InverseScaling(0.1), steps=2)(later), InverseScaling(0.1)(later)
    )
    adaptive = WarmUp(Adaptive(0.1), steps=2)
    np.testing.assert_array_equal(adaptive(later), Adaptive(0.1)(later))
    assert not adaptive.exhausted(later)
    assert adaptive.exhausted(replace(later, reductions=8))
    assert WarmUp(Constant(0.1), steps=2).exhausted(later)  # nothing that could be reduced


def test_coslog4_has_four_cycles_each_twice_as_long() -> None:
    n = 1500
    rates = CosLog4(0.04)(clock(n))
    ends = [0, 100, 300, 700]  # t = 0, 1/15, 3/15, 7/15; and t = 1, which is not a step
    np.testing.assert_allclose(rates[ends], 0, atol=0.04 * 64 * EPS)
    np.testing.assert_allclose(CosLog4(0.04)(clock(n, step=[n])), 0, atol=0.04 * 64 * EPS)
    # tops where log₂(1 + 15t) = k + ½
    for k in range(4):
        t = (2 ** (k + 0.5) - 1) / 15
        assert rates[round(t * n)] == pytest.approx(0.04, rel=1e-3, abs=0)
    t = np.arange(n) / n
    expected = 0.04 * 0.5 * (1 - np.cos(2 * math.pi * np.log2(1 + 15 * t)))
    np.testing.assert_allclose(rates, expected, rtol=0, atol=0.04 * 64 * EPS)


def test_as_schedule_takes_numbers_and_callables() -> None:
    assert as_schedule(0.1) == Constant(0.1)
    assert as_schedule(np.float32(0.5)) == Constant(0.5)
    assert as_schedule(1) == Constant(1.0)
    assert as_schedule(EXAMPLES[4]) is EXAMPLES[4]

    def own(now: Clock) -> np.ndarray:
        return np.full_like(now.step, 0.1)

    assert as_schedule(own) is own


@pytest.mark.parametrize("value", [0, -0.1, math.nan, math.inf])
def test_as_schedule_refuses_numbers_that_are_no_rate(value: float) -> None:
    with pytest.raises(ValueError, match=f"learning_rate must be > 0, got {value}"):
        as_schedule(value)


@pytest.mark.parametrize("value", ["0.1", None, True, Cosine, [0.1]])
def test_as_schedule_refuses_other_things(value: object) -> None:
    with pytest.raises(TypeError, match="rate must be a number"):
        as_schedule(value, argument="rate")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0.0), r"initial must be > 0, got 0\.0"),
        (lambda: InverseScaling(-1.0), "initial must be > 0"),
        (lambda: InverseScaling(0.1, power=math.inf), "power must be finite, got inf"),
        (lambda: Adaptive(0.0), "initial must be > 0"),
        (lambda: Adaptive(0.1, factor=1.0), r"factor must be > 1, got 1\.0"),
        (lambda: Adaptive(0.1, minimum=-1.0), "minimum must be ≥ 0"),
        (lambda: StepDecay(0.0, every=1), "initial must be > 0"),
        (lambda: StepDecay(0.1, every=0), "every must be ≥ 1, got 0"),
        (lambda: StepDecay(0.1, every=1, factor=0.0), "factor must be > 0"),
        (lambda: Cosine(0.0), "initial must be > 0"),
        (lambda: Cosine(0.1, final=-0.1), "final must be ≥ 0"),
        (lambda: OneCycle(math.nan), "peak must be > 0, got nan"),
        (lambda: OneCycle(0.1, warm_up=1.5), r"warm_up must be ≥ 0 and ≤ 1, got 1\.5"),
        (lambda: OneCycle(0.1, start_factor=0.5), "start_factor must be ≥ 1"),
        (lambda: OneCycle(0.1, final_factor=0.5), "final_factor must be ≥ 1"),
        (lambda: WarmUp(Constant(0.1), steps=0), "steps must be ≥ 1"),
        (lambda: WarmUp(-1.0, steps=2), "schedule must be > 0"),
        (lambda: CosLog4(0.0), "peak must be > 0"),
    ],
)
def test_hyper_parameters_out_of_range_are_refused_by_name(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant("0.1"), "initial must be a number, got '0.1'"),
        (lambda: Constant(True), "initial must be a number, got True"),
        (lambda: StepDecay(0.1, every=2.5), "every must be an integer, got 2.5"),
        (lambda: WarmUp("cosine", steps=2), "schedule must be a number or a schedule"),
        (lambda: WarmUp(Cosine, steps=2), "schedule must be a number or a schedule"),
    ],
)
def test_hyper_parameters_of_another_type_are_refused_by_name(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        make()
