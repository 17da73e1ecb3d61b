"""The native shuffle, and random states, against NumPy's own: the same numbers and states."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop import _native, numpy_random
from clearprop.numpy_random import permute, random_state, shuffle, uniform


def state_of(rng: np.random.RandomState) -> Any:
    name, key, *rest = rng.get_state()
    return name, key.tolist(), rest


def check(n: int, seed: int, draws: int = 0, times: int = 1) -> None:
    ours, numpys = np.random.RandomState(seed), np.random.RandomState(seed)
    for rng in (ours, numpys):
        rng.bytes(4 * draws)
        rng.normal()  # leaves a second normal number in the generator
    index, expected = np.arange(n), np.arange(n)
    narrow = index.astype(np.int32)
    for _ in range(times):
        before = ours.get_state()
        shuffle(ours, narrow)
        ours.set_state(before)
        shuffle(ours, index)
        numpys.shuffle(expected)
        np.testing.assert_array_equal(index, expected)
        np.testing.assert_array_equal(narrow, expected)
    assert state_of(ours) == state_of(numpys)


def test_the_native_code_is_what_runs_here() -> None:
    assert numpy_random._layout_is_known()


@given(st.integers(0, 3000), st.integers(0, 2**32 - 1), st.integers(0, 1300))
def test_it_is_numpys_shuffle(n: int, seed: int, draws: int) -> None:
    check(n, seed, draws, times=3)


@given(st.integers(0, 3000), st.integers(0, 2**32), st.integers(0, 3))
def test_permutations_are_numpys(n: int, seed: int, draws: int) -> None:
    check_permutations(n, seed, draws)


def check_permutations(n: int, seed: int, draws: int = 0) -> None:
    for bits in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
        ours, numpys = (np.random.Generator(bits(seed)) for _ in range(2))
        for rng in (ours, numpys):
            rng.integers(0, 9, draws, dtype=np.uint32)  # an odd number leaves half a word over
        for dtype in (np.int64, np.int32):
            index = np.zeros(n, dtype)
            permute(ours, index)
            np.testing.assert_array_equal(index, numpys.permutation(n))
        assert ours.integers(0, 2**62) == numpys.integers(0, 2**62)


# powers of two, where the mask changes; the 624 words of a block; the size where prefetching begins
EDGES = [0, 1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 450, 623, 624, 625, 65535, 65536, 65537, 70000]


@pytest.mark.parametrize("n", EDGES)
def test_sizes_where_something_changes(n: int) -> None:
    for seed in range(3):
        check(n, seed)
    check_permutations(n, 1)


@pytest.mark.parametrize("draws", [0, 1, 622, 623, 624, 625])
def test_a_generator_at_any_place_of_its_block(draws: int) -> None:
    check(100, 7, draws)


def test_a_fresh_generator_of_numpys_own_seeding() -> None:
    bits = np.random.MT19937(12345)  # starts in the middle of nothing: its first word is fixed
    twin = np.random.MT19937(12345)
    index, expected = np.arange(1000), np.arange(1000)
    shuffle(np.random.RandomState(bits), index)
    np.random.RandomState(twin).shuffle(expected)
    np.testing.assert_array_equal(index, expected)


def test_other_bit_generators_and_unknown_layouts_shuffle_as_numpy_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def orders(make: Any) -> tuple[Any, Any]:
        index, expected = np.arange(500), np.arange(500)
        shuffle(np.random.RandomState(make()), index)
        np.random.RandomState(make()).shuffle(expected)
        return index, expected

    np.testing.assert_array_equal(*orders(lambda: np.random.PCG64(3)))
    monkeypatch.setattr(numpy_random, "_layout_is_known", lambda: False)
    monkeypatch.setattr(_native, "shuffle", None)
    np.testing.assert_array_equal(*orders(lambda: np.random.MT19937(3)))


def test_a_layout_is_recognised() -> None:
    bits = np.random.MT19937(0)
    state = bits.state["state"]
    key, pos = state["key"].astype(np.uint32), int(state["pos"])
    assert _native.holds_state(bits.capsule, key, pos)
    assert not _native.holds_state(bits.capsule, key, pos + 1)
    key[623] ^= 1
    assert not _native.holds_state(bits.capsule, key, pos)


def test_one_generator_shared_by_threads() -> None:
    """Every draw is somebody's, none anybody's twice: the state ends where it does one by one."""
    shared, alone = np.random.RandomState(0), np.random.RandomState(0)
    orders = [np.arange(5000) for _ in range(8)]
    threads = [threading.Thread(target=shuffle, args=(shared, order)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = []
    for _ in orders:
        index = np.arange(5000)
        alone.shuffle(index)
        expected.append(index.tolist())
    assert sorted(order.tolist() for order in orders) == sorted(expected)
    assert state_of(shared) == state_of(alone)


def test_misuse_of_the_native_function_is_an_error() -> None:
    bits = np.random.MT19937(0)
    readonly = np.arange(4)
    readonly.flags.writeable = False
    for draw in (_native.shuffle, _native.permute):
        with pytest.raises(TypeError):
            draw(bits.capsule, np.arange(4, dtype=np.int16))
        with pytest.raises(TypeError):
            draw(bits.capsule, np.arange(8)[::2])
        with pytest.raises(TypeError):
            draw(object(), np.arange(4))
        with pytest.raises(TypeError):
            draw(bits.capsule, readonly)


# ---- uniform numbers ----------------------------------------------------------------------------


@given(
    st.integers(0, 70),
    st.integers(0, 70),
    st.integers(0, 700),
    st.floats(-1e3, 1e3),
    st.floats(0, 1e3),
    st.sampled_from([np.float32, np.float64]),
)
def test_uniform_numbers_are_numpys(
    n_out: int, n_in: int, draws: int, low: float, width: float, dtype: Any
) -> None:
    ours, numpys = np.random.RandomState(1), np.random.RandomState(1)
    for rng in (ours, numpys):
        rng.bytes(4 * draws)  # an odd number of words sets the pairs astride the blocks
    W = uniform(ours, low, low + width, n_out, n_in, dtype)
    expected = numpys.uniform(low, low + width, (n_in, n_out)).T
    np.testing.assert_array_equal(W, expected.astype(dtype))
    assert W.dtype == dtype
    assert W.flags.c_contiguous
    assert state_of(ours) == state_of(numpys)


def test_uniform_numbers_of_other_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    make: Any
    for make in (np.random.default_rng, lambda seed: np.random.RandomState(np.random.PCG64(seed))):
        W = uniform(make(3), -1.0, 2.0, 4, 5, np.float32)
        expected = make(3).uniform(-1.0, 2.0, (5, 4)).T.astype(np.float32)
        np.testing.assert_array_equal(W, expected)
        assert W.flags.c_contiguous
    monkeypatch.setattr(numpy_random, "_layout_is_known", lambda: False)
    W = uniform(np.random.RandomState(3), -1.0, 2.0, 4, 5)
    np.testing.assert_array_equal(W, np.random.RandomState(3).uniform(-1.0, 2.0, (5, 4)).T)


# ---- random states -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 - 1, np.int64(7), np.uint8(3)])
def test_a_random_state_is_numpys(seed: Any) -> None:
    ours, numpys = random_state(seed), np.random.RandomState(seed)
    assert state_of(ours) == state_of(numpys)
    np.testing.assert_array_equal(ours.normal(size=3), numpys.normal(size=3))
    again = pickle.loads(pickle.dumps(ours))
    assert state_of(again) == state_of(ours)
    ours.seed(5)
    assert state_of(ours) == state_of(np.random.RandomState(5))


def test_other_random_states_are_scikit_learns() -> None:
    check_random_state = pytest.importorskip("sklearn.utils").check_random_state
    rng = np.random.RandomState(0)
    for seed in (None, np.random, rng):
        assert random_state(seed) is check_random_state(seed)
    for wrong in (-1, 2**32):
        with pytest.raises(ValueError, match="random_state must be None, an integer from 0 to"):
            random_state(wrong)
