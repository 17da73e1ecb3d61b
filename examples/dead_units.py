"""
Why does it not learn?
======================

A network of ReLU units is given a column that was not scaled. The diagnosis names the column,
counts the dead units, and says what to do. Then the network learns.
"""

from __future__ import annotations

import numpy as np

import clearprop as cp
from clearprop import explain

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
t = (X[:, 0] * X[:, 1] > 0).astype(int)
X[:, 3] = 2000 + 10 * X[:, 3]

net = cp.Network([4, 32, 2], output="softmax", seed=0)
print(explain.diagnose(net, X, t, feature_names=["a", "b", "c", "year"]))

# %%
# The advice, followed:
X = (X - X.mean(axis=0)) / X.std(axis=0)
diagnosis = explain.diagnose(net, X, t)
print(f"findings now: {len(diagnosis)}")
recorder = explain.Recorder(net, X, t)
net.train(X, t, cp.Adam(0.02), epochs=60, callbacks=[recorder])
print(f"accuracy {(net.predict(X) == t).mean():.2f}")

# %%
# The size of h, of ∂ℒ/∂z and of the updates in each layer during training:
layers = explain.plot_layers(recorder, ("h", "dL_dz", "update"))
