"""Every check of an argument: errors name the argument, its value, and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.limits import MAX_TEXT, MAX_UNITS, MAX_WEIGHTS, check_limit, shown_value

MAX_THREADS = 1024  # a larger number is a mistake
MOST_EXPONENT = 60  # of 2: float32 sums up to 2^60 weights of such a size exactly enough
MEAN_TOLERANCE = 2.0**-46  # of a mean of 1: rounding of weights that were divided by their mean


def check_number(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
    integer: bool = False,
) -> None:
    """Raise TypeError unless value is a number, ValueError unless it is finite and in the range."""
    kind, noun = (Integral, "an integer") if integer else (Real, "a number")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kind):
        raise TypeError(f"{name} must be {noun}, got {shown_value(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if math.isfinite(number) and above < number < below and at_least <= number <= at_most:
        return
    bounds = ((">", above), ("≥", at_least), ("<", below), ("≤", at_most))
    allowed = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if math.isfinite(bound))
    raise ValueError(f"{name} must be {allowed or 'finite'}, got {shown_value(value)}")


def check_plain(parameters: Mapping[str, object]) -> None:
    """Raise ValueError, naming the parameter, for a number or text that no parameter can be.

    These are integers beyond 64 bits, for which arithmetic and messages fail, and very long texts.
    """
    for name, value in parameters.items():
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError(f"{name} must be between -2^63 and 2^63; got {shown_value(value)}")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(
                f"{name} must be at most {MAX_TEXT:,} characters; got {shown_value(value)}"
            )


def check_positive_integer(name: str, value: object) -> None:
    """Raise ValueError unless value is an integer ≥ 1."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1; got {shown_value(value)}")


def check_n_threads(n: object, argument: str = "n_threads") -> int | None:
    """n as an int, or None; ValueError unless 1 ≤ n ≤ 1024."""
    if n is None:
        return None
    if isinstance(n, int | np.integer) and not isinstance(n, bool) and 1 <= int(n) <= MAX_THREADS:
        return int(n)
    raise ValueError(
        f"{argument} must be an integer from 1 to {MAX_THREADS} or None; got {shown_value(n)}"
    )


def check_dtype(dtype: str | type | np.dtype[Any]) -> np.dtype[Any]:
    """The dtype, or ValueError unless it is float32 or float64."""
    result = np.dtype(dtype)
    if result not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"dtype must be float32 or float64; got {result}")
    return result


def check_sizes(sizes: Sequence[int]) -> list[int]:
    """[D, …, K] as a list of at least two positive integers, or ValueError."""
    values = list(sizes)
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in values)
    if len(values) < 2 or not whole or min(values) < 1:
        raise ValueError(
            "sizes must be at least two positive integers [inputs, hidden..., outputs]; "
            f"got {shown_value(values)}"
        )
    for n in values:
        check_limit("the units of a layer", n, MAX_UNITS)
    n_weights = sum(int(n) * int(m) for n, m in pairwise(values))
    check_limit("the number of weights", n_weights, MAX_WEIGHTS)
    return [int(n) for n in values]


def one_per_layer(value: Any, n_layers: int, argument: str) -> list[Any]:
    """`value` repeated for each hidden layer, or the sequence itself if it has the right length."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != n_layers:
            raise ValueError(
                f"{argument} must be one value or one per hidden layer ({n_layers}); "
                f"got {len(value)}: {shown_value(value)}"
            )
        return list(value)
    return [value] * n_layers


def check_theta(theta: Array, n_parameters: int) -> Array:
    """theta as an array (P,) of float32 or float64, not copied if it is one; else ValueError."""
    theta = np.asarray(theta)
    check_dtype(theta.dtype)
    if theta.shape != (n_parameters,):
        raise ValueError(f"theta must have shape ({n_parameters},); got {theta.shape}")
    return theta


def check_matrix(X: Array, n_columns: int, dtype: Any) -> Array:
    """X as a real (N, n_columns) matrix of `dtype`; a SciPy sparse one becomes CSR."""
    X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must be numbers; got dtype {X.dtype}")
    if X.ndim != 2:
        hint = "; one sample is a matrix of one row, x[None, :]" if X.ndim == 1 else ""
        raise ValueError(f"X must have shape (N, {n_columns}); got {X.shape}{hint}")
    if X.shape[1] != n_columns:
        raise ValueError(f"X must have {n_columns} columns; got {X.shape[1]}")
    if X.shape[0] == 0:
        raise ValueError("X must have at least one row; got none")
    return X.astype(dtype, copy=False)


def check_length(argument: str, length: int, n: int) -> None:
    """Raise ValueError unless the argument has as many rows as X, n."""
    if length != n:
        raise ValueError(f"{argument} must have one row per row of X ({n}); got {length}")


def check_weights(sample_weight: Any, n: int) -> Array | None:
    """sample_weight as (N,) float64, finite numbers ≥ 0 that are not all 0, or ValueError."""
    if sample_weight is None:
        return None
    try:
        w = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must consist of numbers: {error}") from None
    if w.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},); got {w.shape}")
    if not np.isfinite(w).all() or (w < 0).any():
        bad = w[~(np.isfinite(w) & (w >= 0))][0]
        raise ValueError(f"sample_weight must be finite and >= 0; got {bad}")
    if not w.any():
        raise ValueError("sample_weight must have at least one entry > 0; all are zero")
    return w


def check_sample_weight(sample_weight: Any, n: int, dtype: Any) -> Array | None:
    """Weights of a weighted mean as (N,) of this dtype; the errors of :func:`check_weights`.

    Only their ratios matter. Weights that the dtype could not sum are multiplied by a power of 2.
    """
    w = check_weights(sample_weight, n)
    if w is None:
        return None
    exponent = _exponent(w)
    return (w if abs(exponent) <= MOST_EXPONENT else np.ldexp(w, -exponent)).astype(dtype)


def scale_weights(w: Array) -> tuple[Array, float]:
    """w / mean |w| for weights (N,) that are not all 0, float64, and the mean.

    The result has a mean of 1 up to rounding, and scaling it again changes no bit.
    """
    exponent = _exponent(w)
    scaled = np.ldexp(w.astype(np.float64, copy=False), -exponent)  # exact: the sum stays finite
    mean = float(np.abs(scaled).mean())
    size = math.ldexp(mean, exponent)
    if abs(size - 1) <= MEAN_TOLERANCE:
        return w, 1.0
    return scaled / mean, size


def _exponent(w: Array) -> int:
    """e, with the largest of |w| in [2^(e-1), 2^e)."""
    return math.frexp(float(np.abs(w).max()))[1]


def check_rows(name: str, rows: object) -> Array | None:
    """Row numbers (n,) from indices or a mask; TypeError or ValueError otherwise.

    The result is int64. A read-only int32 array stays as it is, because a copy would take memory.
    """
    if rows is None:
        return None
    if isinstance(rows, tuple) or np.ndim(np.asarray(rows, dtype=object)) != 1:
        raise TypeError(
            f"{name} must be row indices or a mask, of one dimension"
            + ("; pass your own data as Data.from_arrays(...)" if name == "validation" else "")
        )
    array = np.asarray(rows)
    if array.dtype == bool:
        array = np.flatnonzero(array)
    if array.dtype.kind not in "iu" or (array.size and array.min() < 0):
        raise ValueError(f"{name} must be row indices >= 0 or a mask; got {array!r}")
    if array.dtype == np.int32 and not array.flags.writeable:
        return array
    return array.astype(np.int64)


def check_real_array(name: str, value: npt.ArrayLike) -> Array:
    """value as an array of floats; ValueError if it is ragged, TypeError if not real numbers."""
    try:
        given = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from None
    if given.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got an array of {given.dtype}")
    return given if given.dtype.kind == "f" else given.astype(np.float64)


def check_same_shape(name: str, value: Array, other_name: str, other: Array) -> None:
    """Raise ValueError unless both arrays have the same shape."""
    if value.shape != other.shape:
        raise ValueError(
            f"{name} and {other_name} must have the same shape, got {value.shape} and {other.shape}"
        )


def check_entries(name: str, value: Array, most: float) -> None:
    """Raise ValueError, naming the first wrong entry, unless all are finite and in [0, most]."""
    wrong = ~((value >= 0) & (value <= most) & np.isfinite(value))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        allowed = "finite and ≥ 0" if most == np.inf else f"in [0, {most:g}]"
        where = f" at index {at}" if at else ""
        raise ValueError(f"{name} must be {allowed}, got {value[at]}{where}")
