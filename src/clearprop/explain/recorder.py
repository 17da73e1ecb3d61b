"""A record of training, layer by layer: a callback that examines a fixed sample of rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.checks import check_length, check_positive_integer
from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.reference import steady_numerics
from clearprop.explain.statistics import Histogram, LayerStatistics, layer_statistics
from clearprop.history import EpochReport
from clearprop.jobs import Data
from clearprop.network import Network
from clearprop.propagation import forward_propagation, mean_loss


@dataclass(frozen=True)
class EpochLine:
    """The results of one epoch, recorded or not."""

    epoch: int
    step: int
    loss: float
    validation_loss: float | None
    learning_rate: float


@dataclass(frozen=True, eq=False)
class Record:
    """The state of the network after `epoch` epochs and `step` steps.

    loss: ℒ of the sample; layers: the statistics of each layer; theta: θ, if the recorder keeps it;
    validation_loss: ℒ of the recorder's validation rows, if it has any.
    """

    epoch: int
    step: int
    loss: float
    layers: tuple[LayerStatistics, ...]
    theta: Array | None = None
    validation_loss: float | None = None


@dataclass(frozen=True, eq=False)
class Recording:
    """A training run as the :class:`Recorder` saw it.

    data: the sample for all records, with t encoded. rows: the row numbers of the sample in X (n,).
    records: the records, the first one before training (epoch 0). epochs: one entry per epoch.
    theta: θ of the last record. nonfinite: where NaN or infinity ended the run. stopped: why it
    ended. source: X and t as they were given to the recorder.
    """

    architecture: Architecture
    data: Data
    rows: Array
    records: tuple[Record, ...]
    epochs: tuple[EpochLine, ...]
    theta: Array | None
    nonfinite: NonFinite | None
    stopped: str
    source: tuple[Any, Any]

    def series(self, quantity: str, layer: int) -> Array:
        """One statistic of layer l over the records, (number of records,).

        quantity: a name of :class:`LayerStatistics` such as "dL_dz". Raises ValueError for other
        names.
        """
        names = [f.name for f in fields(LayerStatistics) if f.type == "float"]
        if quantity not in names:
            raise ValueError(f"quantity must be one of {names}; got {quantity!r}")
        n_layers = len(self.architecture.dense)
        if not 1 <= layer <= n_layers:
            raise ValueError(f"layer must be 1 … {n_layers}; got {layer!r}")
        return np.array([getattr(record.layers[layer - 1], quantity) for record in self.records])

    @property
    def steps(self) -> Array:
        """The number of steps done before each record."""
        return np.array([record.step for record in self.records])

    def to_document(self) -> dict[str, Any]:
        """The recording as JSON values, without θ and the sample."""
        records = [
            {
                "epoch": record.epoch,
                "step": record.step,
                "loss": record.loss,
                "layers": [_document(layer) for layer in record.layers],
            }
            for record in self.records
        ]
        epochs = [_document(line) for line in self.epochs]
        nonfinite = None if self.nonfinite is None else _document(self.nonfinite)
        return {
            "stopped": self.stopped,
            "nonfinite": nonfinite,
            "epochs": epochs,
            "records": records,
        }

    def __repr__(self) -> str:
        last = self.records[-1].epoch if self.records else 0
        return f"Recording({len(self.records)} records up to epoch {last})"


class Recorder:
    """A callback that records statistics of each layer, on the same few rows each time.

    net: the network to be trained, whose current θ gives the first record; or, for an estimator,
    its architecture, and then the first record follows the first epoch. X, t: as for training;
    `rows` of their rows, drawn with `seed`, are examined. every: record every `every`-th epoch and
    the last one; epochs: record only these epochs instead. min_steps: fewest steps between records.
    histograms: whether to record histograms of h and ∂ℒ/∂z. keep_theta: whether to keep θ of every
    record. validation: other rows (X, t), all of whose loss is recorded too. job: the number of the
    job to record, if many are trained at once.

    A record costs about as much as a training step on `rows` rows with the reference engine.
    Works with every engine. Raises ValueError, naming the argument.

    >>> import clearprop as cp
    >>> X, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 1])
    >>> net = cp.Network([2, 1], output="logistic")
    >>> recorder = Recorder(net, X, t)
    >>> _ = net.train(X, t, "sgd", epochs=3, callbacks=[recorder])
    >>> recorder.recording
    Recording(4 records up to epoch 3)
    """

    def __init__(
        self,
        net: Network | Architecture,
        X: Array,
        t: Array,
        *,
        rows: int = 64,
        every: int = 1,
        epochs: Collection[int] | None = None,
        min_steps: int = 0,
        histograms: bool = True,
        keep_theta: bool = False,
        validation: tuple[Array, Array] | None = None,
        seed: int = 0,
        job: int = 0,
    ) -> None:
        check_positive_integer("rows", rows)
        check_positive_integer("every", every)
        self.architecture = net.architecture if isinstance(net, Network) else net
        dtype = net.theta.dtype if isinstance(net, Network) else np.dtype(np.float64)
        X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)
        t = np.asarray(t)
        check_length("t", len(t), X.shape[0])
        self.source = X, t
        self.rows = np.sort(np.random.default_rng(seed).permutation(len(t))[:rows])
        self.data = Data.from_arrays(self.architecture, X[self.rows], t[self.rows], dtype=dtype)
        self.validation: Data | None = None
        if validation is not None:
            self.validation = Data.from_arrays(self.architecture, *validation, dtype=dtype)
        self.every, self.job = every, job
        self.epochs = None if epochs is None else frozenset(epochs)
        self.min_steps, self.histograms, self.keep_theta = min_steps, histograms, keep_theta
        self._records: list[Record] = []
        self._lines: list[EpochLine] = []
        self._theta: Array | None = None
        self._nonfinite: NonFinite | None = None
        self._stopped = ""
        if isinstance(net, Network):
            self._look(0, 0, net.theta.copy())

    def __call__(self, report: EpochReport) -> None:
        if report.job != self.job:
            return
        self._lines.append(
            EpochLine(
                report.epoch,
                report.step,
                report.loss,
                report.validation_loss,
                report.learning_rate,
            )
        )
        self._stopped, self._nonfinite = report.stopping, report.nonfinite
        if report.stopping or self._is_due(report):
            self._look(report.epoch, report.step, report.theta)

    @property
    def recording(self) -> Recording:
        """The recording so far; also available during training."""
        return Recording(
            self.architecture,
            self.data,
            self.rows,
            tuple(self._records),
            tuple(self._lines),
            self._theta,
            self._nonfinite,
            self._stopped,
            self.source,
        )

    def _is_due(self, report: EpochReport) -> bool:
        if self._records and report.step - self._records[-1].step < self.min_steps:
            return False
        if self.epochs is not None:
            return report.epoch in self.epochs
        return report.epoch % self.every == 0

    def _look(self, epoch: int, step: int, theta: Array) -> None:
        if theta.dtype != self.data.X.dtype:
            self.data = Data(self.data.X.astype(theta.dtype), self.data.t.astype(theta.dtype))
        before = self._records[-1] if self._records else None
        loss, layers = layer_statistics(
            self.architecture,
            theta,
            self.data.X,
            self.data.t,
            before=self._theta,
            n_steps=step - before.step if before is not None else 1,
            histograms=self.histograms,
        )
        kept = theta if self.keep_theta else None
        self._records.append(Record(epoch, step, loss, layers, kept, self._validate(theta)))
        self._theta = theta

    def _validate(self, theta: Array) -> float | None:
        data = self.validation
        if data is None:
            return None
        if theta.dtype != data.X.dtype:
            data = Data(data.X.astype(theta.dtype), data.t.astype(theta.dtype))
        with steady_numerics():
            trace = forward_propagation(self.architecture, theta, data.X)
            return mean_loss(self.architecture, trace, data.t)


def _document(record: Any) -> Any:
    """A record of numbers as JSON values."""
    if record is None or isinstance(record, int | float | str):
        return record
    if isinstance(record, Histogram):
        return {
            "edges": record.edges.tolist(),
            "counts": record.counts.tolist(),
            "zeros": record.zeros,
        }
    return {f.name: _document(getattr(record, f.name)) for f in fields(record)}
