"""A soft OR gate
==============

A soft OR gate: one sigmoid neuron with its bias as the threshold, and how soft the gate is.

The lecture's example 1. The weights are set by hand, then learnt from the truth table.
"""

from __future__ import annotations

import numpy as np

import clearprop as cp

BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
OR = BITS.max(axis=1)


def by_hand(gain: float) -> cp.Network:
    """A neuron that is on if x_1 + x_2 > ½, with both weights equal to `gain`."""
    gate = cp.Network([2, 1], output="logistic")
    gate.W[0][...] = gain
    gate.b[0][...] = -gain / 2
    return gate


def print_truth_table(gate: cp.Network) -> None:
    trace = gate.forward(BITS)
    print("  x1 x2      z   y_hat   t")
    for (x1, x2), (z,), (y_hat,), t in zip(BITS, trace.z[0], trace.y_hat, OR, strict=True):
        print(f"   {x1}  {x2}  {z:5.1f}  {y_hat:.4f}   {t}")


def main() -> None:
    for gain in (2, 10):
        print(f"By hand, weights {gain}, bias {-gain / 2:g}:")
        print_truth_table(by_hand(gain))
        print()

    gate = cp.Network([2, 1], output="logistic", seed=0)
    history = gate.train(BITS, OR, optimizer=cp.SGD(1.0), epochs=1000, batch_size=4)
    w1, w2 = gate.W[0][0]
    print(f"Learnt in {len(history)} steps: w1 {w1:.2f}, w2 {w2:.2f}, bias {gate.b[0][0]:.2f}:")
    print_truth_table(gate)


if __name__ == "__main__":
    main()
