"""The workshop's "copy as Python": data, network, each leg of the run, and what a panel shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clearprop.playground.code import listed, script
from clearprop.playground.report import STATISTICS, Example
from clearprop.playground.runs import Run, changed
from clearprop.playground.stations.workshop import OPTIMIZERS, PARAMETER, Workshop


@dataclass(frozen=True)
class CodePart:
    """The code that a panel adds. recorded: whether the last leg has a recorder of its layers."""

    shown: Mapping[str, str]
    lines: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    recorded: bool = False


@dataclass(frozen=True)
class Asked:
    """The rows and the example that are shown."""

    run: Run
    part: str = "train"
    example: Example | None = None
    table_name: str = field(default="")


def python(asked: Asked, panel: str) -> str:
    """A program that prints the numbers that a panel shows at this step of the run.

    The program reads the file of a table from its own folder. Raises ValueError for an unknown
    panel.
    """
    if panel not in PANELS:
        raise ValueError(f"panel must be one of {list(PANELS)}; got {panel[:60]!r}")
    run, part = asked.run, PANELS[panel](asked)
    settings = run.start
    hidden = settings.activations
    hidden_text = repr(hidden[0] if len(set(hidden)) == 1 else hidden) if hidden else ""
    arguments = [
        str(run.network.sizes),
        f"hidden={hidden_text}" if hidden_text else "",
        f"output={settings.output!r}",
        f"dropout={settings.dropout!r}" if settings.dropout and settings.hidden else "",
        f"initializer={settings.initializer!r}" if settings.initializer != "auto" else "",
        f"seed={settings.seed}",
    ]
    lines = [
        f"data = {data_expression(settings, asked.table_name)}",
        "X, t = data.X, data.t",
        f"net = cp.Network({', '.join(filter(None, arguments))})",
        *_legs(run, part.recorded),
        *part.lines,
    ]
    return script(
        ["from clearprop.playground import datasets", *part.imports],
        lines,
        part.shown,
    )


def _training(asked: Asked) -> CodePart:
    run, classes = asked.run, asked.run.dataset.n_classes
    shown = {
        "step": str(run.step),
        "epoch": repr(run.epoch),
        "loss.train": "net.loss(X, t)",
        "score.train": f"score(net.forward(X).y_hat, t, {classes})",
    }
    if run.test is not None:
        shown["loss.test"] = "net.loss(data.X_test, data.t_test)"
        shown["score.test"] = f"score(net.forward(data.X_test).y_hat, data.t_test, {classes})"
    return CodePart(shown, imports=("from clearprop.playground.results import score",))


def _network(asked: Asked) -> CodePart:
    shown = {}
    for layer in range(1, len(asked.run.architecture.dense) + 1):
        shown[f"W{layer}"] = f"net.W[{layer - 1}]"
        shown[f"b{layer}"] = f"net.b[{layer - 1}]"
        shown[f"dL_dW{layer}"] = f"gradients.dL_dW[{layer - 1}]"
        shown[f"dL_db{layer}"] = f"gradients.dL_db[{layer - 1}]"
    return CodePart(shown, ("gradients = net.backward(net.forward(X), t)",))


def _example(asked: Asked) -> CodePart:
    example = asked.example
    if example is None:
        raise ValueError("there is no example: step by example first")
    lines = (
        f"row = {example.row}  # number {example.index + 1} of the next mini-batch",
        "trace = net.forward(X[[row]])",
        "gradients = net.backward(trace, t[[row]])",
    )
    shown = {"example.loss": "net.loss(X[[row]], t[[row]])", "example.t": "t[row]"}
    shown["example.x"] = "X[row]"
    n = len(asked.run.architecture.dense)
    for layer in range(1, n + 1):
        shown[f"example.z{layer}"] = f"trace.z[{layer - 1}][0]"
        shown[f"example.h{layer}"] = f"trace.h[{layer}][0]" if layer < n else "trace.y_hat[0]"
        shown[f"example.dL_dz{layer}"] = f"gradients.dL_dz[{layer - 1}][0]"
        shown[f"example.dL_dW{layer}"] = f"gradients.dL_dW[{layer - 1}]"
        shown[f"example.dL_db{layer}"] = f"gradients.dL_db[{layer - 1}]"
    return CodePart(shown, lines)


def _rows(asked: Asked) -> str:
    return "X, t" if asked.part == "train" else "data.X_test, data.t_test"


def _errors(asked: Asked) -> CodePart:
    classes = asked.run.dataset.n_classes
    lines = (f"X_shown, t_shown = {_rows(asked)}", "y_hat = net.forward(X_shown).y_hat")
    if not classes:
        imports = ("from clearprop.playground.results import r2",)
        return CodePart({"r2": "r2(y_hat, t_shown)"}, lines, imports)
    imports = ("from clearprop.playground.results import confusion",)
    return CodePart({"confusion": f"confusion(y_hat, t_shown, {classes})"}, lines, imports)


def _calibration(asked: Asked) -> CodePart:
    lines = (
        f"X_shown, t_shown = {_rows(asked)}",
        "found = calibrations(net.forward(X_shown).y_hat, t_shown)",
    )
    shown = {f"calibration.{name}": f"found[{name!r}]" for name in ("mean", "share", "ece")}
    return CodePart(shown, lines, ("from clearprop.playground.results import calibrations",))


def _worst(asked: Asked) -> CodePart:
    lines = (
        f"X_shown, t_shown = {_rows(asked)}",
        "each = losses(net, X_shown, t_shown)",
        "rows = worst(each)",
    )
    shown = {
        "worst.row": "rows",
        "worst.loss": "each[rows]",
        "worst.t": "t_shown[rows]",
        "worst.y_hat": "net.forward(X_shown).y_hat[rows]",
        "worst.x": "X_shown[rows]",
    }
    return CodePart(shown, lines, ("from clearprop.playground.results import losses, worst",))


def _layers(asked: Asked) -> CodePart:
    run = asked.run
    shown = {f"layers.{name}": f"[layer.{name} for layer in layers]" for name in STATISTICS}
    imports: tuple[str, ...] = ("from clearprop import explain",)
    if run.leg_step:
        return CodePart(shown, ("layers = recorder.recording.records[-1].layers",), imports, True)
    lines = (
        "targets = net.output.targets(t, net.sizes[-1], X.dtype)",
        "layers = explain.layer_statistics(net.architecture, net.theta, X, targets)[1]",
    )
    return CodePart(shown, lines, imports)


def _diagnosis(asked: Asked) -> CodePart:
    lines = ("diagnosis = explain.diagnose(net, X, t, feature_names=data.features)",)
    return CodePart({"findings": "diagnosis.codes"}, lines, ("from clearprop import explain",))


PANELS: Mapping[str, Callable[[Asked], CodePart]] = {
    "training": _training,
    "network": _network,
    "example": _example,
    "errors": _errors,
    "calibration": _calibration,
    "rows": _worst,
    "layers": _layers,
    "diagnosis": _diagnosis,
}


def data_expression(settings: Workshop, table_name: str) -> str:
    """The call that makes the dataset."""
    share = f"test_share={settings.test_share!r}, seed={settings.data_seed}"
    if settings.data == "table":
        more = f", kinds={dict(settings.kinds)!r}" if settings.kinds else ""
        more += f", scaling={settings.scaling!r}" if settings.scaling != "standard" else ""
        return f"datasets.table({table_name!r}, {settings.target!r}, {share}{more})"
    if settings.data == "drawn":
        points = ", ".join(listed(point) for point in settings.points)
        return f"datasets.drawn([{points}], {share})"
    return (
        f"datasets.make({settings.data!r}, n={settings.n}, noise={settings.noise!r}, "
        f"classes={settings.classes}, {share})"
    )


def _legs(run: Run, recorded: bool) -> list[str]:
    lines: list[str] = []
    settings = run.start
    legs = run.legs_here
    for number, leg in enumerate(legs):
        settings = changed(settings, leg)
        for name, value in leg.changes:
            if match := PARAMETER.fullmatch(name):
                layer, unit, source, layer_b, unit_b = match.groups()
                place = (
                    f"net.W[{int(layer) - 1}][{unit}, {source}]"
                    if layer
                    else f"net.b[{int(layer_b) - 1}][{unit_b}]"
                )
                lines.append(f"{place} = {value!r}")
        if leg.n_steps:
            last = recorded and number == len(legs) - 1
            lines += _train(run, settings, number, leg.n_steps, last)
    return lines


def _train(
    run: Run, settings: Workshop, number: int, n_steps: int, recorded: bool = False
) -> list[str]:
    per_epoch = -(-len(run.data) // settings.batch_size)
    epochs, rest = divmod(n_steps, per_epoch)
    epochs += rest > 0
    penalties = [
        f"{name}={getattr(settings, name)!r}" for name in ("l1", "l2") if getattr(settings, name)
    ]
    arguments = [
        "X",
        "t",
        f"cp.{_optimizer(settings)}",
        f"epochs={epochs}",
        f"batch_size={settings.batch_size}",
        f"seed={settings.seed + number}",
        f"max_steps={n_steps}" if rest else "",
        f"penalty=cp.Penalty({', '.join(penalties)})" if penalties else "",
        "callbacks=[recorder]" if recorded else "",
    ]
    call = f"net.train({', '.join(filter(None, arguments))})"
    if not recorded:
        return [call]
    looks = f"rows=len(X), epochs=[{epochs - 1}, {epochs}], histograms=False"
    return [f"recorder = explain.Recorder(net, X, t, {looks})", call]


def _optimizer(settings: Workshop) -> str:
    options = [repr(settings.learning_rate)]
    if settings.optimizer == "sgd" and settings.momentum:
        options.append(f"momentum={settings.momentum!r}")
    # AdamW has decay by default, so 0 must be given explicitly
    if settings.weight_decay or settings.optimizer == "adamw":
        options.append(f"weight_decay={settings.weight_decay!r}")
    return f"{OPTIMIZERS[settings.optimizer]}({', '.join(options)})"
