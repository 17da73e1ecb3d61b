"""A table of animals with a class and a number to learn, for tests of the command line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

ADULT = Path(__file__).parents[2] / "data" / "adult.csv"
QUICK = ("--hidden-sizes", "8", "--epochs", "8", "--learning-rate", "0.01", "--batch-size", "32")
N = 300


def write_tables(folder):
    """animals.csv with a class and a number to learn, and the same as Parquet."""
    rng = np.random.default_rng(0)
    legs = rng.choice([0, 2, 4], N)
    weight = np.round(np.exp(rng.standard_normal(N)), 3)
    table = pa.table(
        {
            "legs": legs,
            "weight": [None if i % 13 == 1 else float(w) for i, w in enumerate(weight)],
            "skin": rng.choice(["fur", "scales", "feathers", "skin, bare"], N).tolist(),
            "seen": [f"2024-0{1 + i % 9}-11" for i in range(N)],
            "tame": (rng.random(N) < 0.5).tolist(),
            "animal": np.array(["fish", "bird", "dog"])[legs // 2].tolist(),
            "length": (2 * np.cbrt(weight) + legs + 0.1).tolist(),
        }
    )
    pa_csv.write_csv(table, folder / "animals.csv")
    pq.write_table(table, folder / "animals.parquet")


def records(text):
    return list(csv.DictReader(io.StringIO(text)))
