"""Where the parts of a circuit's diagram go: columns by level, few crossings, wires on tracks.

After Sugiyama, Tagawa and Toda (1981): a net that passes a column gets a place in it as a cell
does; a column is ordered by barycentres; the heights are a least-squares fit that keeps the order.
Between two columns each net has one vertical stroke, on a track where it overlaps no other stroke.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

PIN = 12.0  # the distance between the inputs of a gate
TRACK = 8.0
SWEEPS = 13  # the last sweep is forward, which leaves outputs straight


@dataclass
class Place:
    """A cell, an input, an output or the passage of a net through a column; y is its middle.

    net: the net that it drives or shows. reads: the nets at its inputs, from top to bottom.
    """

    net: str
    height: float
    reads: tuple[str, ...]
    swap: bool = False  # whether the order of its inputs is free
    gap: float = 16.0
    passage: bool = False
    y: float = 0.0

    def pin(self, i: int) -> float:
        """The height of an input."""
        return self.y + (i - (len(self.reads) - 1) / 2) * PIN


@dataclass
class Route:
    """How a net gets from one column to the next. track: the track of its vertical stroke, None for
    a straight line. slanted: whether it has no stroke because tracks cannot keep two nets apart."""

    net: str
    start: float
    ends: list[float]
    track: int | None = None
    slanted: bool = False
    before: set[str] = field(default_factory=set)

    @property
    def span(self) -> tuple[float, float]:
        """The heights between which its vertical stroke runs."""
        return min(self.start, *self.ends), max(self.start, *self.ends)


Columns = list[list[Place]]


def arrange(columns: Columns) -> tuple[Columns, list[list[Route]]]:
    """The columns with passages, in order and with heights, and the routes after each column.

    Each net that is read must be in a column before the column of its first reader.
    """
    columns = _with_passages(columns)
    columns = _ordered(columns)
    for sweep in range(SWEEPS):
        _settle(columns, forward=sweep % 2 == 0)
        for left, right in pairwise(columns):
            _swap_pins(left, right)
    _close_up([place for column in columns for place in column])
    return columns, [_routes(a, b) for a, b in pairwise(columns)]


def _with_passages(columns: Columns) -> Columns:
    last = {net: i for i, column in enumerate(columns) for p in column for net in p.reads}
    out: Columns = []
    passing: list[str] = []
    for i, column in enumerate(columns):
        passing = [net for net in passing if last[net] > i]
        out.append([*column, *(Place(n, 6.0, (n,), gap=5.0, passage=True) for n in passing)])
        passing += [place.net for place in column if last.get(place.net, -1) > i + 1]
    return out


def _ordered(columns: Columns) -> Columns:
    """The order with the fewest crossings among some sweeps forward and back."""
    best, least = columns, _crossings(columns)
    for sweep in range(SWEEPS):
        if sweep % 2 == 0:
            for i in range(1, len(columns)):
                at = {place.net: float(k) for k, place in enumerate(columns[i - 1])}
                near = {place.net: [at[n] for n in place.reads] for place in columns[i]}
                columns = _by_mean(columns, i, near)
        else:
            for i in range(len(columns) - 2, -1, -1):
                readers: dict[str, list[float]] = {}
                for k, place in enumerate(columns[i + 1]):
                    for net in place.reads:
                        readers.setdefault(net, []).append(float(k))
                columns = _by_mean(columns, i, readers)
        crossings = _crossings(columns)
        if crossings < least:
            best, least = columns, crossings
    return best


def _by_mean(columns: Columns, i: int, near: dict[str, list[float]]) -> Columns:
    """Column i in the order of the mean positions of what its places are wired to."""
    keys = []
    for k, place in enumerate(columns[i]):
        others = near.get(place.net, [])
        keys.append((sum(others) / len(others) if others else float(k), k))
    order = [columns[i][k] for _, k in sorted(keys)]
    return [*columns[:i], order, *columns[i + 1 :]]


def _crossings(columns: Columns) -> int:
    total = 0
    for left, right in pairwise(columns):
        at = {place.net: k for k, place in enumerate(left)}
        seen: list[int] = []
        for place in right:
            ends = sorted(at[net] for net in set(place.reads))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _settle(columns: Columns, *, forward: bool) -> None:
    """Move every place as near to where its wires are straight as the order allows."""
    for i in range(len(columns)) if forward else range(len(columns) - 1, -1, -1):
        pulls: dict[int, list[float]] = {id(place): [] for place in columns[i]}
        if i > 0:
            at = {place.net: place.y for place in columns[i - 1]}
            for place in columns[i]:
                for k, net in enumerate(place.reads):
                    pulls[id(place)].append(at[net] - (place.pin(k) - place.y))
        if i + 1 < len(columns):
            by_net = {place.net: place for place in columns[i]}
            for reader in columns[i + 1]:
                for k, net in enumerate(reader.reads):
                    pulls[id(by_net[net])].append(reader.pin(k))
        _spread(columns[i], [_middle(pulls[id(p)], p.y) for p in columns[i]])


def _middle(pulls: list[float], otherwise: float) -> float:
    """The median, so that at least one wire is straight."""
    if not pulls:
        return otherwise
    return sorted(pulls)[(len(pulls) - 1) // 2]


def _spread(column: list[Place], wanted: list[float]) -> None:
    """Set heights in the order of the column, far enough apart, and nearest to the wanted heights
    in least squares (pool adjacent violators)."""
    offset, offsets = 0.0, []
    for k, place in enumerate(column):
        if k:
            above = column[k - 1]
            offset += (above.height + place.height) / 2 + max(above.gap, place.gap)
        offsets.append(offset)
    pools: list[tuple[float, int]] = []  # (mean, how many)
    for want, shift in zip(wanted, offsets, strict=True):
        mean, n = want - shift, 1
        while pools and pools[-1][0] > mean:
            other, m = pools.pop()
            mean, n = (mean * n + other * m) / (n + m), n + m
        pools.append((mean, n))
    means = [mean for mean, n in pools for _ in range(n)]
    for place, mean, shift in zip(column, means, offsets, strict=True):
        place.y = mean + shift


def _close_up(places: list[Place]) -> None:
    """Move the heights to integers from 0 on, without bands that are empty in all columns."""
    spans = [(p.y - (p.height + p.gap) / 2, p.y + (p.height + p.gap) / 2) for p in places]
    order = sorted(range(len(places)), key=lambda k: spans[k][0])
    shift = bottom = spans[order[0]][0]
    for k in order:
        shift += max(0.0, spans[k][0] - bottom)
        bottom = max(bottom, spans[k][1])
        places[k].y = round(places[k].y - shift)


def _swap_pins(left: list[Place], right: list[Place]) -> None:
    """Put the inputs of each gate in the order of the heights that their wires come from."""
    at = {place.net: place.y for place in left}
    for place in right:
        if place.swap:
            place.reads = tuple(sorted(place.reads, key=lambda net: at[net]))


def _routes(left: list[Place], right: list[Place]) -> list[Route]:
    routes = {place.net: Route(place.net, place.y, []) for place in left}
    for place in right:
        for k, net in enumerate(place.reads):
            routes[net].ends.append(place.pin(k))
    used = [route for route in routes.values() if route.ends]
    bent = [r for r in used if any(abs(end - r.start) > 0.1 for end in r.ends)]
    for a in bent:  # b's stroke comes first if b leaves at a height where a arrives
        a.before = {b.net for b in bent if b is not a and any(abs(b.start - y) < 3 for y in a.ends)}
    _assign_tracks(bent)
    return used


def _assign_tracks(bent: Sequence[Route]) -> None:
    tracks: list[list[tuple[float, float]]] = []
    given: dict[str, int] = {}
    left = sorted(bent, key=_leftness)
    while left:
        route = next((r for r in left if r.before <= given.keys()), None)
        if route is None:  # each waits for another
            route = min(left, key=lambda r: len(r.before - given.keys()))
            route.slanted = True
            given[route.net] = -1
        else:
            low, high = route.span
            first = 1 + max((given[net] for net in route.before), default=-1)
            for k in range(first, len(tracks) + 1):
                if k == len(tracks):
                    tracks.append([])
                if all(high + 4 < a or b + 4 < low for a, b in tracks[k]):
                    break
            tracks[k].append((low, high))
            route.track = given[route.net] = k
        left.remove(route)


def _leftness(route: Route) -> tuple[int, float]:
    """Among strokes that go down, the lower come first; among strokes that go up, the upper."""
    down = sum(route.ends) / len(route.ends) > route.start
    return (0, -route.start) if down else (1, route.start)
