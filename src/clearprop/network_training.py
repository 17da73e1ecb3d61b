"""`Network.train`: one job made of what the user has, run by the training loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from clearprop._typing import Array
from clearprop.checkpoints import Checkpoint
from clearprop.history import History
from clearprop.jobs import Data, Job, Metric, Penalty, Stopping
from clearprop.optimizers import LBFGS, Optimizer
from clearprop.training import Callback, report_trouble, train

if TYPE_CHECKING:
    from clearprop.network import Network


def train_network(
    net: Network,
    X: Array,
    t: Array,
    *,
    optimizer: str | Optimizer | LBFGS = "adam",
    epochs: int = 100,
    batch_size: int = 32,
    seed: int | np.random.Generator | None = 0,
    shuffle: bool = True,
    sample_weight: Array | None = None,
    validation: tuple[Array, ...] | float | None = None,
    stopping: Stopping | None = None,
    penalty: Penalty | None = None,
    clip_norm: float | None = None,
    metrics: Mapping[str, Metric] | None = None,
    callbacks: Sequence[Callback] = (),
    time_limit: float | None = None,
    max_steps: int | None = None,
    checkpoint: Checkpoint | str | PathLike[str] | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
    precision: str | None = None,
) -> History:
    """Learn the θ of `net` by stochastic gradient descent on ℒ, in place, and return the history.

    optimizer: a name ("sgd", "adam", "adamw", "rmsprop", "nadam", "lbfgs") or a record such as
    SGD(0.1, momentum=0.9), whose learning rate may be a schedule. An epoch is one pass over the
    rows in batches of `batch_size`; seed: of the shuffles, the split and the dropout masks.
    validation: (X, t) or (X, t, sample_weight), or a fraction of the rows to hold out.
    stopping: a :class:`Stopping` rule; with validation data the default stops when the validation
    loss has not improved for 10 epochs and restores the best θ. metrics: functions of an
    :class:`Evaluation` on the validation data. callbacks: called with an
    :class:`EpochReport` after each epoch, True ends training. time_limit: seconds; max_steps:
    mini-batches. checkpoint: a path or :class:`Checkpoint`: the state is saved there after epochs,
    and a run found there is resumed. n_threads: of the native engine, None for
    :func:`clearprop.get_num_threads`; the result does not depend on it. precision: "bfloat16"
    multiplies in bfloat16, for networks of dtype "float32" on processors with AVX512_BF16; see
    :class:`Job`.

    Ctrl-C keeps what has been learnt (a warning says so). Raises NonFiniteError if NaN or infinity
    appears and no validated θ can be restored; θ is then as it was.
    """
    data = Data.of(net.architecture, X, t, sample_weight, net.theta.dtype)
    rng = np.random.default_rng(seed)
    dropout_seed = int(rng.integers(2**63))
    rows, validation_data = _split(net, data, validation, rng)
    if stopping is None and validation is not None:
        stopping = Stopping()
    job = Job(
        net.architecture,
        net.theta,
        optimizer,
        epochs=epochs,
        batch_size=batch_size,
        rows=rows,
        validation=validation_data,
        stopping=stopping,
        metrics=dict(metrics or {}),
        penalty=penalty or Penalty(),
        clip_norm=clip_norm,
        shuffle=rng if shuffle else None,
        seed=dropout_seed,
        max_steps=max_steps,
        precision=precision,
    )
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(checkpoint)
    (state,) = train(
        [job],
        data,
        engine=engine,
        n_threads=n_threads,
        callbacks=callbacks,
        time_limit=time_limit,
        checkpoint=checkpoint,
    )
    report_trouble(state)
    net.theta[...] = state.theta
    return state.history


def _split(
    net: Network,
    data: Data,
    validation: tuple[Array, ...] | float | None,
    rng: np.random.Generator,
) -> tuple[Array | None, Data | Array | None]:
    """The training rows (None for all) and the validation data or rows."""
    if validation is None:
        return None, None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3):
            raise ValueError(
                "validation must be (X, t), (X, t, sample_weight) or a fraction of the rows; "
                f"got a tuple of {len(validation)}"
            )
        weight = validation[2] if len(validation) == 3 else None
        try:
            X, t = validation[:2]
            return None, Data.of(net.architecture, X, t, weight, net.theta.dtype)
        except ValueError as error:  # its message begins with the argument's name
            argument, rest = str(error).split(" ", 1)
            raise ValueError(f"{argument} of validation {rest}") from None
    fraction = validation if isinstance(validation, int | float) else 0.0
    n_validation = round(len(data) * fraction) if 0 < fraction < 1 else 0
    if not 0 < n_validation < len(data):
        raise ValueError(
            "validation must be (X, t) or a fraction that leaves rows on both sides; "
            f"got {validation!r} of {len(data)} rows"
        )
    order = rng.permutation(len(data))
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])
