"""The probabilities of all rows of a case in one call."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.speed.cases import CASES
from benchmarks.speed.compare import (
    Table,
    alternate,
    ratios,
    seconds_of_a_call,
    shown,
    shown_spread,
    spread,
)
from benchmarks.speed.contestants import PREDICTORS
from benchmarks.speed.estimators import fitted
from benchmarks.speed.settings import Settings, label, thread_limits


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """For each case the pairs (ours, the peer's) of seconds of a call."""
    records = []
    with thread_limits(settings.threads):
        for case in settings.chosen(*CASES):
            settings.report(f"batch: {case.name}, {case.n_rows:,} rows")
            X, _ = case.data()
            model = fitted(case)
            runs = {
                name: seconds_of_a_call(partial(PREDICTORS[name](model, case), X))
                for name in ("clearprop", *settings.present(*PREDICTORS))
            }
            pairs = alternate(runs.pop("clearprop"), runs, settings.runs)
            records.append(
                {
                    "case": case.name,
                    "rows": case.n_rows,
                    "seconds": spread([ours for several in pairs.values() for ours, _ in several]),
                    "peers": [
                        {
                            "peer": name,
                            "seconds": spread([theirs for _, theirs in several]),
                            "ratio": spread(ratios(several)),
                            "seconds_of_pairs": several,
                        }
                        for name, several in pairs.items()
                        if name != "clearprop"
                    ],
                }
            )
    return {"cases": records}


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per case and peer."""
    rows: list[tuple[str, ...]] = []
    for record in result["cases"]:
        names = (record["case"], f"{record['rows']:,}")
        ours = shown(record["seconds"]["median"], 1e-3)
        for peer in record["peers"]:
            theirs = shown(peer["seconds"]["median"], 1e-3)
            rows.append((*names, label(peer["peer"]), theirs, ours, *shown_spread(peer["ratio"])))
            names, ours = ("", ""), ""
        if not record["peers"]:
            rows.append((*names, "", "", ours, "", ""))
    header = ("case", "rows", "peer", "ms", "clearprop", "times as fast", "min … max")
    return [Table("prediction, predict_proba of all rows", header, rows, 3)]
