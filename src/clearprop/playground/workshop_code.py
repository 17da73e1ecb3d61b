"""The workshop's "copy as Python": data, network, each leg of the run, and what is shown."""

from __future__ import annotations

from clearprop.playground.code import listed, script
from clearprop.playground.runs import Run, changed
from clearprop.playground.stations.workshop import PARAMETER, Workshop


def python(run: Run, table_name: str = "") -> str:
    """A program that prints the numbers which the workshop shows at this step of the run.

    table_name: the file of the table that was loaded; the program reads it from its own folder.
    """
    settings = run.start
    arguments = [
        str(run.network.sizes),
        f"hidden={settings.activation!r}" if settings.hidden else "",
        f"output={settings.output!r}",
        f"dropout={settings.dropout!r}" if settings.dropout and settings.hidden else "",
        f"initializer={settings.initializer!r}" if settings.initializer != "auto" else "",
        f"seed={settings.seed}",
    ]
    lines = [
        f"data = {data_expression(settings, table_name)}",
        "X, t = data.X, data.t",
        f"net = cp.Network({', '.join(filter(None, arguments))})",
        *_legs(run),
        "gradients = net.backward(net.forward(X), t)",
    ]
    classes = run.dataset.n_classes
    imports = [
        "from clearprop.playground import datasets",
        "from clearprop.playground.runs import score",
    ]
    shown = {
        "step": str(run.step),
        "epoch": repr(run.epoch),
        "loss.train": "net.loss(X, t)",
        "score.train": f"score(net.forward(X).y_hat, t, {classes})",
    }
    if run.test is not None:
        lines.append("X_test, t_test = data.X_test, data.t_test")
        shown["loss.test"] = "net.loss(X_test, t_test)"
        shown["score.test"] = f"score(net.forward(X_test).y_hat, t_test, {classes})"
    for layer in range(1, len(run.architecture.dense) + 1):
        shown[f"W{layer}"] = f"net.W[{layer - 1}]"
        shown[f"b{layer}"] = f"net.b[{layer - 1}]"
        shown[f"dL_dW{layer}"] = f"gradients.dL_dW[{layer - 1}]"
        shown[f"dL_db{layer}"] = f"gradients.dL_db[{layer - 1}]"
    return script(imports, lines, shown)


def data_expression(settings: Workshop, table_name: str) -> str:
    """The call that makes the data set."""
    share = f"test_share={settings.test_share!r}, seed={settings.data_seed}"
    if settings.data == "table":
        return f"datasets.table({table_name!r}, {settings.target!r}, {share})"
    if settings.data == "drawn":
        points = ", ".join(listed(point) for point in settings.points)
        return f"datasets.drawn([{points}], {share})"
    return (
        f"datasets.make({settings.data!r}, n={settings.n}, noise={settings.noise!r}, "
        f"classes={settings.classes}, {share})"
    )


def _legs(run: Run) -> list[str]:
    lines: list[str] = []
    settings = run.start
    for number, leg in enumerate(run.legs_here):
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
            lines.append(_train(run, settings, number, leg.n_steps))
    return lines


def _train(run: Run, settings: Workshop, number: int, n_steps: int) -> str:
    per_epoch = -(-len(run.data) // settings.batch_size)
    epochs, rest = divmod(n_steps, per_epoch)
    penalties = [
        f"{name}={getattr(settings, name)!r}" for name in ("l1", "l2") if getattr(settings, name)
    ]
    arguments = [
        "X",
        "t",
        f"cp.{_optimizer(settings)}",
        f"epochs={epochs + (rest > 0)}",
        f"batch_size={settings.batch_size}",
        f"seed={settings.seed + number}",
        f"max_steps={n_steps}" if rest else "",
        f"penalty=cp.Penalty({', '.join(penalties)})" if penalties else "",
    ]
    return f"net.train({', '.join(filter(None, arguments))})"


def _optimizer(settings: Workshop) -> str:
    names = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "nadam": "NAdam"}
    options = [repr(settings.learning_rate)]
    if settings.optimizer == "sgd" and settings.momentum:
        options.append(f"momentum={settings.momentum!r}")
    # AdamW has a decay of its own by default, so that 0 must be said there
    if settings.weight_decay or settings.optimizer == "adamw":
        options.append(f"weight_decay={settings.weight_decay!r}")
    return f"{names[settings.optimizer]}({', '.join(options)})"
