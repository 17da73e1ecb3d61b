"""Callbacks of the estimators: scikit-learn's callback protocol, and its verbose lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.history import EpochReport, TrainingState
from clearprop.network import Network

if TYPE_CHECKING:
    from clearprop.estimators.base import BaseMLP


class EpochTasks:
    """Calls the callbacks after each epoch: first clearprop's, then scikit-learn's (set_callbacks).

    For scikit-learn's callbacks, each epoch is a subtask of the fit, and `fitted_estimator` is the
    estimator with the weights of that epoch. A callback that returns True ends training. L-BFGS may
    end without notice: then one more task has begun and ends empty, as in scikit-learn.
    """

    def __init__(
        self,
        estimator: BaseMLP,
        architecture: Architecture,
        X: Array,
        y: Any,
        sample_weight: Array | None,
        callbacks: Sequence[Callable[[EpochReport], object]],
        active: bool,
    ) -> None:
        self.estimator, self.architecture, self.callbacks = estimator, architecture, callbacks
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
            self._begin_epoch({})
        return self

    def __call__(self, report: EpochReport) -> bool:
        """An epoch has ended; begin the next one unless it was the last."""
        answers = [callback(report) for callback in self.callbacks]
        stop = any(answer is True for answer in answers)
        if not self.active:
            return stop

        def attributes() -> dict[str, Any]:
            net = Network.from_theta(self.architecture, report.theta)
            return {"coefs_": [W.T for W in net.W], "intercepts_": net.b, "_views": ()}

        asked = self.epoch_task.call_on_fit_task_end(
            **self.arguments, reconstruction_attributes=attributes
        )
        stop = stop or bool(asked)
        self.epoch_task = None
        if not stop and not report.stopping:
            self._begin_epoch(attributes)
        return stop

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.active or kind is not None:
            return
        if self.epoch_task is not None:  # interrupted, or L-BFGS has ended
            self.epoch_task.call_on_fit_task_end(estimator=self.estimator)
        self.fit_task.call_on_fit_task_end(**self.arguments, reconstruction_attributes={})

    def _begin_epoch(self, attributes: dict[str, Any] | Callable[[], dict[str, Any]]) -> None:
        self.epoch_task = self.fit_task.subcontext(task_name="epoch")
        self.epoch_task.call_on_fit_task_begin(
            **self.arguments, reconstruction_attributes=attributes
        )


def print_progress(
    estimator: BaseMLP, monitor: str, state: TrainingState, incremental: bool
) -> Callable[[EpochReport], None]:
    """scikit-learn's lines for verbose=True, on standard output."""
    reductions = state.reductions

    def show(report: EpochReport) -> None:
        nonlocal reductions
        number = 1 if incremental else report.epoch
        print(f"Iteration {number}, loss = {report.loss:.8f}")
        for value in report.metrics.values():
            print(f"Validation score: {value:f}")
        if monitor == "validation_loss":
            print(f"Validation loss: {report.validation_loss:f}")
        what = "Training loss" if monitor == "loss" else "Validation score"
        plateau = (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs."
        )
        if state.reductions > reductions:
            rate = estimator._next_learning_rate(state)
            print(f"{plateau} Setting learning rate to {rate:f}")
            reductions = state.reductions
        if report.stopping == "patience":
            small = " Learning rate too small." if state.reductions else ""
            print(f"{plateau}{small} Stopping.")

    return show
