"""What holds the native engine to the reference, for tests of plain networks and of tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clearprop import Data, Network, Penalty
from clearprop.engines.native import NativeEngine
from clearprop.engines.reference import ReferenceEngine

REFERENCE = ReferenceEngine()
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def in_double(data: Data) -> Data:
    parts = (data.X, data.t, data.sample_weight)
    return Data(*(None if part is None else part.astype(np.float64) for part in parts))


def apart(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest entry of b."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape
    return float(np.abs(a - b).max(initial=0) / (np.abs(b).max(initial=0) or 1.0))


def check_numbers(net: Network, data: Data, tol: float, name: str) -> None:
    """ŷ, z, ℒ and the gradient; float32 against the reference in float64 on the same numbers."""
    engine, dtype = NativeEngine(1), net.theta.dtype
    theta, exact = net.theta.astype(np.float64), in_double(data)
    for logits in (True, False):
        ours = engine.forward(net.architecture, net.theta, data.X, logits=logits)
        expected = REFERENCE.forward(net.architecture, theta, exact.X, logits=logits)
        assert ours.dtype == dtype
        assert apart(ours, expected) < tol, (name, logits)
    for penalty in (Penalty(), Penalty(l1=0.1, l2=0.2, l2_per_batch=0.3)):
        loss, g = engine.loss_and_gradient(net.architecture, net.theta, data, penalty)
        expected = REFERENCE.loss_and_gradient(net.architecture, theta, exact, penalty)
        assert g.dtype == dtype
        assert loss == pytest.approx(expected[0], rel=tol, abs=tol), name
        assert apart(g, expected[1]) < tol, name
