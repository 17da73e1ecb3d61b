"""The thermometer code of columns at the edges of what floating point can hold."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.circuits.extraction.encoding import thermometer

LARGEST = float(np.finfo(np.float64).max)


@pytest.mark.parametrize(
    "values",
    [
        (-LARGEST, LARGEST),
        (1.0, float(np.nextafter(1.0, 2.0))),
        (float(np.nextafter(1.0, 0.0)), 1.0),
        (0.0, 5e-324),
        (-5e-324, 0.0),
    ],
)
def test_two_values_get_two_codes(values: tuple[float, float]) -> None:
    bits, encoding = thermometer(np.array([values]).T, 2)
    np.testing.assert_array_equal(bits, [[False], [True]])
    assert encoding.values == (values,)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_and_encoded(value: float) -> None:
    with pytest.raises(ValueError, match="X must hold finite numbers; row 1 has an infinity"):
        thermometer([[1.0], [value], [2.0]])
    _, encoding = thermometer([[1.0], [2.0]], 2)
    np.testing.assert_array_equal(encoding.encode([[value]]), [[value > 0]])  # where it lies
