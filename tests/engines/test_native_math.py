"""The vector functions of the native engine: φ, φ′ and exp against double precision.

Tests named test_numbers_… run once more for each other instruction set, see test_native.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from against_reference import each_dtype
from scipy import special

from clearprop import _native


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


FUNCTIONS: list[tuple[str, Any]] = [
    ("exp", np.exp),
    ("expm1", np.expm1),
    ("log", np.log),
    ("log1p", np.log1p),
    ("tanh", np.tanh),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    ("softplus", softplus),
    ("erfc", lambda x: special.erfc(x.astype(np.float64)).astype(x.dtype)),
]


def points(name: str, dtype: str, n: int = 1 << 15) -> Any:
    """Over all exponents and, closely, where the functions bend; a multiple of 16 of them."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    low, high = np.log2(info.tiny), np.log2(info.max)
    wide = 2.0 ** rng.uniform(low + 1, high - 1, n)
    if name == "log":
        near = rng.uniform(0.5, 2, n)
    elif name == "log1p":
        wide, near = 2.0 ** rng.uniform(low + 1, 0, n), rng.uniform(0, 1, n)
    else:
        wide *= rng.choice([-1, 1], n)
        limit = {"erfc": 4.0 if dtype == "float64" else 9.0, "expm1": 80.0}.get(
            name, 1.2 * np.log(info.max)
        )
        if name == "expm1":  # tanh and elu need it up to 40
            wide = np.minimum(wide, 80)
        near = np.concatenate([rng.uniform(-limit, limit, n), rng.uniform(-2, 2, n)])
        wide = wide[(abs(wide) < limit) | (name != "erfc")]
    x = np.concatenate([wide, near]).astype(dtype)
    return x[: len(x) // 16 * 16]


@each_dtype
@pytest.mark.parametrize(("number", "name", "f"), [(i, *f) for i, f in enumerate(FUNCTIONS)])
def test_numbers_of_vector_functions(number: int, name: str, f: Any, dtype: str) -> None:
    """Within 4 ulp of the true value, which comes from longer numbers; erfc as it is used."""
    x = points(name, dtype)
    y = np.empty_like(x)
    _native.math(number, x, y)
    info = np.finfo(dtype)
    with np.errstate(all="ignore"):
        exact = f(x.astype(np.longdouble))
        in_range = (abs(exact) >= info.tiny) & (abs(exact) <= info.max)
        ulp = np.spacing(np.abs(exact[in_range]).astype(dtype)).astype(np.longdouble)
        error = abs(y[in_range].astype(np.longdouble) - exact[in_range]) / ulp
    limit = 4 if name != "erfc" else (16 if dtype == "float64" else 128)
    assert float(error.max()) <= limit
    below = abs(exact) < info.tiny  # denormal numbers may be flushed
    assert (abs(y[below]) <= info.tiny).all()
    above = abs(exact) > info.max
    assert np.isposinf(y[above]).all()


@each_dtype
@pytest.mark.parametrize(("number", "name", "f"), [(i, *f) for i, f in enumerate(FUNCTIONS)])
def test_numbers_of_vector_functions_at_their_ends(
    number: int, name: str, f: Any, dtype: str
) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 500.0] * 4, dtype)
    y = np.empty_like(x)
    if name == "expm1":
        x[x > 40] = 40.0
    if name in ("log", "log1p"):
        x[2:5], x[6:8] = 1.0, 1.0
        x = np.tile(x[:8], 4)
        if name == "log1p":  # for 0 … 1 only
            x[x == np.inf] = 0.5
    _native.math(number, x, y)
    with np.errstate(all="ignore"):
        expected = f(x.astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(y, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
