"""The arithmetic of the report: paired differences, their standard errors, ranks.

For one set and metric, over the n seeds that a peer and the reference have in common, with a and r
the peer's and the reference's values:

    ratio metrics (log-loss, RMSE, MAE)   δ = ln(mean a / mean r)     shown as 100 (exp δ − 1) %
    difference metrics (accuracy, AUC)    δ = mean a − mean r         shown as 100 δ points

with the paired standard error s/√n, where s is the standard deviation of a/mean a − r/mean r or of
a − r (for the ratio by the delta method). Over sets: the mean of δ and its standard error, the
standard deviation of δ over the sets divided by √(number of sets). Splits of one set overlap, so
errors within a set are somewhat too small; the errors over sets are not affected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.tabular.results import Results
from benchmarks.tabular.scores import HIGHER, METRICS


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error (NaN for fewer than two values) and the number of values."""

    mean: float
    error: float
    n: int


NOTHING = Estimate(math.nan, math.nan, 0)


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, s/√n and n of plain values."""
    if not len(values):
        return NOTHING
    v = np.asarray(values, np.float64)
    error = float(v.std(ddof=1) / math.sqrt(v.size)) if v.size > 1 else math.nan
    return Estimate(float(v.mean()), error, v.size)


def values(found: Results, name: str, peer: str, metric: str) -> dict[int, float]:
    """A peer's values of a metric on a set, by seed; failures are not among them."""
    return {
        seed: entry["scores"][metric]
        for (s, seed, p), entry in found.items()
        if s == name and p == peer and metric in entry.get("scores", {})
    }


def failures(found: Results, name: str, peer: str) -> dict[int, str]:
    """What went wrong, by seed."""
    return {
        seed: entry["error"]
        for (s, seed, p), entry in found.items()
        if s == name and p == peer and "error" in entry
    }


def difference(peer: Mapping[int, float], reference: Mapping[int, float], metric: str) -> Estimate:
    """δ and its paired standard error over the common seeds; see above."""
    seeds = sorted(set(peer) & set(reference))
    if not seeds:
        return NOTHING
    a, r = (np.array([side[seed] for seed in seeds]) for side in (peer, reference))
    if METRICS[metric] == HIGHER:
        return estimate(list(a - r))
    if a.mean() <= 0 or r.mean() <= 0:
        return NOTHING  # a ratio with nothing
    spread = estimate(list(a / a.mean() - r / r.mean()))
    return Estimate(float(np.log(a.mean() / r.mean())), spread.error, len(seeds))


def percent(delta: Estimate, metric: str) -> Estimate:
    """δ in per cent (ratio metrics) or points (difference metrics)."""
    if METRICS[metric] == HIGHER:
        return Estimate(100 * delta.mean, 100 * delta.error, delta.n)
    factor = math.exp(delta.mean)
    return Estimate(100 * (factor - 1), 100 * factor * delta.error, delta.n)


def ranks(badness: Mapping[str, float]) -> dict[str, float]:
    """1 for the least value, ties share their mean rank, NaN (a failure) is last."""
    from scipy.stats import rankdata

    order = [math.inf if math.isnan(v) else v for v in badness.values()]
    return dict(zip(badness, map(float, rankdata(order)), strict=True)) if order else {}


def ranks_on(
    found: Results, name: str, peers: Sequence[str], metric: str, reference: str
) -> dict[str, float] | None:
    """The peers' ranks on a set; None if one of them was not run on it.

    Ranked by δ to the reference, paired, so that a peer with fewer seeds is compared on its seeds
    only. A peer with a failure is last, whatever its scores on other seeds.
    """
    reference_values = values(found, name, reference, metric)
    if not reference_values:
        return None
    badness = {}
    for peer in peers:
        delta = difference(values(found, name, peer, metric), reference_values, metric)
        failed = bool(failures(found, name, peer))
        if delta.n == 0 and not failed:
            return None
        sign = -1 if METRICS[metric] == HIGHER else 1
        badness[peer] = math.nan if failed else sign * delta.mean
    return ranks(badness)


def average_ranks(
    found: Results, sets: Sequence[str], peers: Sequence[str], metric: str, reference: str
) -> dict[str, Estimate]:
    """Mean rank over the sets on which all the peers were run."""
    all_ranks = [ranks_on(found, name, peers, metric, reference) for name in sets]
    complete = [ranks for ranks in all_ranks if ranks is not None]
    return {peer: estimate([ranks[peer] for ranks in complete]) for peer in peers}


def complete_peers(
    found: Results, sets: Sequence[str], peers: Sequence[str], metric: str
) -> list[str]:
    """The peers with a value or a failure on every set."""
    return [
        p for p in peers if all(values(found, s, p, metric) or failures(found, s, p) for s in sets)
    ]


def mean_difference(
    found: Results, sets: Sequence[str], peer: str, metric: str, reference: str
) -> tuple[Estimate, int, int]:
    """(mean δ over sets, sets where the peer is behind, sets where it is ahead, by 2 errors).

    A set where one side has no value, because it failed or was not run, is left out.
    """
    deltas = differences(found, sets, peer, metric, reference)
    sign = -1 if METRICS[metric] == HIGHER else 1
    behind = sum(sign * d.mean > 2 * d.error for d in deltas)  # false for a single seed
    ahead = sum(sign * d.mean < -2 * d.error for d in deltas)
    return estimate([d.mean for d in deltas]), behind, ahead


def differences(
    found: Results, sets: Sequence[str], peer: str, metric: str, reference: str
) -> list[Estimate]:
    """δ on each set where both sides have values."""
    deltas = [
        difference(values(found, s, peer, metric), values(found, s, reference, metric), metric)
        for s in sets
    ]
    return [d for d in deltas if d.n]


def seconds(found: Results, name: str, peer: str, what: str) -> float:
    """Median of "fit" or "predict" over the seeds, in processor seconds; NaN without a result."""
    times = [
        entry["times"][f"{what}_cpu"]
        for (s, _, p), entry in found.items()
        if s == name and p == peer and "times" in entry
    ]
    return float(np.median(times)) if times else math.nan
