"""What the workshop shows besides ŷ and ℒ; programs of "copy as Python" compute it with these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clearprop._typing import Array
from clearprop.explain.diagnose import diagnose
from clearprop.explain.finding import Diagnosis
from clearprop.explain.plot_predictions import calibration
from clearprop.explain.recorder import Recorder
from clearprop.explain.run_findings import RunCourse, course_of, overfitting, rate_findings
from clearprop.jobs import Data
from clearprop.network import Network

WORST = 12
BINS = 10


def score(y_hat: Array, t: Array, n_classes: int) -> float:
    """The accuracy; for a numeric target, the root mean squared error.

    y_hat: (N, K), with K = 1 for logistic and linear units; their class is the nearest integer.
    """
    if n_classes == 0:
        return float(np.sqrt(np.mean((y_hat[:, 0] - t) ** 2)))
    return float(np.mean(predicted(y_hat) == t))


def predicted(y_hat: Array) -> Array:
    """Class indices (N,) from ŷ (N, K): the largest of K, or the integer nearest to a single ŷ."""
    return np.asarray(y_hat.argmax(axis=1) if y_hat.shape[1] > 1 else np.rint(y_hat[:, 0]))


def confusion(y_hat: Array, t: Array, n_classes: int) -> Array:
    """(K, K) int: the number of rows of each true class (down) and predicted class (across)."""
    chosen = np.clip(predicted(y_hat), 0, n_classes - 1).astype(np.int64)
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (t.astype(np.int64), chosen), 1)
    return counts


def calibrations(y_hat: Array, t: Array) -> dict[str, Array]:
    """For each class (class 1 for a single ŷ): mean ŷ and observed frequency by bin; the ECE.

    y_hat: (N, K) probabilities. Returns mean and share (K, bins), ece (K,).
    """
    one = y_hat.shape[1] == 1
    series = [(t == 1, y_hat[:, 0])] if one else [(t == k, y) for k, y in enumerate(y_hat.T)]
    found = [calibration(true, p, BINS) for true, p in series]
    return {
        "mean": np.array([f[0] for f in found]),
        "share": np.array([f[1] for f in found]),
        "ece": np.array([f[3] for f in found]),
    }


def losses(net: Network, X: Array, t: Array) -> Array:
    """(N,): the loss ℒₙ of each row."""
    data = Data.from_arrays(net.architecture, X, t)
    return np.asarray(net.output.loss(net.forward(data.X).z[-1], data.t))


def worst(losses: Array) -> Array:
    """The rows with the largest losses, largest first."""
    return np.argsort(-losses, kind="stable")[:WORST]


def r2(y_hat: Array, t: Array) -> float:
    """1 − Σ(t − ŷ)² / Σ(t − mean t)²."""
    spread = float(((t - t.mean()) ** 2).sum())
    return 1 - float(((t - y_hat[:, 0]) ** 2).sum()) / spread if spread else float("nan")


def findings(recorders: Sequence[Recorder], feature_names: Sequence[str]) -> Diagnosis:
    """The findings of a run in several legs, each with its recorder; the last may not have trained.

    Rates are judged from the last leg, overfitting from the whole run, and the network and the data
    as they are at its end.
    """
    recordings = [recorder.recording for recorder in recorders]
    courses = [course_of(recording, by_records=True) for recording in recordings]
    last = recordings[-1]
    assert last.theta is not None
    net = Network.from_theta(last.architecture, last.theta)
    found = [*rate_findings(courses[-1]), *overfitting(_joined(courses))]
    seen = {finding.code for finding in found}
    about = diagnose(net, *last.source, feature_names=feature_names)
    return Diagnosis.of([*found, *(f for f in about if f.code not in seen)], about.about)


def _joined(courses: Sequence[RunCourse]) -> RunCourse:
    """One course of several: the epochs of each count on from the end of the one before."""
    starts = np.cumsum([0, *(course.epochs.max(initial=0) for course in courses)])
    epochs = [course.epochs + start for course, start in zip(courses, starts, strict=False)]
    return replace(
        courses[-1],
        epochs=np.concatenate(epochs),
        losses=np.concatenate([course.losses for course in courses]),
        validation=np.concatenate([course.validation for course in courses]),
    )
