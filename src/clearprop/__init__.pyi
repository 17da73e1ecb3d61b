"""The names of `import clearprop as cp`; __init__.py loads each name from here on first use.

Functions, networks and estimators are at the top level. The parts that they are made of are in
modules: cp.outputs.Quantile, cp.schedules.Cosine, cp.initializers.orthogonal, cp.layers.Dense.
"""

from . import (
    activations,
    architecture,
    circuits,
    embeddings,
    engines,
    explain,
    history,
    initializers,
    layers,
    optimizers,
    outputs,
    schedules,
)
from .activations import ACTIVATIONS, Activation, activation_jacobian, sigmoid
from .checkpoints import Checkpoint
from .divergences import binary_cross_entropy, cross_entropy, entropy, kl_divergence
from .documents import ModelFileError
from .engines.threads import get_num_threads, set_num_threads
from .estimators import MLPClassifier, MLPRegressor
from .gradient_check import check_gradients
from .initializers import INITIALIZERS
from .jobs import Data, Evaluation, Job, Penalty, Stopping
from .lbfgs import LBFGS
from .loading import load
from .network import Network
from .optimizers import OPTIMIZERS, SGD, Adam, AdamW, Lion, NAdam, RMSprop
from .outputs import OUTPUTS, softmax, softmax_jacobian
from .playground.start import play
from .progress import ProgressBar
from .propagation import Gradients, Trace, back_propagation, forward_propagation
from .schedules import SCHEDULES
from .tables import TableError, TableWarning
from .tabular import NetworkOptions, TableModel, TabularClassifier, TabularRegressor
from .training import NonFiniteError, train

__version__: str

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LBFGS",
    "OPTIMIZERS",
    "OUTPUTS",
    "SCHEDULES",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "Checkpoint",
    "Data",
    "Evaluation",
    "Gradients",
    "Job",
    "Lion",
    "MLPClassifier",
    "MLPRegressor",
    "ModelFileError",
    "NAdam",
    "Network",
    "NetworkOptions",
    "NonFiniteError",
    "Penalty",
    "ProgressBar",
    "RMSprop",
    "Stopping",
    "TableError",
    "TableModel",
    "TableWarning",
    "TabularClassifier",
    "TabularRegressor",
    "Trace",
    "activation_jacobian",
    "activations",
    "architecture",
    "back_propagation",
    "binary_cross_entropy",
    "check_gradients",
    "circuits",
    "cross_entropy",
    "embeddings",
    "engines",
    "entropy",
    "explain",
    "forward_propagation",
    "get_num_threads",
    "history",
    "initializers",
    "kl_divergence",
    "layers",
    "load",
    "optimizers",
    "outputs",
    "play",
    "schedules",
    "set_num_threads",
    "sigmoid",
    "softmax",
    "softmax_jacobian",
    "train",
]
