"""RandomState.shuffle by native code: the same numbers, the same state afterwards, in a third of
the time, which is a good part of an epoch where the network is small."""

from __future__ import annotations

import functools

import numpy as np

from clearprop._typing import Array


def shuffle(rng: np.random.RandomState, index: Array) -> None:
    """rng.shuffle(index) for an int64 index (N,), in place."""
    bits = rng._bit_generator
    if type(bits) is np.random.MT19937 and _layout_is_known() and len(index) <= 2**32:
        from clearprop import _native

        with bits.lock:
            _native.shuffle(bits.capsule, index)
    else:
        rng.shuffle(index)


@functools.cache
def _layout_is_known() -> bool:
    """Whether the generator's state lies in memory as the native code expects it.

    NumPy's C interface tells where it is, not how it is laid out; NumPy's own account of it does.
    """
    from clearprop import _native

    bits = np.random.MT19937(0)
    bits.random_raw(5)
    state = bits.state["state"]
    return _native.holds_state(bits.capsule, state["key"].astype(np.uint32), int(state["pos"]))
