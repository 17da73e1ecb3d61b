"""Each gate three ways: its neurons, its logic, and a definition in Python written here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clearprop.circuits.gates import GATES, all_bits, find_kind, gate

Definition = Callable[[tuple[int, ...]], tuple[int, ...]]

DEFINITIONS: dict[str, Definition] = {
    "const0": lambda x: (0,),
    "const1": lambda x: (1,),
    "buf": lambda x: (x[0],),
    "not": lambda x: (1 - x[0],),
    "and": lambda x: (min(x),),
    "or": lambda x: (max(x),),
    "nand": lambda x: (1 - min(x),),
    "nor": lambda x: (1 - max(x),),
    "xor": lambda x: (sum(x) % 2,),
    "xnor": lambda x: (1 - sum(x) % 2,),
    "majority": lambda x: (int(2 * sum(x) > len(x)),),
    "mux": lambda x: (x[2] if x[0] else x[1],),
    "half_adder": lambda x: (sum(x) % 2, sum(x) // 2),
    "full_adder": lambda x: (sum(x) % 2, sum(x) // 2),
    **{f"at_least_{t}": lambda x, t=t: (int(sum(x) >= t),) for t in (1, 2, 3, 5, 8)},
}
CASES = [
    (kind, arity) for kind in DEFINITIONS for arity in range(10) if find_kind(kind).allows(arity)
]


def test_every_kind_is_defined_here() -> None:
    assert set(GATES) <= set(DEFINITIONS)


@pytest.mark.parametrize(("kind", "arity"), CASES)
def test_neurons_and_logic_are_the_definition(kind: str, arity: int) -> None:
    g = gate(kind, arity)
    rows = list(itertools.product((0, 1), repeat=arity))
    wanted = [DEFINITIONS[kind](row) for row in rows]
    np.testing.assert_array_equal(
        g.truth_table, [(*x, *y) for x, y in zip(rows, wanted, strict=True)]
    )
    x = np.array(rows, dtype=float).reshape(len(rows), arity)
    np.testing.assert_array_equal(g.evaluate(x), wanted)
    assert g.margin == 0.5
    assert (g.arity, len(g.outputs)) == (arity, len(wanted[0]))
    words = [all_bits(arity)[:, i].astype(np.uint64) * np.uint64(2**64 - 1) for i in range(arity)]
    outputs = g.logic(words or [np.zeros(1, np.uint64)])
    for y, bits in zip(outputs, zip(*wanted, strict=True), strict=True):
        np.testing.assert_array_equal(y, np.array(bits, np.uint64) * np.uint64(2**64 - 1))


@pytest.mark.parametrize("gain", [1.0, 8.0, 40.0])
def test_soft_outputs_in_closed_form(gain: float) -> None:
    """σ(g z) for the one neuron; XOR of two is σ(g (a + b − 2σ(g (a + b − 3/2)) − ½))."""

    def sigma(z: float) -> float:
        return 1 / (1 + math.exp(-gain * z))

    x = all_bits(3).astype(float)
    x[4] = 0.9, 0.2, 0.4  # soft inputs as well
    s = x.sum(axis=1)
    for kind, z in (
        ("or", s - 0.5),
        ("and", s - 2.5),
        ("nor", 0.5 - s),
        ("nand", 2.5 - s),
        ("majority", s - 1.5),
        ("at_least_3", s - 2.5),
    ):
        soft = gate(kind, 3).evaluate(x, gain)[:, 0]
        # each σ is right to a few ulp, whose argument g z is up to 100
        np.testing.assert_allclose(soft, [sigma(v) for v in z], rtol=1e-13)
        g = gate(kind, 3)
        np.testing.assert_allclose(x @ g.weights + g.bias, z, rtol=1e-15, atol=1e-15)
    two = x[:, :2]
    inner = [sigma(a + b - 1.5) for a, b in two]
    wanted = [sigma(a + b - 2 * t - 0.5) for (a, b), t in zip(two, inner, strict=True)]
    np.testing.assert_allclose(gate("xor", 2).evaluate(two, gain)[:, 0], wanted, rtol=1e-13)
    adder = gate("full_adder", 3).evaluate(x, gain)
    carry = [sigma(v - 1.5) for v in s]
    np.testing.assert_allclose(adder[:, 1], carry, rtol=1e-13)
    wanted = [sigma(v - 2 * c - 0.5) for v, c in zip(s, carry, strict=True)]
    np.testing.assert_allclose(adder[:, 0], wanted, rtol=1e-12)
    mux = gate("mux", 3).evaluate(x, gain)[:, 0]
    wanted = [sigma(sigma(b - a - 0.5) + sigma(a + c - 1.5) - 0.5) for a, b, c in x]
    np.testing.assert_allclose(mux, wanted, rtol=1e-12)


def test_high_gain_is_the_hard_gate() -> None:
    for kind, arity in CASES:
        g = gate(kind, arity)
        x = all_bits(arity)
        np.testing.assert_array_equal(g.evaluate(x, 50.0) > 0.5, g.evaluate(x))


def test_the_lectures_or() -> None:
    soft_or = gate("or", 2)
    assert soft_or.weights.tolist() == [1, 1]
    assert soft_or.bias == -0.5
    assert soft_or.inputs == ("x1", "x2")


@pytest.mark.parametrize(
    "kind", ["and", "or", "nand", "nor", "xor", "xnor", "majority", "at_least_300"]
)
def test_wide_gates(kind: str) -> None:
    k = 601
    g = gate(kind, k)
    counts = np.array([0, 1, 2, 299, 300, 301, 600, 601])
    x = np.arange(k)[None, :] < counts[:, None]
    definition = DEFINITIONS.get(kind, lambda x: (int(sum(x) >= 300),))
    wanted = [definition(tuple(row)) for row in x.astype(int).tolist()]
    np.testing.assert_array_equal(g.evaluate(x), wanted)
    np.testing.assert_array_equal(np.column_stack(g.logic(list(x.T))), wanted)
    assert g.margin == 0.5
    with pytest.raises(ValueError, match=rf"{kind} of 601 inputs: a table has at most 2\^24 rows"):
        _ = g.truth_table


def test_what_is_no_single_neuron_says_so() -> None:
    with pytest.raises(ValueError, match="xor of 3 inputs is 2 neurons"):
        _ = gate("xor", 3).weights
    with pytest.raises(ValueError, match="mux of 3 inputs is 3 neurons"):
        _ = gate("mux", 3).bias


def test_wrong_arguments_are_refused() -> None:
    wrong: list[tuple[Any, Any, str]] = [
        ("nix", 2, "kind must be one of const0, .* or at_least_<t>; got 'nix'"),
        ("at_least_0", 2, "got 'at_least_0'"),
        ("at_least_1x", 2, "got 'at_least_1x'"),
        (None, 2, "got None"),
        ("and", 0, "arity of and must be 1 or more; got 0"),
        ("and", True, "got True"),
        ("and", 2.0, "got 2.0"),
        ("not", 2, "arity of not must be 1; got 2"),
        ("mux", 2, "arity of mux must be 3; got 2"),
        ("majority", 4, "1 or more, an odd number; got 4"),
        ("at_least_3", 2, "arity of at_least_3 must be 3 or more; got 2"),
    ]
    for kind, arity, message in wrong:
        with pytest.raises(ValueError, match=message):
            gate(kind, arity)
    with pytest.raises(ValueError, match=r"shape \(N, 2\) for or; got \(2, 3\)"):
        gate("or", 2).evaluate(np.zeros((2, 3)))
    for gain in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="gain must be positive"):
            gate("or", 2).evaluate(np.zeros((1, 2)), gain)


def test_all_bits_count_up() -> None:
    for n in range(6):
        assert all_bits(n).tolist() == [list(r) for r in itertools.product((False, True), repeat=n)]
    for n in (-1, 25):
        with pytest.raises(ValueError, match="0 … 24"):
            all_bits(n)
