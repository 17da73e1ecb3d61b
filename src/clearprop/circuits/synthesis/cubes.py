"""Two-level logic: a truth table as a short sum of products, and the cells that compute it.

A cube is a product of literals: for each input, 0 (it must be 0), 1, or None (it does not matter).
A cover is a set of cubes whose OR is the function; it may be 0 or 1 on rows that do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from clearprop.circuits.synthesis.covering import cheapest_cover
from clearprop.circuits.truth import Table, as_table

Cube = tuple[int | None, ...]

EXACT_INPUTS = 12  # the most for which all primes are listed and an exact cover is tried
ROUNDS = 4  # of reducing and expanding without an improvement, after which the search ends


@dataclass(frozen=True)
class Cover:
    """cubes: their OR is the function. minimal: whether the cover is proved to have the fewest
    cubes, and the fewest literals among such covers."""

    cubes: tuple[Cube, ...]
    minimal: bool

    @property
    def literals(self) -> int:
        """The number of literals of all cubes."""
        return sum(value is not None for cube in self.cubes for value in cube)


def minimise(table: Table) -> list[Cube]:
    """The cubes of a short sum of products of a truth table; see `cover`.

    >>> minimise([0, 0, 0, 1, 0, 1, 1, 1])
    [(None, 1, 1), (1, None, 1), (1, 1, None)]
    """
    return list(cover(table).cubes)


def cover(table: Table) -> Cover:
    """A cover with few cubes and few literals: it covers every row that is 1 and no row that is 0.

    table: 2^n entries 0, 1 or None (−1 in an array of integers), counting up with the first input
    as the highest digit; n ≤ 16. Up to 12 inputs, the covering problem over all prime implicants is
    solved exactly if a fixed number of steps suffices. Otherwise the cubes are expanded, made
    irredundant, reduced, and expanded again. Every cover is checked against every row.
    Raises ValueError for a table of another form.
    Source: Quine, McCluskey (1956); Brayton et al., Logic Minimization Algorithms for VLSI
    Synthesis (1984).
    """
    f = as_table(table)
    n = len(f).bit_length() - 1
    on, allowed = f == 1, f != 0
    if allowed.all() or not on.any():
        return Cover(((None,) * n,) if on.any() else (), True)
    free, fixed = _search(on, allowed, n)
    minimal = False
    if n <= EXACT_INPUTS:
        primes = _prime_implicants(on, allowed, n)
        cost = _cost(primes[0], n, len(f))
        chosen, minimal = cheapest_cover(_rows_of(*primes), on, cost)
        if minimal or (len(chosen) and cost[chosen].sum() < _cost(free, n, len(f)).sum()):
            free, fixed = primes[0][chosen], primes[1][chosen]
    _verify(free, fixed, on, allowed)
    cubes = [_cube(int(a), int(b), n) for a, b in zip(free, fixed, strict=True)]
    return Cover(tuple(sorted(cubes, key=_by_digits)), minimal)


def evaluate_cubes(cubes: Iterable[Cube], n: int) -> Array:
    """The truth table, bool (2^n,), of the OR of the cubes."""
    value = np.zeros((2,) * n, bool)
    for cube in cubes:
        if len(cube) != n:
            raise ValueError(f"cubes must have {n} inputs; got {cube!r}")
        value[tuple(slice(None) if v is None else v for v in cube)] = True
    return value.reshape(-1)


def cubes_to_cells(
    cubes: Sequence[Cube], inputs: Sequence[str], output: str, taken: Iterable[str] = ()
) -> tuple[Cell, ...]:
    """Cells that compute the OR of the cubes on the net `output`: a NOT for each input that is
    needed inverted, an AND for each cube of several literals, and an OR.

    taken: names that the nets in between may not have, besides the inputs and the output.
    """
    return _cells(inputs, {output: cubes}, taken)


def sum_of_products(
    inputs: Sequence[str], outputs: Mapping[str, Sequence[Cube]], name: str = "circuit"
) -> Circuit:
    """A circuit of NOT, AND and OR for several functions of the same inputs, which share inverters
    and common cubes."""
    cells = _cells(inputs, outputs, ())
    return Circuit(tuple(inputs), tuple(outputs), cells, name)


def _cells(
    inputs: Sequence[str], outputs: Mapping[str, Sequence[Cube]], taken: Iterable[str]
) -> tuple[Cell, ...]:
    names = {*taken, *inputs, *outputs}
    made: dict[tuple[str, tuple[str, ...]], str] = {}
    cells: list[Cell] = []

    def add(kind: str, nets: tuple[str, ...], wanted: str) -> str:
        if (kind, nets) not in made:
            made[kind, nets] = _fresh(wanted, names)
            cells.append(Cell(made[kind, nets], kind, nets))
        return made[kind, nets]

    for output, cubes in outputs.items():
        terms: list[tuple[str, ...]] = []
        for cube in cubes:
            if len(cube) != len(inputs):
                raise CircuitError(f"a cube of {output!r} must have {len(inputs)} inputs", output)
            terms.append(
                tuple(
                    net if value else add("not", (net,), f"{net}_not")
                    for net, value in zip(inputs, cube, strict=True)
                    if value is not None
                )
            )
        if () in terms:  # an empty product is 1, an empty sum 0
            cells.append(Cell(output, "const1", ()))
        elif not terms:
            cells.append(Cell(output, "const0", ()))
        elif len(terms) == 1:
            cells.append(Cell(output, "and" if len(terms[0]) > 1 else "buf", terms[0]))
        else:
            nets = tuple(
                add("and", term, f"{output}_{i + 1}") if len(term) > 1 else term[0]
                for i, term in enumerate(terms)
            )
            cells.append(Cell(output, "or", nets))
    return tuple(cells)


def _fresh(wanted: str, names: set[str]) -> str:
    """`wanted`, with a number if it is among the names; the result is added to them."""
    name, i = wanted, 1
    while name in names:
        i += 1
        name = f"{wanted}_{i}"
    names.add(name)
    return name


# Cubes as integers: a mask of the free inputs, and the values of the fixed inputs. The bit of the
# first input is the highest of n, as in the numbers of the rows.


def _cube(free: int, fixed: int, n: int) -> Cube:
    bits = range(n - 1, -1, -1)
    return tuple(None if free >> i & 1 else fixed >> i & 1 for i in bits)


def _by_digits(cube: Cube) -> tuple[int, ...]:
    return tuple(-1 if v is None else v for v in cube)


def _cost(free: Array, n: int, most: int) -> Array:
    """A cost that means "fewest cubes, then fewest literals", for at most `most` cubes."""
    literals = [n - int(mask).bit_count() for mask in free]
    return n * most + 1 + np.array(literals, np.int64)


def _rows(free: int, fixed: int) -> Array:
    """The numbers of the rows in a cube."""
    rows = np.array([fixed], np.int64)
    while free:
        low = free & -free
        rows = np.concatenate([rows, rows | low])
        free ^= low
    return rows


def _rows_of(free: Array, fixed: Array) -> list[Array]:
    return [_rows(int(a), int(b)) for a, b in zip(free, fixed, strict=True)]


def _prime_implicants(on: Array, allowed: Array, n: int) -> tuple[Array, Array]:
    """(free, fixed) of all primes that cover a row that is 1, from the table over {0, 1, −}^n."""
    implicant, useful = allowed.reshape((2,) * n), on.reshape((2,) * n)
    for axis in range(n):
        low, high = implicant.take([0], axis), implicant.take([1], axis)
        implicant = np.concatenate([low, high, low & high], axis)
        low, high = useful.take([0], axis), useful.take([1], axis)
        useful = np.concatenate([low, high, low | high], axis)
    prime = implicant & useful
    for axis in range(n):
        larger = implicant.take([2], axis)
        prime &= ~np.concatenate([larger, larger, np.zeros_like(larger)], axis)
    digits = np.argwhere(prime)
    weights = 1 << np.arange(n - 1, -1, -1)
    return (digits == 2) @ weights, (digits == 1) @ weights


def _search(on: Array, allowed: Array, n: int) -> tuple[Array, Array]:
    """(free, fixed) of an irredundant cover by primes: expand, make irredundant, reduce, repeat."""
    neighbours = sum(
        (allowed[np.arange(len(on)) ^ (1 << i)].astype(np.int64) for i in range(n)),
        np.zeros(len(on), np.int64),
    )
    times = np.zeros(len(on), np.int32)  # how many cubes cover each row that is 1
    cubes: list[tuple[int, int]] = []
    starts = np.flatnonzero(on)
    for row in starts[np.argsort(neighbours[starts], kind="stable")].tolist():
        if not times[row]:  # the rows with the fewest allowed neighbours come first
            cube = _expand(row, 0, allowed, on & (times == 0), n)
            cubes.append(cube)
            times[_rows(*cube)] += 1
    cubes = _irredundant(cubes, times, on)
    best, without_gain = cubes, 0
    while without_gain < ROUNDS and len(best) > 1:
        cubes = _irredundant(_again(cubes, times, on, allowed, n), times, on)
        better = _total(cubes, n) < _total(best, n)
        best, without_gain = (cubes, 0) if better else (best, without_gain + 1)
    pairs = np.array(best, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _total(cubes: list[tuple[int, int]], n: int) -> tuple[int, int]:
    return len(cubes), sum(n - free.bit_count() for free, _ in cubes)


def _expand(row: int, must: int, allowed: Array, weight: Array, n: int) -> tuple[int, int]:
    """(free, fixed) of the prime that contains `row`, leaves the inputs of the mask `must` free,
    and has the greatest sum of weight; of several such primes, the one with the fewest literals.

    Computed for all sets R of inputs at once: the cube with R free is an implicant if all rows
    row ^ s, s ⊆ R, are allowed, and its weight is their sum. The result is prime because no larger
    implicant has the same weight.
    """
    rows = _rows(must, row & ~must).astype(np.int32)
    ways = [1 << i for i in range(n) if not must >> i & 1 and allowed[rows ^ (1 << i)].all()]
    if not ways:
        return must, row & ~must
    sets, sizes = np.zeros(1, np.int32), np.zeros(1, np.int32)
    for bit in ways:
        sets, sizes = np.concatenate([sets, sets | bit]), np.concatenate([sizes, sizes + 1])
    held = sets[:, None] ^ rows
    good, total = allowed[held].all(axis=1), weight[held].sum(axis=1, dtype=np.int32)
    for j in range(len(ways)):
        halves = good.reshape(-1, 2, 1 << j)
        halves[:, 1] &= halves[:, 0]
        sums = total.reshape(-1, 2, 1 << j)
        sums[:, 1] += sums[:, 0]
    score = total * (n + 1) + sizes
    free = must | int(sets[np.argmax(np.where(good, score, -1))])
    return free, row & ~free


def _irredundant(cubes: list[tuple[int, int]], times: Array, on: Array) -> list[tuple[int, int]]:
    """The cubes, without cubes whose rows others cover as well; small cubes are dropped first."""
    kept = []
    for cube in sorted(cubes, key=lambda cube: cube[0].bit_count()):
        rows = _rows(*cube)
        rows = rows[on[rows]]
        if (times[rows] > 1).all():
            times[_rows(*cube)] -= 1
        else:
            kept.append(cube)
    return kept


def _again(
    cubes: list[tuple[int, int]], times: Array, on: Array, allowed: Array, n: int
) -> list[tuple[int, int]]:
    """Each cube is reduced to the rows that it alone covers, and expanded towards rows that only
    one other cube covers, so that the other cube may become redundant."""
    out = []
    for cube in sorted(cubes, key=lambda cube: -cube[0].bit_count()):
        rows = _rows(*cube)
        times[rows] -= 1
        alone = rows[on[rows] & (times[rows] == 0)]
        if len(alone):
            must = int(np.bitwise_or.reduce(alone ^ alone[0]))
            out.append(_expand(int(alone[0]), must, allowed, on & (times == 1), n))
            times[_rows(*out[-1])] += 1
    return out


def _verify(free: Array, fixed: Array, on: Array, allowed: Array) -> None:
    value = np.zeros(len(on), bool)
    for rows in _rows_of(free, fixed):
        value[rows] = True
    if (on & ~value).any() or (value & ~allowed).any():
        raise AssertionError("the cover does not compute its table")
