"""Problems of a network, its data or its training, with evidence and advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.explain.data_findings import (
    input_findings,
    takes_any_scale,
    target_findings,
)
from clearprop.explain.diagnose_bag import class_names_of, merge_findings
from clearprop.explain.finding import Diagnosis, Finding
from clearprop.explain.net_findings import network_findings, nonfinite_findings
from clearprop.explain.recorder import Recorder, Recording
from clearprop.explain.run_findings import run_findings
from clearprop.jobs import Data
from clearprop.network import Network

if TYPE_CHECKING:
    from clearprop.tabular import TabularClassifier, TabularRegressor
from clearprop.notation import counted


def diagnose(
    subject: Network | Recording | Recorder | TabularClassifier | TabularRegressor,
    X: Any = None,
    t: Any = None,
    *,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> Diagnosis:
    """Look for problems that keep a network from learning; a healthy network gets no findings.

    A network on rows X (N, D) with targets t, as `net.loss` takes them: NaN and infinity with their
    layer and row, constant and unscaled columns, missing and rare classes, constant targets, dead,
    saturated and identical units, vanishing and exploding ∂ℒ/∂z.
    A run recorded by a :class:`Recorder`: the same for its data and the last θ, and the step at
    which NaN appeared, a learning rate that is too high or too low, and overfitting.
    A bag on a table X with y = t, as `fit` takes them: the findings of all its networks, with the
    numbers of the networks concerned.
    The names appear in the messages; a single logistic output has two classes.

    >>> import clearprop as cp
    >>> net = cp.Network([2, 4, 1], output="logistic", initializer="zeros")
    >>> diagnose(net, np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])).codes
    ['identical_units']

    Raises TypeError for a network without data, ValueError for data that do not fit.
    """
    if isinstance(subject, Recorder):
        subject = subject.recording
    if isinstance(subject, Recording):
        if X is not None or t is not None:
            raise TypeError(
                "a recording has its own sample of rows; pass X and t only with a network"
            )
        return _diagnosis_of_run(subject, feature_names, class_names)
    if X is None or t is None:
        raise TypeError("diagnose(net, X, t): a network needs X and t")
    if not isinstance(subject, Network):
        classes = class_names or class_names_of(subject)
        names = feature_names or subject.inputs_.feature_names
        X, t = subject.encode(X), subject.encode_target(t)
        return diagnose_networks(subject.networks_, X, t, names, classes)
    data = Data.from_arrays(subject.architecture, X, t, dtype=subject.theta.dtype)
    two_classes = subject.output.unit == "logistic" and data.t.shape[1] == 1
    n_classes = 2 if two_classes else data.t.shape[1]
    for names, n, argument in (
        (feature_names, data.X.shape[1], "feature_names"),
        (class_names, n_classes, "class_names"),
    ):
        if names is not None and len(names) != n:
            raise ValueError(f"{argument} must be {n} names; got {len(names)}")
    found = _findings_of_network(
        subject.architecture, subject.theta, data, feature_names, class_names
    )
    return Diagnosis.of(found, f"{subject!r} on {counted(len(data), 'row')}")


def diagnose_networks(
    networks: Sequence[Network],
    X: Array,
    t: Array,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> Diagnosis:
    """The findings of several networks on the same X and t, each reported once; see `diagnose`."""
    found = [
        diagnose(net, X, t, feature_names=feature_names, class_names=class_names).findings
        for net in networks
    ]
    about = f"{counted(len(networks), 'network')} {networks[0].sizes} on {counted(len(X), 'row')}"
    return Diagnosis.of(merge_findings(found), about)


def _findings_of_network(
    architecture: Architecture,
    theta: Array,
    data: Data,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
) -> list[Finding]:
    X = data.X.toarray() if hasattr(data.X, "toarray") else data.X
    found = input_findings(X, feature_names, scaled=takes_any_scale(architecture))
    found += target_findings(architecture.output, data.t, class_names)
    if any(finding.code in ("nonfinite_input", "nonfinite_target") for finding in found):
        good = np.isfinite(X).all(axis=1) & np.isfinite(data.t).all(axis=1)
        if not good.any():
            return found
        data = Data(X, data.t).rows(np.flatnonzero(good))
    broken = nonfinite_findings(architecture, theta, data)
    return [*found, *(broken or network_findings(architecture, theta, data))]


def _diagnosis_of_run(
    recording: Recording,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
) -> Diagnosis:
    found = run_findings(recording)
    if recording.theta is not None:
        theta, architecture = recording.theta, recording.architecture
        data = Data.from_arrays(architecture, *recording.source, dtype=theta.dtype)
        final_findings = _findings_of_network(architecture, theta, data, feature_names, class_names)
        found = [_with_row(finding, final_findings) for finding in found]
        seen = {finding.code for finding in found}
        found += [f for f in final_findings if f.code not in seen]
    n = len(recording.epochs)
    about = f"{counted(n, 'epoch')} of training on {counted(len(recording.source[1]), 'row')}"
    return Diagnosis.of(found, about)


def _with_row(finding: Finding, final_findings: list[Finding]) -> Finding:
    """NaN at a training step, with its row in X, found by a pass with the θ before the step."""
    for other in final_findings:
        if finding.code == other.code == "nonfinite" and finding.layer == other.layer:
            row = {"row of X": other.evidence["row"]} if "row" in other.evidence else {}
            return replace(finding, evidence={**finding.evidence, **row}, where=other.where)
    return finding
