"""scikit-learn's own tests of its MLP, from the installed wheel, run on our two estimators.

Every test of `sklearn/neural_network/tests/test_mlp.py` runs; the file's text is compiled with the
two class names bound to ours. Three of them read private state of scikit-learn's implementation;
the adapters below give them that state from our public one.
"""

from __future__ import annotations

import ast
import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines.select import get_engine
from clearprop.estimators.settings import build_penalty, pack_coefs
from clearprop.jobs import Data

SUITE = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
assert SUITE is not None
assert SUITE.origin is not None


class _PrivateState:
    """`_optimizer.learning_rate` and `_loss_grad_lbfgs`, which three of the tests reach into."""

    @property
    def _optimizer(self):
        return SimpleNamespace(learning_rate=self.learning_rate_)

    def _loss_grad_lbfgs(self, packed, X, y, sample_weight, *buffers):
        architecture, parts, start = self._architecture, [], 0
        shapes = [c.shape for c in self.coefs_] + [b.shape for b in self.intercepts_]
        for shape in shapes:
            stop = start + int(np.prod(shape))
            parts.append(packed[start:stop].reshape(shape))
            start = stop
        coefs, intercepts = parts[: len(self.coefs_)], parts[len(self.coefs_) :]
        theta = pack_coefs(architecture, coefs, intercepts, np.float64, "packed")
        t = architecture.output.targets(y, architecture.n_outputs, np.dtype(float))
        loss, gradient = get_engine("reference").loss_and_gradient(
            architecture, theta, Data(X, t, sample_weight), build_penalty(self)
        )
        layers = [p for p in architecture.unpack(gradient) if p]
        packed_gradient = [p["W"].T.ravel() for p in layers] + [p["b"] for p in layers]
        return loss, np.concatenate(packed_gradient)


class MLPClassifier(_PrivateState, cp.MLPClassifier):
    pass


class MLPRegressor(_PrivateState, cp.MLPRegressor):
    pass


@pytest.fixture
def global_random_seed() -> int:
    return 42


class _Swap(ast.NodeTransformer):
    """Drops the import of scikit-learn's classes, so that the names stay bound to ours."""

    def visit_ImportFrom(self, node):
        return None if node.module == "sklearn.neural_network" else node


with open(SUITE.origin, encoding="utf-8") as _file:
    _tree = _Swap().visit(ast.parse(_file.read()))
_names_before = set(globals())
exec(compile(ast.fix_missing_locations(_tree), SUITE.origin, "exec"), globals())
SUITE_TESTS = [n for n in set(globals()) - _names_before if n.startswith("test_")]

# the suite is run by scikit-learn without warnings as errors
pytestmark = pytest.mark.filterwarnings("default")


def test_the_whole_suite_was_taken_over():
    assert len(SUITE_TESTS) == 43
