"""The number of threads of the native engine. The results never depend on it."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager

from clearprop.checks import MAX_THREADS, check_n_threads

_chosen: int | None = None


def set_num_threads(n: int | None) -> None:
    """Use n threads from now on, unless `n_threads` says otherwise; None: the default.

    The default is the environment variable CLEARPROP_NUM_THREADS. If it is not set, the default is
    all processors available to the process, but not more than OMP_NUM_THREADS. (joblib sets
    OMP_NUM_THREADS in its worker processes, so that all of them together have one thread per
    processor.) Results do not depend on the number of threads.
    Raises ValueError unless 1 ≤ n ≤ 1024.
    """
    global _chosen  # noqa: PLW0603 (a setting of the process, like OMP_NUM_THREADS)
    _chosen = check_n_threads(n, "n")


@contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Set the process to n threads within the block; restore the previous setting afterwards."""
    before = _chosen
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


def get_num_threads() -> int:
    """The number of threads in use."""
    if _chosen is not None:
        return _chosen
    text = os.environ.get("CLEARPROP_NUM_THREADS", "")
    if text:
        n = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
        if not 1 <= n <= MAX_THREADS:
            raise ValueError(
                f"CLEARPROP_NUM_THREADS must be an integer from 1 to {MAX_THREADS}; got {text!r}"
            )
        return n
    # a list has a number for each level of nesting; anything but a number is ignored
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    affinity = getattr(os, "sched_getaffinity", None)
    n = _processors(0 if affinity is None else len(affinity(0)))
    if limit.isascii() and limit.isdigit() and len(limit) < 9 and int(limit) > 0:
        n = min(n, int(limit))
    return n


@functools.cache
def _processors(n_allowed: int) -> int:
    """The number of processors that the process may use; cached, as it means reading several files.

    n_allowed: the number on which the scheduler may run it; a change of it asks again.
    """
    from clearprop import _native

    return min(int(_native.default_threads()), MAX_THREADS)
