"""Checkpoints: the state of training in one safe file, from which it resumes bit-exactly."""

from __future__ import annotations

import dataclasses
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np

from clearprop._typing import Array
from clearprop.documents import (
    ModelFileError,
    check_keys,
    decode_float,
    encode_float,
    reading,
    take,
    take_list,
    take_tensor,
)
from clearprop.engines.nonfinite import QUANTITIES, NonFinite
from clearprop.history import STOPPED, History, TrainingState
from clearprop.jobs import Data, Job
from clearprop.limits import bounded
from clearprop.network_files import architecture_to_document
from clearprop.optimizers import Optimizer
from clearprop.persistence import read_file, write_file
from clearprop.row_orders import RowOrder

KIND = "checkpoint"


@dataclass
class Checkpoint:
    """Where and how often training saves its state; a run found at `path` is resumed.

    every_epochs, every_seconds: the state is written after an epoch if both have passed since the
    last time, and at the end. Writing is atomic: if the process is killed, the file holds either
    the old state or the new one. The file of a different run (data, network, optimiser or seed) is
    refused with ValueError, which names the differences; delete the file to start over. A network
    that an interrupted run has partly trained is recognised by its θ and resumes like a fresh one.
    """

    path: str | PathLike[str]
    every_epochs: int = 1
    every_seconds: float = 0.0
    _run: dict[str, Any] = field(default_factory=dict, repr=False)
    _epochs: int = field(default=0, repr=False)
    _written: float = field(default=0.0, repr=False)

    def is_due(self) -> bool:
        """Whether to write now; called once per epoch."""
        self._epochs += 1
        late = time.monotonic() - self._written >= self.every_seconds
        return late and self._epochs >= self.every_epochs

    def write(self, states: Sequence[TrainingState]) -> None:
        """Save the states of all jobs, and a description that a resumed run must match."""
        tensors: dict[str, Array] = {}
        documents = [_state_to_document(n, s, tensors) for n, s in enumerate(states)]
        document = {
            "run": self._run,
            "results": [_checksum(state.theta) for state in states],
            "states": documents,
        }
        write_file(self.path, KIND, document, tensors)
        self._epochs, self._written = 0, time.monotonic()

    def note_results(self, states: Sequence[TrainingState]) -> None:
        """Add the checksums of the resulting θ to the file, if the run ended within an epoch."""
        if Path(self.path).exists():
            document, tensors = read_file(self.path, KIND)
            document.pop("kind")
            document["results"] = [_checksum(state.theta) for state in states]
            write_file(self.path, KIND, document, tensors)

    def resume(
        self, states: Sequence[TrainingState], jobs: Sequence[Job], data: Data, engine: str
    ) -> bool:
        """Fill `states` from the file if it exists, and return whether it does; called first."""
        run = self._run = describe_run(jobs, data, engine)
        self._written = time.monotonic()
        if not Path(self.path).exists():
            return False
        where = str(self.path)
        document, tensors = read_file(self.path, KIND)
        check_keys(document, ["kind", "run", "results", "states"], where)
        saved = take(document, "run", dict, where)
        for job, result in zip(
            run["jobs"], take_list(document, "results", str, where), strict=False
        ):
            if job["theta"] == result:  # the network as this run left it
                job["theta"] = _start_of(saved, job, run["jobs"])
        _check_same_run(saved, run, where)
        entries = take_list(document, "states", dict, where, length=len(jobs))
        for number, (state, job, entry) in enumerate(zip(states, jobs, entries, strict=True)):
            n_rows = len(data) if job.rows is None else len(job.rows)
            _state_from_document(state, number, job, n_rows, entry, tensors, where)
        return True


def describe_run(jobs: Sequence[Job], data: Data, engine: str) -> dict[str, Any]:
    """Everything that must be equal to resume a run; generators are restored, not compared."""
    description: dict[str, Any] = _plain(
        {
            "engine": engine,
            "data": [_checksum(data.X), _checksum(data.t), _checksum(data.sample_weight)],
            "jobs": [_describe_job(job) for job in jobs],
        }
    )
    return description


def _describe_job(job: Job) -> dict[str, Any]:
    names = ("epochs", "batch_size", "clip_norm", "seed", "max_steps", "drop_last", "parts")
    held_out: Any = job.validation
    if isinstance(held_out, Data):
        parts = [held_out.X, held_out.t, held_out.sample_weight]
    else:
        parts = [held_out]
    return {
        "architecture": architecture_to_document(job.architecture),
        "theta": _checksum(job.theta),
        "rows": _checksum(job.rows),
        "validation": [_checksum(part) for part in parts],
        "optimizer": _describe(job.optimizer),
        "rate_factors": {name: float(factor) for name, factor in job.rate_factors.items()},
        "dropout_schedule": _describe(job.dropout_schedule),
        "decay_schedule": _describe(job.decay_schedule),
        "stopping": _describe(job.stopping),
        "penalty": _describe(job.penalty),
        "metrics": sorted(job.metrics),
        "shuffle": (
            job.shuffle if isinstance(job.shuffle, int | np.integer) else type(job.shuffle).__name__
        ),
        "precision": job.precision,
        **{name: getattr(job, name) for name in names},
    }


def _start_of(saved: Mapping[str, Any], job: Mapping[str, Any], jobs: list[Any]) -> Any:
    """The checksum of the initial θ of this job, from the file."""
    entries = saved.get("jobs")
    if not isinstance(entries, list) or len(entries) != len(jobs):
        return None
    entry = entries[jobs.index(job)]
    return entry.get("theta") if isinstance(entry, dict) else None


def _describe(record: object) -> str:
    """The repr of a value, without function addresses, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(record))


def _renamed(saved: object) -> object:
    """What a file of an older version says of a record, with the names of today."""
    if isinstance(saved, dict) and "alpha" in saved:  # the rate of learnt slopes
        return {"slope" if name == "alpha" else name: value for name, value in saved.items()}
    if not isinstance(saved, str):
        return saved
    saved = re.sub(r"\bStep\(", "StepDecay(", saved)
    return re.sub(r"(\bPenalty\(.*)\balpha=", r"\1l2_per_batch=", saved)


def _check_same_run(saved: Mapping[str, Any], present: Mapping[str, Any], where: str) -> None:
    different = [key for key in present if saved.get(key) != present[key]]
    if "jobs" in different and isinstance(saved.get("jobs"), list):
        different.remove("jobs")
        if len(saved["jobs"]) != len(present["jobs"]):
            different.append("the number of jobs")
        for mine, theirs in zip(present["jobs"], saved["jobs"], strict=False):
            known = theirs if isinstance(theirs, dict) else {}
            different += [key for key in mine if _renamed(known.get(key)) != mine[key]]
    if different:
        names = ", ".join(dict.fromkeys(different))
        raise ValueError(
            bounded(
                f"{where}: the checkpoint is from a different run (it differs in: {names}); "
                "delete it to start over"
            )
        )


def _checksum(array: Any) -> str:
    """Shape, dtype and CRC-32 of an array or sparse matrix; tells runs apart but is not secure."""
    if array is None:
        return "none"
    parts = (array.data, array.indices, array.indptr) if hasattr(array, "tocsr") else (array,)
    crc = 0
    for part in parts:
        crc = zlib.crc32(np.ascontiguousarray(part).data, crc)
    return f"{'x'.join(map(str, array.shape))} {array.dtype.name} {crc:08x}"


def _state_to_document(
    number: int, state: TrainingState, tensors: dict[str, Array]
) -> dict[str, Any]:
    """The state as JSON values; its arrays go into `tensors`, under names with the job's number."""
    for name, value in (state.engine_state or {}).items():
        tensors[f"job{number}.engine.{name}"] = value
    if state.best_theta is not None:
        tensors[f"job{number}.best_theta"] = state.best_theta
    history = state.history
    for name in ("loss", "validation_loss", "learning_rate", "seconds"):
        tensors[f"job{number}.history.{name}"] = np.asarray(getattr(history, name), float)
    for index, values in enumerate(history.metrics.values()):
        tensors[f"job{number}.metric{index}"] = np.asarray(values, dtype=float)
    if state.order is not None:
        tensors[f"job{number}.order"] = state.order.index.astype(np.int64)
    counts = {name: getattr(state, name) for name in _COUNTS}
    return {
        **counts,
        "best": encode_float(state.best),
        "engine_state": sorted(state.engine_state or {}),
        "best_theta": state.best_theta is not None,
        "metrics": list(history.metrics),
        "stopped": history.stopped,
        "nonfinite": None if state.nonfinite is None else dataclasses.asdict(state.nonfinite),
        "generator": None if state.order is None else _plain(state.order.bit_generator.state),
    }


_COUNTS = ("epoch", "n_steps", "n_samples", "reductions", "n_no_improvement")
MAX_COUNT = 2**53  # no run is longer; arithmetic with it cannot overflow


def _state_from_document(
    state: TrainingState,
    number: int,
    job: Job,
    n_rows: int,
    document: Mapping[str, Any],
    tensors: Mapping[str, Array],
    where: str,
) -> None:
    """Fill `state` from what :func:`_state_to_document` wrote; every shape and value is checked."""
    others = ("best", "engine_state", "best_theta", "metrics", "stopped", "nonfinite", "generator")
    check_keys(document, [*_COUNTS, *others], where)
    prefix = f"job{number}."
    state.history = _history_from_document(document, tensors, prefix, where)
    limits = dict.fromkeys(("epoch", "reductions", "n_no_improvement"), len(state.history))
    limits["epoch"] = min(limits["epoch"], job.epochs)
    for name in _COUNTS:
        limit = limits.get(name, MAX_COUNT)
        setattr(state, name, take(document, name, int, where, minimum=0, maximum=limit))
    state.best = decode_float(document.get("best"), f"{where}: best")
    if np.isnan(state.best):
        raise ModelFileError(f"{where}: best must not be NaN")
    state.nonfinite = _nonfinite_from_document(document, where)
    names = take_list(document, "engine_state", str, where)
    state.engine_state = _engine_state(job, names, tensors, prefix, where)
    state.best_theta = None
    if take(document, "best_theta", bool, where):
        state.best_theta = take_tensor(
            tensors, f"{prefix}best_theta", job.theta.dtype.name, job.theta.shape, where
        )
    if job.shuffle is not None:
        _restore_order(state, number, job, n_rows, document, tensors, where)


def _engine_state(
    job: Job, names: list[str], tensors: Mapping[str, Array], prefix: str, where: str
) -> dict[str, Array]:
    """θ, the number of steps and the optimiser's arrays, in dtype and shape as before step 1."""
    fresh = {
        "theta": job.theta,
        "n_steps": np.array(0),
        **cast(Optimizer, job.optimizer).init(job.theta),
    }
    if sorted(names) != sorted(fresh):
        raise ModelFileError(f"{where}: 'engine_state' must be {sorted(fresh)}")
    arrays = {}
    for name, like in fresh.items():
        place = f"{prefix}engine.{name}"
        array = take_tensor(
            tensors, place, like.dtype.name, like.shape, where, finite=name == "theta"
        )
        if array.dtype.kind in "iu" and not ((array >= 0) & (array <= MAX_COUNT)).all():
            raise ModelFileError(f"{where}: the tensor {place!r} has an impossible count")
        arrays[name] = array
    return arrays


def _nonfinite_from_document(document: Mapping[str, Any], where: str) -> NonFinite | None:
    entry: dict[str, Any] | None = take(document, "nonfinite", (dict, type(None)), where)
    if entry is None:
        return None
    check_keys(entry, ["quantity", "layer", "step", "row"], where)
    return NonFinite(
        take(entry, "quantity", str, where, choices=QUANTITIES),
        take(entry, "layer", (int, type(None)), where),
        take(entry, "step", int, where),
        take(entry, "row", (int, type(None)), where),
    )


def _history_from_document(
    document: Mapping[str, Any], tensors: Mapping[str, Array], prefix: str, where: str
) -> History:
    history = History(
        stopped=take(document, "stopped", str, where, choices=("", *STOPPED)),
    )
    for name in ("loss", "validation_loss", "learning_rate", "seconds"):
        column = take_tensor(
            tensors, f"{prefix}history.{name}", "float64", (None,), where, finite=False
        )
        setattr(history, name, column.tolist())
    for index, name in enumerate(take_list(document, "metrics", str, where)):
        column = take_tensor(
            tensors, f"{prefix}metric{index}", "float64", (None,), where, finite=False
        )
        history.metrics[name] = column.tolist()
    n = len(history)
    others = [history.validation_loss, *history.metrics.values()]
    if {len(history.learning_rate), len(history.seconds)} != {n} or any(len(o) > n for o in others):
        raise ModelFileError(f"{where}: the columns of the history differ in length")
    return history


def _restore_order(
    state: TrainingState,
    number: int,
    job: Job,
    n_rows: int,
    document: Mapping[str, Any],
    tensors: Mapping[str, Array],
    where: str,
) -> None:
    """The order of the rows, and the generator with its saved state."""
    index = take_tensor(tensors, f"job{number}.order", "int64", (n_rows,), where)
    if not np.array_equal(np.sort(index), np.arange(n_rows)):
        raise ModelFileError(f"{where}: the order of the rows of job {number} is not a permutation")
    shuffle = job.shuffle
    assert shuffle is not None
    rng = np.random.default_rng(shuffle) if isinstance(shuffle, int | np.integer) else shuffle
    state.order = RowOrder(rng, index)
    bit_generator = state.order.bit_generator
    saved = take(document, "generator", dict, where)
    with reading(where):
        restored = _like(saved, bit_generator.state)
        _check_generator(restored)
        bit_generator.state = restored


def _plain(value: Any) -> Any:
    """The value as JSON reads it back: lists for tuples and arrays, Python numbers for NumPy's."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _like(saved: Any, present: Any) -> Any:
    """`saved` with the types and shapes of `present`; NumPy itself checks neither."""
    if isinstance(present, dict):
        if not isinstance(saved, dict) or saved.keys() != present.keys():
            raise ValueError("the state of the random generator has the wrong form")
        result = {key: _like(saved[key], present[key]) for key in present}
        if not 0 <= result.get("pos", 0) <= 624 or not 0 <= result.get("buffer_pos", 0) <= 4:
            raise ValueError("the state of the random generator is damaged")
        return result
    if isinstance(present, np.ndarray):
        array = np.asarray(saved, dtype=present.dtype)
        if array.shape != present.shape:
            raise ValueError("the state of the random generator has the wrong shape")
        return array
    if isinstance(saved, bool) or not isinstance(saved, type(present)):
        raise ValueError("the state of the random generator has the wrong type")
    if isinstance(present, str) and saved != present:
        raise ValueError(f"the random generator was {saved}, not {present}")
    return saved


def _check_generator(state: Mapping[str, Any]) -> None:
    """Refuse states that no seed produces: drawing a permutation from them may never end."""
    inner = state.get("state")
    if not isinstance(inner, dict):
        return
    key = inner["key"] if state["bit_generator"] == "MT19937" else np.ones(2, np.uint32)
    if not (key[1:].any() or key[0] >> 31) or inner.get("inc", 1) % 2 == 0:
        raise ValueError("the state of the random generator is damaged")
