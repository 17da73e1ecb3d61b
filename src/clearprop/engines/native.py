"""The native engine: the same six operations in C++, for every layer, output unit and optimiser.

Here arrays are checked, allocated and handed over; the mini-batches of an epoch run in
native/run.cpp without the GIL.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from clearprop import _native
from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.checks import check_n_threads
from clearprop.engines.native_specs import job_spec, slots_of, spec_of
from clearprop.engines.nonfinite import NonFinite, locate_nonfinite
from clearprop.engines.protocol import EpochPlan, EpochResult
from clearprop.engines.threads import get_num_threads
from clearprop.jobs import Data, Job, Penalty
from clearprop.optimizers import Optimizer

KEPT_BYTES = 1 << 22  # of a θ that is kept, packed, from one call to the next


@dataclass
class NativeRun:
    """Started jobs: the native object, with what Python must still know of them."""

    native: Any
    jobs: Sequence[Job]
    data: Data
    over: dict[int, dict[str, Array]] = field(default_factory=dict)  # what is left of some jobs


class NativeEngine:
    """See :class:`clearprop.engines.protocol.Engine` for the operations."""

    name = "native"

    def __init__(self, n_threads: int | None = None) -> None:
        self.n_threads = check_n_threads(n_threads) or get_num_threads()
        self._kept: tuple[weakref.ref[Architecture], Array, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return NativeEngine, (self.n_threads,)  # a handle stays where it was made

    def forward(
        self, architecture: Architecture, theta: Array, X: Array, *, logits: bool = False
    ) -> Array:
        return predict(self._handle(architecture, theta), X, None, logits, self.n_threads)

    def _handle(self, architecture: Architecture, theta: Array) -> Any:
        """The handle of θ, kept from the last call if both are the same: rows come in parts."""
        if self._kept is not None:
            of, kept, handle = self._kept
            same = of() is architecture and kept.dtype == theta.dtype
            if same and _native.same_bytes(kept, theta):
                return handle
            self._kept = None
        handle = compiled(architecture, theta)
        if theta.nbytes <= KEPT_BYTES:
            self._kept = weakref.ref(architecture), theta.copy(), handle
        return handle

    def loss_and_gradient(
        self, architecture: Architecture, theta: Array, data: Data, penalty: Penalty
    ) -> tuple[float, Array]:
        run = self._run(data, theta.dtype)
        spec = _native.JobSpec(spec_of(architecture))
        spec.dropout = [0.0] * len(spec.dropout)  # of the steps of training only
        spec.l1, spec.l2, spec.l2_per_batch = penalty.l1, penalty.l2, penalty.l2_per_batch
        job = run.add(spec, np.ascontiguousarray(theta))
        gradient = np.empty_like(theta)
        loss = run.loss_and_gradient(job, gradient, self.n_threads)
        return loss, gradient

    def start(self, jobs: Sequence[Job], data: Data) -> NativeRun:
        dtypes = {job.theta.dtype for job in jobs}
        if len(dtypes) > 1:
            raise ValueError(f"jobs over shared data must have one dtype; got {dtypes}")
        native = self._run(data, dtypes.pop())
        for job in jobs:
            native.add(job_spec(job), np.ascontiguousarray(job.theta))
        return NativeRun(native, jobs, data)

    def run_epochs(
        self, run: NativeRun, plans: dict[int, EpochPlan], deadline: float | None = None
    ) -> dict[int, EpochResult]:
        handed = [
            (
                number,
                None if plan.order is None else np.ascontiguousarray(plan.order, dtype=np.int64),
                np.ascontiguousarray(plan.learning_rates, dtype=np.float64),
            )
            for number, plan in plans.items()
        ]
        factors = [
            tuple(
                None if f is None else np.ascontiguousarray(f, dtype=np.float64)
                for f in (plan.dropout, plan.decay)
            )
            for plan in plans.values()
        ]
        limit = math.inf if deadline is None else deadline
        outcomes = run.native.run_epochs(handed, limit, self.n_threads, factors)
        results = {}
        for (number, order, _), (dropout, _), (total, n_steps, n_samples, failed) in zip(
            handed, factors, outcomes, strict=True
        ):
            nonfinite = None
            if failed:
                factor = 1.0 if dropout is None else float(dropout[n_steps])
                nonfinite = self._locate(run, number, order, n_steps, factor)
            mean = float("nan") if failed or n_samples == 0 else total / n_samples
            results[number] = EpochResult(mean, n_steps, n_samples, nonfinite)
        return results

    def _locate(
        self, run: NativeRun, number: int, order: Array | None, n_steps: int, dropout: float
    ) -> NonFinite:
        """Where the step after the last good one went wrong, by the definition."""
        job = run.jobs[number]
        batch = slice(n_steps * job.batch_size, (n_steps + 1) * job.batch_size)
        rows = batch if order is None else order[batch]
        state = self.read(run, number)
        step = int(state["n_steps"])
        return locate_nonfinite(
            job.architecture,
            state["theta"],
            run.data.rows(rows),
            step + 1,
            (job.seed, step, dropout),
        )

    def read(
        self, run: NativeRun, job: int, only: Collection[str] | None = None, *, last: bool = False
    ) -> dict[str, Array]:
        if last:
            return self._take(run, job)
        if job in run.over:
            state = self._take(run, job)
            return {name: a.copy() for name, a in state.items() if only is None or name in only}
        spec, state = run.jobs[job], {}
        if only is None or "theta" in only:
            state["theta"] = np.empty(spec.theta.shape, spec.theta.dtype)
            run.native.read_theta(job, state["theta"])
        if only is not None:
            return state
        for slot, name in enumerate(slots_of(spec.optimizer)):
            state[name] = np.empty(spec.theta.shape, spec.theta.dtype)
            run.native.read_slot(job, slot, state[name])
        return state | self._counts(run, job)

    def _take(self, run: NativeRun, job: int) -> dict[str, Array]:
        """The state of a job that is over, each part's native memory given back when it is copied.

        An interrupt may come anywhere, and the next call goes on from there: an array is in
        `run.over` before it is filled, and is filled and the memory given back in one native call.
        """
        spec = run.jobs[job]
        state = run.over.setdefault(job, {})
        run.native.end(job)
        for slot, name in enumerate(("theta", *slots_of(spec.optimizer)), -1):
            if name not in state:
                state[name] = np.empty(spec.theta.shape, spec.theta.dtype)
            run.native.take(job, slot, state[name])
        return state | self._counts(run, job)

    def _counts(self, run: NativeRun, job: int) -> dict[str, Array]:
        n_steps, step, mu_product = run.native.counts(job)
        state = {}
        state["step"] = np.array(step, dtype=np.int64)
        if "mu_product" in cast(Optimizer, run.jobs[job].optimizer).init(np.empty(0)):
            state["mu_product"] = np.array(mu_product)
        return state | {"n_steps": np.asarray(n_steps)}

    def restore(self, run: NativeRun, job: int, state: dict[str, Array]) -> None:
        run.native.write_theta(job, np.ascontiguousarray(state["theta"]))
        for slot, name in enumerate(slots_of(run.jobs[job].optimizer)):
            run.native.write_slot(job, slot, np.ascontiguousarray(state[name]))
        mu_product = float(state.get("mu_product", np.array(1.0)))
        run.native.set_counts(job, int(state["n_steps"]), int(state["step"]), mu_product)

    def _run(self, data: Data, dtype: np.dtype[Any]) -> Any:
        kind = _native.RunF32 if dtype == np.float32 else _native.RunF64
        weight = data.sample_weight
        others = (
            np.ascontiguousarray(data.t, dtype=dtype),
            None if weight is None else np.ascontiguousarray(weight, dtype=dtype),
        )
        if not hasattr(data.X, "tocsr"):
            return kind(np.ascontiguousarray(data.X, dtype=dtype), *others)
        X: Any = data.X.tocsr()
        parts = (np.ascontiguousarray(part, np.int64) for part in (X.indices, X.indptr))
        values = np.ascontiguousarray(X.data, dtype=dtype)
        return kind(values, *parts, X.shape[1], *others)


def compiled(architecture: Architecture, theta: Array) -> Any:
    """The native handle for prediction: a copy of θ, laid out for it."""
    kind = _native.PredictorF32 if theta.dtype == np.float32 else _native.PredictorF64
    return kind(spec_of(architecture), np.ascontiguousarray(theta))


def predict(handle: Any, X: Any, out: Array | None, logits: bool, n_threads: int) -> Array:
    """ŷ of a handle for X of any dtype and layout, (D,), (N, D) or sparse.

    What the handle cannot read in place is converted, some thousand rows at a time.
    """
    if hasattr(X, "tocsr"):
        X = X.tocsr()
        parts = (np.ascontiguousarray(part, np.int64) for part in (X.indices, X.indptr))
        values = np.ascontiguousarray(X.data, dtype=handle.dtype)
        y_hat: Array = handle.sparse(values, *parts, X.shape[1], out, logits, n_threads)
        return y_hat
    X = np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must be numbers; got dtype {X.dtype}")

    def ready(rows: Array) -> Array:
        rows = np.asarray(rows, handle.dtype, order="C")
        return rows if rows.flags.aligned else rows.copy()

    step = max(1, 2**20 // max(1, X.shape[-1] if X.ndim else 1))
    in_place = X.dtype == handle.dtype and X.flags.c_contiguous and X.flags.aligned
    if X.ndim != 2 or len(X) <= step or in_place:
        return np.asarray(handle(ready(X), out, logits, n_threads))
    shape = (len(X), handle.n_outputs)
    if out is None:
        out = np.empty(shape, handle.dtype)
    elif np.shape(out) != shape:
        raise ValueError(f"out must have shape {shape}; got {np.shape(out)}")
    elif np.may_share_memory(X, out):
        raise ValueError("out must not share memory with X")
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        handle(ready(X[rows]), out[rows], logits, n_threads, start)
    return out
