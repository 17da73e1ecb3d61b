"""Networks that are logic, or not quite, for the tests of extraction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

import clearprop as cp
from clearprop._typing import Array
from clearprop.circuits.netlist import Cell, Circuit


def network(
    weights: list[Array], biases: list[Array], hidden: str = "logistic", output: str = "logistic"
) -> cp.Network:
    """A network with these weights."""
    sizes = [weights[0].shape[1], *(len(W) for W in weights)]
    net = cp.Network(sizes, hidden=hidden, output=output)
    for W, b, given_W, given_b in zip(net.W, net.b, weights, biases, strict=True):
        W[...], b[...] = given_W, given_b
    return net


def xor_network(gain: float = 10.0, hidden: str = "logistic") -> cp.Network:
    """XOR = OR and not AND, as the lecture's neurons."""
    W = [gain * np.array([[1.0, 1], [1, 1]]), gain * np.array([[1.0, -2]])]
    b = [gain * np.array([-0.5, -1.5]), gain * np.array([-0.5])]
    if hidden == "tanh":  # h = 2 bit − 1
        W[1], b[1] = W[1] / 2, b[1] + W[1].sum(axis=1) / 2
    return network(W, b, hidden)


def random_network(
    seed: int,
    n: int,
    units: list[int],
    K: int = 1,
    hidden: str = "logistic",
    output: str = "logistic",
    gain: float = 1.0,
) -> cp.Network:
    rng = np.random.default_rng(seed)
    sizes = [n, *units, K]
    W = [gain * rng.normal(size=(a, b)) for b, a in pairwise(sizes)]
    b = [gain * rng.normal(size=a) for a in sizes[1:]]
    return network(W, b, hidden, output)


def adder_network(n: int, gain: float, hidden: str) -> cp.Network:
    """a + b of n bits each: hidden units are the bits and the carries, c_i = [Σ_j≤i 2^j (a_j + b_j)
    ≥ 2^(i+1)]; outputs are s_i = [a_i + b_i + c_(i−1) − 2c_i ≥ 1] and the last carry."""
    W = np.zeros((3 * n, 2 * n))
    W[: 2 * n] = np.eye(2 * n)
    b = np.full(3 * n, -0.5)
    last, last_b = np.zeros((n + 1, 3 * n)), np.full(n + 1, -0.5)
    for i in range(n):
        W[2 * n + i, : i + 1] = W[2 * n + i, n : n + i + 1] = 2.0 ** np.arange(i + 1)
        b[2 * n + i] = 0.5 - 2.0 ** (i + 1)
        last[i, [i, n + i]], last[i, 2 * n + i] = 1, -2
        if i:
            last[i, 2 * n + i - 1] = 1
    last[n, -1] = 1
    if hidden == "tanh":
        last, last_b = last / 2, last_b + last.sum(axis=1) / 2
    return network([gain * W, gain * last], [gain * b, gain * last_b], hidden)


def ripple_adder(n: int) -> Circuit:
    a, b = [f"x{i + 1}" for i in range(n)], [f"x{n + i + 1}" for i in range(n)]
    cells = [Cell("y0", "xor", (a[0], b[0])), Cell("c0", "and", (a[0], b[0]))]
    for i in range(1, n):
        cells.append(Cell(f"y{i}", "xor", (a[i], b[i], f"c{i - 1}")))
        cells.append(Cell(f"c{i}", "majority", (a[i], b[i], f"c{i - 1}")))
    outputs = tuple(f"y{i}" for i in range(n + 1))
    cells.append(Cell(f"y{n}", "buf", (f"c{n - 1}",)))
    return Circuit((*a, *b), outputs, tuple(cells))
