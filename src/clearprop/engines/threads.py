"""How many threads the native engine may use. The results never depend on it."""

from __future__ import annotations

import os

import numpy as np

MAX_THREADS = 1024  # more are a mistake

_chosen: int | None = None


def set_num_threads(n: int | None) -> None:
    """Use n threads from now on, where no `n_threads` says otherwise; None: the default.

    The default is the variable CLEARPROP_NUM_THREADS, or else all processors the process may use,
    but no more than OMP_NUM_THREADS, if that is set. (joblib sets it in its worker processes, so
    that all of them together have one thread for each processor.) Results do not depend on it.
    Raises ValueError unless 1 ≤ n ≤ 1024.
    """
    global _chosen  # noqa: PLW0603 (a setting of the process, like OMP_NUM_THREADS)
    _chosen = check_n_threads(n, "n")


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
    from clearprop import _native

    # a list has a number for each level of nesting; what is no number is not ours to judge
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    n = min(int(_native.default_threads()), MAX_THREADS)
    if limit.isascii() and limit.isdigit() and len(limit) < 9 and int(limit) > 0:
        n = min(n, int(limit))
    return n


def check_n_threads(n: object, argument: str = "n_threads") -> int | None:
    """n as an int, or None; ValueError unless 1 ≤ n ≤ 1024."""
    if n is None:
        return None
    if isinstance(n, int | np.integer) and not isinstance(n, bool) and 1 <= int(n) <= MAX_THREADS:
        return int(n)
    raise ValueError(f"{argument} must be an integer from 1 to {MAX_THREADS} or None; got {n!r}")
