"""The seam between training and engines: the records they exchange and the six operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite
from clearprop.jobs import Data, Job, Penalty


@dataclass(frozen=True)
class EpochPlan:
    """One epoch of one job: which rows in which order, and the learning rate of each step.

    order: row indices, cut into batches of `batch_size`, the last one possibly smaller; or None
    for all rows as they lie. The number of steps is the length of learning_rates. dropout, decay:
    for each step what the rates of dropout, and λ of the weight decay, are multiplied with; None
    for 1.
    """

    order: Array | None
    learning_rates: Array
    dropout: Array | None = None
    decay: Array | None = None


@dataclass(frozen=True)
class EpochResult:
    """What came of an epoch: steps and samples done (fewer than planned if it was cut short).

    loss: Σ over batches of (batch loss incl. penalty × rows of the batch), over all rows done.
    """

    loss: float
    n_steps: int
    n_samples: int
    nonfinite: NonFinite | None = None


class Engine(Protocol):
    """The six operations; n_threads: that its work is spread over."""

    name: str
    n_threads: int

    def forward(
        self, architecture: Architecture, theta: Array, X: Array, *, logits: bool = False
    ) -> Array:
        """ŷ (N, K) for X (N, D), without dropout; z⁽ᴸ⁾ instead if `logits`."""

    def loss_and_gradient(
        self, architecture: Architecture, theta: Array, data: Data, penalty: Penalty
    ) -> tuple[float, Array]:
        """ℒ plus penalty over all of `data`, and its gradient by θ (P,)."""

    def start(self, jobs: Sequence[Job], data: Data) -> Any:
        """Begin the jobs over one copy of the data; returns the engine's record of them."""

    def run_epochs(
        self, run: Any, plans: dict[int, EpochPlan], deadline: float | None = None
    ) -> dict[int, EpochResult]:
        """One epoch of each job in `plans` (job number → plan); stops after the step during which
        `deadline` (time.monotonic seconds) passed, and before a step that gives NaN or inf."""

    def read(
        self, run: Any, job: int, only: Collection[str] | None = None, *, last: bool = False
    ) -> dict[str, Array]:
        """A copy of the state of one job: "theta", "n_steps" and the arrays of the optimiser.

        last: the job is over and its memory may be released. It may still be read again, because an
        interrupt may have come before the result arrived.
        """

    def restore(self, run: Any, job: int, state: dict[str, Array]) -> None:
        """Put a job into a state that :meth:`read` returned; training then goes on bit-exactly."""
