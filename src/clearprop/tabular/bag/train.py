"""A bag of networks, each a job on its own folds of one copy of the data.

Members come in partitions of the rows into four folds: a member trains on three of them, and what
it predicts for the fourth it has not seen. So every row has out-of-fold predictions, which choose
the common epoch and estimate the score, at no more cost than the predictions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.select import get_engine
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data
from clearprop.tabular.bag.budget import Budget
from clearprop.tabular.bag.folds import HeldOut, Score
from clearprop.tabular.bag.members import Members
from clearprop.tabular.bag.recipe import Recipe, plan_epochs
from clearprop.tabular.bag.screening import Columns, Screening
from clearprop.tabular.bag.selection import Bag, Selection
from clearprop.training import NonFiniteError, train


def train_bag(
    architectures: Sequence[Architecture],
    data: Data,
    n_members: int,
    recipe: Recipe,
    score: Score,
    *,
    columns: Columns | None = None,
    strata: Array | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    n_threads: int | None = None,
    engine: str = "auto",
    progress: Callable[[EpochReport], object] | None = None,
) -> Bag:
    """Train the members side by side, and keep the epoch whose out-of-fold predictions are best.

    architectures: for the members, partition after partition in turn. score: of predictions for
    rows of the data, less is better; ties go to the later epoch. columns: of the table, of which
    those that say nothing may be left out; None: all are kept. time_limit: seconds; where they are
    few there are fewer epochs and members. progress: told of each epoch, with the score as the
    loss of validation.
    Raises NonFiniteError where every member ran into NaN before there was anything to keep.
    """
    begun = time.monotonic()
    runner = get_engine(engine, architectures[0], n_threads=n_threads)
    members = Members.draw(architectures, recipe, data, n_members, seed, strata)
    held_out = HeldOut.of(data, members.parts, score, runner, seed)
    bag = Bag(members.architectures, engine=runner.name, n_trained=n_members)
    n_train = len(members.parts[0].train)
    plan = plan_epochs(n_train, recipe)
    selection = Selection(bag, held_out, plan, progress)
    left = None
    if time_limit is not None:
        budget = Budget(held_out, begun, time_limit)
        of_step, of_start = members.time_steps(data, runner, time_limit / 10)
        share = budget.left() / of_step / plan.n_steps
        members, of_step = members.fewer(share, of_step, data, runner, time_limit / 10)
        bag.n_trained = len(members.parts)
        held_out.places = held_out.places[: bag.n_trained]
        held_out.seconds = held_out.estimate_seconds(architectures[0], members.thetas[0])
        selection.limit(budget, of_step, of_start, n_train, recipe)
        left = budget.until_judging()
    screening = None
    if columns is not None:
        screening = Screening(columns, members, selection, seed)
        selection.screen = screening if screening.n_rows else None
    states = train(
        members.jobs(selection.plan, selection.pace),
        data,
        engine=runner,
        watch=selection,
        time_limit=left,
    )
    if screening is not None and screening.found is not None:
        if selection.budget is not None:
            left = selection.budget.until_judging()
        states = screening.found.go_on(selection, left)
        selection = screening.found.selection
        bag, held_out, data = selection.bag, selection.held_out, selection.held_out.data
    lost = {i: s.nonfinite for i, s in enumerate(states) if s.nonfinite is not None}
    if not bag.thetas:
        alive = {i: state.theta for i, state in enumerate(states) if i not in lost}
        if not alive:
            raise NonFiniteError(f"training ran into NaN or infinity: {lost[0]}")
        selection.evaluate(alive, max(state.epoch for state in states))
    bag.lost, bag.stopped = lost, _stopped(states, shortened=bag.n_epochs < selection.plan.epochs)
    del states
    if bag.stopped not in ("interrupted", "time_limit"):
        kept = dict(zip(bag.members, bag.thetas, strict=True))
        bag.apart = held_out.apart(bag.architectures, kept)
    if held_out.rows is not None:
        everything = HeldOut.of_all(data, members.parts, score, runner)
        _predict_all(bag, everything, held_out, selection.budget)
    return bag


def _predict_all(bag: Bag, everything: HeldOut, drawn: HeldOut, budget: Budget | None) -> None:
    """Out-of-fold predictions of all rows, as far as there is time, beside the drawn ones."""
    of_drawn, bag.oof = bag.oof, np.full((len(drawn.data), bag.oof.shape[1]), np.nan, np.float32)
    bag.oof[drawn.rows] = of_drawn
    if budget is not None and budget.is_late():
        return
    kept = dict(zip(bag.members, bag.thetas, strict=True))
    try:
        deadline = None if budget is None else budget.deadline
        y_hat, seen = everything.predict(bag.architectures, kept, deadline)
    except KeyboardInterrupt:
        bag.stopped = "interrupted"
    else:
        np.copyto(bag.oof, y_hat, where=seen[:, None])


def _stopped(states: list[TrainingState], *, shortened: bool) -> str:
    reasons = {state.history.stopped for state in states}
    if "interrupted" in reasons:
        return "interrupted"
    if "time_limit" in reasons or (shortened and "callback" in reasons):
        return "time_limit"
    if "callback" in reasons:
        return "patience"
    return next(r for r in ("epochs", "nonfinite") if r in reasons)
