"""The probabilities of one row: of the network 20-100-3, and of models of the census table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.speed import census
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
from benchmarks.speed.settings import Settings, UnavailableError, label, thread_limits

ROW = 3  # of the census table


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """Of each contestant the seconds of a call, in rounds."""
    case = CASES["small"]
    X, _ = case.data()
    model = fitted(case)
    calls: dict[str, Callable[[], object]] = {}
    notes = []
    settings.report("row: one at a time")
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
    return {
        "case": case.name,
        "who": records,
        "notes": notes,
        "census": measure_census(settings),
    }


def measure_census(settings: Settings) -> dict[str, Any]:
    """Of each model the seconds of a call with a data frame of one row, and with its values."""
    try:
        X, y = census.read(quick=settings.quick)
    except UnavailableError as error:
        return {"who": [], "notes": [str(error)]}
    calls: dict[str, Callable[[], object]] = {}  # by the name of the model and what it is given
    models = ("clearprop", *settings.present(*census.MODELS))
    with thread_limits(1):
        for name in models:
            settings.report(f"row: {label(name)} learns the census table")
            found = census.MODELS[name](X, y, ROW, quick=settings.quick)
            calls[f"{name} frame"] = found.frame
            if found.values is not None:
                calls[f"{name} values"] = found.values
        settings.report("row: one at a time")
        seconds = rounds(
            {key: seconds_of_a_call(call) for key, call in calls.items()}, settings.runs
        )
    records = []
    for name in models:
        pairs = zip(seconds["clearprop frame"], seconds[f"{name} frame"], strict=True)
        record: dict[str, Any] = {"who": name, "ratio": spread(ratios(pairs))}
        for way in ("frame", "values"):
            if f"{name} {way}" in seconds:
                values = seconds[f"{name} {way}"]
                record[way] = {**spread(values), "seconds_of_runs": values}
        records.append(record)
    return {"who": records, "rows": len(X), "columns": X.shape[1], "notes": []}


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per contestant: of the network, and of the census table."""
    rows = [
        (
            "clearprop predict_proba" if record["who"] == "clearprop" else label(record["who"]),
            *shown_spread(record["seconds"], 1e-6),
            shown(record["ratio"]["median"]),
        )
        for record in result["who"]
    ]
    header = ("", "µs", "min … max", "predict_proba = 1")
    network = Table(f"one row, {result['case']}", header, rows, notes=tuple(result["notes"]))
    return [network, _census_table(result["census"])]


def _census_table(result: dict[str, Any]) -> Table:
    rows = [
        (
            label(record["who"]),
            *shown_spread(record["frame"], 1e-6),
            shown(record["ratio"]["median"]),
            *(shown_spread(record["values"], 1e-6) if "values" in record else ("–", "–")),
        )
        for record in result["who"]
    ]
    header = ("", "frame µs", "min … max", "clearprop = 1", "values µs", "min … max")
    return Table("one row, census table", header, rows, notes=tuple(result["notes"]))
