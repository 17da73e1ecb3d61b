"""Real columns as bits of a thermometer code, and the networks that read them."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.circuits.extraction.encoding import thermometer
from clearprop.circuits.extraction.extract import extract
from clearprop.circuits.formats.files import dumps, loads
from clearprop.circuits.proofs.equivalence import equivalent


def test_thermometer() -> None:
    X = np.array([[20.0, 1], [30, 1], [40, 2], [50, 3], [60, 3]])
    bits, encoding = thermometer(X, 3, columns=["age", "children"])
    assert encoding.thresholds == ((35.0, 45.0), (1.5, 2.5))
    assert encoding.bit_names == ("age>35", "age>45", "children>1.5", "children>2.5")
    assert bits.astype(int).tolist() == [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 0, 1, 0],
        [1, 1, 1, 1],
        [1, 1, 1, 1],
    ]
    assert encoding.values == ((25.0, 40.0, 55.0), (1.0, 2.0, 3.0))
    bits, encoding = thermometer(X, thresholds=[[37.5], []])
    assert encoding.bit_names == ("x1>37.5",)
    assert bits[:, 0].tolist() == [False, False, True, True, True]
    with pytest.raises(ValueError, match="row 1 has a NaN"):
        thermometer([[1.0], [np.nan]])
    with pytest.raises(ValueError, match="thresholds of x1 must increase"):
        thermometer(X, thresholds=[[2, 1], []])
    with pytest.raises(ValueError, match="n_levels must be 2 or more"):
        thermometer(X, 1)
    with pytest.raises(ValueError, match="columns must be 2 different names"):
        thermometer(X, columns=["a", "a"])
    with pytest.raises(ValueError, match="X must have 2 columns"):
        encoding.encode([[1.0]])


def test_a_network_of_thermometer_bits() -> None:
    """Only codes that the encoding gives are gone through, and the others do not matter."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    t = (X[:, [0]] + X[:, [1]] * X[:, [2]] > 0).astype(float)
    bits, encoding = thermometer(X, 5)
    net = cp.Network([16, 6, 1], hidden="tanh", output="logistic", seed=0)
    net.train(bits.astype(float), t, epochs=30, seed=0)
    found = extract(net, encoding=encoding)
    assert found.ok
    assert found.agreement.n_rows == 5**4
    assert "that the encoding can give" in str(found)
    assert found.circuit.inputs[0].startswith("x1>")
    assert found.changes(X).sum() == 0
    y_hat = net.predict(bits.astype(float))
    assert np.array_equal(found.circuit.evaluate(bits)[:, 0], y_hat == 1)
    module = loads(dumps(found.circuit, "verilog"), "verilog")
    assert module.inputs == found.circuit.inputs
    assert equivalent(found.circuit, module).equal


def test_a_network_of_real_columns() -> None:
    """Approximated: agreement on the encoding's values, and the rows that change are counted."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 3))
    t = (X[:, [0]] - 2 * X[:, [1]] > 0).astype(float)
    net = cp.Network([3, 4, 1], hidden="tanh", output="logistic", seed=0)
    net.train(X, t, epochs=60, seed=0)
    shares = []
    for n_levels in (3, 12):
        _, encoding = thermometer(X, n_levels, columns=["a", "b", "c"])
        found = extract(net, encoding=encoding)
        assert found.ok
        assert found.agreement.n_rows == n_levels**3
        changed = found.changes(X)
        mine = found.circuit.evaluate(encoding.encode(X))[:, 0]
        assert np.array_equal(changed, mine != (net.predict(X) == 1))
        shares.append(changed.mean())
        at = [np.array(v)[rng.integers(0, n_levels, 50)] for v in encoding.values]
        assert not found.changes(np.column_stack(at)).any()
    assert shares[1] < shares[0]
    with pytest.raises(ValueError, match="as many bits or columns as the network has inputs, 5"):
        extract(cp.Network([5, 2, 1], output="logistic"), encoding=encoding)
