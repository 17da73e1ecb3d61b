"""Draws docs/pictures/attribution.png and importances.png: a bag on the census table, explained.

    python docs/pictures/attribution.py

The table is data/adult.csv; 9,000 rows are learnt, the importances are those of the other 3,000.
"""

from pathlib import Path

import pandas as pd

import clearprop as cp
from clearprop import explain

here = Path(__file__).parent
table = pd.read_csv(here.parents[1] / "data" / "adult.csv")
y = table.pop("income")
model = cp.TabularClassifier(random_state=0).fit(table[:9000], y[:9000])
test, y_test = table[9000:], y[9000:]

found = explain.attribute(model, test[:1], table[:100])
print(found)
explain.plot_attributions(found).save(here / "attribution.png")

importances = model.feature_importances(test, y_test, random_state=0)
print(importances)
explain.plot_importances(importances).save(here / "importances.png")
