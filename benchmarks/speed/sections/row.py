"""The probabilities of one row, for the small network 20-100-3: the time of a call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.speed.cases import CASES
from benchmarks.speed.compare import (
    Table,
    ratios,
    rounds,
    seconds_of_a_call,
    shown,
    shown_spread,
    spread,
)
from benchmarks.speed.contestants import PREDICTORS
from benchmarks.speed.estimators import fitted
from benchmarks.speed.settings import Settings, label, thread_limits


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """Of each contestant the seconds of a call, in rounds."""
    case = CASES["small"]
    X, _ = case.data()
    model = fitted(case)
    calls: dict[str, Callable[[], object]] = {}
    notes = []
    settings.tell("row: one at a time")
    with thread_limits(1):
        if hasattr(model.network_, "predictor"):
            calls["predictor"] = partial(model.network_.predictor(), X[0])
        else:
            notes.append("net.predictor() is not available in this version of clearprop")
        for name in ("clearprop", *settings.present(*PREDICTORS)):
            calls[name] = partial(PREDICTORS[name](model, case), X[:1])
        seconds = rounds(
            {name: seconds_of_a_call(call) for name, call in calls.items()}, settings.runs
        )
    records = [
        {
            "who": name,
            "seconds": spread(values),
            "ratio": spread(ratios(zip(seconds["clearprop"], values, strict=True))),
            "seconds_of_runs": values,
        }
        for name, values in seconds.items()
    ]
    return {"case": case.name, "who": records, "notes": notes}


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per contestant."""
    rows = [
        (
            "clearprop predict_proba" if record["who"] == "clearprop" else label(record["who"]),
            *shown_spread(record["seconds"], 1e-6),
            shown(record["ratio"]["median"]),
        )
        for record in result["who"]
    ]
    header = ("", "µs", "min … max", "predict_proba = 1")
    return [Table(f"one row, {result['case']}", header, rows, notes=tuple(result["notes"]))]
