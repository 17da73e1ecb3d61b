"""clearprop: fully connected neural networks that can be seen through.

The lecture's quantities by their own names, networks with every z, h, ∂ℒ/∂z and ∂ℒ/∂W, drop-in
estimators for scikit-learn's, safe files. Names are loaded on first use, so that importing the
package costs little.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    "activations": ["ACTIVATIONS", "Activation", "activation_jacobian", "sigmoid"],
    "architecture": ["Architecture", "fully_connected"],
    "checkpoints": ["Checkpoint"],
    "divergences": ["binary_cross_entropy", "cross_entropy", "entropy", "kl_divergence"],
    "documents": ["ModelFileError"],
    "estimators": ["MLPClassifier", "MLPRegressor"],
    "gradient_check": ["GradientCheck", "check_gradients"],
    "history": ["EpochReport", "History"],
    "initializers": ["INITIALIZERS", "constant", "orthogonal"],
    "jobs": ["Data", "Evaluation", "Job", "Penalty", "Stopping"],
    "network": ["Gradients", "Network", "Trace", "back_propagation", "forward_propagation"],
    "optimizers": ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "NAdam", "RMSprop"],
    "outputs": [
        "OUTPUTS",
        "AbsoluteError",
        "Huber",
        "Linear",
        "Logistic",
        "Output",
        "Poisson",
        "Quantile",
        "Softmax",
        "log_softmax",
        "softmax",
        "softmax_jacobian",
    ],
    "progress": ["ProgressBar"],
    "schedules": [
        "SCHEDULES",
        "Adaptive",
        "Clock",
        "Constant",
        "CosLog4",
        "Cosine",
        "InverseScaling",
        "OneCycle",
        "Step",
        "WarmUp",
    ],
    "training": ["NonFiniteError", "train"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
_SUBMODULES = {*_MODULES, "engines", "persistence", "layers", "tables"}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"clearprop.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"clearprop.{name}")
    raise AttributeError(f"module 'clearprop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
