"""The time limit of a command."""

from __future__ import annotations

import time
from dataclasses import dataclass

COMPARING = 0.1  # of the time, for what follows the training
LEAST_TRAINING = 0.1  # of the time, even if reading the table took longer


@dataclass(frozen=True)
class CommandTime:
    """begun: the start of the command, by time.monotonic(); seconds: the limit, or None."""

    begun: float
    seconds: float | None

    @classmethod
    def start(cls, seconds: float | None) -> CommandTime:
        return cls(time.monotonic(), seconds)

    def left(self) -> float | None:
        """Seconds until the limit, which may have passed; None without one."""
        return None if self.seconds is None else self.begun + self.seconds - time.monotonic()

    def for_training(self) -> float | None:
        """The limit of the training: most of the time that is left, and a tenth of all at least."""
        if self.seconds is None:
            return None
        left = self.begun + (1 - COMPARING) * self.seconds - time.monotonic()
        return max(left, LEAST_TRAINING * self.seconds)

    def training_option(self) -> dict[str, float]:
        """`time_limit` as a parameter of a bag; empty without a limit."""
        seconds = self.for_training()
        return {} if seconds is None else {"time_limit": seconds}
