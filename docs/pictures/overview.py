"""Draws overview.png, the picture of the README, from numbers that clearprop computes.

Run: pip install "clearprop[plot]" scikit-learn && python docs/pictures/overview.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from sklearn.datasets import make_moons

import clearprop as cp

mpl.use("Agg")
import matplotlib.pyplot as plt

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"  # Okabe & Ito: for every colour vision

BLUE_AND_ORANGE = mpl.colors.LinearSegmentedColormap.from_list("", [ORANGE, "white", BLUE])


def main() -> None:
    figure, axes = plt.subplots(1, 3, figsize=(13.5, 4.2), width_ratios=(1.25, 1, 1))
    draw_backward_pass(axes[0])
    X, t = make_moons(400, noise=0.2, random_state=3)
    net = cp.Network([2, 16, 16, 1], hidden="tanh", output="logistic", seed=1)
    stopping = cp.Stopping(patience=30)
    history = net.train(X, t, cp.Adam(0.005), 300, validation=0.3, stopping=stopping, seed=1)
    draw_curves(axes[1], history)
    draw_regions(axes[2], net, X, t)
    figure.tight_layout(w_pad=2)
    figure.savefig(Path(__file__).with_name("overview.png"), dpi=110)


def draw_backward_pass(ax: Axes) -> None:
    """XOR's network: h and ∂ℒ/∂z of each unit, and ∂ℒ/∂w of each edge, for one example."""
    net = cp.Network([2, 3, 1], hidden="tanh", output="logistic", seed=4)
    X, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    net.train(X, t, cp.Adam(0.1), epochs=8, batch_size=4)
    x = np.array([[0.9, 0.4]])
    trace = net.forward(x)
    gradients = net.backward(trace, np.array([1]))
    values = [trace.h[0][0], trace.h[1][0], trace.y_hat[0]]
    places = [
        [(layer, 1.35 * ((len(v) - 1) / 2 - j)) for j in range(len(v))]
        for layer, v in enumerate(values)
    ]
    widest = max(np.abs(W).max() for W in net.W)
    for layer, (W, dL_dW) in enumerate(zip(net.W, gradients.dL_dW, strict=True)):
        for j, i in np.ndindex(W.shape):
            (x0, y0), (x1, y1) = places[layer][i], places[layer + 1][j]
            color = BLUE if W[j, i] > 0 else ORANGE
            ax.plot([x0, x1], [y0, y1], color=color, lw=0.5 + 4 * abs(W[j, i]) / widest, zorder=1)
            at = 0.55 if layer == 0 else 0.45
            ax.text(
                x0 + at * (x1 - x0),
                y0 + at * (y1 - y0),
                f"{dL_dW[j, i]:+.2f}",
                fontsize=8,
                ha="center",
                va="center",
                bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.85},
            )
    names = (("x", ""), ("h", "z⁽¹⁾"), ("ŷ", "z⁽²⁾"))
    for layer, (units, (name, z)) in enumerate(zip(places, names, strict=True)):
        for j, (x, y) in enumerate(units):
            ax.scatter([x], [y], s=1700, color="white", edgecolor=GREY, zorder=2)
            ax.text(x, y, f"{name}\n{values[layer][j]:.2f}", ha="center", va="center", fontsize=9)
            if layer:
                slope = gradients.dL_dz[layer - 1][0, j]
                label = f"∂ℒ/∂{z} = {slope:+.3f}"
                box = {"fc": "white", "ec": "none", "pad": 0.6}
                ax.text(x, y - 0.5, label, ha="center", fontsize=8, color=GREY, bbox=box, zorder=3)
    ax.set(xlim=(-0.4, 2.5), ylim=(-2.0, 1.8), title="every h, ∂ℒ/∂z and ∂ℒ/∂w by its name")
    ax.axis("off")


def draw_curves(ax: Axes, history: cp.history.History) -> None:
    ax.plot(history.loss, color=BLUE, label="training ℒ")
    ax.plot(history.validation_loss, color=ORANGE, label="validation ℒ")
    best = int(np.argmin(history.validation_loss))
    ax.axvline(best, color=GREY, ls=":", lw=1)
    ax.text(
        best, ax.get_ylim()[1], " θ of this epoch is restored", va="top", ha="right", fontsize=8
    )
    ax.set(xlabel="epoch", title="training stops by itself")
    ax.legend(frameon=False, loc="center right")
    ax.spines[["top", "right"]].set_visible(False)


def draw_regions(ax: Axes, net: cp.Network, X: np.ndarray, t: np.ndarray) -> None:
    a, b = np.meshgrid(np.linspace(-2, 3, 200), np.linspace(-1.7, 2.2, 200))
    p = net.predict_proba(np.column_stack([a.ravel(), b.ravel()]))[:, 1].reshape(a.shape)
    ax.contourf(a, b, p, levels=np.linspace(0, 1, 21), cmap=BLUE_AND_ORANGE, alpha=0.75)
    ax.contour(a, b, p, levels=[0.5], colors="black", linewidths=1)
    for label, color, marker in ((0, ORANGE, "o"), (1, BLUE, "s")):
        ax.scatter(*X[t == label].T, s=12, color=color, marker=marker, edgecolor="white", lw=0.3)
    ax.set(xticks=[], yticks=[], title="P(t = 1 | x)")


if __name__ == "__main__":
    main()
