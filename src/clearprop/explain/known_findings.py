"""Everything that a diagnosis can find: the texts and the limits, in tables.

The page of the playground reads the same tables; see `clearprop.playground.describe_findings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from clearprop.explain.finding import Finding


@dataclass(frozen=True)
class KnownFinding:
    """What is said of one problem. {name} in a text stands for something to be filled in.

    severity: unless the one who finds it says otherwise. evidence: a short name → the name that
    the evidence is shown with. page: the advice in the playground, whose controls have other names
    than Python's arguments; empty for the same advice.
    """

    code: str
    severity: str
    message: str
    advice: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    page: str = ""


# A loss that is not below a constant prediction's; the names are those of the evidence.
_PROGRESS = {
    "first": "ℒ before training",
    "lowest": "lowest ℒ since",
    "steps": "steps",
    "update": "largest |ΔW| / |W| of a layer, per step",
}
_NONFINITE = {"layer": "layer", "step": "step", "batch": "row of its batch", "row": "row"}
_CHECK_TABLE = "Check how the table was made; a network cannot learn a class that it never sees."

KNOWN: Mapping[str, KnownFinding] = MappingProxyType(
    {
        # ---- the run ----
        "nonfinite": KnownFinding(
            "nonfinite",
            "error",
            "{quantity}{of_layer} is NaN or infinite{when}",
            "Use a smaller learning rate, scale the inputs, or clip the gradient (clip_norm=1).",
            _NONFINITE,
            "Rewind, then lower the learning rate.",
        ),
        "nonfinite X": KnownFinding(
            "nonfinite",
            "error",
            "{quantity}{of_layer} is NaN or infinite{when}",
            "Fill in the missing values or leave the rows out.",
            _NONFINITE,
        ),
        "nonfinite t": KnownFinding(
            "nonfinite",
            "error",
            "{quantity}{of_layer} is NaN or infinite{when}",
            "Leave out the rows without a target.",
            _NONFINITE,
        ),
        "learning_rate_high": KnownFinding(
            "learning_rate_high",
            "warning",
            "the learning rate is too high",
            "Divide it by 3 to 10, start with a warm-up (WarmUp), or clip the gradient "
            "(clip_norm=1).",
            {
                "first": "ℒ before training",
                "worst": "ℒ in epoch {epoch}",
                "jumps": "epochs that end a tenth above the previous one",
                "update": "|ΔW⁽{layer}⁾| / |W⁽{layer}⁾| per step",
                "rate": "learning rate",
            },
            "Divide it by 3 to 10.",
        ),
        "learning_rate_low": KnownFinding(
            "learning_rate_low",
            "warning",
            "ℒ does not fall: the weights hardly move",
            "Multiply the learning rate by 10 and diagnose again.",
            _PROGRESS,
        ),
        "no_progress": KnownFinding(
            "no_progress",
            "warning",
            "ℒ does not fall",
            "Check whether the network can memorise 10 rows; if not, check the other findings, "
            "the learning rate, and whether rows and targets belong together.",
            _PROGRESS,
        ),
        "no_better_than_constant": KnownFinding(
            "no_better_than_constant",
            "warning",
            "the network predicts hardly better than a constant, and ℒ has stopped falling",
            "Use more hidden layers or units, or inputs that help (such as x₁x₂); if that does not "
            "help, the inputs may say nothing about the target.",
            {
                "lowest": "lowest ℒ",
                "constant": "ℒ of the best constant prediction",
                "steps": "steps",
            },
        ),
        "overfitting": KnownFinding(
            "overfitting",
            "warning",
            "the network overfits after epoch {epoch}",
            "Stop there (Stopping restores the best θ), or use dropout, a penalty on the weights, "
            "a smaller network or more rows.",
            {
                "best": "best validation loss",
                "last": "last",
                "then": "training loss then",
                "now": "training loss at the end",
            },
            "Go back there with the history slider, or use dropout, a penalty on the weights, a "
            "smaller network or more rows.",
        ),
        # ---- the network ----
        "nonfinite_weights": KnownFinding(
            "nonfinite_weights",
            "error",
            "{name} of layer {layer} has NaN or infinity",
            "Go back to an earlier θ (a checkpoint) and train with a smaller learning rate or "
            "with clip_norm=1.",
            {"entries": "nonfinite entries", "all": "all entries"},
        ),
        "identical_units": KnownFinding(
            "identical_units",
            "error",
            "all {units} units of layer {layer} compute the same",
            "Start from random weights (initializer='auto'); equal units have equal "
            "gradients and stay equal.",
            {"units": "units", "difference": "largest difference of z"},
            "Start from random weights (auto); equal units have equal gradients and stay equal.",
        ),
        "dead_units": KnownFinding(
            "dead_units",
            "warning",
            "{dead} of {units} of layer {layer} are dead: φ′(z) = 0 on every row",
            "Use a smaller learning rate, leaky_relu or gelu, He's initial weights "
            "(initializer='auto'), or scaled inputs; a dead unit stays dead.",
            {"share": "share", "rows": "rows", "largest": "largest z{sup} of them"},
            "Rewind and use a smaller learning rate, leaky_relu or gelu, the initial weights auto, "
            "or scaled inputs; a dead unit stays dead.",
        ),
        "saturated_units": KnownFinding(
            "saturated_units",
            "warning",
            "{saturated} of {units} of layer {layer} are saturated: {activation} is flat at their "
            "z",
            "Scale the inputs, use smaller initial weights or a smaller learning rate, or "
            "a penalty on the weights (l2).",
            {"share": "share", "rows": "rows", "size": "|z{sup}|"},
        ),
        "vanishing_gradient": KnownFinding(
            "vanishing_gradient",
            "warning",
            "∂ℒ/∂z vanishes on the way back to layer 1, which hardly learns",
            "Use relu or gelu with initializer='auto', fewer layers, or larger first weights; "
            "of logistic units each layer takes a factor of four at least.",
            {"ratio": "|∂ℒ/∂z{sup}| / |∂ℒ/∂z{last}|"},
            "Use relu or gelu with the initial weights auto, or fewer layers; of logistic units "
            "each layer takes a factor of four at least.",
        ),
        "exploding_gradient": KnownFinding(
            "exploding_gradient",
            "warning",
            "∂ℒ/∂z explodes on the way back to layer 1",
            "Use smaller first weights (initializer='auto'), clip the gradient (clip_norm=1), "
            "or a smaller learning rate.",
            {"ratio": "|∂ℒ/∂z{sup}| / |∂ℒ/∂z{last}|"},
            "Use the initial weights auto, or a smaller learning rate.",
        ),
        # ---- the inputs ----
        "nonfinite_input": KnownFinding(
            "nonfinite_input",
            "error",
            "X has NaN or infinity in {columns}",
            "Fill in the missing values (with the mean of the column, and add a column that "
            "marks them), or leave the rows out.",
            {"values": "values", "row": "first row", "column": "its column"},
        ),
        "constant_input": KnownFinding(
            "constant_input",
            "note",
            "X is constant in {columns}",
            "Leave constant columns out: a bias has the same effect.",
            {"constant": "constant columns", "all": "all columns"},
        ),
        "unscaled_input": KnownFinding(
            "unscaled_input",
            "warning",
            "X is not scaled in {columns}",
            "Standardise the columns: subtract the mean of the training rows and divide by "
            "their standard deviation.",
            {
                "columns": "columns",
                "worst": "worst",
                "mean": "its mean",
                "deviation": "its standard deviation",
            },
        ),
        # ---- the target ----
        "nonfinite_target": KnownFinding(
            "nonfinite_target",
            "error",
            "t has NaN or infinity",
            "Leave out the rows without a target.",
            {"rows": "rows", "row": "first row"},
        ),
        "constant_class": KnownFinding(
            "constant_target",
            "error",
            "all rows are of class {label}",
            _CHECK_TABLE,
            {"rows": "rows", "class": "class"},
        ),
        "missing_class": KnownFinding(
            "missing_class",
            "warning",
            "no row is of class {labels}",
            _CHECK_TABLE,
            {"rows": "rows", "classes": "classes", "missing": "missing"},
        ),
        "imbalance": KnownFinding(
            "imbalance",
            "warning",
            "class {rare} is rare compared with class {common}",
            "Do not judge by accuracy alone (use balanced accuracy, the confusion matrix), and "
            "weight the rows with class_weight='balanced' or sample_weight.",
            {"rare": "rows of the rarest class", "common": "rows of the most common class"},
            "Do not judge by accuracy alone: look at the confusion matrix.",
        ),
        "constant_target": KnownFinding(
            "constant_target",
            "error",
            "the target is the same in all rows, in {columns}",
            "There is nothing to learn; check how the table was made.",
            {"rows": "rows", "value": "value"},
        ),
        "unscaled_target": KnownFinding(
            "unscaled_target",
            "warning",
            "the target is not scaled in {columns}",
            "Standardise the target for training and undo this in prediction; otherwise ∂ℒ/∂z "
            "is as large as the target.",
            {"mean": "mean", "deviation": "standard deviation"},
        ),
    }
)

LIMITS: Mapping[str, float] = MappingProxyType(
    {
        # ---- the run ----
        # ℒ over ℒ at the start: it should fall, and should not rise.
        "no_progress": 0.98,
        "rose": 1.5,
        # Oscillation: the fraction of epochs in which the loss rises by more than a tenth.
        "jump": 1.1,
        "many_jumps": 0.3,
        "epochs_for_jumps": 10,
        "steps_for_progress": 20,
        # How far the weights move in one step, relative to their size; about 1e-3 is usual.
        "large_update": 0.1,
        "small_update": 1e-6,
        # The lowest ℒ over that of the best constant; the lowest ℒ of the second half of a run over
        # that of the first.
        "constant": 0.95,
        "flat": 0.99,
        "epochs_for_plateau": 30,
        "overfitted": 1.1,
        # ---- the network ----
        "rows_looked_at": 2000,
        "rows_for_units": 20,  # with fewer rows, a healthy unit may be off on all of them
        # Fractions of a layer's units: a network works even if a third of its relu units are dead.
        "many_dead": 0.4,
        "most_dead": 0.9,
        "many_saturated": 0.25,
        "most_saturated": 0.5,
        # A unit with no slope above this is dead: it passes no gradient back. A unit of a bounded
        # activation is saturated below this part of the steepest slope, on this share of the rows.
        "dead_slope": 1e-6,
        "saturated_slope": 0.05,
        "saturated_rows": 0.95,
        # |∂ℒ/∂z| of the first layer over |∂ℒ/∂z| of the last.
        "vanished": 1e-3,
        "exploded": 1e3,
        # ---- the data ----
        # The usual initial weights suit inputs of size around 1, but not sizes beyond these.
        "large_input": 10.0,
        "small_input": 0.01,
        "far_from_zero": 10.0,  # |mean| / standard deviation
        "large_target": 100.0,
        # Rows of the most common class over the rarest, and the number of rows needed to report it.
        "imbalance": 20.0,
        "rows_for_classes": 50,
        "rows_per_class": 10,
        "named": 5,  # number of columns that a message names
    }
)


def known_finding(
    key: str,
    evidence: Mapping[str, float | int | str] | None = None,
    *,
    severity: str = "",
    layer: int | None = None,
    where: tuple[int, ...] = (),
    **filled: Any,
) -> Finding:
    """The finding of an entry of KNOWN.

    evidence: by its short names, or by names from `evidence_name`. filled: what the texts take.
    """
    known = KNOWN[key]
    if layer is not None:
        filled = {"layer": layer, **filled}
    return Finding(
        known.code,
        severity or known.severity,
        known.message.format(**filled),
        known.advice,
        {_name(known, name, filled): v for name, v in (evidence or {}).items()},
        layer=layer,
        where=where,
    )


def evidence_name(key: str, name: str, **filled: Any) -> str:
    """The name that evidence is shown with, for what appears more than once in a finding."""
    return KNOWN[key].evidence[name].format(**filled)


def _name(known: KnownFinding, name: str, filled: Mapping[str, Any]) -> str:
    return known.evidence[name].format(**filled) if name in known.evidence else name
