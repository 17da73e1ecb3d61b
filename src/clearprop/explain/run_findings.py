"""Problems of a training run: NaN, a learning rate too high or too low, overfitting."""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array
from clearprop.explain.finding import Finding
from clearprop.explain.net_findings import nonfinite_finding
from clearprop.explain.recorder import Recording

# ℒ over ℒ at the start: it should fall.
NO_PROGRESS = 0.98
ROSE = 1.5
# Oscillation: the fraction of epochs in which the loss rises by more than a tenth.
JUMP, MANY_JUMPS = 1.1, 0.3
EPOCHS_FOR_JUMPS = 10
STEPS_FOR_PROGRESS = 20
# How far the weights move in one step, relative to their size; about 1e-3 is usual.
LARGE_UPDATE, SMALL_UPDATE = 0.1, 1e-6
OVERFITTED = 1.1


def run_findings(recording: Recording) -> list[Finding]:
    """Findings about the course of a run; `net_findings` has those about the final network."""
    found = []
    if recording.nonfinite is not None:
        found.append(nonfinite_finding(recording.nonfinite))
    losses = np.array([line.loss for line in recording.epochs])
    losses = losses[np.isfinite(losses)]
    high = _too_high(recording, losses)
    found += high
    if not high and recording.nonfinite is None:
        found += _no_progress(recording)
    return found + _overfitting(recording)


def updates(recording: Recording) -> dict[int, float]:
    """For each layer l, the median of |ΔW⁽ˡ⁾| / |W⁽ˡ⁾| per step over all records but the first."""
    found = {}
    for dense in range(1, len(recording.architecture.dense) + 1):
        values = recording.series("update", dense)
        values = values[np.isfinite(values)]
        if len(values):
            found[dense] = float(np.median(values))
    return found


def _too_high(recording: Recording, losses: Array) -> list[Finding]:
    """Signs of steps that are too large: ℒ rises, ℒ jumps, weights swing."""
    signs: dict[str, float | int | str] = {}
    first = recording.records[0].loss if recording.records else float("nan")
    if recording.records and recording.records[0].epoch > 0:
        first = float("nan")  # an epoch has passed before the first record
    # a network may by chance begin below the loss of a constant, and rise above it
    start = max(first, best_constant(recording))
    if len(losses) and np.isfinite(first) and losses.max() > ROSE * start > 0:
        worst = int(np.argmax(losses))
        signs |= {
            "ℒ before training": first,
            f"ℒ in epoch {recording.epochs[worst].epoch}": float(losses[worst]),
        }
    if len(losses) >= EPOCHS_FOR_JUMPS:
        later = losses[len(losses) // 4 :]
        jumps = (later[1:] > JUMP * later[:-1]) & (later[1:] > 0.1 * losses[0])
        if jumps.mean() >= MANY_JUMPS:
            signs["epochs that end a tenth above the previous one"] = f"{jumps.mean():.0%}"
    for layer, update in updates(recording).items():
        if len(recording.records) > 2 and update > LARGE_UPDATE:
            signs[f"|ΔW⁽{layer}⁾| / |W⁽{layer}⁾| per step"] = update
    if not signs:
        return []
    rate = next((line.learning_rate for line in recording.epochs), float("nan"))
    return [
        Finding(
            "learning_rate_high",
            "warning",
            "the learning rate is too high",
            "Divide it by 3 to 10, start with a warm-up (WarmUp), or clip the gradient "
            "(clip_norm=1).",
            {**signs, "learning rate": rate},
        )
    ]


def _no_progress(recording: Recording) -> list[Finding]:
    """ℒ of the sample has not fallen, although it could."""
    records = recording.records
    if len(records) < 2 or records[-1].step - records[0].step < STEPS_FOR_PROGRESS:
        return []
    first, last = records[0].loss, min(record.loss for record in records[1:])
    room = best_constant(recording)
    if records[0].epoch > 0 or not last > NO_PROGRESS * first or first < 0.5 * room:
        return []
    sizes = updates(recording)
    fastest = max(sizes.values(), default=float("nan"))
    evidence: dict[str, float | int | str] = {
        "ℒ before training": first,
        "lowest ℒ since": last,
        "steps": records[-1].step,
        "largest |ΔW| / |W| of a layer, per step": fastest,
    }
    if fastest < SMALL_UPDATE:
        return [
            Finding(
                "learning_rate_low",
                "warning",
                "ℒ does not fall: the weights hardly move",
                "Multiply the learning rate by 10 and diagnose again.",
                evidence,
            )
        ]
    return [
        Finding(
            "no_progress",
            "warning",
            "ℒ does not fall",
            "Check whether the network can memorise 10 rows; if not, check the other findings, "
            "the learning rate, and whether rows and targets belong together.",
            evidence,
        )
    ]


def best_constant(recording: Recording) -> float:
    """Approximate ℒ of the best constant prediction, the mean of t."""
    t = recording.data.t.astype(np.float64)
    output = recording.architecture.output
    with np.errstate(all="ignore"):
        z = output.best_constant(t)
    return float(output.loss(np.tile(z, (len(t), 1)), t).mean())


def _overfitting(recording: Recording) -> list[Finding]:
    """The validation loss is past its best while the training loss still falls."""
    lines = [line for line in recording.epochs if line.validation_loss is not None]
    losses = np.array([line.validation_loss for line in lines], dtype=float)
    if len(lines) < EPOCHS_FOR_JUMPS or not np.isfinite(losses).all():
        return []
    best = int(np.argmin(losses))
    if best > 2 * len(lines) // 3 or not losses[-1] > OVERFITTED * losses[best]:
        return []
    if lines[-1].loss >= lines[best].loss or recording.stopped == "patience":
        return []
    return [
        Finding(
            "overfitting",
            "warning",
            f"the network overfits after epoch {lines[best].epoch}",
            "Stop there (Stopping restores the best θ), or use dropout, a penalty on the weights, "
            "a smaller network or more rows.",
            {
                "best validation loss": float(losses[best]),
                "last": float(losses[-1]),
                "training loss then": lines[best].loss,
                "training loss at the end": lines[-1].loss,
            },
        )
    ]
