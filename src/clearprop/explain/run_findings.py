"""Problems of a training run: NaN, a learning rate too high or too low, overfitting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.engines.nonfinite import NonFinite
from clearprop.explain.finding import Finding
from clearprop.explain.known_findings import LIMITS, evidence_name, known_finding
from clearprop.explain.net_findings import nonfinite_finding
from clearprop.explain.recorder import Recording


@dataclass(frozen=True, eq=False)
class RunCourse:
    """What is judged of a run.

    epochs (n,), losses (n,): ℒ in or after some epochs. validation (n,): ℒ of other rows there, NaN
    where it is unknown; empty without any. first: ℒ before training, NaN if unknown. lowest: the
    lowest ℒ after the first step, NaN if unknown; over `n_steps` steps. constant: approximately ℒ
    of the best constant prediction. updates: layer → median of |ΔW⁽ˡ⁾| / |W⁽ˡ⁾| per step, of
    `n_updates` of them. stopped: why the run ended.
    """

    epochs: Array
    losses: Array
    validation: Array
    first: float
    lowest: float
    n_steps: int
    constant: float
    updates: Mapping[int, float]
    n_updates: int
    learning_rate: float
    nonfinite: NonFinite | None = None
    stopped: str = ""


def run_findings(recording: Recording) -> list[Finding]:
    """Findings about the course of a run; `net_findings` has those about the final network."""
    course = course_of(recording)
    return [*rate_findings(course), *overfitting(course)]


def course_of(recording: Recording, by_records: bool | None = None) -> RunCourse:
    """The course of a recorded run.

    by_records: whether ℒ is that of the records, or that of the epochs as training reported it;
    None: of the records if the recorder has validation rows of its own.
    """
    records, lines = recording.records, recording.epochs
    known_start = bool(records) and records[0].epoch == 0
    first = records[0].loss if known_start else float("nan")
    later = records[1:] if known_start else ()
    if by_records is None:
        by_records = any(record.validation_loss is not None for record in records)
    shown = later if by_records else lines
    validation = [each.validation_loss for each in shown]
    if any(value is None for value in validation):
        validation = []
    return RunCourse(
        epochs=np.array([each.epoch for each in shown], dtype=int),
        losses=np.array([each.loss for each in shown], dtype=float),
        validation=np.array(validation, dtype=float),
        first=first,
        lowest=min((record.loss for record in later), default=float("nan")),
        n_steps=records[-1].step - records[0].step if records else 0,
        constant=best_constant(recording),
        updates=updates(recording),
        n_updates=len(records) - 1,
        learning_rate=next((line.learning_rate for line in lines), float("nan")),
        nonfinite=recording.nonfinite,
        stopped=recording.stopped,
    )


def updates(recording: Recording) -> dict[int, float]:
    """For each layer l, the median of |ΔW⁽ˡ⁾| / |W⁽ˡ⁾| per step over all records but the first."""
    found = {}
    for dense in range(1, len(recording.architecture.dense) + 1):
        values = recording.series("update", dense)
        values = values[np.isfinite(values)]
        if len(values):
            found[dense] = float(np.median(values))
    return found


def best_constant(recording: Recording) -> float:
    """Approximate ℒ of the best constant prediction, the mean of t."""
    t = recording.data.t.astype(np.float64)
    output = recording.architecture.output
    with np.errstate(all="ignore"):
        z = output.best_constant(t)
    return float(output.loss(np.tile(z, (len(t), 1)), t).mean())


def rate_findings(course: RunCourse) -> list[Finding]:
    """NaN, steps that are too large or too small, and a loss that does not fall."""
    found = [] if course.nonfinite is None else [nonfinite_finding(course.nonfinite)]
    high = _too_high(course)
    if high or course.nonfinite is not None:
        return found + high
    return _no_progress(course) or _no_better_than_constant(course)


def _too_high(course: RunCourse) -> list[Finding]:
    """Signs of steps that are too large: ℒ rises, ℒ jumps, weights swing."""
    signs: dict[str, float | int | str] = {}
    finite = np.isfinite(course.losses)
    epochs, losses = course.epochs[finite], course.losses[finite]
    # a network may by chance begin below the loss of a constant, and rise above it
    start = max(course.first, course.constant)
    worst = 0
    if len(losses) and np.isfinite(course.first) and losses.max() > LIMITS["rose"] * start > 0:
        worst = int(epochs[np.argmax(losses)])
        signs |= {"first": course.first, "worst": float(losses.max())}
    if len(losses) >= LIMITS["epochs_for_jumps"]:
        later = losses[len(losses) // 4 :]
        jumps = (later[1:] > LIMITS["jump"] * later[:-1]) & (later[1:] > 0.1 * losses[0])
        if jumps.mean() >= LIMITS["many_jumps"]:
            signs["jumps"] = f"{jumps.mean():.0%}"
    for layer, update in course.updates.items():
        if course.n_updates > 1 and update > LIMITS["large_update"]:
            signs[evidence_name("learning_rate_high", "update", layer=layer)] = update
    if not signs:
        return []
    evidence = {**signs, "rate": course.learning_rate}
    return [known_finding("learning_rate_high", evidence, epoch=worst)]


def _no_progress(course: RunCourse) -> list[Finding]:
    """ℒ has not fallen, although it could."""
    first, lowest = course.first, course.lowest
    fell = not lowest > LIMITS["no_progress"] * first
    if course.n_steps < LIMITS["steps_for_progress"] or fell or first < 0.5 * course.constant:
        return []
    fastest = max(course.updates.values(), default=float("nan"))
    key = "learning_rate_low" if fastest < LIMITS["small_update"] else "no_progress"
    steps = {"first": first, "lowest": lowest, "steps": course.n_steps, "update": fastest}
    return [known_finding(key, steps)]


def _no_better_than_constant(course: RunCourse) -> list[Finding]:
    """ℒ has fallen to that of a constant prediction, and stays there."""
    losses = course.losses[np.isfinite(course.losses)]
    short = len(losses) < 2 or course.epochs[-1] < LIMITS["epochs_for_plateau"]
    if short or course.n_steps < LIMITS["steps_for_progress"]:
        return []
    half = len(losses) // 2
    falls = losses[half:].min() < LIMITS["flat"] * losses[:half].min()
    if falls or not course.lowest > LIMITS["constant"] * course.constant > 0:
        return []
    evidence = {"lowest": course.lowest, "constant": course.constant, "steps": course.n_steps}
    return [known_finding("no_better_than_constant", evidence)]


def overfitting(course: RunCourse) -> list[Finding]:
    """The validation loss is past its best while the training loss still falls."""
    losses, validation = course.losses, course.validation
    n = len(validation)
    if n < LIMITS["epochs_for_jumps"] or not np.isfinite(validation).all():
        return []
    best = int(np.argmin(validation))
    if best > 2 * n // 3 or not validation[-1] > LIMITS["overfitted"] * validation[best]:
        return []
    if losses[-1] >= losses[best] or course.stopped == "patience":
        return []
    evidence = {
        "best": float(validation[best]),
        "last": float(validation[-1]),
        "then": float(losses[best]),
        "now": float(losses[-1]),
    }
    return [known_finding("overfitting", evidence, epoch=int(course.epochs[best]))]
