"""Signs that scores are too good: a column that gives the target away, and copies of rows.

Both are looked for in the matrix of the inputs, before training, in a time that is small beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop._typing import Array
from clearprop.tables.frames import shown
from clearprop.tabular.inputs import TableInputs

LEAST_ROWS, MOST_ROWS = 200, 10_000  # a half of them learns, the other half judges
ENTRIES = 400_000  # of the columns at these rows, at most
ENTRIES_PER_SECOND = 300_000  # of the time limit: about 5 % of the time
LEAST_WRONG = 25  # of the judging rows, by the best constant
ALMOST = 0.99  # of the constant's errors are avoided, or
ALMOST_R2 = 0.995  # of the variance of the target's ranks is explained
MOST_COLUMNS = 3  # more columns that predict the target show that it is easy
COPIED = 0.05  # of the rows are copies of others
LEAST_COPIED = 20
MOST_NUMBERS = 20  # that are looked at
DISTINCT = 0.5  # of different rows have different values of a number: such rows do not recur
CHUNK_BYTES = 2**24


def telling_columns(
    inputs: TableInputs,
    matrix: Array,
    y: Array,
    *,
    classes: bool,
    seed: int,
    time_limit: float | None = None,
) -> list[str]:
    """The names of the columns that alone predict the target almost perfectly.

    For classes, a column avoids 99 % of the errors of the best constant on rows that it was not
    fitted to. For a quantity, it explains 99.5 % of the variance of its ranks. A column is taken as
    a number, predicted by the nearest value, or as a category, predicted by its most frequent class
    or its mean. The result is empty for small tables and if many columns do so, as then the
    target is easy.

    matrix (N, D): the inputs. y (N,): numbers of classes, or a quantity. time_limit: of the whole
    fit; with a short one, fewer rows are looked at.
    """
    entries = ENTRIES if time_limit is None else min(ENTRIES, int(ENTRIES_PER_SECOND * time_limit))
    n = min(len(matrix), MOST_ROWS, max(LEAST_ROWS, entries // max(1, len(inputs.columns))))
    if n < LEAST_ROWS or len(inputs.columns) < 2:
        return []
    rows = np.random.default_rng(seed).permutation(len(matrix))[:n]
    half = n // 2
    y = y[rows]
    y = np.unique(y, return_inverse=True)[1] if classes else _ranks(y)
    own, other = y[:half], y[half:]
    if classes:
        wrong = np.count_nonzero(other != np.bincount(own).argmax())
        if wrong < LEAST_WRONG:
            return []
    elif len(np.unique(y)) < LEAST_WRONG:
        return []

    def is_telling(prediction: Array) -> bool:
        if classes:
            return bool(np.count_nonzero(prediction != other) <= (1 - ALMOST) * wrong)
        residual = np.mean((prediction - other) ** 2)
        return bool(residual <= (1 - ALMOST_R2) * other.var())

    found = []
    for column, places in zip(inputs.columns, inputs.places, strict=True):
        values = matrix[np.ix_(rows, places)]
        n_numbers = len(column.numbers)
        as_categories = [values, values[:, n_numbers:]] if 0 < n_numbers < len(places) else [values]
        x = values[:, 0] if n_numbers else None
        if any(map(is_telling, _predictions(x, as_categories, own, classes))):
            found.append(column.name)
    too_many = len(found) > min(MOST_COLUMNS, len(inputs.columns) // 2)
    return [] if too_many else found


def _predictions(
    x: Array | None, as_categories: list[Array], own: Array, classes: bool
) -> Iterator[Array]:
    """Predictions for the second half of the rows from y of the first half, `own` (h,).

    x (n,): a number, or None. as_categories: matrices of which each different row is a category.
    """
    half = len(own)
    for values in as_categories:
        codes = np.unique(_row_hashes(values), return_inverse=True)[1]
        n_codes = int(codes.max()) + 1
        if n_codes > half // 2:
            continue
        counts = np.bincount(codes[:half], minlength=n_codes)
        if classes:
            n_classes = int(own.max()) + 1
            table = np.bincount(codes[:half] * n_classes + own, minlength=n_codes * n_classes)
            best = table.reshape(n_codes, n_classes).argmax(axis=1)
            best[counts == 0] = np.bincount(own).argmax()
        else:
            best = np.bincount(codes[:half], own, minlength=n_codes) / np.maximum(counts, 1)
            best[counts == 0] = own.mean()
        yield best[codes[half:]]
    if x is not None:
        order = np.argsort(x[:half], kind="stable")
        known, new = x[order], x[half:]
        right = np.minimum(np.searchsorted(known, new), half - 1)
        left = np.maximum(right - 1, 0)
        nearest = np.where(np.abs(new - known[left]) <= np.abs(known[right] - new), left, right)
        yield own[order][nearest]


def share_of_copies(inputs: TableInputs, matrix: Array) -> float:
    """The share of the rows whose inputs are exactly those of another row; 0 if it is natural.

    Copies are natural in small numbers, and where no two numbers tell rows apart: a number does so
    if it has different values in most of the different rows, also in most of those that are copied.
    """
    if len(matrix) < LEAST_ROWS:
        return 0.0
    _, first, counts = np.unique(_row_hashes(matrix), return_index=True, return_counts=True)
    copied = int(counts[counts > 1].sum())
    if copied < max(LEAST_COPIED, COPIED * len(matrix)):
        return 0.0
    different, recurring = matrix[np.sort(first)[:MOST_ROWS]], matrix[first[counts > 1][:MOST_ROWS]]
    n_telling = 0
    for place in range(min(inputs.sizes[0], MOST_NUMBERS)):
        n_telling += all(
            len(np.unique(rows[:, place])) >= DISTINCT * len(rows)
            for rows in (different, recurring)
        )
    return copied / len(matrix) if n_telling > 1 else 0.0


def _row_hashes(matrix: Array) -> Array:
    """A number of 64 bits for each row (N,), the same for equal rows."""
    n, width = matrix.shape
    factors = np.random.default_rng(0).integers(0, 2**64, width, np.uint64) | np.uint64(1)
    hashes = np.empty(n, np.uint64)
    step = max(1, CHUNK_BYTES // (8 * max(1, width)))
    for begin in range(0, n, step):
        part = np.ascontiguousarray(matrix[begin : begin + step] + np.float32(0))  # −0 becomes 0
        hashes[begin : begin + step] = part.view(np.uint32).astype(np.uint64) @ factors
    return hashes


def _ranks(y: Array) -> Array:
    from scipy.stats import rankdata

    ranks: Array = rankdata(y)
    return ranks


def leak_message(names: list[str]) -> str:
    """What a warning says about these columns."""
    listed = ", ".join(map(shown, names))
    subject = f"column {listed} alone" if len(names) == 1 else f"columns {listed}: each alone"
    return (
        f"{subject} predicts the target almost perfectly. If its value is not known when "
        "predictions are made, or only numbers the rows, leave it out: "
        f'kinds={{{names[0]!r}: "ignore"}}, --ignore'
    )


def copies_message(share: float) -> str:
    """What a warning says about this share of the rows."""
    return (
        f"{share:.0%} of the rows have the same inputs as another row, which makes scores on "
        "held-out rows too good. If they belong together, name their groups: groups=, or --group"
    )
