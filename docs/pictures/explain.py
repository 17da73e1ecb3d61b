"""Draws network.svg and explain.png, the pictures of docs/explain.md.

Run: pip install "clearprop[plot]" && python docs/pictures/explain.py
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np

import clearprop as cp
from clearprop import explain

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
NAMES = ["inner", "middle", "outer"]


def main() -> None:
    rng = np.random.default_rng(0)
    t = rng.integers(0, 3, 400)
    angle = rng.uniform(0, 2 * np.pi, 400)
    radius = 0.5 + t + 0.22 * rng.normal(size=400)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    net = cp.Network([2, 8, 2, 3], hidden="tanh", output="softmax", seed=1)
    recorder = explain.Recorder(net, X, t)
    net.train(
        X, t, cp.Adam(cp.schedules.OneCycle(0.05)), epochs=80, batch_size=40, callbacks=[recorder]
    )
    explain.draw_network(net, X[3], feature_names=["x₁", "x₂"], class_names=NAMES).save(
        HERE / "network.svg"
    )
    pictures = [
        explain.plot_decision_boundary(net, X, t, class_names=NAMES, names=["x₁", "x₂"]),
        explain.plot_hidden_space(net, X, t, class_names=NAMES),
        explain.plot_layers(recorder, ("h", "dL_dz", "update")),
    ]
    images = [plt.imread(BytesIO(picture._repr_png_())) for picture in pictures]
    shares = [image.shape[1] / image.shape[0] for image in images]
    figure, axes = plt.subplots(1, 3, figsize=(15, 15 / sum(shares)), width_ratios=shares)
    for panel, image in zip(axes, images, strict=True):
        panel.imshow(image)
        panel.axis("off")
    figure.subplots_adjust(0, 0, 1, 1, 0.01)
    figure.savefig(HERE / "explain.png", dpi=100)


if __name__ == "__main__":
    main()
