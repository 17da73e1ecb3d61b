"""Training: the time of a step of `fit` beside the peers', and the limit of the arithmetic."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.cases import CASES, Case
from benchmarks.speed.compare import (
    Table,
    alternate,
    percent,
    ratios,
    shown,
    shown_spread,
    spread,
)
from benchmarks.speed.contestants import TRAINERS, prepare_peers
from benchmarks.speed.machine import product_peak
from benchmarks.speed.settings import Settings, UnavailableError, label, thread_limits


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """Every case in every precision; the limit is of the fastest products of the whole section."""
    peaks = {p: machine[f"{p}_flops_per_second"] for p in settings.precisions}
    records, notes = [], []
    with thread_limits(settings.threads):
        for case in settings.chosen(*CASES):
            for precision in settings.precisions:
                if peaks[precision] is not None:  # the clock of a processor changes
                    peaks[precision] = max(peaks[precision], product_peak(precision) or 0.0)
                measured, trouble = _measure_case(settings, case, precision)
                records += measured
                notes += trouble
    for record in records:
        add_limit(record, peaks[record["precision"]])
    return {"peak_flops_per_second": peaks, "cases": records, "notes": list(dict.fromkeys(notes))}


def _measure_case(
    settings: Settings, case: Case, precision: str
) -> tuple[list[dict[str, Any]], list[str]]:
    X, y = case.data()
    try:
        ours = TRAINERS["clearprop", precision](case, X, y, precision)
    except UnavailableError as error:
        return [], [f"{precision}: {error}"]
    peers, notes = prepare_peers(settings, case, X, y, precision)
    settings.report(f"fit: {case.name} {case.layers}, {precision}, {settings.runs} run(s)")
    return [summary(case, precision, alternate(ours, peers, settings.runs))], notes


def summary(
    case: Case, precision: str, pairs: dict[str, list[tuple[float, float]]]
) -> dict[str, Any]:
    """A case as JSON, from the pairs (our seconds, the peer's) of each peer."""
    ours = [mine for several in pairs.values() for mine, _ in several]
    return {
        "case": case.name,
        "layers": list(case.sizes),
        "batch_size": case.batch_size,
        "rows": case.n_rows,
        "epochs": case.epochs,
        "steps": case.steps,
        "precision": precision,
        "flops_per_step": case.flops_per_step,
        "seconds_per_step": spread([seconds / case.steps for seconds in ours]),
        "peers": [
            {
                "peer": name,
                "seconds_per_step": spread([theirs / case.steps for _, theirs in several]),
                "ratio": spread(ratios(several)),
                # disturbances only make times longer, and hardly ever all of them
                "ratio_of_least": min(p for _, p in several) / min(o for o, _ in several),
                "seconds_of_pairs": several,
            }
            for name, several in pairs.items()
            if name != "clearprop"
        ],
        "seconds": ours,
    }


def add_limit(record: dict[str, Any], flops_per_second: float | None) -> None:
    """What a step would take if it were its matrix products only, and our share of that."""
    limit = None if flops_per_second is None else record["flops_per_step"] / flops_per_second
    record["limit_seconds_per_step"] = limit
    record["share_of_limit"] = limit and limit / record["seconds_per_step"]["median"]


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per case, precision and peer."""
    rows: list[tuple[str, ...]] = []
    for record in result["cases"]:
        names = (record["case"], record["precision"])
        ours = shown(record["seconds_per_step"]["median"], 1e-6)
        limit = (shown(record["limit_seconds_per_step"], 1e-6), percent(record["share_of_limit"]))
        for peer in record["peers"]:
            theirs = shown(peer["seconds_per_step"]["median"], 1e-6)
            times = shown_spread(peer["ratio"])
            who = label(peer["peer"], record["precision"])
            rows.append((*names, who, theirs, ours, *times, *limit))
            names, ours, limit = ("", ""), "", ("", "")
        if not record["peers"]:
            rows.append((*names, "", "", ours, "", "", *limit))
    header = ("case", "precision", "peer", "µs/step", "clearprop", "times as fast", "min … max",
              "limit µs", "share of it")  # fmt: skip
    return [Table("training, the whole of fit", header, rows, 3, tuple(result["notes"]))]
