"""What `import clearprop as cp` offers; __init__.py loads each name from here on first use."""

from . import (
    circuits,
    embeddings,
    engines,
    explain,
    history,
    jobs,
    layers,
    optimizers,
    outputs,
    persistence,
    tables,
)
from .activations import (
    ACTIVATIONS,
    Activation,
    activation_jacobian,
    sigmoid,
    softplus,
)
from .architecture import (
    Architecture,
    fully_connected,
)
from .checkpoints import (
    Checkpoint,
)
from .divergences import (
    binary_cross_entropy,
    cross_entropy,
    entropy,
    kl_divergence,
)
from .documents import (
    ModelFileError,
)
from .engines.threads import get_num_threads, set_num_threads
from .estimators import (
    MLPClassifier,
    MLPRegressor,
)
from .gradient_check import (
    GradientCheck,
    check_gradients,
)
from .history import (
    EpochReport,
    History,
    TrainingState,
)
from .initializers import (
    INITIALIZERS,
    constant_weights,
    orthogonal,
)
from .jobs import (
    Data,
    Evaluation,
    Job,
    Penalty,
    Stopping,
)
from .loading import (
    load,
)
from .network import (
    Network,
)
from .optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    NAdam,
    Optimizer,
    RMSprop,
)
from .outputs import (
    OUTPUTS,
    AbsoluteError,
    Huber,
    Linear,
    Logistic,
    Output,
    Poisson,
    Quantile,
    Softmax,
    log_softmax,
    softmax,
    softmax_jacobian,
)
from .predictor import (
    Predictor,
)
from .progress import (
    ProgressBar,
)
from .propagation import (
    Gradients,
    Trace,
    back_propagation,
    forward_propagation,
)
from .schedules import (
    SCHEDULES,
    Adaptive,
    Clock,
    Constant,
    Cosine,
    CosLog4,
    FlatCosine,
    InverseScaling,
    OneCycle,
    Schedule,
    StepDecay,
    WarmUp,
)
from .tables import (
    TableError,
)
from .tabular import (
    NetworkOptions,
    TableEncoding,
    TableModel,
    TabularClassifier,
    TabularRegressor,
)
from .training import (
    NonFiniteError,
    train,
)

__version__: str

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LBFGS",
    "OPTIMIZERS",
    "OUTPUTS",
    "SCHEDULES",
    "SGD",
    "AbsoluteError",
    "Activation",
    "Adam",
    "AdamW",
    "Adaptive",
    "Architecture",
    "Checkpoint",
    "Clock",
    "Constant",
    "CosLog4",
    "Cosine",
    "Data",
    "EpochReport",
    "Evaluation",
    "FlatCosine",
    "GradientCheck",
    "Gradients",
    "History",
    "Huber",
    "InverseScaling",
    "Job",
    "Linear",
    "Logistic",
    "MLPClassifier",
    "MLPRegressor",
    "ModelFileError",
    "NAdam",
    "Network",
    "NetworkOptions",
    "NonFiniteError",
    "OneCycle",
    "Optimizer",
    "Output",
    "Penalty",
    "Poisson",
    "Predictor",
    "ProgressBar",
    "Quantile",
    "RMSprop",
    "Schedule",
    "Softmax",
    "StepDecay",
    "Stopping",
    "TableEncoding",
    "TableError",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "Trace",
    "TrainingState",
    "WarmUp",
    "activation_jacobian",
    "back_propagation",
    "binary_cross_entropy",
    "check_gradients",
    "circuits",
    "constant_weights",
    "cross_entropy",
    "embeddings",
    "engines",
    "entropy",
    "explain",
    "forward_propagation",
    "fully_connected",
    "get_num_threads",
    "history",
    "jobs",
    "kl_divergence",
    "layers",
    "load",
    "log_softmax",
    "optimizers",
    "orthogonal",
    "outputs",
    "persistence",
    "set_num_threads",
    "sigmoid",
    "softmax",
    "softmax_jacobian",
    "softplus",
    "tables",
    "train",
]
