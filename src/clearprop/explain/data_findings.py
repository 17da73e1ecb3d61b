"""Problems in the data before any network sees them: inputs and targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.embeddings import Embedding, EmbeddingBag, Parallel, PiecewiseLinear
from clearprop.explain.finding import Finding
from clearprop.outputs import Logistic, Output, Softmax

# The usual initial weights suit inputs of size around 1, but not sizes beyond these.
LARGE_INPUT = 10.0
SMALL_INPUT = 0.01
FAR_FROM_ZERO = 10.0  # |mean| / standard deviation
LARGE_TARGET = 100.0
# Rows of the most common class over the rarest, and the number of rows needed to report it.
IMBALANCE = 20.0
ROWS_FOR_CLASSES = 50
ROWS_PER_CLASS = 10
NAMED = 5  # number of columns that a message names


def takes_any_scale(architecture: Architecture) -> Array:
    """Which columns of X a layer bends or looks up, so that their scale does not matter, (D,)."""
    first, kinds = architecture.layers[0], (PiecewiseLinear, Embedding, EmbeddingBag)
    if isinstance(first, Parallel):
        parts = [np.full(part.n_in or 0, isinstance(part, kinds)) for part in first.layers]
        return np.concatenate(parts)
    return np.full(architecture.n_inputs, isinstance(first, kinds))


def input_findings(
    X: Array, names: Sequence[str] | None = None, scaled: Array | None = None
) -> list[Finding]:
    """NaN and infinity, constant columns, unscaled columns; X: (N, D) dense.

    scaled: (D,), columns that may have any scale; None for none.
    """
    found: list[Finding] = []
    scaled = np.zeros(X.shape[1], bool) if scaled is None else scaled
    finite = np.isfinite(X)
    if not finite.all():
        rows, columns = np.nonzero(~finite)
        found.append(
            Finding(
                "nonfinite_input",
                "error",
                f"X has NaN or infinity in {columns_text(np.unique(columns), names)}",
                "Fill in the missing values (with the mean of the column, and add a column that "
                "marks them), or leave the rows out.",
                {
                    "values": int((~finite).sum()),
                    "first row": int(rows[0]),
                    "its column": int(columns[0]),
                },
                where=_ints(np.unique(columns)),
            )
        )
        X, scaled = X[:, finite.all(axis=0)], scaled[finite.all(axis=0)]
        names = (
            None if names is None else [names[int(j)] for j in np.flatnonzero(finite.all(axis=0))]
        )
    if len(X) < 2 or X.shape[1] == 0:
        return found
    X = X.astype(np.float64, copy=False)
    with np.errstate(all="ignore"):  # squares may overflow, and are then large enough
        mean, deviation = X.mean(axis=0), X.std(axis=0)
        size = np.sqrt(mean**2 + deviation**2)
    constant = X.min(axis=0) == X.max(axis=0)
    if constant.any():
        columns = np.flatnonzero(constant)
        found.append(
            Finding(
                "constant_input",
                "note",
                f"X is constant in {columns_text(columns, names)}",
                "Leave constant columns out: a bias has the same effect.",
                {"constant columns": len(columns), "all columns": X.shape[1]},
                where=_ints(columns),
            )
        )
    far = (np.abs(mean) > FAR_FROM_ZERO * deviation) & (np.abs(mean) > 1)
    wrong = (
        ~constant & ~scaled & ((size > LARGE_INPUT) | (np.abs(X).max(axis=0) < SMALL_INPUT) | far)
    )
    if wrong.any():
        columns = np.flatnonzero(wrong)
        worst = columns[np.argmax(np.abs(np.log(np.maximum(size[columns], 1e-300))))]
        found.append(
            Finding(
                "unscaled_input",
                "warning",
                f"X is not scaled in {columns_text(columns, names)}",
                "Standardise the columns: subtract the mean of the training rows and divide by "
                "their standard deviation.",
                {
                    "columns": len(columns),
                    "worst": name_of(int(worst), names),
                    "its mean": float(mean[worst]),
                    "its standard deviation": float(deviation[worst]),
                },
                where=_ints(columns),
            )
        )
    return found


def target_findings(output: Output, t: Array, names: Sequence[str] | None = None) -> list[Finding]:
    """Missing and rare classes, constant targets, unscaled targets; t: (N, K), encoded."""
    if not np.isfinite(t).all():
        row = int(np.argmin(np.isfinite(t).all(axis=1)))
        return [
            Finding(
                "nonfinite_target",
                "error",
                "t has NaN or infinity",
                "Leave out the rows without a target.",
                {"rows": int((~np.isfinite(t).all(axis=1)).sum()), "first row": row},
                where=(row,),
            )
        ]
    if len(t) < 2:
        return []
    if isinstance(output, Softmax):
        found = []
        for group in output.groups(t.shape[1]):
            inside = None if names is None else list(names)[group]
            counts = t[:, group].sum(axis=0, dtype=np.float64)
            share = output.label_smoothing / len(counts)
            found += _classes(_unsmoothed(counts, len(t), share), len(t), inside)
        return found
    if isinstance(output, Logistic):
        found = []
        for k in range(t.shape[1]):
            zeros_and_ones = np.array([(1 - t[:, k]).sum(), t[:, k].sum()], dtype=np.float64)
            counts = _unsmoothed(zeros_and_ones, len(t), output.label_smoothing / 2)
            if t.shape[1] == 1:
                what = ["0", "1"] if names is None else list(names)
            else:
                label = f"output {k}" if names is None else names[k]
                what = [f"{label} = 0", f"{label} = 1"]
            found += _classes(counts, len(t), what)
        return found
    return _numbers(output, t)


def _classes(counts: Array, n: int, names: Sequence[str] | None) -> list[Finding]:
    """Findings from the number of rows of each class."""
    labels = [str(k) for k in range(len(counts))] if names is None else list(names)
    present = counts > 0
    advice = "Check how the table was made; a network cannot learn a class that it never sees."
    if present.sum() <= 1:
        label = labels[int(np.argmax(counts))]
        return [
            Finding(
                "constant_target",
                "error",
                f"all rows are of class {label}",
                advice,
                {"rows": n, "class": label},
            )
        ]
    found = []
    if not present.all() and n >= ROWS_PER_CLASS * len(counts):
        missing = np.flatnonzero(~present)
        found.append(
            Finding(
                "missing_class",
                "warning",
                f"no row is of class {', '.join(labels[k] for k in missing[:NAMED])}"
                + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""),
                advice,
                {"rows": n, "classes": len(counts), "missing": len(missing)},
                where=_ints(missing),
            )
        )
    rare, common = counts[present].min(), counts.max()
    if n >= ROWS_FOR_CLASSES and common >= IMBALANCE * rare:
        k = int(np.flatnonzero(present)[np.argmin(counts[present])])
        found.append(
            Finding(
                "imbalance",
                "warning",
                f"class {labels[k]} is rare compared with class {labels[int(np.argmax(counts))]}",
                "Do not judge by accuracy alone (use balanced accuracy, the confusion matrix), and "
                "weight the rows with class_weight='balanced' or sample_weight.",
                {
                    "rows of the rarest class": float(rare),
                    "rows of the most common class": float(common),
                },
                where=(k,),
            )
        )
    return found


def _unsmoothed(counts: Array, n: int, share: float) -> Array:
    """The number of rows of each class, with the effect of label smoothing removed."""
    return np.round((counts - n * share) / (1 - len(counts) * share), 3)


def _numbers(output: Output, t: Array) -> list[Finding]:
    found = []
    constant = np.flatnonzero(t.min(axis=0) == t.max(axis=0))
    if len(constant):
        found.append(
            Finding(
                "constant_target",
                "error",
                f"the target is the same in all rows, in {columns_text(constant, None)}",
                "There is nothing to learn; check how the table was made.",
                {"rows": len(t), "value": float(t[0, constant[0]])},
                where=_ints(constant),
            )
        )
    with np.errstate(over="ignore"):
        size = np.sqrt((t.astype(np.float64) ** 2).mean(axis=0))
    large = np.flatnonzero(size > LARGE_TARGET)
    if len(large) and output.unit != "exponential":
        k = int(large[np.argmax(size[large])])
        found.append(
            Finding(
                "unscaled_target",
                "warning",
                f"the target is not scaled in {columns_text(large, None)}",
                "Standardise the target for training and undo this in prediction; otherwise ∂ℒ/∂z "
                "is as large as the target.",
                {"mean": float(t[:, k].mean()), "standard deviation": float(t[:, k].std())},
                where=_ints(large),
            )
        )
    return found


def columns_text(columns: Array, names: Sequence[str] | None) -> str:
    """Column 3, or columns 3, 4 and 7 more."""
    listed = ", ".join(name_of(int(j), names) for j in columns[:NAMED])
    if len(columns) > NAMED:
        listed += f" and {len(columns) - NAMED} more"
    return ("column " if len(columns) == 1 else "columns ") + listed


def name_of(column: int, names: Sequence[str] | None) -> str:
    return str(column) if names is None else str(names[column])


def _ints(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(v) for v in values)
