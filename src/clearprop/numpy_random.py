"""NumPy's random orders, numbers and states, bit for bit, but faster.

NumPy's own functions take much of the training time of a small network, and of the time to set up
a large one.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.limits import shown_value

MOST = 2**32  # the native code handles orders with fewer entries


def permute(rng: np.random.Generator, index: Array) -> None:
    """index[:] = rng.permutation(N) for an int64 or int32 index (N,), in a third of the time.

    Other threads can run meanwhile.
    """
    if len(index) < MOST:
        from clearprop import _native

        bits = rng.bit_generator
        with bits.lock:
            _native.permute(bits.capsule, index)
    else:
        index[:] = rng.permutation(len(index))


def uniform(
    rng: np.random.Generator | np.random.RandomState,
    low: float,
    high: float,
    n_out: int,
    n_in: int,
    dtype: Any = np.float64,
) -> Array:
    """rng.uniform(low, high, (n_in, n_out)).T as a contiguous (n_out, n_in), float32 or float64.

    It takes half the time for a RandomState.
    """
    bits = None if isinstance(rng, np.random.Generator) else rng._bit_generator
    if type(bits) is not np.random.MT19937 or not _layout_is_known():
        return np.ascontiguousarray(rng.uniform(low, high, (n_in, n_out)).T, dtype)
    from clearprop import _native

    x = np.empty((n_out, n_in), dtype)
    with bits.lock:
        _native.uniform(bits.capsule, low, high, x)
    return x


def shuffle(rng: np.random.RandomState, index: Array) -> None:
    """rng.shuffle(index) for an int64 or int32 index (N,), in place; faster, like `permute`."""
    bits = rng._bit_generator
    if type(bits) is np.random.MT19937 and _layout_is_known() and len(index) < MOST:
        from clearprop import _native

        with bits.lock:
            _native.shuffle(bits.capsule, index)
    else:
        rng.shuffle(index)


@functools.cache
def _layout_is_known() -> bool:
    """Whether the generator's state lies in memory as the native code expects it.

    NumPy's C interface says where the state is, not how it is laid out; this compares it with the
    state that NumPy reports.
    """
    from clearprop import _native

    bits = np.random.MT19937(0)
    bits.random_raw(5)
    state = bits.state["state"]
    return _native.holds_state(bits.capsule, state["key"].astype(np.uint32), int(state["pos"]))


class _SeededLater(np.random.bit_generator.ISeedSequence):
    """A placeholder for the system's entropy; the seed replaces it immediately."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Array:
        return np.zeros(n_words, dtype)


def random_state(seed: Any) -> np.random.RandomState:
    """sklearn.utils.check_random_state(seed): a new RandomState(seed), NumPy's global one for None.

    seed: an integer, a RandomState, which is returned itself, None, or the module numpy.random.
    RandomState(seed) first gathers entropy and mixes it, which takes twice as long as the rest.
    Raises ValueError for a seed below 0 or above 2³² − 1.
    """
    if isinstance(seed, np.random.RandomState):
        return seed
    if seed is None or seed is np.random:
        global_state: np.random.RandomState = np.random.mtrand._rand
        return global_state
    bits: Any = np.random.MT19937
    rng = np.random.RandomState(bits(_SeededLater()))
    try:
        rng.seed(seed)
    except (ValueError, TypeError) as error:
        raise type(error)(
            "random_state must be None, an integer from 0 to 2^32 - 1 or a RandomState; "
            f"got {shown_value(seed)}"
        ) from error
    return rng
