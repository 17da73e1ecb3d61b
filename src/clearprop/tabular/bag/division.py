"""How rows are divided into rows that train and rows that judge: at random, by groups, or by time.

At random, each partition deals the rows to four folds, classes evenly. With groups, it deals whole
groups, so that no group is on both sides. With times, a member must not train on rows that are
later than the rows that judge it. So two kinds of members train side by side:

- Judges train on the earlier rows and predict the next ones: the first half and then one, two,
  three eighths more, each time followed by an eighth that is predicted. They choose the epoch and
  estimate the score, but are not kept, since they lack the latest rows.
- The members that are kept train on all rows, and stop at the epoch that the judges chose. No row
  is held out from them, so they judge nothing.

Sources: scikit-learn's StratifiedGroupKFold for dealing groups one by one, the largest first;
Tashman 2000 (forecasts from a growing series of the past, "rolling origin").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.tabular.bag.folds import N_FOLDS, Fold, fold_of, folds

ONE_BY_ONE = 10_000  # groups that are dealt one by one; smaller groups are dealt in turn
PAST = 0.5  # of the rows, that the first judge trains on
MOST_JUDGES = 2 * N_FOLDS  # each judged row is predicted twice, as calibration needs
GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Division:
    """What decides which rows are held out together; all None: rows are divided at random.

    strata (n,): classes whose shares each fold keeps as far as possible.
    groups (n,): the numbers of groups, from 0, each of which is held out as a whole.
    times (n,): whole numbers in the order of time; judged rows are later than training rows.
    """

    strata: Array | None = None
    groups: Array | None = None
    times: Array | None = None

    def rows(self, rows: Array) -> Division:
        """The same for some of the rows."""
        strata, groups, times = (
            None if values is None else values[rows]
            for values in (self.strata, self.groups, self.times)
        )
        if groups is not None:
            groups = np.unique(groups, return_inverse=True)[1]
        return Division(strata, groups, times)

    def for_speed(self, n: int) -> Division:
        """For n rows whose training is only timed: as many members, but no groups."""
        return replace(self, groups=None, times=None if self.times is None else np.arange(n))

    @property
    def at_once(self) -> int:
        """Members that are left out together if time is short."""
        return N_FOLDS if self.times is None else 2 * N_FOLDS

    def folds(
        self, n: int, n_members: int, rng: np.random.Generator, *, only_judges: bool = False
    ) -> list[Fold]:
        """A fold for each of n_members; with times the judges are in front of the members that
        they judge, four at a time, or there are only n_members judges.
        """
        if self.times is not None:
            return _folds_by_time(self.times, n_members, only_judges=only_judges)
        if self.groups is not None:
            return _folds_of_groups(self.groups, n_members, rng, self.strata)
        return folds(n, n_members, rng, self.strata)


AT_RANDOM = Division()


def _folds_of_groups(
    groups: Array, n_members: int, rng: np.random.Generator, strata: Array | None
) -> list[Fold]:
    """Independent partitions of the groups into four, or into as many as there are groups."""
    k = min(N_FOLDS, int(groups.max()) + 1)
    result: list[Fold] = []
    while len(result) < n_members:
        number = deal_groups(groups, np.full(k, 1 / k), rng, strata)[groups]
        partition = len(result) // N_FOLDS
        result += [
            fold_of(number == fold, partition) for fold in range(min(k, n_members - len(result)))
        ]
    return result


def deal_groups(
    groups: Array, shares: Array, rng: np.random.Generator, strata: Array | None = None
) -> Array:
    """Deal groups to folds whose shares of the rows, and of each class, are near these (k,).

    groups (n,): the number of each row's group, from 0. strata (n,): classes, or None.
    Returns the fold of each group (G,). No fold is empty if there are as many groups as folds.
    The larger half of a size goes first, in random order; a group goes to the fold where
    Σ (count − target)² / target, over the classes and the rows, grows least.
    """
    sizes = np.bincount(groups)
    rows = np.argsort(groups, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    codes = (
        np.zeros(len(groups), np.intp)
        if strata is None
        else np.unique(strata, return_inverse=True)[1]
    )
    codes = codes.reshape(-1)[rows]
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-np.floor(np.log2(sizes[order])), kind="stable")]
    first, others = order[:ONE_BY_ONE], order[ONE_BY_ONE:]
    dealt = np.zeros(len(sizes), np.intp)

    target = np.outer(shares, np.bincount(codes))
    gap = -target
    n_classes = target.shape[1]
    rows_target = shares * len(groups)
    rows_gap = -rows_target
    empty = np.ones(len(shares), bool)
    for left, group in zip(range(len(order), 0, -1), first, strict=False):
        own = codes[starts[group] : starts[group + 1]]
        classes, counts = (
            np.unique(own, return_counts=True) if n_classes > 1 else (own[:1], np.array([len(own)]))
        )
        size = len(own)
        cost = ((2 * gap[:, classes] + counts) * counts / target[:, classes]).sum(axis=1)
        cost += n_classes * (2 * rows_gap + size) * size / rows_target
        if left <= np.count_nonzero(empty):
            cost[~empty] = np.inf
        fold = int(cost.argmin())
        dealt[group] = fold
        gap[fold, classes] += counts
        rows_gap[fold] += size
        empty[fold] = False
    if len(others):  # many small groups: every stretch of them is dealt in proportion
        others = others[np.argsort(codes[starts[others]], kind="stable")]
        places = (np.arange(len(others)) * GOLDEN + rng.uniform()) % 1
        dealt[others] = np.minimum(
            np.searchsorted(np.cumsum(shares), places, "right"), len(shares) - 1
        )
    return dealt


def windows(times: Array) -> list[tuple[Array, Array]]:
    """The rows (training, judged) of each judge, the latest first; rows of one time stay together.

    There are four, or fewer if there are few different times, which have to be at least two.
    """
    n = len(times)
    order = np.argsort(times, kind="stable")
    ends = np.flatnonzero(np.diff(times[order])) + 1  # where a new time begins
    wanted = n * (PAST + (1 - PAST) * np.arange(N_FOLDS) / N_FOLDS)
    cuts = np.unique(ends[np.abs(ends - wanted[:, None]).argmin(axis=1)])
    stops = [*cuts[1:], n]
    found = [
        (np.sort(order[:cut]), np.sort(order[cut:stop]))
        for cut, stop in zip(cuts, stops, strict=True)
    ]
    return found[::-1]


def cut_by_time(times: Array, share: float) -> Array:
    """Which rows (n,) are among the latest, about this share of all; rows of one time together.

    At least one time is not among them.
    """
    n = len(times)
    ordered = np.sort(times)
    ends = np.append(np.flatnonzero(np.diff(ordered)) + 1, n)
    cut = ends[np.abs(ends - (1 - share) * n).argmin()]
    late: Array = times > ordered[cut - 1]
    return late


def _folds_by_time(times: Array, n_members: int, *, only_judges: bool) -> list[Fold]:
    n = len(times)
    every, nothing = np.arange(n), np.arange(0)
    of_judges = [Fold(train, held, kept=False) for train, held in windows(times)]
    whole = Fold(every, nothing)
    for fold in (*of_judges, whole):
        fold.train.flags.writeable = fold.held.flags.writeable = False
    if only_judges:
        return [of_judges[i % len(of_judges)] for i in range(n_members)]
    result: list[Fold] = []
    for begin in range(0, n_members, N_FOLDS):
        partition, size = begin // N_FOLDS, min(N_FOLDS, n_members - begin)
        judging = range(begin, min(begin + size, MOST_JUDGES))
        result += [replace(of_judges[i % len(of_judges)], partition=partition) for i in judging]
        result += [replace(whole, partition=partition)] * size
    return result
