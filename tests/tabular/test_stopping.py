"""What follows after an epoch of a bag's training, decided from its scores alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from clearprop.tabular.bag.epochs import MAX_CHECKS, Action, Epochs, cycle_ends, decide

N = 60  # epochs; the cycles end after 4, 12 and 28


def epochs_until_over(score: Callable[[int], float], every: int = 1, parts: int = 1) -> int:
    """How many of 60 epochs are trained with these scores."""
    state = Epochs(N, every, parts)
    for epoch in range(1, N + 1):
        state = replace(state, epoch=epoch)
        if decide(state) is Action.JUDGE:
            assert epoch % every == 0 or epoch in (*cycle_ends(N), N)
            state = state.judged(score(epoch))
        action = decide(state)
        assert action is not Action.JUDGE
        if action is Action.END:
            return epoch
    raise AssertionError("the last epoch ends training")


def cyclic(bottoms: tuple[float, float, float, float], rise: float) -> Callable[[int], float]:
    """Scores that reach these at the ends of the cycles and are so much worse at the peaks."""
    ends = [0, *cycle_ends(N), N]

    def score(epoch: int) -> float:
        cycle = next(i for i in range(4) if epoch <= ends[i + 1])
        t = (epoch - ends[cycle]) / (ends[cycle + 1] - ends[cycle])
        before = bottoms[max(0, cycle - 1)]
        return before + (bottoms[cycle] - before) * t + rise * before * math.sin(math.pi * t)

    return score


def test_the_ends_of_cycles() -> None:
    assert cycle_ends(N) == [4, 12, 28]


@pytest.mark.parametrize("rise", [0.05, 0.25])
def test_scores_that_become_better_with_every_cycle(rise: float) -> None:
    """However much worse they are where the rate is high, as long as it was as bad before."""
    assert epochs_until_over(cyclic((4.0, 3.0, 2.5, 2.2), rise)) == N


def test_a_cycle_without_a_new_best_is_the_last() -> None:
    assert epochs_until_over(float) == 12
    assert epochs_until_over(cyclic((4.0, 3.0, 3.1, 2.0), rise=0.1)) == 28


def test_a_third_cycle_whose_best_has_passed_at_its_end_is_the_last() -> None:
    falling = cyclic((4.0, 2.6, 2.5, 2.2), rise=0.1)
    assert epochs_until_over(lambda e: 2.4 if e == 26 else falling(e)) == 28
    assert epochs_until_over(lambda e: 2.499 if e == 26 else falling(e)) == N  # but for chance
    steep = cyclic((4.0, 3.0, 2.5, 2.2), rise=0.1)  # or where much was won in it
    assert epochs_until_over(lambda e: 2.4 if e == 26 else steep(e)) > 50


def test_the_last_cycle_ends_where_it_would_be_in_vain() -> None:
    """It has the rates of the third cycle over twice as many epochs, 29 to 60 for 13 to 28."""
    good = cyclic((4.0, 3.0, 2.5, 2.2), rise=0.1)
    # 3.0 to 3.1 was followed by 2.5 in the third cycle
    assert epochs_until_over(lambda e: 3.05 if 30 <= e < 40 else good(e)) == N
    assert epochs_until_over(lambda e: 3.2 if e >= 30 else good(e)) == 33
    quiet = cyclic((3.0, 2.6, 2.5, 2.2), rise=0.01)
    assert epochs_until_over(lambda e: 2.9 if e >= 30 else quiet(e)) == 33


def test_the_last_cycle_goes_on_where_it_may_still_be_level() -> None:
    flat = cyclic((2.5, 2.5, 2.5, 2.5), rise=0.1)
    assert epochs_until_over(lambda e: flat(e) - (0.1 if e in (12, 28) else 0)) == N
    for more, over in ((0.02, N), (0.03, 33)):  # of a best of 2.5
        assert epochs_until_over(lambda e, m=more: flat(e) + (m if e > 28 else -e / 1e6)) == over


def test_scores_below_zero() -> None:
    """A Poisson loss may be; what counts are differences."""
    good = cyclic((4.0, 3.0, 2.5, 2.2), rise=0.1)
    assert epochs_until_over(lambda e: good(e) - 100) == N
    assert epochs_until_over(lambda e: (5.0 if e >= 30 else good(e)) - 100) == 33


def test_cycles_that_are_no_pass_over_the_rows_do_not_count() -> None:
    assert epochs_until_over(float, parts=10) == 28
    assert epochs_until_over(lambda epoch: 1 + epoch / 10_000, parts=60) == N


def test_cycles_of_few_scores_do_not_count() -> None:
    assert epochs_until_over(float, every=4) == 28


def test_when_predictions_are_judged() -> None:
    """Every so many epochs, at the ends of cycles and where training ends; not without members."""
    state = Epochs(N, every=5)
    judged = [e for e in range(1, N + 1) if decide(replace(state, epoch=e)) is Action.JUDGE]
    assert judged == sorted({*range(5, N + 1, 5), 4, 12, 28})
    early = replace(state, epoch=3)
    assert decide(early) is Action.GO_ON
    assert decide(early, stopping=True) is Action.JUDGE
    assert decide(early, stopping=True, can_judge=False) is Action.GO_ON
    assert decide(replace(state, epoch=N), can_judge=False) is Action.END
    assert decide(replace(early, epoch=5).judged(1.0)) is Action.GO_ON
    assert Epochs.plan(640, 1).every == 640 // MAX_CHECKS


def test_a_moved_end_is_the_only_end() -> None:
    """The cycles of a training whose end was moved do not end where they would."""
    state = Epochs(N, every=1, scores=tuple((e, float(e)) for e in range(1, 12)), best=(1, 1.0))
    state = replace(state, epoch=12).judged(12.0)
    assert decide(state) is Action.END
    moved = replace(state, moved=True)
    assert decide(moved) is Action.GO_ON
    assert decide(replace(moved, n=12)) is Action.END


def test_the_best_is_the_last_of_equals_and_never_nan() -> None:
    state = replace(Epochs(N, 1), epoch=1).judged(math.nan)
    assert state.best is not None
    assert state.best[0] == 1
    for epoch, score, best in ((2, 3.0, 2), (3, 3.0, 3), (4, 3.5, 3), (5, math.nan, 3)):
        state = replace(state, epoch=epoch).judged(score)
        assert state.best == (best, 3.0)
    assert [epoch for epoch, _ in state.scores] == [1, 2, 3, 4, 5]
