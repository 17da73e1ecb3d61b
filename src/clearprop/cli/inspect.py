"""`clearprop trace` and `clearprop check-gradients`: a look inside the network."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.cli.output import UsageError, note, number, print_json, print_rich, print_table
from clearprop.cli.parser import file_options
from clearprop.explain.paths import inputs_of_first
from clearprop.gradient_check import check_gradients as check
from clearprop.network import Network
from clearprop.notation import sup
from clearprop.outputs import example_targets
from clearprop.propagation import Gradients, Trace
from clearprop.tables.files import open_table
from clearprop.tables.frames import TableError, as_frame, shown
from clearprop.tabular.model import TableModel

CHECKED_ROWS = [0, 1, 2, 3]
MANY_ENTRIES = 20_000  # a few seconds


def trace(arguments: argparse.Namespace) -> int:
    """Run the command; 0 if the trace is printed."""
    model = TableModel.load(arguments.model)
    member = member_number(model, arguments) or 0
    net = model.networks[member]
    table = _rows(arguments, arguments.rows, model)
    X = model.encode(table, dtype=net.theta.dtype)
    seen = net.forward(X)
    t: Array | None = None
    gradients: Gradients | None = None
    if model.target.name in table.columns:
        t = model.network_targets(model.read_target(table))
        gradients = net.backward(seen, t)
    else:
        note(f"no column {shown(model.target.name)}: no loss and no gradients", arguments.quiet)
    if arguments.steps:
        _show_steps(arguments, net, X, t)
        return 0
    loss = None if t is None else net.loss(X, t)
    traced = Traced(
        model, net, member, seen, gradients, model.predict_values(table).values, t, loss
    )
    if arguments.json:
        print_json(_trace_document(arguments, traced))
    else:
        _show_trace(arguments, traced)
    return 0


@dataclasses.dataclass(frozen=True)
class Traced:
    """The data of a trace: network number `member` of the model on some rows.

    values: the predictions of the whole model; t, gradients, loss: None without targets.
    """

    model: TableModel
    net: Network
    member: int
    seen: Trace
    gradients: Gradients | None
    values: Array
    t: Array | None
    loss: float | None

    @property
    def first_names(self) -> list[str]:
        """The names of the entries of h⁽⁰⁾: input names, numbered if an input has several."""
        names = self.model.feature_names
        columns = inputs_of_first(self.net.architecture).tolist()
        seen: dict[int, int] = {}
        found = []
        for column in columns:
            number_ = seen[column] = seen.get(column, -1) + 1
            several = columns.count(column) > 1
            found.append(f"{names[column]}[{number_}]" if several else names[column])
        return found

    @property
    def own_values(self) -> Array:
        """The prediction of this network alone, in the form of `values`."""
        y_hat = self.seen.y_hat
        if self.model.target.has_classes:
            return y_hat
        target: Any = self.model.estimator.target_
        return np.asarray(target.decode(y_hat)[:, 0])


def _show_steps(arguments: argparse.Namespace, net: Network, X: Array, t: Array | None) -> None:
    """The computation for these rows, step by step, from `clearprop.explain`."""
    from clearprop.explain.steps import steps

    explanation = steps(net, X, t)
    if arguments.json:
        about = {"model": arguments.model, "table": arguments.table, "rows": arguments.rows}
        print_json({**about, **explanation.to_document()})
    else:
        print_rich(explanation)


def member_number(model: TableModel, arguments: argparse.Namespace) -> int | None:
    """The number given by --member; UsageError if the model has no such network."""
    member: int | None = arguments.member
    if member is None:
        return None
    n = len(model.networks)
    if not model.is_bag:
        raise UsageError(f"--member: {arguments.model} is a single network, not a bag")
    if member >= n:
        raise UsageError(f"--member must be from 0 to {n - 1}; got {member}")
    return member


def _rows(arguments: argparse.Namespace, rows: list[int], model: TableModel) -> Any:
    """The rows of the table, in the requested order, as one frame."""
    import pyarrow as pa

    found: dict[int, Any] = {}
    first_row = 0
    with open_table(
        arguments.table,
        columns=[*model.names, model.target.name],
        **file_options(arguments),
    ) as table:
        model.check_names(table.names)
        for batch in table.batches():
            for row in rows:
                if first_row <= row < first_row + len(batch):
                    found[row] = batch.slice(row - first_row, 1)
            first_row += len(batch)
            if len(found) == len(rows):
                break
    for row in rows:
        if row not in found:
            raise TableError(
                f"{arguments.table}: there is no row {row}; the table has {first_row:,} rows"
            )
    return as_frame(pa.concat_tables([found[row] for row in rows]))


def _trace_document(arguments: argparse.Namespace, traced: Traced) -> dict[str, Any]:
    net, seen, gradients = traced.net, traced.seen, traced.gradients
    layers = []
    for i, dense in enumerate(net.architecture.dense):
        layer = {
            "layer": i + 1,
            "activation": net.output.unit if dense.activation is None else dense.activation.name,
            "z": seen.z[i],
            "h": seen.h[i + 1] if i + 1 < len(seen.h) else seen.y_hat,
        }
        if gradients is not None:
            layer |= {
                "dL_dz": gradients.dL_dz[i],
                "dL_dW": gradients.dL_dW[i],
                "dL_db": gradients.dL_db[i],
            }
        layers.append(layer)
    bag_entries: dict[str, Any] = {}
    if traced.model.is_bag:
        bag_entries = {
            "member": traced.member,
            "h0": seen.h[0],
            "h0_names": traced.first_names,
            "member_predictions": traced.model.decide(traced.own_values),
        }
    return {
        "model": arguments.model,
        "table": arguments.table,
        "rows": arguments.rows,
        "features": traced.model.feature_names,
        "x": seen.X,
        **bag_entries,
        "layers": layers,
        "y_hat": seen.y_hat,
        "t": traced.t,
        "loss": traced.loss,
        "predictions": traced.model.decide(traced.values),
    }


def _show_trace(arguments: argparse.Namespace, traced: Traced) -> None:
    model, net, rows, limit = traced.model, traced.net, arguments.rows, arguments.units
    seen, gradients = traced.seen, traced.gradients
    heads = [f"row {row}" for row in rows]
    X = seen.X
    used = [j for j in range(X.shape[1]) if X[:, j].any()]
    if model.is_bag:
        print(f"network {traced.member} of {len(model.networks)}, {_description(net)}")
    print_table(
        ("x" if model.is_bag else "x = h⁽⁰⁾", *heads),
        [(model.feature_names[j], *X[:, j].tolist()) for j in used],
        title=f"{len(used)} of {X.shape[1]} features are not 0 in these rows",
    )
    incoming = traced.first_names
    if model.is_bag:
        h = seen.h[0]
        used = [j for j in range(h.shape[1]) if h[:, j].any()]
        shown_ = used if limit == 0 else used[:limit]
        print_table(
            ("h⁽⁰⁾", *heads),
            [(incoming[j], *h[:, j].tolist()) for j in shown_],
            title=f"outputs of the column layers: "
            f"{_first(len(shown_), len(used), 'entry', 'entries')} that are not 0",
        )
    for i, dense in enumerate(net.architecture.dense):
        last = i + 1 == len(seen.z)
        phi = net.output.unit if dense.activation is None else dense.activation.name
        h, name = (seen.y_hat, "ŷ") if last else (seen.h[i + 1], f"h{sup(i + 1)}")
        blocks = [(f"z{sup(i + 1)}", seen.z[i]), (name, h)]
        if gradients is not None:
            blocks.append((f"∂ℒ/∂z{sup(i + 1)}", gradients.dL_dz[i]))
        n_units = seen.z[i].shape[1]
        units = range(n_units if limit == 0 else min(limit, n_units))
        print_table(
            ("unit", *(f"{block} {head}" for head in heads for block, _ in blocks)),
            [
                (str(j), *(float(a[r, j]) for r in range(len(rows)) for _, a in blocks))
                for j in units
            ],
            title=f"layer {i + 1}, {phi}: {_first(len(units), n_units, 'unit')}",
        )
        if gradients is not None:
            _show_weights(i + 1, gradients.dL_dW[i], gradients.dL_db[i], incoming, limit)
        incoming = [f"unit {j}" for j in range(n_units)]
    what = "prediction of the bag" if model.is_bag else "prediction"
    lines = [(what, *_labels(model, traced.values)), *_truth(model, traced.t)]
    if model.is_bag:
        own = f"prediction of network {traced.member}"
        lines.insert(0, (own, *_labels(model, traced.own_values)))
    print_table(("", *heads), lines)
    if traced.loss is not None:
        print(
            f"ℒ = {number(traced.loss)}, the mean over these rows; all gradients are gradients of ℒ"
        )


def _labels(model: TableModel, values: Array) -> list[str]:
    """Predictions as text."""
    labels = model.decide(values).tolist()
    return [number(label) if isinstance(label, float) else str(label) for label in labels]


def _show_weights(layer: int, dL_dW: Array, dL_db: Array, incoming: list[str], limit: int) -> None:
    n_units, n_inputs = dL_dW.shape
    units = range(n_units if limit == 0 else min(limit, n_units))
    # The inputs with the most important weights for these rows come first.
    order = np.argsort(-np.abs(dL_dW).max(axis=0), kind="stable")
    inputs = order if limit == 0 else order[:limit]
    print_table(
        ("to unit", *(f"from {incoming[k]}" for k in inputs), "∂ℒ/∂b"),
        [(str(j), *(float(dL_dW[j, k]) for k in inputs), float(dL_db[j])) for j in units],
        title=f"∂ℒ/∂W{sup(layer)}: {_first(len(units), n_units, 'unit')} × the "
        f"{len(inputs)} of {n_inputs} inputs with the largest entries; "
        f"norm {number(float(np.linalg.norm(dL_dW)))}",
    )


def _truth(model: TableModel, t: Array | None) -> list[tuple[str, ...]]:
    if t is None:
        return []
    if model.target.has_classes:
        codes = t.argmax(axis=1) if t.ndim == 2 and t.shape[1] > 1 else t.reshape(-1)
        truth = [str(model.target.values()[int(k)]) for k in codes]
    elif model.standardization is not None:
        truth = [number(float(y)) for y in model.standardization.decode(t.reshape(-1))]
    else:
        target: Any = model.estimator.target_
        truth = [number(float(y)) for y in target.decode(t)[:, 0]]
    return [(model.target.name, *truth)]


def _first(n_shown: int, n: int, what: str, plural: str = "") -> str:
    what = what if n == 1 else plural or f"{what}s"
    return f"{n} {what}" if n_shown == n else f"first {n_shown} of {n} {what}"


# ---- gradient check ------------------------------------------------------------------------------


def check_gradients(arguments: argparse.Namespace) -> int:
    """Run the command; 0 if back-propagation agrees with the differences, 1 if not."""
    net, X, t = _model_and_rows(arguments) if arguments.model else _made_up(arguments)
    n_entries = net.theta.size + X.size
    if n_entries > MANY_ENTRIES:
        note(
            f"{n_entries:,} entries with 4 forward passes each: this takes a while", arguments.quiet
        )
    result = check(net, X, t, tolerance=arguments.tolerance)
    if arguments.json:
        document = dataclasses.asdict(result)
        print_json({"network": _description(net), "rows": len(X), **document})
        return 0 if result.ok else 1
    print(f"{_description(net)}, {len(X)} rows")
    print_table(("array", "largest relative error"), list(result.errors.items()))
    print(f"{result.n_checked:,} entries checked, {result.n_kinks:,} left out at a kink")
    print(f"worst: {result.worst}")
    verdict = "agrees" if result.ok else "DOES NOT AGREE"
    print(f"back-propagation {verdict} within {arguments.tolerance:g}")
    return 0 if result.ok else 1


def _model_and_rows(arguments: argparse.Namespace) -> tuple[Network, Array, Array]:
    for name in ("layers", "hidden", "output", "samples", "seed"):
        if getattr(arguments, name) is not None:
            raise UsageError(f"--{name} is for a random network, without MODEL and TABLE")
    if arguments.table is None:
        raise UsageError("TABLE is missing: the gradients are checked on its rows")
    model = TableModel.load(arguments.model)
    net = model.networks[member_number(model, arguments) or 0]
    table = _rows(arguments, arguments.rows or CHECKED_ROWS, model)
    if model.target.name not in table.columns:
        raise TableError(
            f"{arguments.table}: the table needs the target {shown(model.target.name)}"
        )
    X = model.encode(table, dtype=np.float64)
    return net, X, model.network_targets(model.read_target(table))


def _made_up(arguments: argparse.Namespace) -> tuple[Network, Array, Array]:
    if arguments.member is not None:
        raise UsageError("--member is for a bag, with MODEL and TABLE")
    if arguments.rows is not None:
        raise UsageError("--rows chooses rows of TABLE; for random data use --samples")
    sizes = arguments.layers or (4, 5, 3)
    if len(sizes) < 2:
        raise UsageError("--layers must name at least the inputs and the outputs, such as 4,3")
    hidden = arguments.hidden or "tanh"
    if not isinstance(hidden, str) and len(hidden) != len(sizes) - 2:
        raise UsageError(f"--hidden: {len(hidden)} names for {len(sizes) - 2} hidden layers")
    seed = 0 if arguments.seed is None else arguments.seed
    output = arguments.output or "softmax"
    net = Network(list(sizes), hidden=hidden, output=output, seed=seed)
    rng = np.random.default_rng([seed, 1])
    n, k = arguments.samples or 5, sizes[-1]
    X = rng.standard_normal((n, sizes[0]))
    return net, X, example_targets(net.output, n, k, rng)


def _description(net: Network) -> str:
    hidden = [dense.activation.name for dense in net.architecture.dense if dense.activation]
    sizes = "-".join(map(str, net.sizes))
    return f"network {sizes}, {', '.join(hidden) or 'no hidden layer'}, output {net.output.name}"
