"""`import clearprop` is light, and every name that it offers is there."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

import clearprop

HEAVY = (
    "sklearn",
    "pandas",
    "polars",
    "pyarrow",
    "narwhals",
    "matplotlib",
    "torch",
    "rich",
    "joblib",
    "safetensors",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.stats",
)


def modules_after(code: str) -> set[str]:
    """What is imported in a fresh interpreter by this code."""
    code = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    loaded: list[str] = json.loads(result.stdout)
    return set(loaded)


def heavy(loaded: set[str]) -> list[str]:
    return [name for name in HEAVY if name in loaded]


def test_the_package_imports_next_to_nothing() -> None:
    loaded = modules_after("import clearprop")
    assert heavy(loaded) == []
    assert "scipy" not in loaded
    assert {name for name in loaded if name.startswith("clearprop")} == {"clearprop"}


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("cp.Network([2, 3, 1], seed=0).forward([[1.0, 2.0]])", ()),
        ("cp.check_gradients(cp.Network([2, 1]), [[1.0, 2.0]], [1.0])", ()),
        ("cp.kl_divergence([0.5, 0.5], [0.1, 0.9])", ()),
        # to train brings the checkpoints with it, whose files are safetensors
        ("cp.Network([2, 1]).train([[1.0, 2.0]], [1.0], 'sgd', epochs=1)", ("safetensors",)),
    ],
)
def test_to_use_a_network_imports_no_more_than_it_needs(code: str, allowed: Any) -> None:
    loaded = modules_after(f"import clearprop as cp; {code}")
    assert "numpy" in loaded
    # SciPy's special functions import scipy.sparse nowhere, and scikit-learn is never needed
    assert [name for name in heavy(loaded) if name not in allowed] == []


@pytest.mark.parametrize("name", clearprop.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(clearprop, name) is not None
    assert name in dir(clearprop)


def test_the_names_are_sorted_out() -> None:
    assert len(set(clearprop.__all__)) == len(clearprop.__all__)
    promised = """
        entropy cross_entropy kl_divergence softmax sigmoid Network Trace Gradients check_gradients
        forward_propagation back_propagation SGD Adam AdamW RMSprop NAdam LBFGS MLPClassifier
        MLPRegressor softmax_jacobian activation_jacobian Checkpoint Job Data train
    """
    assert set(promised.split()) <= set(clearprop.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="MLPTransformer"):
        _ = clearprop.MLPTransformer


def test_every_module_can_be_imported_alone() -> None:
    """None is broken, or needs another one to have been imported before."""
    names = [module.name for module in pkgutil.walk_packages(clearprop.__path__, "clearprop.")]
    assert "clearprop.engines.reference" in names
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
