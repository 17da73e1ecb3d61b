"""The best weights of a linear model: ridge and logistic regression, and the other losses alike.

With the features standardised to variance 1, they minimise

    Σ ω ℓ(A W + b, t) / Σ ω + ½ λ ‖W‖²

by Newton's method, or by L-BFGS for many outputs and for losses without a curvature. Held-out rows
choose λ.

Sources: Hoerl & Kennard 1970 (ridge regression); Byrd, Chin, Neveitt & Nocedal 2011 (curvature from
some of the rows); James & Stein 1961 (shrunken means).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.outputs import Linear as SquaredError
from clearprop.outputs import Logistic, Output, Poisson, Softmax

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)  # of λ, times features / rows
BETWEEN = (10**-0.5, 10**0.5)
MOST_EIGEN = 512  # features or rows at most, for an eigenbasis
MOST_NEWTON, MOST_OUTPUTS = 1000, 4  # features and outputs at most, for Newton's method
MOST_STEPS = 50  # of either method
HALVINGS = tuple(0.5**i for i in range(8))  # of a step of Newton's method
STEP = 1e-3  # in z, for a difference
CURVATURE_ROWS = 5_000  # for a step of Newton's method
TOLERANCE = 1e-5  # of ℒ: a step that gains less is the last
SHRINKING_ROWS = 10.0  # of the mean of a category


@dataclass(frozen=True)
class LinearMap:
    """Weights of features, and what each category adds to the outputs.

    W (p, K), b (K,): of the features; tables: (categories, K) for each column of codes.
    """

    W: Array
    b: Array
    tables: tuple[Array, ...] = ()


@dataclass(frozen=True)
class FeatureRows:
    """Rows to learn from: features A (n, p), codes, targets t (n, K), weights that sum to 1.

    output: whose loss is meant.
    """

    A: Array
    codes: Sequence[Array]
    t: Array
    weight: Array
    output: Output

    def loss(self, found: LinearMap) -> float:
        """The mean loss of what was found elsewhere."""
        z = self.A @ found.W + found.b
        for codes, table in zip(self.codes, found.tables, strict=False):
            z += table[codes]
        return float(self.weight @ self.output.loss(z, self.t))

    def tables(self, found: LinearMap, sizes: Sequence[int]) -> tuple[Array, ...]:
        """What each category adds: a Newton step from z, shrunk, column after column."""
        n = len(self.A)
        z = self.A @ found.W + found.b
        tables = []
        for codes, size in zip(self.codes, sizes, strict=True):
            dz = self.output.dL_dz(z, self.t) * (self.weight * n)[:, None]
            table = np.zeros((size, z.shape[1]))
            for k in range(z.shape[1]):
                total = np.bincount(codes, dz[:, k], minlength=size)
                count = np.bincount(codes, self.weight * n, minlength=size)
                table[:, k] = -total / (count + SHRINKING_ROWS)
            z = z + table[codes]
            tables.append(table)
        return tuple(tables)


def mean_map(maps: Sequence[LinearMap]) -> LinearMap:
    """The mean weights; what categories add is left out."""
    W, b = (np.mean([getattr(found, name) for found in maps], axis=0) for name in ("W", "b"))
    return LinearMap(W, b)


def is_binary(output: Output, n_outputs: int) -> bool:
    """Whether the outputs are the two classes of one target."""
    return isinstance(output, Softmax) and n_outputs == 2


@dataclass(frozen=True)
class LinearProblem:
    """The rows of a fold with standardised features.

    Z (n, q + 1): (A − centre) / spread, or this times `basis` (p, q) if there are fewer rows than
    features; and a column of ones. t (n, K'): the targets; two classes have one output, whose z is
    the difference of theirs. deadline: of the search, by time.monotonic().
    """

    output: Output
    rows: FeatureRows
    t: Array
    centre: Array
    spread: Array
    Z: Array
    basis: Array | None
    deadline: float

    @classmethod
    def of(cls, output: Output, rows: FeatureRows, deadline: float) -> LinearProblem:
        """Standardise the features; constant ones do not count."""
        A, weight = rows.A, rows.weight.astype(np.float32)
        largest = np.maximum(np.abs(A).max(axis=0), np.finfo(np.float32).tiny)
        A = A / largest
        centre = weight @ A
        A -= centre
        spread = np.sqrt(weight @ np.square(A))
        spread[spread < 1e-6] = np.inf  # the same in all rows, up to rounding
        A /= spread
        centre, spread = (v.astype(np.float64) * largest for v in (centre, spread))
        n, p = A.shape
        basis = None
        if n < min(p, MOST_EIGEN):
            sizes, U = np.linalg.eigh((A @ A.T / n).astype(np.float64))
            kept = sizes > 1e-5 * sizes[-1]
            basis = A.T @ (U[:, kept] / np.sqrt(n * sizes[kept]))
            A = (A @ basis).astype(np.float32)
        t = rows.t
        if is_binary(output, t.shape[1]):
            output, t = Logistic(), t[:, 1:]
        Z = np.concatenate([A, np.ones((n, 1), np.float32)], axis=1)
        return cls(output, rows, t, centre, spread, Z, basis, deadline)

    def best(self, held: FeatureRows) -> tuple[LinearMap, float]:
        """The member whose λ is best for the held-out rows, and its strength.

        From one strength on, weaker and stronger ones are tried until the loss rises, in steps of
        10, and then those between the best and its neighbours.
        """
        start = STRENGTHS.index(1e-2 if 4 * self.rows.A.shape[1] < len(self.rows.A) else 0.1)
        v = self._minimise(STRENGTHS[start])
        best = (held.loss(self._linear(v)), STRENGTHS[start], v)

        def is_better(strength: float) -> bool:
            nonlocal best
            if time.monotonic() > self.deadline:
                return False
            v = self._minimise(strength, best[2])
            loss = held.loss(self._linear(v))
            if loss < best[0]:
                best = loss, strength, v
                return True
            return False

        for others in (STRENGTHS[:start][::-1], STRENGTHS[start + 1 :]):
            if sum(1 for _ in takewhile(is_better, others)):
                break
        any(is_better(best[1] * factor) for factor in BETWEEN)
        return self._linear(best[2]), best[1]

    def solve(self, strength: float, start: LinearMap | None = None) -> LinearMap:
        """The member with this strength of λ; start: weights to begin with, close to the best."""
        v = None if start is None or self.basis is not None else self._from(start)
        return self._linear(self._minimise(strength, v))

    def _from(self, found: LinearMap) -> Array:
        """The inverse of `_linear`."""
        W, b = found.W, found.b
        if self.t is not self.rows.t:
            W, b = np.diff(W, axis=1), np.diff(b)
        w = W * np.where(np.isfinite(self.spread), self.spread, 0)[:, None]
        return np.concatenate([w, (b + self.centre @ W)[None]])

    def _linear(self, v: Array) -> LinearMap:
        w, b = v[:-1], v[-1]
        W = (w if self.basis is None else self.basis @ w) / self.spread[:, None]
        b = b - self.centre @ W
        if self.t is not self.rows.t:  # ±z/2 for two classes
            W, b = (np.stack([-half, half], axis=-1) for half in (W[:, 0] / 2, b[0] / 2))
        return LinearMap(W, b)

    def _minimise(self, strength: float, start: Array | None = None) -> Array:
        """w and, below it, b (q + 1, K')."""
        q, k = self.Z.shape[1] - 1, self.t.shape[1]
        penalty = np.full((q + 1, 1), strength * self.rows.A.shape[1] / len(self.Z))
        penalty[-1] = 0
        v = np.concatenate([np.zeros((q, k)), self._constant()]) if start is None else start
        smooth = isinstance(self.output, SquaredError | Logistic | Poisson)
        if (
            smooth
            and q <= MOST_NEWTON
            and (k <= MOST_OUTPUTS or isinstance(self.output, SquaredError))
        ):
            return self._newton(penalty, v)
        return self._quasi_newton(penalty, v)

    def _constant(self) -> Array:
        """b (1, K') of the best constant: a search that ends early is not worse than that."""
        mean = np.maximum((self.rows.weight @ self.t)[None].astype(np.float64), 1e-6)
        if isinstance(self.output, Logistic):
            mean = np.minimum(mean, 1 - 1e-6)
            return np.asarray(np.log(mean / (1 - mean)))
        if isinstance(self.output, Softmax | Poisson):
            b = np.log(mean)
            return np.asarray(b - b.mean() if isinstance(self.output, Softmax) else b)
        return np.zeros(mean.shape)

    def _z(self, v: Array) -> Array:
        return (self.Z @ v.astype(np.float32)).astype(np.float64)

    def _loss(self, penalty: Array, v: Array, z: Array) -> float:
        with np.errstate(all="ignore"):
            loss = self.rows.weight @ self.output.loss(z, self.t)
        return float(loss + (penalty * v**2).sum() / 2)

    def _gradient(self, penalty: Array, v: Array, z: Array) -> Array:
        with np.errstate(all="ignore"):
            dz = self.output.dL_dz(z, self.t) * self.rows.weight[:, None]
        dv = (dz.T.astype(np.float32) @ self.Z).T.astype(np.float64)
        return np.asarray(dv + penalty * v)

    def _newton(self, penalty: Array, v: Array) -> Array:
        """By Newton's method, with steps halved until the loss falls."""
        from scipy.linalg import LinAlgError, lstsq, solve

        z = self._z(v)
        loss = self._loss(penalty, v, z)
        every = max(1, len(z) // max(CURVATURE_ROWS, 10 * len(v)))  # rows for the curvature
        some = np.ascontiguousarray(self.Z[::every])
        for _ in range(MOST_STEPS):
            gradient, step = self._gradient(penalty, v, z), np.empty_like(v)
            curvature = every * self._curvature(z, every)
            for k in range(v.shape[1]):
                if k == 0 or not isinstance(self.output, SquaredError):
                    H = (some * curvature[:, k : k + 1]).T @ some
                    H = H.astype(np.float64) + np.diag(penalty[:, 0])
                    H += np.diag(1e-6 * H.diagonal() + 1e-12)
                try:
                    step[:, k] = solve(H, gradient[:, k], assume_a="pos", check_finite=False)
                except LinAlgError:  # features that are multiples of one another, up to rounding
                    step[:, k] = lstsq(H, gradient[:, k], cond=1e-5, check_finite=False)[0]
            before = loss
            for size in HALVINGS:
                moved = v - size * step
                z_moved = self._z(moved)
                loss = self._loss(penalty, moved, z_moved)
                if loss < before:
                    v, z = moved, z_moved
                    break
            if not before - loss > TOLERANCE or time.monotonic() > self.deadline:
                break
        return v

    def _curvature(self, z: Array, every: int) -> Array:
        """∂²ℓ/∂z² times the weights, float32, of some rows, by differences."""
        z, t, weight = z[::every], self.t[::every], self.rows.weight[::every]
        with np.errstate(all="ignore"):
            dz = self.output.dL_dz(z + STEP, t) - self.output.dL_dz(z - STEP, t)
        return np.asarray(dz / (2 * STEP) * weight[:, None], np.float32)

    def _quasi_newton(self, penalty: Array, v: Array) -> Array:
        """By L-BFGS, in the eigenbasis of the features if it is not too large."""
        from scipy.optimize import minimize

        n, q = self.Z.shape
        if q <= min(n, MOST_EIGEN):
            sizes, turn = np.linalg.eigh((self.Z.T @ self.Z / n).astype(np.float64))
            turn /= np.sqrt(np.maximum(sizes, 0) + penalty[0] + 1e-12)
            u = np.linalg.lstsq(turn, v, rcond=None)[0] if v.any() else v
        else:
            turn, u = None, v

        def loss_and_gradient(flat: Array) -> tuple[float, Array]:
            u = flat.reshape(v.shape)
            at = u if turn is None else turn @ u
            z = self._z(at)
            gradient = self._gradient(penalty, at, z)
            gradient = gradient if turn is None else turn.T @ gradient
            return self._loss(penalty, at, z), gradient.ravel()

        def watch(_: Array) -> None:
            if time.monotonic() > self.deadline:
                raise StopIteration

        options: Any = {"maxiter": MOST_STEPS, "maxcor": 10, "ftol": TOLERANCE, "gtol": 1e-6}
        kind: Any = {"jac": True, "method": "L-BFGS-B", "options": options, "callback": watch}
        found = minimize(loss_and_gradient, u.ravel(), **kind).x.reshape(v.shape)
        return np.asarray(found if turn is None else turn @ found)
