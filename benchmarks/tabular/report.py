"""The report: tables in Markdown, and a picture."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.tabular import summary
from benchmarks.tabular.peers import PEERS
from benchmarks.tabular.results import Results
from benchmarks.tabular.scores import HIGHER, METRICS
from benchmarks.tabular.sets import CLASSIFICATION, PARTS, REGRESSION, SETS

LABELS = {
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "auc": "AUC",
    "rmse": "RMSE",
    "mae": "MAE",
}
OF_TASK = {CLASSIFICATION: ("log_loss", "accuracy", "auc"), REGRESSION: ("rmse", "mae")}
NOMINAL = 0.9  # of predict_interval(0.1)
MANY_ROWS = 5_000  # from this size of a set on, the time of a fit is compared with RealMLP-TD


def markdown(found: Results, sets: Sequence[str], peers: Sequence[str], reference: str) -> str:
    """All tables. Sets without any result, and peers without any, are left out."""
    peers = [p for p in peers if any(key[2] == p for key in found)]
    sets = [s for s in sets if any(key[0] == s and key[2] in peers for key in found)]
    if not peers or not sets:
        return "No results.\n"
    parts = [_contents(found, sets), _seeds(found, peers)]
    for metric in ("log_loss", "accuracy", "rmse"):
        task = CLASSIFICATION if metric in OF_TASK[CLASSIFICATION] else REGRESSION
        for part in PARTS:
            chosen = [s for s in sets if SETS[s].part == part and SETS[s].task == task]
            parts.append(_overall(found, chosen, peers, metric, reference, part))
    for metric in METRICS:
        parts.append(_each_set(found, sets, peers, metric))
    parts.append(_intervals(found, sets, peers))
    for what in ("fit", "predict"):
        parts.append(_times(found, sets, peers, what))
    if "realmlp" in peers and reference != "realmlp":
        parts.append(_speed(found, sets, reference, "realmlp"))
    parts.append(_failures(found, sets, peers))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, with the first column aligned left and the other columns right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(x: float, digits: int = 4) -> str:
    """A number with so many significant digits; – for NaN."""
    if math.isnan(x):
        return "–"
    if x == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(x)))
    return f"{round(x, places):,.{max(places, 0)}f}"


def _with_error(e: summary.Estimate, places: int = 1, sign: str = "+") -> str:
    if e.n == 0 or math.isnan(e.mean):
        return "–"
    error = "" if math.isnan(e.error) else f" ± {e.error:.{places}f}"
    return f"{e.mean:{sign}.{places}f}{error}"


def _contents(found: Results, sets: Sequence[str]) -> str:
    rows = [
        [s.name, s.part, str(s.n), str(s.d), str(s.K or "–"), s.special, s.source, s.licence]
        for s in (SETS[name] for name in sets)
    ]
    head = ["set", "part", "rows", "columns", "classes", "notes", "source", "licence"]
    return f"### Datasets\n\n{table(head, rows)}"


def _seeds(found: Results, peers: Sequence[str]) -> str:
    rows = []
    for p in peers:
        entries = [entry for key, entry in found.items() if key[2] == p]
        seeds = sorted({entry["seed"] for entry in entries})
        versions = sorted({entry["version"] for entry in entries if "version" in entry})
        n_failed = sum("error" in entry for entry in entries)
        rows.append(
            [PEERS[p].label, ", ".join(versions), ", ".join(map(str, seeds)), str(len(entries)),
             str(n_failed), PEERS[p].note]
        )  # fmt: skip
    return "### Contestants\n\n" + table(
        ["", "version", "seeds", "fits", "failed", "input preparation"], rows
    )


def _overall(
    found: Results,
    sets: Sequence[str],
    peers: Sequence[str],
    metric: str,
    reference: str,
    part: str,
) -> str:
    """One part's average ranks and mean differences to the reference."""
    ran = {(s, p) for s, _, p in found}
    peers = [p for p in peers if any((s, p) in ran for s in sets)]
    if not peers:
        return ""
    complete = summary.complete_peers(found, sets, peers, metric)
    ranks_of_complete = summary.average_ranks(found, sets, complete, metric, reference)
    ranks_of_all = summary.average_ranks(found, sets, peers, metric, reference)
    unit = "points" if METRICS[metric] == HIGHER else "%"
    rows = []
    for p in peers:
        delta, behind, ahead = summary.mean_difference(found, sets, p, metric, reference)
        known = p != reference and delta.n > 0
        rows.append(
            [
                PEERS[p].label,
                _with_error(ranks_of_complete.get(p, summary.NOTHING), 2, ""),
                *([_with_error(ranks_of_all[p], 2, "")] if complete != list(peers) else []),
                _with_error(summary.percent(delta, metric)) if known else "–",
                _median(found, sets, p, metric, reference) if known else "–",
                f"{behind} / {ahead} of {delta.n}" if known else "–",
            ]
        )
    name, of = LABELS[metric], PEERS[reference].label
    n_all = ranks_of_all[peers[0]].n
    head = [
        f"{name}, {PARTS[part]}",
        f"average rank, {len(sets)} sets",
        *([f"rank on the {n_all} sets that all ran"] if complete != list(peers) else []),
        f"mean difference from {of} ({unit})",
        f"median ({unit})",
        "behind / ahead by 2 standard errors",
    ]
    return (
        f"### {name.capitalize() if name != 'RMSE' else name}: {PARTS[part]}\n\n{table(head, rows)}"
    )


def _median(found: Results, sets: Sequence[str], peer: str, metric: str, reference: str) -> str:
    """Of the differences on the sets; unlike the mean not ruled by a single disaster."""
    deltas = summary.differences(found, sets, peer, metric, reference)
    middle = summary.Estimate(statistics.median(d.mean for d in deltas), math.nan, len(deltas))
    return _with_error(summary.percent(middle, metric))


def _each_set(found: Results, sets: Sequence[str], peers: Sequence[str], metric: str) -> str:
    """Means over a peer's seeds; the best value of a set is bold."""
    rows = []
    for s in sets:
        estimates = {
            p: summary.estimate(list(summary.values(found, s, p, metric).values())) for p in peers
        }
        means = [e.mean for e in estimates.values() if e.n]
        if metric not in OF_TASK[SETS[s].task] or not means:
            continue
        best = max(means) if METRICS[metric] == HIGHER else min(means)
        cells = []
        for p, e in estimates.items():
            cell = number(e.mean) if e.n else "–"
            cell = f"**{cell}**" if e.n and e.mean == best else cell
            cells.append(cell + (" failed" if summary.failures(found, s, p) else ""))
        rows.append([f"{s} ({SETS[s].part})", *cells])
    if not rows:
        return ""
    head = [LABELS[metric], *(PEERS[p].label for p in peers)]
    return f"### {LABELS[metric]} on every dataset\n\n{table(head, rows)}"


def _intervals(found: Results, sets: Sequence[str], peers: Sequence[str]) -> str:
    rows = []
    for s in sets:
        for p in peers:
            coverage = summary.estimate(list(summary.values(found, s, p, "coverage").values()))
            width = summary.estimate(list(summary.values(found, s, p, "width").values()))
            if coverage.n:
                percent = summary.Estimate(100 * coverage.mean, 100 * coverage.error, coverage.n)
                off = abs(coverage.mean - NOMINAL) > 0.02
                rows.append(
                    [f"{s} ({SETS[s].part})", PEERS[p].label, _with_error(percent, 1, ""),
                     number(width.mean, 3), "off by more than 2 points" if off else ""]
                )  # fmt: skip
    if not rows:
        return ""
    head = ["set", "", "coverage (%)", "width / standard deviation of y", ""]
    return f"### Intervals of {NOMINAL:.0%}\n\n{table(head, rows)}"


def _times(found: Results, sets: Sequence[str], peers: Sequence[str], what: str) -> str:
    rows = [[s, *(number(summary.seconds(found, s, p, what), 2) for p in peers)] for s in sets]
    head = ["set", *(PEERS[p].label for p in peers)]
    return f"### Seconds of {what} (processor time, medians)\n\n{table(head, rows)}"


def _speed(found: Results, sets: Sequence[str], reference: str, other: str) -> str:
    """How long a fit takes both, on sets of 5,000 rows or more."""
    rows = []
    for s in sets:
        ours, theirs = (summary.seconds(found, s, p, "fit") for p in (reference, other))
        if SETS[s].n >= MANY_ROWS and not math.isnan(ours + theirs):
            times = f"{theirs / ours:.1f}"
            rows.append([s, f"{SETS[s].n:,}", number(ours, 2), number(theirs, 2), times])
    if not rows:
        return ""
    head = ["set", "rows", PEERS[reference].label, PEERS[other].label, "times as fast"]
    title = f"### Fit on {MANY_ROWS:,} rows and more, beside {PEERS[other].label}"
    return f"{title} (processor time, medians)\n\n{table(head, rows)}"


def _failures(found: Results, sets: Sequence[str], peers: Sequence[str]) -> str:
    rows = [
        [s, PEERS[p].label, str(seed), error.replace("|", "\\|")]
        for s in sets
        for p in peers
        for seed, error in summary.failures(found, s, p).items()
    ]
    return f"### Failures\n\n{table(['set', '', 'seed', 'error'], rows)}" if rows else ""


def plot(
    found: Results, sets: Sequence[str], peers: Sequence[str], reference: str, path: str
) -> None:
    """Dots: log-loss or RMSE of each set, relative to the reference. Bars: mean ± error."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    others = [p for p in peers if p != reference]
    figure, axes = plt.subplots(1, 2, figsize=(10, 0.7 * len(others) + 1.6), sharey=True)
    for ax, metric in zip(axes, ("log_loss", "rmse"), strict=True):
        for row, peer in enumerate(others):
            for offset, part in zip((-0.25, 0, 0.25), PARTS, strict=True):
                chosen = [s for s in sets if SETS[s].part == part]
                _dots(ax, found, chosen, peer, metric, reference, row + offset, part)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_xlabel(f"{LABELS[metric]} in excess of {PEERS[reference].label} (%)")
        ax.set_xlim(-45, 105)
    axes[0].set_yticks(range(len(others)), [PEERS[p].label for p in others])
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    seen = dict(zip(labels, handles, strict=True))
    axes[1].legend(seen.values(), seen.keys(), loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


COLOURS = {"tuning": "tab:orange", "test": "tab:blue", "fresh": "tab:green"}


def _dots(
    ax: Any, found: Results, sets: Sequence[str], peer: str, metric: str, reference: str,
    height: float, part: str,
) -> None:  # fmt: skip
    """Values beyond the picture's right or left edge are drawn at the edge as triangles."""
    for s in sets:
        ours, theirs = (summary.values(found, s, p, metric) for p in (reference, peer))
        delta = summary.difference(theirs, ours, metric)
        if delta.n:
            x = summary.percent(delta, metric).mean
            inside = min(max(x, -43), 103)
            marker = "o" if inside == x else (">" if x > 0 else "<")
            ax.plot(inside, height, marker, color=COLOURS[part], alpha=0.45, markersize=4)
    mean = summary.percent(summary.mean_difference(found, sets, peer, metric, reference)[0], metric)
    if mean.n:
        inside = min(max(mean.mean, -43), 103)
        ax.errorbar(
            inside,
            height,
            xerr=None if math.isnan(mean.error) else mean.error,
            fmt="D",
            color=COLOURS[part],
            capsize=3,
            markersize=5,
            label=f"{PARTS[part]}, mean ± standard error",
        )
