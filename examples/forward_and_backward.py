"""Forward and backward, by hand
=============================

Pass one sample forward and backward through three hidden layers and print every number.

Each line of the two recursions is computed by hand in NumPy and compared with the network's result.
"""

from __future__ import annotations

import numpy as np

import clearprop as cp


def show(name: str, by_hand: np.ndarray, by_network: np.ndarray) -> None:
    """Print a vector and its name; stop if the two results differ."""
    np.testing.assert_allclose(by_hand, by_network, rtol=1e-12, atol=1e-15)
    print(f"  {name:<26}", " ".join(f"{value:8.4f}" for value in by_hand))


def main() -> None:
    net = cp.Network([4, 5, 4, 3, 2], hidden="tanh", output="softmax", seed=0)
    x, t = np.array([1.0, -0.5, 0.25, 2.0]), 1
    trace = net.forward(x[None, :])
    gradients = net.backward(trace, [t])
    layers = range(1, len(net.W) + 1)
    last = len(net.W)
    print(net, "\n")

    print("Forward propagation")
    h = [x]
    z = []
    show("x", x, trace.h[0][0])
    for layer in layers:
        z.append(net.W[layer - 1] @ h[-1] + net.b[layer - 1])
        show(f"z{layer} = W{layer} h{layer - 1} + b{layer}", z[-1], trace.z[layer - 1][0])
        if layer < last:
            h.append(np.tanh(z[-1]))
            show(f"h{layer} = φ(z{layer})", h[-1], trace.h[layer][0])
    y_hat = cp.softmax(z[-1])
    show(f"y_hat = f(z{last})", y_hat, trace.y_hat[0])
    print(f"  t = {t}, loss = {-np.log(y_hat[t]):.4f}\n")

    print("Back-propagation")
    dL_dz = y_hat - np.eye(2)[t]
    show(f"∂L/∂z{last} = y_hat - t", dL_dz, gradients.dL_dz[-1][0])
    for layer in reversed(layers):
        # the bias is the weight from a unit that is always 1, so ∂L/∂b is ∂L/∂z
        dL_dW = np.outer(dL_dz, h[layer - 1])
        np.testing.assert_allclose(dL_dW, gradients.dL_dW[layer - 1], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(dL_dz, gradients.dL_db[layer - 1], rtol=1e-12, atol=1e-15)
        print(f"  ∂L/∂W{layer} = ∂L/∂z{layer} h{layer - 1}ᵀ")
        for row in dL_dW:
            print(" " * 28, " ".join(f"{value:8.4f}" for value in row))
        if layer > 1:
            dL_dz = (1 - h[layer - 1] ** 2) * (net.W[layer - 1].T @ dL_dz)
            name = f"∂L/∂z{layer - 1} = φ′ ⊙ W{layer}ᵀ ∂L/∂z{layer}"
            show(name, dL_dz, gradients.dL_dz[layer - 2][0])

    check = cp.check_gradients(net, x[None, :], [t])
    print(f"\nGradient check over {check.n_checked} entries: ", end="")
    print("all agree" if check.ok else f"wrong: {check.worst}")


if __name__ == "__main__":
    main()
