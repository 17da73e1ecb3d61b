"""Every quantity of forward and back-propagation against torch.autograd, over the case table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import CASES, Case

torch_forms = pytest.importorskip("torch_forms", exc_type=ImportError)

# Both sides compute in float64 and differ in the order of the sums: for the widest network of the
# table (129 units) that is 129·eps ≈ 3e-14; sums that cancel are allowed to lose 1.5 digits more.
TOLERANCE = 1e-12


def relative_error(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest entry of the array."""
    assert ours.shape == theirs.shape
    largest = np.abs(theirs).max()
    return float(np.abs(ours - theirs).max() / (largest if largest > 0 else 1.0))


def worst_error(case: Case, draw: tuple[int, int] | None = None) -> dict[str, float]:
    """The worst relative error of each quantity of a case."""
    net, X, t, w = case.make()
    theirs = torch_forms.autograd(net, X, t, w, draw)
    trace = net.forward(X, draw=draw)
    gradients = net.backward(trace, t, w)
    ours = {"z": trace.z, "h": trace.h}
    ours |= {name: getattr(gradients, name) for name in ("dL_dz", "dL_dh", "dL_dW", "dL_db")}
    errors = {
        name: max(relative_error(a, b) for a, b in zip(arrays, theirs.arrays[name], strict=True))
        for name, arrays in ours.items()
    }
    if draw is None:  # net.loss has no dropout
        errors["loss"] = abs(net.loss(X, t, w) - theirs.loss) / abs(theirs.loss)
    return errors


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_quantity_agrees_with_autograd(case: Case) -> None:
    errors = worst_error(case)
    assert max(errors.values()) <= TOLERANCE, errors


def test_dropout_agrees_with_autograd_for_the_same_masks() -> None:
    (case,) = [case for case in CASES if case.dropout]
    errors = worst_error(case, draw=(3, 17))
    assert max(errors.values()) <= TOLERANCE, errors


def test_the_oracle_would_see_a_wrong_gradient() -> None:
    case = next(case for case in CASES if case.name == "tanh-softmax-2")
    net, X, t, w = case.make()
    right = torch_forms.autograd(net, X, t, w)
    net.theta[0] += 1e-10
    wrong = net.backward(net.forward(X), t, w)
    assert relative_error(wrong.dL_dW[0], right.arrays["dL_dW"][0]) > TOLERANCE
