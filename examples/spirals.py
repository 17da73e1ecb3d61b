"""
Two spirals, seen from inside
=============================

A small network separates two spirals. Its last hidden layer has two units, so that one can see
where it has moved the points: there, a straight line separates them.
"""

from __future__ import annotations

import numpy as np

import clearprop as cp
from clearprop import explain

rng = np.random.default_rng(0)
t = rng.integers(2, size=400)
radius = np.sqrt(rng.uniform(0.02, 1, size=400))
angle = np.pi * t + 7 * radius + rng.normal(scale=0.1, size=400)
X = 3 * radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])

net = cp.Network([2, 32, 16, 2, 1], hidden="tanh", output="logistic", seed=2)
history = net.train(X, t, cp.Adam(0.01), epochs=400, batch_size=32, validation=0.25)
print(f"accuracy {(net.predict(X) == t).mean():.3f}")

# %%
# What it has learnt, over the plane of x₁ and x₂:
picture = explain.plot_decision_boundary(net, X, t, names=["x₁", "x₂"])

# %%
# The same points in the space of the last hidden layer:
hidden = explain.plot_hidden_space(net, X, t, layer=3)

# %%
# The losses of the training rows and of the rows that were held out:
curves = explain.plot_history(history)
