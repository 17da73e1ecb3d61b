"""
A table, with nothing to tune
=============================

A bag of small networks learns to tell benign from malignant tumours. It estimates its score on new
rows, and shows what each column adds.
"""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer

import clearprop as cp
from clearprop import explain

table, y = load_breast_cancer(return_X_y=True, as_frame=True)
y = y.map({0: "malignant", 1: "benign"})
model = cp.TabularClassifier(n_members=4, scoring="log_loss", random_state=0)
model.fit(table[:400], y[:400])
print(f"log-loss out of fold    {model.oof_score_:.3f}")
print(f"accuracy on new rows    {model.score(table[400:], y[400:]):.3f}")

# %%
# How much worse the predictions for new rows become if a column is shuffled:
importances = model.feature_importances(table[400:], y[400:], random_state=0)
picture = explain.plot_importances(importances)

# %%
# What each column adds to one prediction:
found = explain.attribute(model, table[400:401], table[:50])
bars = explain.plot_attributions(found)
