"""Pictures of how well a model predicts: confusion matrix, calibration, residuals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.explain.picture import COLOURS, MARKERS, Picture, colour_map, drawing


def plot_confusion_matrix(
    t: npt.ArrayLike, predicted: npt.ArrayLike, *, names: Sequence[str] | None = None
) -> Picture:
    """The number of rows of each true class (down) and each predicted class (across).

    t, predicted: class labels (N,) of any kind. names: names of the classes in sorted order. The
    shade of a cell shows its fraction of the row. Raises ValueError for arrays that do not fit.
    """
    t, predicted = _vector("t", t), _vector("predicted", predicted)
    _same_length(t, predicted)
    labels = np.unique(np.concatenate([t, predicted]))
    names = [str(label) for label in labels.tolist()] if names is None else list(names)
    if len(names) != len(labels):
        raise ValueError(f"names must have {len(labels)} entries, one per class; got {len(names)}")
    k = len(labels)
    counts = np.zeros((k, k), dtype=np.int64)
    np.add.at(counts, (np.searchsorted(labels, t), np.searchsorted(labels, predicted)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(max(3.4, 1.6 + 0.55 * k), 12)
    with drawing(size + 0.9, size) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if k <= 25:
            for i, j in np.ndindex(k, k):
                dark = shares[i, j] > 0.55
                axes.text(
                    j, i, f"{counts[i, j]:,}", ha="center", va="center", fontsize=9,
                    color="white" if dark else "black",
                )  # fmt: skip
        turned = max(map(len, names)) > 3 and k > 4
        axes.set_xticks(
            range(k), names, rotation=45 if turned else 0, ha="right" if turned else "center"
        )
        axes.set_yticks(range(k), names)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.set_title(
            f"{np.trace(counts) / max(counts.sum(), 1):.1%} of {len(t):,} rows are right"
        )
        figure.colorbar(image, ax=axes, label="fraction of the true class", shrink=0.8)
    return Picture(figure)


def plot_calibration(
    t: npt.ArrayLike,
    y_hat: npt.ArrayLike,
    *,
    names: Sequence[str] | None = None,
    bins: int = 10,
) -> Picture:
    """The observed frequency of a class against the probability that the model predicts.

    t: (N,) classes 0 … K − 1 with y_hat (N, K), or 0/1 with y_hat (N,) or (N, 1). The rows are
    split by ŷ into `bins` with equal numbers of rows; an error bar is two standard errors of the
    frequency. A calibrated model lies on the diagonal. The number beside a class is the expected
    calibration error, the mean distance from the diagonal. Raises ValueError for data that do not
    fit.
    """
    t, y_hat = _vector("t", t), np.asarray(y_hat, dtype=np.float64)
    if y_hat.ndim == 2 and y_hat.shape[1] == 1:
        y_hat = y_hat[:, 0]
    _same_length(t, y_hat)
    if not ((y_hat >= 0) & (y_hat <= 1)).all():
        raise ValueError("y_hat must be probabilities between 0 and 1")
    if y_hat.ndim == 1:
        series = [("", t == 1, y_hat)]
    else:
        K = y_hat.shape[1]
        names = [f"class {k}" for k in range(K)] if names is None else list(names)
        if len(names) != K:
            raise ValueError(f"names must have {K} entries, one per class; got {len(names)}")
        series = [(names[k], t == k, y_hat[:, k]) for k in range(K)]
    with drawing(5.4, 5.4) as figure:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        axes.plot([0, 1], [0, 1], color="#777777", lw=1, ls=":")
        for k, (name, true, p) in enumerate(series):
            mean, share, error, ece = calibration(true, p, bins)
            colour = COLOURS[k % len(COLOURS)]
            axes.errorbar(
                mean, share, yerr=2 * error, color=colour, marker=MARKERS[k % len(MARKERS)], ms=5,
                lw=1.2, elinewidth=0.8, capsize=2, label=f"{name or 'ŷ'}: {ece:.3f}",
            )  # fmt: skip
            below.hist(p, bins=np.linspace(0, 1, 41), histtype="step", color=colour)
        axes.set_ylim(-0.03, 1.03)
        axes.set_ylabel("observed frequency")
        axes.set_title("Calibration (expected calibration error)")
        axes.legend()
        below.set_xlim(-0.02, 1.02)
        below.set_yscale("log")
        below.set_ylabel("rows")
        below.set_xlabel("probability ŷ")
    return Picture(figure)


def calibration(true: Array, p: Array, bins: int = 10) -> tuple[Array, Array, Array, float]:
    """For bins with equal numbers of rows: mean ŷ, frequency, its standard error; and the ECE."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(p))) if len(part)]
    n = np.array([len(part) for part in parts])
    mean = np.array([p[part].mean() for part in parts])
    share = np.array([true[part].mean() for part in parts])
    error = np.sqrt(share * (1 - share) / n)
    return mean, share, error, float((np.abs(share - mean) * n).sum() / n.sum())


def plot_residuals(t: npt.ArrayLike, y_hat: npt.ArrayLike) -> Picture:
    """The errors of a regression: t against ŷ, t − ŷ against ŷ, and the distribution of t − ŷ.

    t, y_hat: (N,), or (N, K) with one colour per output.
    """
    t, y_hat = (np.asarray(a, dtype=np.float64) for a in (t, y_hat))
    t, y_hat = (a[:, None] if a.ndim == 1 else a for a in (t, y_hat))
    if t.shape != y_hat.shape or t.ndim != 2:
        raise ValueError(f"t and y_hat must have the same shape; got {t.shape} and {y_hat.shape}")
    residual = t - y_hat
    K = t.shape[1]
    bins = 40 if np.ptp(residual) > 1e-9 * np.abs(residual).max() else 1
    dots = {
        "s": 9,
        "alpha": float(np.clip(300 / len(t), 0.15, 0.8)),
        "linewidths": 0,
        "rasterized": True,
    }
    with drawing(9.6, 3.4) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 0.8])
        for k, colour in enumerate(colour_map(K)):
            label = f"output {k}" if K > 1 else None
            left.scatter(y_hat[:, k], t[:, k], color=colour, label=label, **dots)
            middle.scatter(y_hat[:, k], residual[:, k], color=colour, **dots)
            right.hist(residual[:, k], bins=bins, color=colour, alpha=0.6, orientation="horizontal")
        low, high = min(t.min(), y_hat.min()), max(t.max(), y_hat.max())
        left.plot([low, high], [low, high], color="#555555", lw=1, ls=":")
        middle.axhline(0, color="#555555", lw=1, ls=":")
        right.axhline(0, color="#555555", lw=1, ls=":")
        left.set(xlabel="ŷ", ylabel="t")
        spread = float(((t - t.mean(axis=0)) ** 2).sum())
        r2 = 1 - float((residual**2).sum()) / spread if spread else float("nan")
        left.set_title(f"R² {r2:.3f}")
        middle.set(xlabel="ŷ", ylabel="t − ŷ")
        middle.set_title(f"root mean square {np.sqrt((residual**2).mean()):.3g}")
        right.set(xlabel="rows")
        right.set_title(f"mean {residual.mean():.3g}")
        if K > 1:
            left.legend(markerscale=2)
    return Picture(figure)


def _vector(argument: str, values: npt.ArrayLike) -> Array:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"{argument} must have shape (N,); got {array.shape}")
    return array


def _same_length(t: Array, other: Array) -> None:
    if len(t) != len(other):
        raise ValueError(f"t has {len(t)} rows, but the predictions have {len(other)}")
