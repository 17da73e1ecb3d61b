"""Problems in the data before any network sees them: inputs and targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.embeddings import Embedding, EmbeddingBag, Parallel, PiecewiseLinear
from clearprop.explain.finding import Finding
from clearprop.explain.known_findings import LIMITS, known_finding
from clearprop.outputs import Logistic, Output, Softmax


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
            known_finding(
                "nonfinite_input",
                {"values": int((~finite).sum()), "row": int(rows[0]), "column": int(columns[0])},
                where=_ints(np.unique(columns)),
                columns=columns_text(np.unique(columns), names),
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
            known_finding(
                "constant_input",
                {"constant": len(columns), "all": X.shape[1]},
                where=_ints(columns),
                columns=columns_text(columns, names),
            )
        )
    far = (np.abs(mean) > LIMITS["far_from_zero"] * deviation) & (np.abs(mean) > 1)
    large, small = size > LIMITS["large_input"], np.abs(X).max(axis=0) < LIMITS["small_input"]
    wrong = ~constant & ~scaled & (large | small | far)
    if wrong.any():
        columns = np.flatnonzero(wrong)
        worst = columns[np.argmax(np.abs(np.log(np.maximum(size[columns], 1e-300))))]
        found.append(
            known_finding(
                "unscaled_input",
                {
                    "columns": len(columns),
                    "worst": name_of(int(worst), names),
                    "mean": float(mean[worst]),
                    "deviation": float(deviation[worst]),
                },
                where=_ints(columns),
                columns=columns_text(columns, names),
            )
        )
    return found


def target_findings(output: Output, t: Array, names: Sequence[str] | None = None) -> list[Finding]:
    """Missing and rare classes, constant targets, unscaled targets; t: (N, K), encoded."""
    if not np.isfinite(t).all():
        row = int(np.argmin(np.isfinite(t).all(axis=1)))
        return [
            known_finding(
                "nonfinite_target",
                {"rows": int((~np.isfinite(t).all(axis=1)).sum()), "row": row},
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
    if output.unit == "logistic":
        found, smoothing = [], output.label_smoothing if isinstance(output, Logistic) else 0.0
        for k in range(t.shape[1]):
            zeros_and_ones = np.array([(1 - t[:, k]).sum(), t[:, k].sum()], dtype=np.float64)
            counts = _unsmoothed(zeros_and_ones, len(t), smoothing / 2)
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
    if present.sum() <= 1:
        label = labels[int(np.argmax(counts))]
        return [known_finding("constant_class", {"rows": n, "class": label}, label=label)]
    found = []
    if not present.all() and n >= LIMITS["rows_per_class"] * len(counts):
        missing = np.flatnonzero(~present)
        found.append(
            known_finding(
                "missing_class",
                {"rows": n, "classes": len(counts), "missing": len(missing)},
                where=_ints(missing),
                labels=_listed([labels[k] for k in missing]),
            )
        )
    rare, common = counts[present].min(), counts.max()
    if n >= LIMITS["rows_for_classes"] and common >= LIMITS["imbalance"] * rare:
        k = int(np.flatnonzero(present)[np.argmin(counts[present])])
        found.append(
            known_finding(
                "imbalance",
                {"rare": float(rare), "common": float(common)},
                where=(k,),
                rare=labels[k],
                common=labels[int(np.argmax(counts))],
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
            known_finding(
                "constant_target",
                {"rows": len(t), "value": float(t[0, constant[0]])},
                where=_ints(constant),
                columns=columns_text(constant, None),
            )
        )
    with np.errstate(over="ignore"):
        size = np.sqrt((t.astype(np.float64) ** 2).mean(axis=0))
    large = np.flatnonzero(size > LIMITS["large_target"])
    if len(large) and output.unit != "exponential":
        k = int(large[np.argmax(size[large])])
        found.append(
            known_finding(
                "unscaled_target",
                {"mean": float(t[:, k].mean()), "deviation": float(t[:, k].std())},
                where=_ints(large),
                columns=columns_text(large, None),
            )
        )
    return found


def columns_text(columns: Array, names: Sequence[str] | None) -> str:
    """Column 3, or columns 3, 4 and 7 more."""
    listed = _listed([name_of(int(j), names) for j in columns])
    return ("column " if len(columns) == 1 else "columns ") + listed


def _listed(names: Sequence[str]) -> str:
    """a, b, c, d, e and 7 more."""
    most = int(LIMITS["named"])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def name_of(column: int, names: Sequence[str] | None) -> str:
    return str(column) if names is None else str(names[column])


def _ints(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(v) for v in values)
