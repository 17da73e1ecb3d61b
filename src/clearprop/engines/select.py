"""The choice of the engine: the requested one, or the fastest that has all parts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from clearprop.architecture import Architecture
from clearprop.callers import users_line
from clearprop.checks import check_n_threads
from clearprop.engines.protocol import Engine
from clearprop.jobs import Job
from clearprop.limits import shown_value


def get_engine(
    name: str = "auto",
    architecture: Architecture | None = None,
    optimizer: object = None,
    n_threads: int | None = None,
) -> Engine:
    """The engine of that name: "native", "reference", or "auto".

    "auto" is the native engine, unless the architecture or the optimiser has custom parts that only
    the reference engine can run; a warning then says so.
    n_threads: threads of the native engine, from 1 to 1024; None means
    :func:`clearprop.get_num_threads`. The reference engine has one thread.
    Raises ValueError for other names, an invalid n_threads, and for "native" with custom parts.
    """
    check_n_threads(n_threads)
    if name == "reference":
        return _reference()
    if name not in ("auto", "native"):
        raise ValueError(f"engine must be 'auto', 'native' or 'reference'; got {shown_value(name)}")
    from clearprop.engines.native import NativeEngine
    from clearprop.engines.native_specs import why_not

    reason = why_not(architecture, optimizer) if architecture is not None else ""
    if not reason:
        return NativeEngine(n_threads)
    if name == "native":
        raise ValueError(f"{reason}; engine='reference' can run it")
    message = f"{reason}: the slow reference engine runs"
    warnings.warn(message, UserWarning, stacklevel=users_line())
    return _reference()


def _reference() -> Engine:
    from clearprop.engines.reference import ReferenceEngine

    return ReferenceEngine()


def choose_engine(
    engine: str | Engine, jobs: Sequence[Job], n_threads: int | None = None
) -> Engine:
    """The engine for all of the jobs: "auto" is the native one if it can run every one of them."""
    if not isinstance(engine, str):
        if n_threads is not None:
            raise ValueError(
                "n_threads needs the name of an engine; an engine object sets its threads itself"
            )
        return engine
    for job in jobs:
        chosen = get_engine(engine, job.architecture, job.optimizer, n_threads)
        if chosen.name == "reference":
            return chosen
    return get_engine(engine, n_threads=n_threads)
