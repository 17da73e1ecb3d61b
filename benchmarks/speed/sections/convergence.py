"""The loss at the end of training, ours and PyTorch's: speed must not be bought with it."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.speed import digits, torch_peer
from benchmarks.speed.cases import Case
from benchmarks.speed.compare import Table, standard_error
from benchmarks.speed.estimators import fit, ours
from benchmarks.speed.settings import Settings, UnavailableError, thread_limits
from clearprop._typing import Array

SEEDS, STEPS = 10, 400
NOISE = 0.5  # of the teacher's outputs, so that no network memorises the rows in a few epochs


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """Per case and precision the mean losses over several seeds, and how far apart they are."""
    if not settings.present("torch"):
        raise UnavailableError("PyTorch is not there to compare with")
    records, notes = [], []
    seeds = range(2 if settings.quick else SEEDS)
    with thread_limits(settings.threads):
        for case in settings.chosen("small", "tab"):
            X, y = teacher_data(case)
            short = with_steps(case, 20 if settings.quick else STEPS)
            for precision in settings.precisions:
                settings.report(f"convergence: {case.name}, {precision}, {len(seeds)} seeds")
                try:
                    mine = [our_loss(short, X, y, precision, seed) for seed in seeds]
                except (UnavailableError, ValueError) as error:
                    notes.append(f"{precision}: {error}")
                    continue
                theirs = [torch_loss(short, X, y, precision, seed) for seed in seeds]
                records.append(summary(short, precision, mine, theirs))
        result = {"seeds": len(seeds), "cases": records, "notes": list(dict.fromkeys(notes))}
        if "bfloat16" in {record["precision"] for record in records}:
            settings.report(f"convergence: digits, float32 and bfloat16, {len(seeds)} seeds")
            result["digits"] = digits.measure(len(seeds))
    return result


def with_steps(case: Case, steps: int) -> Case:
    """The case with as many epochs as come next to this number of steps."""
    return replace(case, epochs=max(1, round(steps * case.epochs / case.steps)))


def summary(case: Case, precision: str, ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """The two means with their standard errors; the difference in units of its standard error."""
    errors = standard_error(ours), standard_error(theirs)
    difference, error = fmean(ours) - fmean(theirs), float(np.hypot(*errors))
    return {
        "case": case.name,
        "precision": precision,
        "epochs": case.epochs,
        "steps": case.steps,
        "mean": fmean(ours),
        "standard_error": errors[0],
        "torch_mean": fmean(theirs),
        "torch_standard_error": errors[1],
        "difference": difference,
        "difference_in_standard_errors": difference / error if error > 0 else float("nan"),
        "losses": ours,
        "torch_losses": theirs,
    }


def teacher_data(case: Case) -> tuple[Array, Array]:
    """X and the classes that a random network of the same sizes gives, with noise on its z⁽ᴸ⁾."""
    X, _ = case.data()
    teacher = cp.Network(case.sizes, output="softmax", seed=1, dtype="float32")
    z = teacher.forward(X).z[-1]
    z = z / z.std() + NOISE * np.random.default_rng(2).standard_normal(z.shape)
    return X, z.argmax(axis=1)


def our_loss(case: Case, X: Array, y: Array, precision: str, seed: int) -> float:
    """Our mean cross-entropy over all rows after training, without any penalty."""
    estimator = fit(ours(case, precision, alpha=0.0, random_state=seed), X, y)
    return cross_entropy(estimator.network_, X, y)


def torch_loss(case: Case, X: Array, y: Array, precision: str, seed: int) -> float:
    """The same of PyTorch, which starts from other draws of the same distribution."""
    import torch

    net = torch_peer.network(case.sizes)
    torch.manual_seed(seed)
    for layer in net[::2]:  # the estimator's start: all within ±√(6 / (H_{l−1} + H_l))
        bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
        for parameter in (layer.weight, layer.bias):
            torch.nn.init.uniform_(parameter, -bound, bound)
    data = torch.from_numpy(X), torch.from_numpy(y)
    loss = torch_peer.loss_function(net, precision)
    torch_peer.train(loss, torch_peer.adam(net), *data, case.batch_size, case.epochs)
    copy = cp.Network(case.sizes, output="softmax", dtype="float32")
    for W, b, layer in zip(copy.W, copy.b, net[::2], strict=True):
        W[...], b[...] = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return cross_entropy(copy, X, y)


def cross_entropy(net: cp.Network, X: Array, y: Array) -> float:
    """ℒ by the definition, in float64 whatever the network was trained in."""
    exact = cp.Network.from_theta(net.architecture, net.theta.astype(np.float64))
    return exact.loss(X.astype(np.float64), y)


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per case and precision; and what bfloat16 does to real data."""
    rows = [
        (
            record["case"],
            record["precision"],
            str(record["steps"]),
            _with_error(record["mean"], record["standard_error"]),
            _with_error(record["torch_mean"], record["torch_standard_error"]),
            f"{100 * record['difference'] / record['torch_mean']:+.2f} %",
            f"{record['difference_in_standard_errors']:+.2f}",
        )
        for record in result["cases"]
    ]
    header = (
        "case", "precision", "steps", "clearprop", "PyTorch", "difference", "in standard errors"
    )  # fmt: skip
    title = f"loss at the end of training, mean ± standard error of {result['seeds']} seeds"
    learnt = Table(title, header, rows, 2, tuple(result["notes"]))
    return [learnt, digits.table(result["digits"])] if "digits" in result else [learnt]


def _with_error(mean: float, error: float) -> str:
    return f"{mean:.5f} ± {error:.5f}"
