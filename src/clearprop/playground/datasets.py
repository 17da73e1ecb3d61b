"""The data of the workshop: classic datasets in the plane, drawn points, and tables.

All depend only on their arguments, so that "copy as Python" can make them again:

>>> data = make("spirals", n=100, noise=0.1, seed=3)
>>> data.X.shape, data.X_test.shape, sorted(set(data.t.tolist()))
((50, 2), (50, 2), [0, 1])
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.playground.elementary import cos, exp, sin

if TYPE_CHECKING:
    from clearprop.tabular.plain import TableEncoding

EXTENT = 3.0  # the classic datasets lie in the square from −3 to 3
MAX_ROWS, MAX_FEATURES, MAX_CLASSES = 20_000, 64, 10
SCALINGS = {
    "standard": "mean 0, standard deviation 1",
    "unit": "from 0 to 1",
    "none": "unscaled",
}


@dataclass(frozen=True)
class Dataset:
    """Rows for training and for testing. X: (N, D); t: class indices (N,), or numbers (N,).

    n_classes: number of classes; 0 for a numeric target. features: names of the D inputs. labels:
    names of the classes. columns: name, kind and a short description for each column of a table,
    the target first.
    """

    X: Array
    t: Array
    X_test: Array
    t_test: Array
    n_classes: int
    features: tuple[str, ...]
    labels: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str], ...] = ()

    @property
    def n_inputs(self) -> int:
        return int(self.X.shape[1])


def _blobs(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    t = np.arange(n) % classes
    angle = 2 * np.pi * t / classes + np.pi / 4
    centre = 1.8 * np.stack([cos(angle), sin(angle)], axis=1)
    return centre + (0.3 + noise) * rng.standard_normal((n, 2)), t


def _moons(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    t = np.arange(n) % 2
    angle = np.pi * rng.random(n)
    x = np.where(t == 0, cos(angle), 1 - cos(angle)) - 0.5
    y = np.where(t == 0, sin(angle), 0.5 - sin(angle)) - 0.25
    return 1.6 * np.stack([x, y], axis=1) + noise * rng.standard_normal((n, 2)), t


def _circles(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    t = np.arange(n) % classes
    outer = 2.6
    ring = outer / classes
    radius = ring * (classes - 1 - t + rng.uniform(0.15, 0.85, n))
    angle = 2 * np.pi * rng.random(n)
    X = radius[:, None] * np.stack([cos(angle), sin(angle)], axis=1)
    return X + noise * rng.standard_normal((n, 2)), t


def _spirals(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    t = np.arange(n) % classes
    turn = np.sqrt(rng.uniform(0.01, 1, n))
    angle = 1.75 * 2 * np.pi * turn + 2 * np.pi * t / classes
    X = 2.6 * turn[:, None] * np.stack([sin(angle), cos(angle)], axis=1)
    return X + noise * rng.standard_normal((n, 2)), t


def _xor(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    X = rng.uniform(0.15, 2.6, (n, 2)) * rng.choice([-1, 1], (n, 2))
    t = (X[:, 0] * X[:, 1] < 0).astype(np.int64)
    return X + noise * rng.standard_normal((n, 2)), t


def _plane(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    X = rng.uniform(-EXTENT, EXTENT, (n, 2))
    return X, (X[:, 0] + X[:, 1]) / (2 * EXTENT) + noise * rng.standard_normal(n)


def _hills(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    X = rng.uniform(-EXTENT, EXTENT, (n, 2))
    top = exp(-((X - [1.2, 1.2]) ** 2).sum(axis=1))
    pit = exp(-((X - [-1.2, -1.2]) ** 2).sum(axis=1))
    return X, top - pit + noise * rng.standard_normal(n)


def _wave(rng: np.random.Generator, n: int, noise: float, classes: int) -> tuple[Array, Array]:
    x = rng.uniform(-EXTENT, EXTENT, n)
    return x[:, None], sin(2 * x) + noise * rng.standard_normal(n)


@dataclass(frozen=True)
class Classic:
    """How a dataset is drawn, and how many classes it may have; 0 for a numeric target."""

    title: str
    draw: Callable[[np.random.Generator, int, float, int], tuple[Array, Array]]
    most_classes: int


CLASSICS: dict[str, Classic] = {
    "circles": Classic("Circles", _circles, 5),
    "xor": Classic("XOR", _xor, 2),
    "blobs": Classic("Blobs", _blobs, 5),
    "moons": Classic("Moons", _moons, 2),
    "spirals": Classic("Spirals", _spirals, 5),
    "plane": Classic("Plane (regression)", _plane, 0),
    "hills": Classic("Hill and pit (regression)", _hills, 0),
    "wave": Classic("Wave (regression, one input)", _wave, 0),
}

# Inputs that are functions of the two coordinates of the plane (N,), by name, with their titles.
INPUTS: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "x1": ("x₁", lambda x1, x2: x1),
    "x2": ("x₂", lambda x1, x2: x2),
    "x1^2": ("x₁²", lambda x1, x2: x1 * x1),
    "x2^2": ("x₂²", lambda x1, x2: x2 * x2),
    "x1x2": ("x₁x₂", lambda x1, x2: x1 * x2),
    "sin x1": ("sin x₁", lambda x1, x2: sin(x1)),
    "sin x2": ("sin x₂", lambda x1, x2: sin(x2)),
}


def make(
    name: str,
    *,
    n: int = 200,
    noise: float = 0.1,
    classes: int = 2,
    seed: int = 0,
    test_share: float = 0.5,
    inputs: Sequence[str] = ("x1", "x2"),
) -> Dataset:
    """One of the classic datasets: n points, of which a fraction is held out for testing.

    name: one of CLASSICS. noise: standard deviation. classes: limited to the most that the dataset
    can have. inputs: what the network gets of a point, names of INPUTS; a dataset over one input
    has that input alone. Raises ValueError for an unknown name.
    """
    if name not in CLASSICS:
        raise ValueError(f"name must be one of {list(CLASSICS)}; got {name!r}")
    classic = CLASSICS[name]
    n_classes = min(classes, classic.most_classes)
    X, t = classic.draw(np.random.default_rng(seed), n, noise, n_classes)
    return _split(X, t, n_classes, test_share, seed, inputs)


def curve(targets: Sequence[Sequence[float]], *, test_share: float = 0.0, seed: int = 0) -> Dataset:
    """Targets (x, t) over one input that the user drew. Raises ValueError if there are none."""
    if len(targets) == 0:
        raise ValueError("there are no targets yet: draw some, or choose another dataset")
    rows = np.array(targets, dtype=float)
    return _split(rows[:, :1], rows[:, 1], 0, test_share, seed)


def drawn(
    points: Sequence[Sequence[float]],
    *,
    test_share: float = 0.0,
    seed: int = 0,
    inputs: Sequence[str] = ("x1", "x2"),
) -> Dataset:
    """Points (x₁, x₂, class) that the user drew. Raises ValueError if there are none.

    inputs: as for `make`.
    """
    if len(points) == 0:
        raise ValueError("there are no points yet: draw some, or choose another dataset")
    rows = np.array(points, dtype=float)
    t = rows[:, 2].astype(np.int64)
    return _split(rows[:, :2], t, max(2, int(t.max()) + 1), test_share, seed, inputs)


def table(
    frame: Any,
    target: str,
    *,
    test_share: float = 0.25,
    seed: int = 0,
    kinds: Mapping[str, str] | None = None,
    scaling: str = "standard",
) -> Dataset:
    """A data frame, or a CSV or Parquet file, as a dataset; its columns become numbers of mean 0.

    kinds: kinds of columns that override what their values suggest; see `tables.columns.KINDS`.
    scaling: scaling of numeric columns, one of SCALINGS.

    Classes become indices; a numeric target is scaled to mean 0 and standard deviation 1, as in
    `clearprop fit`. Where the columns make too many inputs, the widest are left out whose kind is
    not in `kinds`. Raises TableError for a table that is unusable or too large.
    """
    from clearprop.tables.files import read_table
    from clearprop.tables.frames import TableError
    from clearprop.tabular.plain import TableEncoding
    from clearprop.tabular.problem import read_problem
    from clearprop.tabular.target import Standardization

    if isinstance(frame, str | os.PathLike):
        frame, _ = read_table(os.fspath(frame))
    if len(frame) > MAX_ROWS:
        raise TableError(
            f"the table has {len(frame):,} rows; the playground takes at most {MAX_ROWS:,}"
        )
    problem = read_problem(
        frame,
        target,
        skip_missing_target=True,
        test_size=test_share,
        seed=seed,
    )
    train, test, labels = problem.train, problem.test, problem.target.labels
    encoding = TableEncoding.fit(
        problem.frame,
        {name: kind for name, kind in (kinds or {}).items() if name != target},
        rows=train,
    )
    encoding = _narrow(encoding, set(kinds or {}))
    names = encoding.feature_names
    if len(labels) > MAX_CLASSES:
        raise TableError(f"the target has {len(labels)} classes; the playground takes at most 10")
    t = problem.y if labels else Standardization.of(problem.y[train]).encode(problem.y)
    X = encoding.transform(problem.frame, np.float64)
    X = _scaled(X, encoding, frame, scaling, train)
    columns = (
        (target, "classes" if labels else "quantity", problem.reason),
        *((d.name, d.kind, d.summary) for d in encoding.describe()),
    )
    return Dataset(X[train], t[train], X[test], t[test], len(labels), names, labels, columns)


def _narrow(encoding: TableEncoding, chosen: set[str]) -> TableEncoding:
    """The encoding without its widest columns, so that the inputs fit; chosen columns stay.

    Of equally wide columns the last goes first. Raises TableError if the chosen columns do not fit.
    """
    from clearprop.tables.frames import TableError
    from clearprop.tables.reading import Reading
    from clearprop.tabular.plain import IgnoredColumn

    while (n := len(encoding.feature_names)) > MAX_FEATURES:
        widths = [(len(c.features), i) for i, c in enumerate(encoding.columns)]
        free = [width for width in widths if encoding.columns[width[1]].name not in chosen]
        if not free:
            raise TableError(
                f"the columns give {n} inputs; the playground takes at most {MAX_FEATURES}"
            )
        width, i = max(free)
        column = encoding.columns[i]
        reason = (
            f"left out: {width} input{'s' * (width > 1)}, of at most {MAX_FEATURES} in all; choose "
            f"{column.kind} to bring it back"
        )
        encoding = dataclasses.replace(
            encoding,
            columns=(*encoding.columns[:i], *encoding.columns[i + 1 :]),
            ignored=(*encoding.ignored, IgnoredColumn(column.name, Reading("ignore", reason))),
        )
    return encoding


def _scaled(X: Array, encoding: TableEncoding, frame: Any, scaling: str, train: Array) -> Array:
    """X (N, D) with the numeric columns unscaled, or from 0 to 1 over the training rows."""
    if scaling == "standard":
        return X
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be one of {list(SCALINGS)}; got {scaling!r}")
    from clearprop.tables.frames import as_frame, read_column
    from clearprop.tabular.plain_columns import NumericColumn

    X, at, table = X.copy(), 0, as_frame(frame)
    for column in encoding.columns:
        if isinstance(column, NumericColumn):
            x = column.reading.numbers(read_column(table, column.name))
            x = np.where(np.isnan(x), column.median, x)
            low, high = float(x[train].min()), float(x[train].max())
            if scaling == "unit":
                x = (x - low) / ((high - low) or 1.0)
            X[:, at] = x
        at += len(column.features)
    return X


def _split(
    X: Array,
    t: Array,
    n_classes: int,
    test_share: float,
    seed: int,
    inputs: Sequence[str] = ("x1", "x2"),
) -> Dataset:
    features: tuple[str, ...] = ("x",)
    if X.shape[1] == 2:
        for name in inputs:
            if name not in INPUTS:
                raise ValueError(f"inputs must be some of {list(INPUTS)}; got {name!r}")
        features = tuple(INPUTS[name][0] for name in inputs)
        X = np.stack([INPUTS[name][1](X[:, 0], X[:, 1]) for name in inputs], axis=1)
    order = np.random.default_rng(seed).permutation(len(X))
    n_test = min(round(len(X) * test_share), len(X) - 1)
    train, test = np.sort(order[n_test:]), np.sort(order[:n_test])
    labels = tuple(str(k) for k in range(n_classes))
    return Dataset(X[train], t[train], X[test], t[test], n_classes, features, labels)
