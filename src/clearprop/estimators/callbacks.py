"""Callbacks of the estimators: scikit-learn's callback protocol, and its verbose lines."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.history import EpochReport
from clearprop.network import Network

if TYPE_CHECKING:
    from clearprop.estimators.base import BaseMLP


class EpochTasks:
    """Tells scikit-learn's callbacks (`set_callbacks`) of the fit and of each epoch.

    Each epoch is a subtask of the fit; `fitted_estimator` is the estimator with the weights of that
    moment. A callback that returns True ends training.
    """

    def __init__(
        self,
        estimator: BaseMLP,
        architecture: Architecture,
        X: Array,
        y: Any,
        sample_weight: Array | None,
        active: bool,
    ) -> None:
        self.estimator, self.architecture = estimator, architecture
        self.active = active and bool(getattr(estimator, "_skl_callbacks", []))
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.fit_task: Any = None
        self.epoch_task: Any = None

    def __enter__(self) -> EpochTasks:
        if self.active:
            self.fit_task = self.estimator._init_callback_context(
                max_subtasks=self.estimator.max_iter
            )
            self.fit_task.call_on_fit_task_begin(**self.arguments)
            self._begin_epoch()
        return self

    def __call__(self, report: EpochReport) -> bool:
        """An epoch has ended; begin the next one unless it was the last."""
        if not self.active:
            return False
        stop = bool(
            self.epoch_task.call_on_fit_task_end(
                **self.arguments, reconstruction_attributes=lambda: self._attributes(report.theta)
            )
        )
        self.epoch_task = None
        if not stop and not report.stopping:
            self._begin_epoch()
        return stop

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.active or kind is not None:
            return
        if self.epoch_task is not None:  # interrupted, or ended by another callback
            self.epoch_task.call_on_fit_task_end(estimator=self.estimator)
        self.fit_task.call_on_fit_task_end(**self.arguments, reconstruction_attributes={})

    def _begin_epoch(self) -> None:
        self.epoch_task = self.fit_task.subcontext(task_name="epoch")
        self.epoch_task.call_on_fit_task_begin(**self.arguments)

    def _attributes(self, theta: Array) -> dict[str, Any]:
        net = Network.from_theta(self.architecture, theta)
        return {"coefs_": [W.T for W in net.W], "intercepts_": net.b, "_views": ()}


def print_progress(estimator: BaseMLP, monitor: str) -> Callable[[EpochReport], None]:
    """scikit-learn's lines for verbose=True, on standard output."""

    def show(report: EpochReport) -> None:
        print(f"Iteration {report.epoch}, loss = {report.loss:.8f}")
        for value in report.metrics.values():
            print(f"Validation score: {value:f}")
        if monitor == "validation_loss":
            print(f"Validation loss: {report.validation_loss:f}")
        if report.stopping == "patience":
            what = "Training loss" if monitor == "loss" else "Validation score"
            print(
                f"{what} did not improve more than tol={estimator.tol:f} for "
                f"{estimator.n_iter_no_change} consecutive epochs. Stopping."
            )

    return show
