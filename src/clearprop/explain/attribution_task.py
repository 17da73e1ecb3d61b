"""What is attributed to what: the networks of a model, F, the rows, and the names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_matrix
from clearprop.explain.links import Link, LogMean, LogOdds, Mean, link_of
from clearprop.explain.paths import Member
from clearprop.network import Network
from clearprop.notation import counted, number
from clearprop.tables.frames import as_frame
from clearprop.tables.sources import FrameSource, Source, source_of
from clearprop.tabular.model import TableModel

if TYPE_CHECKING:
    from clearprop.tabular import TabularClassifier
    from clearprop.tabular.target import ClassTarget, NumberTarget

TYPICAL = "a typical row"


@dataclass(frozen=True, eq=False)
class AttributionTask:
    """What is attributed to what; groups (D,): the column of the table for each column of X."""

    networks: Sequence[Network]
    link: Link
    X: Array
    background: Array
    groups: Array
    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    compared_with: str
    unit: float | None


def task_of(model: Any, rows: Any, background: Any) -> AttributionTask:
    if isinstance(model, Network):
        return _task_of_network(model, rows, background)
    if isinstance(model, TableModel):
        return _task_of_table_model(model, rows, background)
    if hasattr(model, "networks_"):
        return _task_of_bag(model, rows, background)
    if hasattr(model, "network_"):
        return _task_of_mlp(model, rows, background)
    raise TypeError(
        f"model must be a fitted estimator, a TableModel or a Network; got {type(model).__name__}"
    )


def _task_of_table_model(model: TableModel, rows: Any, background: Any) -> AttributionTask:
    if model.target.has_classes:
        outputs = tuple(map(str, _named_classes(model.target.values())))
    else:
        outputs = (model.target.name,)
    source = FrameSource(as_frame(rows), missing=model.missing)
    if model.encoding is None:
        back = background
        if back is not None:
            back = FrameSource(as_frame(back), missing=model.missing)
        return replace(_task_of_bag(model.estimator, source, back), outputs=outputs)
    columns = model.encoding.columns
    back = None if background is None else model.encode(background)
    net = model.networks[0]
    task = _task_of_network(net, model.encode(rows), back)
    link, unit = task.link, task.unit
    if model.standardization is not None:
        mean, spread = model.standardization.mean, model.standardization.spread
        link, unit = Mean(net.output, np.array([mean]), np.array([spread]), "units of y"), spread
    groups = np.repeat(np.arange(len(columns)), [len(column.features) for column in columns])
    names = model.encoding.names
    return replace(
        task, link=link, unit=unit, groups=groups, columns=names, outputs=outputs,
        cells=_cells(source, names),
    )  # fmt: skip


def _task_of_network(
    net: Network, rows: Any, background: Any, columns: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> AttributionTask:  # fmt: skip
    if background is None:
        raise TypeError(
            "background is missing: a network does not know what a typical row is; rows of the "
            "training data will do, such as X_train[:50]"
        )
    n_inputs, n_outputs = net.architecture.n_inputs, net.architecture.n_outputs
    X, back = (_dense(rows, n_inputs), _dense(background, n_inputs))
    link = link_of(net.output, n_outputs)
    names = tuple(columns or (f"x{j}" for j in range(n_inputs)))
    member = Member.of(net.architecture, net.theta)
    unit = None
    if isinstance(link, Mean):
        z = member.forward(member.enter(member.embed(np.concatenate([X, back]))))[0]
        unit = float(link.value(z[None]).std(axis=0).max()) or None
    return AttributionTask(
        [net], link, X, back, np.arange(n_inputs), names,
        tuple(outputs or _output_names(link, n_outputs)),
        tuple(tuple(number(v) for v in row) for row in X), counted(len(back), "given row"), unit,
    )  # fmt: skip


def _dense(rows: Any, n_inputs: int) -> Array:
    rows = rows.toarray() if hasattr(rows, "toarray") else rows
    return check_matrix(np.asarray(rows), n_inputs, np.float64)


def _output_names(link: Link, n_outputs: int) -> list[str]:
    if not isinstance(link, LogOdds):
        return ["ŷ"] if n_outputs == 1 else [f"ŷ[{k}]" for k in range(n_outputs)]
    if link.logistic:
        return ["1"] if n_outputs == 1 else [f"output {k}" for k in range(n_outputs)]
    names = []
    for number_, group in enumerate(link.groups):
        K = group.stop - group.start
        prefix = f"target {number_}: " if len(link.groups) > 1 else ""
        names += [f"{prefix}class {k}" for k in range(K)] if K > 2 else [f"{prefix}class 1"]
    return names


def _task_of_mlp(model: Any, rows: Any, background: Any) -> AttributionTask:
    columns = list(getattr(model, "feature_names_in_", ()))
    X = model._check_X(rows)
    back = None if background is None else model._check_X(background)
    outputs: list[str] = []
    if hasattr(model, "classes_"):
        K = model.network_.architecture.n_outputs
        F = link_of(model.network_.output, K).value(np.zeros((1, 1, K)))
        outputs = _class_outputs(model.classes_, F.shape[1])
    return _task_of_network(model.network_, X, back, columns, outputs)


def _class_outputs(classes: Any, n_outputs: int) -> list[str]:
    """Names of the F of a classifier of scikit-learn's kind; of two classes there may be one."""
    if isinstance(classes, list):
        names = []
        for m, labels in enumerate(classes):
            names += [f"y[{m}] = {label}" for label in _named_classes(labels)]
        return names
    kept = classes if len(classes) == n_outputs else _named_classes(classes)
    return [str(label) for label in kept]


def _named_classes(classes: Any) -> Any:
    """Those that have a log-odds of their own: of two classes the second one."""
    return classes[1:] if len(classes) == 2 else classes


def _task_of_bag(model: Any, rows: Any, background: Any) -> AttributionTask:
    source = model.bag_.named_as_in_training(source_of(rows), type(model).__name__)
    X = model.inputs_.transform(source)
    back = np.zeros_like(X[:1]) if background is None else model.encode(background)
    link, outputs, unit = _bag_link(model)
    columns = model.inputs_.names
    groups = np.zeros(X.shape[1], np.int64)
    for column, places in zip(model.inputs_.columns, model.inputs_.places, strict=True):
        groups[places] = columns.index(column.name)
    cells = _cells(source, columns)
    compared = TYPICAL if background is None else counted(len(back), "given row")
    return AttributionTask(
        model.networks_, link, X, back, groups, columns, outputs, cells, compared, unit
    )


def _cells(source: Source, columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What the rows hold in these columns as text; "" where a column is not there."""
    found = []
    for name in columns:
        if name not in source.names:
            found.append([""] * source.n_rows)
        else:
            found.append([_cell(value) for value in source.values(name)])
    return tuple(zip(*found, strict=True))


def _cell(value: Any) -> str:
    if isinstance(value, float) and not math.isnan(value):
        return f"{value:.6g}"
    text = str(value)
    gap = text in ("None", "nan", "NaT", "<NA>") and not isinstance(value, str)
    return "(missing)" if gap else text


def _bag_link(model: Any) -> tuple[Link, tuple[str, ...], float | None]:
    """F of a bag, with the names of its outputs, and the standard deviation of y."""
    output = model.networks_[0].output
    if hasattr(model, "predict_proba"):
        return link_of(output, model.target_.n_outputs, model.calibration_), _classes(model), None
    target: NumberTarget = model.target_
    Q, M = target.n_quantiles, len(target.centre)
    centre, scale = np.repeat(target.centre, Q), np.repeat(target.scale, Q)
    names = ["y"] if M == 1 else [f"y[{m}]" for m in range(M)]
    if Q > 1:
        names = [f"{name}, quantile {q:g}" for name in names for q in output.quantiles]
    if output.unit == "exponential":
        return LogMean(scale), tuple(names), None
    return Mean(output, centre, scale, "units of y"), tuple(names), float(scale.max())


def _classes(model: TabularClassifier) -> tuple[str, ...]:
    target: ClassTarget = model.target_
    if target.kind == "labels":
        return tuple(f"y[{m}]" for m in range(len(target.classes)))
    return tuple(_class_outputs(model.classes_, 0))
