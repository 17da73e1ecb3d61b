"""How many threads the native engine may use."""

from __future__ import annotations

import os

_chosen: int | None = None


def set_num_threads(n: int | None) -> None:
    """Use n threads from now on; None: CLEARPROP_NUM_THREADS, or all processors allowed.

    Results do not depend on it. Raises ValueError unless n ≥ 1.
    """
    global _chosen  # noqa: PLW0603 (a setting of the process, like OMP_NUM_THREADS)
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise ValueError(f"n must be an integer >= 1 or None; got {n!r}")
    _chosen = n


def get_num_threads() -> int:
    """The number of threads in use."""
    if _chosen is not None:
        return _chosen
    text = os.environ.get("CLEARPROP_NUM_THREADS", "")
    if text:
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ValueError(f"CLEARPROP_NUM_THREADS must be an integer >= 1; got {text!r}")
        return int(text)
    from clearprop import _native

    return int(_native.default_threads())
