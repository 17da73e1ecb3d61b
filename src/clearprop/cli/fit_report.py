"""What `clearprop fit` prints: tables as they are ready, or one JSON document at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.cli.columns import columns_to_document, print_columns, print_inputs
from clearprop.cli.output import note, number, print_json, print_table, printable
from clearprop.cli.scores import show_quality
from clearprop.history import STOPPED
from clearprop.tables.frames import shown
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.target_column import TargetColumn
from clearprop.tabular import TableEncoding, TableModel, TabularClassifier, TabularRegressor
from clearprop.tabular.baselines import Baseline
from clearprop.tabular.problem import Problem
from clearprop.tabular.scores import Scores
from clearprop.tabular.target import Standardization

ENDED = STOPPED | {"patience": "more epochs would not improve the score"}


class FitReport:
    """The output of the command: tables as they are ready, or one JSON document at the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.json, self.quiet = arguments.json, arguments.quiet
        self.task_given = arguments.task is not None
        self.findings: Mapping[str, ColumnFinding] = {}

    def note(self, message: str) -> None:
        note(message, self.quiet)

    def columns(
        self,
        path: str,
        problem: Problem,
        findings: Mapping[str, ColumnFinding],
        encoding: TableEncoding | None,
    ) -> None:
        self.findings = findings
        if len(problem.test) == 0:
            self.note("no rows are held out, so there are no scores")
        n_skipped = len(problem.y) - len(problem.train) - len(problem.test)
        if n_skipped:
            self.note(f"{n_skipped:,} rows without a target are left out")
        if problem.n_unjudged:
            self.note(
                f"{problem.n_unjudged:,} of the latest rows are training rows, since earlier rows "
                "lack their classes"
            )
        if self.json:
            return
        target, y = problem.target, problem.y
        print_columns(findings, encoding, f"{path}: {len(y):,} rows")
        reason = "" if self.task_given else f", because {problem.reason} (--task changes it)"
        print(f"target {shown(target.name)}: {target.task}{reason}")
        if target.has_classes:
            counts = np.bincount(y[y >= 0], minlength=len(target.labels))
            pairs = [f"{label} {n:,}" for label, n in zip(target.labels, counts, strict=True)]
            more = ", …" if len(pairs) > 12 else ""
            print(f"classes: {printable(', '.join(pairs[:12]))}{more}")
        else:
            scale = Standardization.of(y[problem.train])
            print(f"mean {number(scale.mean)}, standard deviation {number(scale.spread)}")
        print(f"{len(problem.train):,} rows for training, {len(problem.test):,} held out\n")
        sys.stdout.flush()  # the training may take long

    def training(self, model: TableModel, seconds: float) -> None:
        if self.json:
            return
        if model.is_bag:
            self._bag(model.estimator, model.target, seconds)
            return
        history, net = model.estimator.history_, model.estimator.network_
        sizes = "-".join(map(str, net.sizes))
        best = ""
        if history.validation_loss:
            epoch = int(np.argmin(history.validation_loss)) + 1
            best = (
                f", best after epoch {epoch} by the loss of "
                f"{model.about['n_validation_rows']:,} validation rows"
            )
        print(
            f"network {sizes}, {net.theta.size:,} weights: {len(history)} epochs in {seconds:.1f} s"
        )
        print(f"training ended: {STOPPED.get(history.stopped, history.stopped)}{best}\n")

    def _bag(
        self,
        estimator: TabularClassifier | TabularRegressor,
        target: TargetColumn,
        seconds: float,
    ) -> None:
        networks = estimator.networks_
        n, n_weights = len(networks), networks[0].theta.size
        last = estimator.oof_curve_[-1][0]
        score = estimator.scoring or getattr(estimator, "loss", "log_loss")
        shown_score = {"squared_error": "rmse", "log_loss": "log-loss"}.get(score, score)
        print_inputs(estimator)
        kind, epochs = "networks", f": {last} epochs"
        best = f"best epoch: {estimator.n_iter_}, with"
        if estimator.linear_:
            kind, epochs, best = "linear networks", "", "linear networks of the folds have"
            if n == 1:
                kind = "linear network"
        print(f"bag of {n} {kind} of {n_weights:,} weights{epochs} in {seconds:.1f} s")
        print(f"training ended: {ENDED.get(estimator.stopped_, estimator.stopped_)}")
        if estimator.unused_columns_:
            print(f"columns not used: {', '.join(estimator.unused_columns_)}")
        what = "the prediction"
        if isinstance(estimator, TabularClassifier) and estimator.monotone:
            what = f"the probability of {printable(str(target.labels[1]))}"
        for column, direction in (estimator.monotone or {}).items():
            print(f"{what} {'rises' if direction > 0 else 'falls'} with {printable(column)}")
        print(
            f"{best} an out-of-fold "
            f"{shown_score.replace('_', ' ')} of {number(estimator.oof_score_)}\n"
        )

    def comparison(
        self,
        model: TableModel,
        comparison: list[tuple[Baseline, Scores]],
        details: dict[str, Any],
    ) -> None:
        if self.json or not comparison:
            return
        names = list(comparison[0][1])
        print_table(
            ("on the held-out rows", *names),
            [(predictor.name, *scores.values()) for predictor, scores in comparison],
        )
        show_quality(model.target, details)

    def saved(
        self,
        path: str,
        model: TableModel,
        problem: Problem,
        seconds: float,
        comparison: list[tuple[Baseline, Scores]],
        details: dict[str, Any],
    ) -> None:
        if not self.json:
            print(f"model saved to {path}")
            return
        target, n_rows = model.target, len(problem.y)
        print_json(
            {
                "model": path,
                "rows": {
                    "all": n_rows,
                    "without_target": n_rows - len(problem.train) - len(problem.test),
                    "training": len(problem.train),
                    "validation": model.about["n_validation_rows"],
                    "held_out": len(problem.test),
                },
                "columns": columns_to_document(model, self.findings),
                "target": {
                    "name": target.name,
                    "task": target.task,
                    "reason": problem.reason,
                    "classes": target.values() if target.has_classes else None,
                },
                **_trained(model, seconds),
                "scores": {predictor.name: scores for predictor, scores in comparison},
                **details,
            }
        )


def _trained(model: TableModel, seconds: float) -> dict[str, Any]:
    """The network or the bag, and its training, as JSON values."""
    if model.is_bag:
        estimator = model.estimator
        networks = estimator.networks_
        n, n_weights = len(networks), networks[0].theta.size
        return {
            "bag": {
                "members": n,
                "n_weights": n_weights,
                "linear": estimator.linear_,
                "columns": list(model.names),
                "monotone": estimator.monotone or {},
            },
            "training": {
                "best_epoch": estimator.n_iter_,
                "stopped": estimator.stopped_,
                "seconds": seconds,
                "oof_score": estimator.oof_score_,
                "oof_curve": estimator.oof_curve_,
            },
        }
    history, net = model.estimator.history_, model.estimator.network_
    return {
        "network": {
            "sizes": net.sizes,
            "hidden": [d.activation.name for d in net.architecture.dense if d.activation],
            "output": net.output.name,
            "n_weights": net.theta.size,
        },
        "training": {
            "epochs": len(history),
            "stopped": history.stopped,
            "seconds": seconds,
            "loss": history.loss,
            "validation_loss": history.validation_loss,
        },
    }
