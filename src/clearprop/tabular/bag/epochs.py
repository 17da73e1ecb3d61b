"""The epochs of a bag's training: what is known after each, what follows, and their pace.

The rate of :class:`clearprop.schedules.CosLog4` falls to 0 four times, each time after twice as
many epochs. While it falls, networks settle and scores become better, until they memorise rows:
then a score is worse at the end of a cycle than it was before, and a further cycle, twice as long,
only makes it worse still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

import numpy as np

from clearprop._typing import Array
from clearprop.schedules import Clock, Schedule

CYCLE_ENDS = (1 / 15, 3 / 15, 7 / 15)  # of the first three, as parts of the training
MAX_CHECKS = 64  # evaluations of the out-of-fold predictions in one training
LEAST_CHECKS = 3  # in a cycle for its end to end training
RISING = 0.1  # of a cycle: its beginning, where the rate is below a fifth of its peak
SETTLED = 1.001  # times the best score of the third cycle: the most at its end
GAINED = 0.9  # times the best score before: if the third cycle gains more, a fourth follows
LAST_PEAK = 0.55  # of the training, where the rate is almost at its last peak
RECENT = 3  # scores of the last cycle, whose mean is compared with the third cycle
IN_VAIN = 0.01  # of the best score: a last cycle expected to end worse by more is pointless


class Action(Enum):
    """What follows after an epoch."""

    JUDGE = "judge the out-of-fold predictions"
    END = "end training"
    GO_ON = "train the next epoch"


@dataclass(frozen=True)
class Epochs:
    """What is known of a training after an epoch.

    n: epochs of the whole training, as planned now.
    every: epochs from one evaluation to the next.
    parts: epochs of a pass over the rows.
    epoch: the last epoch that was trained.
    scores: (epoch, score) of all evaluations; less is better.
    best: the best of these, the last of equals; None before the first.
    moved: whether the end was moved, so that cycles no longer end where they were planned to.
    """

    n: int
    every: int
    parts: int = 1
    epoch: int = 0
    scores: tuple[tuple[int, float], ...] = ()
    best: tuple[int, float] | None = None
    moved: bool = False

    @classmethod
    def plan(cls, n: int, parts: int) -> Epochs:
        """Before the first of n epochs."""
        return cls(n, max(1, n // MAX_CHECKS), parts)

    def judged(self, score: float) -> Epochs:
        """The same with a score after the last epoch."""
        latest = (self.epoch, score)
        is_best = self.best is None or score <= self.best[1] or np.isnan(self.best[1])
        return replace(self, scores=(*self.scores, latest), best=latest if is_best else self.best)

    @property
    def is_judged(self) -> bool:
        """Whether there is a score after the last epoch."""
        return bool(self.scores) and self.scores[-1][0] == self.epoch


def decide(state: Epochs, *, stopping: bool = False, can_judge: bool = True) -> Action:
    """What follows after the last epoch; asked again once the predictions are judged.

    stopping: whether some member ends its training in any case.
    can_judge: whether there are members, and time, for an evaluation.
    """
    if can_judge and not state.is_judged:
        due = state.epoch % state.every == 0 or state.epoch in (*cycle_ends(state.n), state.n)
        if due or stopping:
            return Action.JUDGE
    if state.epoch >= state.n:
        return Action.END
    known = state.is_judged and not state.moved
    return Action.END if known and is_over(state) else Action.GO_ON


def cycle_ends(n: int) -> list[int]:
    """The epochs of n at the ends of the first three cycles."""
    return [round(end * n) for end in CYCLE_ENDS]


def is_over(state: Epochs) -> bool:
    """Whether training ends after the last epoch, which is judged.

    It ends with the second or third cycle if that had no new best; what is best while the rate
    begins to rise is the end of the cycle before. It ends with the third if its best is not at its
    end, and not much better than before. A cycle shorter than a pass over the rows does not
    count: nothing can be memorised. The last cycle has the rates of the third over twice as many
    epochs; from its peak on it ends training if, gaining from now on what the third gained from
    the same rate on, it would end worse than the best; where networks memorise rows, less is.
    """
    assert state.best is not None
    scores, best, n, every = state.scores, state.best, state.n, state.every
    epoch, score = scores[-1]
    ends = cycle_ends(n)
    if epoch >= LAST_PEAK * n:
        if ends[-1] - ends[-2] < LEAST_CHECKS * every:
            return False
        return _expected(scores, n) > best[1] + IN_VAIN * abs(best[1])
    for before, end in pairwise(ends):
        if epoch == end and end - before >= max(LEAST_CHECKS * every, state.parts):
            no_new_best = best[0] <= before + RISING * (end - before)
            lowest = min(_between(scores, before, end))
            little = lowest > GAINED * min(_between(scores, 0, before))
            return no_new_best or (end == ends[-1] and little and score > SETTLED * lowest)
    return False


def _expected(scores: Sequence[tuple[int, float]], n: int) -> float:
    """The score at the end of n epochs, if from now on as much is gained as in the third cycle.

    At the part t of the training the last cycle has the rate that the third has at (t − 1/15)/2.
    """
    epochs, values = np.array(scores).T
    recent = epochs[-RECENT:]
    before = np.interp((recent - n / 15) / 2, epochs, values)
    gain = before.mean() - np.interp(cycle_ends(n)[-1], epochs, values)
    return float(values[-RECENT:].mean() - gain)


def _between(scores: Sequence[tuple[int, float]], after: int, until: int) -> list[float]:
    return [score for epoch, score in scores if after < epoch <= until]


# ---- schedules whose end can be moved ------------------------------------------------------------


@dataclass
class Pace:
    """How much of a training is done after a step, 0 … 1, with an end that can be moved.

    end: steps of the whole training; since, done: where the end was last moved, and what was done.
    The schedules of the members read it while its owner, the `Course` of the bag, moves the end.
    """

    end: int
    since: int = 0
    done: float = 0.0

    def at(self, step: Array) -> Array:
        """t of each step."""
        t = self.done + (1 - self.done) * (step - self.since) / max(1, self.end - self.since)
        return np.minimum(t, 1)

    def move_end(self, step: int, end: int) -> None:
        """From this step on go evenly to the new end."""
        self.done, self.since, self.end = float(self.at(np.array(step))), step, end


@dataclass(frozen=True)
class Paced:
    """A schedule that follows the pace instead of the steps that were planned.

    ratio: steps of the pace for each step of the member.
    """

    schedule: Schedule
    pace: Pace
    ratio: float = 1.0

    def __call__(self, clock: Clock) -> Array:
        step = self.pace.at(self.ratio * clock.step)
        return self.schedule(replace(clock, step=step, n_steps=1))
