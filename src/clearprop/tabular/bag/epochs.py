"""When a bag has learnt what it can: the cycles of the learning rate and the scores tell.

The rate of :class:`clearprop.schedules.CosLog4` falls to 0 four times, each time after twice as
many epochs. While it falls, networks settle and scores become better, until rows are learnt by
heart: then a score is worse at the end of a cycle than it was before, and a further cycle, twice as
long, only makes it worse still.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

CYCLE_ENDS = (1 / 15, 3 / 15, 7 / 15)  # of the first three, as parts of the training
LEAST_CHECKS = 3  # in a cycle for its end to end training
RISING = 0.1  # of a cycle, in which the rate is not yet a fifth of its peak
SETTLED = 1.001  # times the best score of the third cycle, at the most, at its end
GAINED = 0.9  # times the best score before; with so much won in it, there is always a fourth
LAST_PEAK = 0.55  # of the training, where the rate is almost at its last peak; from there on
RECENT = 3  # scores of the last cycle, whose mean is held to that of the third cycle
IN_VAIN = 0.01  # of the best score: if the last cycle is to end so much worse, it is in vain


def cycle_ends(n: int) -> list[int]:
    """The epochs of n at the ends of the first three cycles."""
    return [round(end * n) for end in CYCLE_ENDS]


def is_over(
    scores: Sequence[tuple[int, float]], best: tuple[int, float], n: int, every: int, parts: int
) -> bool:
    """Whether training is to end after the last of these (epoch, score), 0 being best.

    best: the last of the best ones; n: epochs of the whole training; every: from score to score,
    which there also is at the ends of cycles; parts: epochs of a pass over the rows.

    It ends with the second or third cycle if that had no new best; what is best while the rate
    begins to rise is the end of the cycle before. It ends with the third if its best is not at its
    end, and not much better than before. A cycle that is no pass over the rows does not count:
    nothing can be learnt by heart. The last cycle has the rates of the third over twice as many
    epochs; from its peak on it ends training if, gaining from now on what the third gained from
    the same rate on, it would end worse than the best; where rows are learnt by heart, less is.
    """
    epoch, score = scores[-1]
    ends = cycle_ends(n)
    if epoch >= LAST_PEAK * n:
        if ends[-1] - ends[-2] < LEAST_CHECKS * every:
            return False
        return _expected(scores, n) > best[1] + IN_VAIN * abs(best[1])
    for before, end in pairwise(ends):
        if epoch == end and end - before >= max(LEAST_CHECKS * every, parts):
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
