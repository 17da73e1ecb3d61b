"""What the two estimators share: parameters and fitting; `fitted` has the fitted attributes."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning

from clearprop._typing import Array
from clearprop.architecture import Architecture, fully_connected
from clearprop.callers import users_line
from clearprop.checkpoints import Checkpoint
from clearprop.checks import check_plain
from clearprop.engines.select import get_engine
from clearprop.estimators import plain, settings
from clearprop.estimators.callbacks import EpochTasks, print_progress
from clearprop.estimators.fitted import FittedMLP
from clearprop.estimators.validation import checked_weight, held_out, stopping_score
from clearprop.history import TrainingState
from clearprop.jobs import Data, Evaluation, Job
from clearprop.network import Network
from clearprop.numpy_random import random_state
from clearprop.optimizers import LBFGS, Optimizer
from clearprop.outputs import Output
from clearprop.schedules import Clock, as_schedule
from clearprop.training import report_trouble, train

SCORE = "score"  # the name of the early-stopping metric in the history


@dataclass(frozen=True)
class Targets:
    """y as training sees it: the encoded targets t, and the number and unit of the outputs."""

    t: Array
    n_outputs: int
    output: Output
    stratify: Array | None = None


class BaseMLP(CallbackSupportMixin, FittedMLP, ABC):
    """A network with scikit-learn's interface; see the two subclasses for the parameters."""

    _parameter_constraints: ClassVar[dict[str, Any]] = settings.CONSTRAINTS

    # ---- what the subclasses define -----------------------------------------------------------

    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Array, Any]:
        """Check X and y as scikit-learn does; sets n_features_in_ and classes_."""

    @abstractmethod
    def _encode(self, y: Any, dtype: Any) -> Targets:
        """The targets of `y` and the output unit for them."""

    @abstractmethod
    def _decode(self, y_hat: Array) -> Any:
        """What `predict` returns for ŷ (N, K)."""

    @abstractmethod
    def _default_score(self, y: Any, prediction: Any, sample_weight: Array | None) -> float:
        """The score that early stopping watches if `scoring` is None."""

    def _fit_weights(self, y: Any, sample_weight: Array | None, incremental: bool) -> Array | None:
        """The sample weights for training; the classifier includes its class weights."""
        return sample_weight

    # ---- fitting -----------------------------------------------------------------------------

    def _validate_params(self) -> None:
        check_plain(self.get_params(deep=False))
        if not plain.parameters_are_valid(self):
            super()._validate_params()  # raises scikit-learn's error for the wrong parameter

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        incremental: bool = False,
        validation: tuple[Any, Any, Any] = (None, None, None),
        epochs: int | None = None,
    ) -> None:
        with unchanged_on_error(self):
            self._fit_checked(X, y, sample_weight, incremental, validation, epochs)

    def initialize(self, X: Any, y: Any) -> Self:
        """Draw the initial weights for this data without training.

        Afterwards, `predict` uses these weights, and `partial_fit` and `fit` with warm_start=True
        start from them.
        """
        self._validate_params()
        with unchanged_on_error(self):
            self.__dict__.pop("_coefs", None)  # so that it counts as the first fit
            self._fit(X, y, epochs=0)
        return self

    def _fit_checked(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        validation: tuple[Any, Any, Any],
        epochs: int | None,
    ) -> None:
        hidden = settings.hidden_sizes(self)
        first_pass = "_coefs" not in self.__dict__ or (not self.warm_start and not incremental)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        X_given = X
        X, y = self._validate_input(X, y, incremental, reset=first_pass)
        if sample_weight is not None:
            sample_weight = checked_weight(sample_weight, X)
        dtype = settings.theta_dtype(self, X)
        targets = self._targets(y, dtype)
        weights = self._fit_weights(y, sample_weight, incremental)
        weights = None if weights is None else settings.bounded_weights(weights)
        rng = self._random_state = random_state(self.random_state)
        architecture = fully_connected(
            [X.shape[1], *hidden, targets.n_outputs],
            hidden=settings.hidden_activations(self, len(hidden)),
            output=targets.output,
            dropout=_listed(self.dropout),
        )
        if first_pass:
            theta = settings.build_theta(self, architecture, rng, dtype)
        else:
            theta = settings.pack_coefs(
                architecture, self._coefs, self._intercepts, dtype, "the fitted coefs_"
            )
        self._describe(architecture)
        optimizer = settings.build_optimizer(self)
        engine = get_engine(self.engine, architecture, optimizer, self.n_threads)
        self.engine_ = engine.name
        state = self._start_state(first_pass, incremental, theta, optimizer)
        if epochs == 0:
            self._set_network(Network.from_theta(architecture, theta))
            self._set_results(state, 0)
            return
        if getattr(self, "_skl_callbacks", None):  # they see the estimator before training
            self._set_network(Network.from_theta(architecture, theta))
        elif first_pass:
            self._forget_network()
        data = Data(
            X.astype(dtype, copy=False),
            targets.t,
            None if weights is None else weights.astype(dtype, copy=False),
        )
        job, monitor = self._job(
            architecture,
            theta,
            optimizer,
            data,
            held_out(self, data, y, targets, validation, rng),
            state,
            rng,
        )
        del theta
        callbacks = settings.check_callbacks(self.callbacks)
        if self.verbose:
            callbacks.insert(0, print_progress(self, monitor, state, incremental))
        if incremental:
            callbacks.append(lambda report: True)
        before = len(state.history)
        with EpochTasks(
            self, architecture, X_given, y, sample_weight, callbacks, not incremental
        ) as tasks:
            train(
                [job],
                data,
                engine=engine,
                callbacks=[tasks] if tasks.active or callbacks else [],
                time_limit=self.time_limit,
                checkpoint=None if incremental else self._checkpoint(),
                states=[state],
                keep_theta=False,
            )
            report_trouble(state)
            # from now on the network owns θ of the engine's state: the next fit begins with the
            # weights that it then has; the best θ stays as it is
            theta = state.theta if state.best_theta is None else state.best_theta.copy()
            self._set_network(Network.from_theta(architecture, theta))
            n_iter = len(state.history) - before
            loss = None
            if isinstance(optimizer, LBFGS) and n_iter == 0:  # it had converged at the start
                loss, _ = engine.loss_and_gradient(architecture, state.theta, data, job.penalty)
            self._set_results(state, n_iter, loss)
        self._conclude(state, incremental)

    def _job(
        self,
        architecture: Architecture,
        theta: Array,
        optimizer: Optimizer | LBFGS,
        data: Data,
        validation: tuple[Array | None, Data | Array | None, Any],
        state: TrainingState,
        rng: np.random.RandomState,
    ) -> tuple[Job, str]:
        """The job to train, and what early stopping monitors."""
        rows, validation_data, y_val = validation
        monitor = "loss"
        metrics: dict[str, Callable[[Evaluation], float]] = {}
        if self.early_stopping and not isinstance(optimizer, LBFGS):
            score = stopping_score(self, architecture, validation_data, data, y_val)
            monitor, metrics = ("validation_loss", {}) if score is None else (SCORE, {SCORE: score})
        job = Job(
            architecture,
            theta,
            optimizer,
            epochs=max(self.max_iter, state.epoch + 1),
            batch_size=settings.build_batch_size(self, len(data) if rows is None else len(rows)),
            rows=rows,
            validation=validation_data,
            stopping=(
                None if isinstance(optimizer, LBFGS) else settings.build_stopping(self, monitor)
            ),
            metrics=metrics,
            penalty=settings.build_penalty(self),
            clip_norm=self.clip_norm,
            shuffle=rng if self.shuffle else None,
            seed=int(rng.randint(2**31)) if np.any(self.dropout) else 0,
            max_steps=None if self.max_steps is None else state.n_steps + self.max_steps,
            precision=self.precision,
        )
        return job, monitor

    def _targets(self, y: Any, dtype: Any) -> Targets:
        """The encoded targets; an error of the output unit about t becomes an error about y."""
        try:
            return self._encode(y, dtype)
        except ValueError as error:
            message = str(error)
            if message.startswith("t must"):
                raise ValueError("y" + message[1:]) from None
            raise

    def _start_state(
        self, first_pass: bool, incremental: bool, theta: Array, optimizer: Optimizer | LBFGS
    ) -> TrainingState:
        """A fresh state, or one that continues from the previous fit as scikit-learn does.

        partial_fit and warm_start="optimizer" keep the optimiser's state; warm_start=True keeps
        the curves, the best loss or score, and the samples seen.
        """
        old: TrainingState | None = self.__dict__.get("_state")
        if first_pass or old is None:
            return TrainingState()
        state = replace(old, order=None, nonfinite=None)
        state.history = copy.deepcopy(old.history)
        state.history.stopped = ""
        if not incremental:
            state.epoch = state.n_steps = 0  # schedules start again
            if self.warm_start != "optimizer":
                state.engine_state, state.reductions = None, 0
        if settings.monitored(self) != self._monitored:  # losses cannot be compared with scores
            state.best, state.best_theta, state.n_no_improvement = -np.inf, None, 0
        kept, state.engine_state = state.engine_state, None
        if kept is not None and not isinstance(optimizer, LBFGS):
            slots = optimizer.init(theta)
            if kept.keys() == {"theta", "n_steps", *slots}:  # otherwise the solver has changed
                # the weights or the dtype may have been changed by hand since
                same = {name: kept[name].astype(slot.dtype) for name, slot in slots.items()}
                state.engine_state = kept | same | {"theta": theta.copy()}
        return state

    def _scores_predictions(self) -> bool:
        """Whether predictions have the shape of y, so that a score of them exists."""
        return True

    def _checkpoint(self) -> Checkpoint | None:
        if self.checkpoint is None or isinstance(self.checkpoint, Checkpoint):
            return self.checkpoint
        return Checkpoint(self.checkpoint)

    def _conclude(self, state: TrainingState, incremental: bool) -> None:
        """Warn if `fit` has ended without convergence; partial_fit continues in the next call."""
        stopped = state.history.stopped
        if incremental and stopped in ("callback", "epochs"):
            state.history.stopped = ""
        if incremental or stopped not in ("epochs", "max_fun", "abnormal"):
            return
        if settings.uses_lbfgs(self):
            max_fun = cast(LBFGS, settings.build_optimizer(self)).max_fun
            reason = {
                "epochs": f"max_iter={self.max_iter} iterations were not enough",
                "max_fun": f"max_fun={max_fun} evaluations of the loss were not enough",
                "abnormal": "the line search found no smaller loss",
            }[stopped]
            message = (
                f"lbfgs failed to converge after {self.n_iter_} iteration(s): {reason}. "
                "Increase the number of iterations or scale the data."
            )
        else:
            message = (
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet."
            )
        warnings.warn(message, ConvergenceWarning, stacklevel=users_line())

    # ---- results -----------------------------------------------------------------------------

    def _set_results(self, state: TrainingState, n_iter: int, loss: float | None = None) -> None:
        """The attributes that describe the training; loss: given if there was no iteration."""
        history, early = state.history, bool(self.early_stopping)
        self._state, self._monitored = state, settings.monitored(self)
        self.history_ = history
        self.n_iter_ = n_iter
        self.loss_curve_ = history.loss
        if loss is None:
            loss = history.loss[-1] if history.loss else float("nan")
        self.loss_ = loss
        self.validation_loss_curve_ = history.validation_loss or None
        stepwise = not settings.uses_lbfgs(self)
        self.t_ = state.n_samples if stepwise else 0
        self._no_improvement_count = state.n_no_improvement
        early = early and stepwise
        scores = history.metrics.get(SCORE)
        if early and scores is None:
            scores = [-loss for loss in history.validation_loss]
        self.validation_scores_ = scores if early else None
        self.best_validation_score_ = state.best if early else None
        self.best_loss_ = None if early else (-state.best if stepwise else self.loss_)
        self.learning_rate_ = self._next_learning_rate(state) if stepwise else None

    def _next_learning_rate(self, state: TrainingState) -> float:
        """The learning rate of the next step."""
        rate = getattr(self.solver, "learning_rate", None)  # the record has its own rate
        schedule = settings.build_schedule(self) if rate is None else as_schedule(rate)
        steps = np.asarray([state.n_steps], dtype=float)
        clock = Clock(steps, state.n_steps + 1, state.epoch, state.n_samples, state.reductions)
        return float(schedule(clock)[0])


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | np.ndarray) else value


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Leave the estimator as it was, fitted or not, if a fit fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        now = vars(estimator)
        for name in [n for n in now if n not in before and not n.startswith(("_skl", "_callback"))]:
            del now[name]
        now.update({n: v for n, v in before.items() if not n.startswith(("_skl", "_callback"))})
        raise
