"""Schedules of a training whose end can be moved while it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.schedules import Clock, Schedule


@dataclass
class Pace:
    """How much of a training is done after a step, 0 … 1, with an end that can be moved.

    end: steps of the whole training; since, done: where the end was last moved, and what was done.
    """

    end: int
    since: int = 0
    done: float = 0.0
    moves: int = 0

    def at(self, step: Array) -> Array:
        """t of each step."""
        t = self.done + (1 - self.done) * (step - self.since) / max(1, self.end - self.since)
        return np.minimum(t, 1)

    def move_end(self, step: int, end: int) -> None:
        """From this step on go evenly to the new end."""
        self.done, self.since, self.end = float(self.at(np.array(step))), step, end
        self.moves += 1

    def end_was_moved(self) -> bool:
        """Whether steps are no longer evenly spread over the training."""
        return self.moves > 0


@dataclass(frozen=True)
class Paced:
    """A schedule that follows the pace instead of the steps that were planned."""

    schedule: Schedule
    pace: Pace

    def __call__(self, clock: Clock) -> Array:
        return self.schedule(replace(clock, step=self.pace.at(clock.step), n_steps=1))
