"""The steps of a tabular fit: rows that there is time for, their inputs, a search, the bag."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.callers import users_line
from clearprop.engines.select import get_engine
from clearprop.jobs import Data
from clearprop.progress import ProgressBar
from clearprop.tables.division import read_groups, read_times
from clearprop.tables.frames import TableError, TableWarning, shown
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.sources import Source
from clearprop.tables.told import listed, warn_of_texts
from clearprop.tabular.bag.budget import (
    LEAST_PILOTS,
    MOST_PREPARING,
    PILOT_ROWS,
    Speeds,
    affordable_rows,
    is_fair,
    sample_rows,
)
from clearprop.tabular.bag.division import AT_RANDOM, Division
from clearprop.tabular.bag.folds import Score
from clearprop.tabular.bag.linear import AllRows
from clearprop.tabular.bag.members import Members, measure
from clearprop.tabular.bag.recipe import MONOTONE_ACTIVATION, Recipe, build_architectures
from clearprop.tabular.bag.screening import Columns
from clearprop.tabular.bag.search import Trial, best_of, search
from clearprop.tabular.bag.train import Bag, train_bag
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.leaks import (
    copies_message,
    leak_message,
    share_of_copies,
    telling_columns,
)
from clearprop.tabular.table_columns import NO_USE_OF_TEXT, SAYS_NOTHING
from clearprop.tabular.target import ClassTarget, NumberTarget
from clearprop.tabular.text_trial import (
    TRIAL_MEMBERS,
    TRIAL_ROWS,
    TextTrial,
    candidates,
    leave_out,
)


@dataclass(frozen=True)
class Settings:
    """How a bag is fitted.

    recipe: of its members.
    findings: what each column of the table is, by name.
    begun: the start of the fit, by time.monotonic.
    The other fields are the parameters of the estimator.
    """

    recipe: Recipe
    findings: Mapping[str, ColumnFinding]
    seed: int
    begun: float
    n_members: int
    time_limit: float | None
    tune: float | None
    n_threads: int | None
    engine: str
    verbose: bool


@dataclass(frozen=True)
class Task:
    """What is learnt from y.

    t (N, K): targets as the output unit encodes them.
    weight (N,): of the rows in training, or None.
    loss: of (ŷ, y, weights) for some rows; less is better; chooses the epoch.
    division: how rows are held out.
    monotone: the direction, 1 or −1, of each constrained column by its name.
    """

    target: ClassTarget | NumberTarget
    t: Array
    weight: Array | None
    loss: Callable[[Array, Array, Array], float]
    division: Division = AT_RANDOM
    monotone: Mapping[str, int] = field(default_factory=dict)

    def rows(self, rows: Array) -> Task:
        """The same for some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        division = self.division.rows(rows)
        return replace(self, t=self.t[rows], weight=weight, division=division)

    def score(self, y: Array) -> Score:
        """The loss of (ŷ, rows) with these y; if all rows have weight 0, they count equally."""
        weight = np.ones(len(y)) if self.weight is None else self.weight.astype(np.float64)

        def score(y_hat: Array, rows: Array | slice) -> float:
            w = weight[rows]
            return self.loss(y_hat, y[rows], w if w.any() else np.ones(len(w)))

        return score

    def architectures(self, inputs: TableInputs, recipe: Recipe) -> list[Architecture]:
        """The networks that learn it from these inputs."""
        target = self.target
        directions = inputs.directions(self.monotone) if self.monotone else None
        return build_architectures(
            inputs.layer, target.n_outputs, target.output, recipe, directions
        )


def divide(
    division: Division, groups: Any, times: Any, n: int, options: Mapping[str, Any] | None
) -> Division:
    """The division with the groups or the times of the n rows, as `fit` takes them."""
    if groups is None and times is None:
        return division
    if groups is not None and times is not None:
        raise ValueError("groups and time exclude each other; give one of them")
    if times is not None:
        return replace(division, times=read_times(times, n, options))
    return replace(division, groups=read_groups(groups, n))


@dataclass(frozen=True)
class Prepared:
    """The inputs of rows, and their matrix (N, D).

    fit_seconds, transform_seconds: per row, that either took.
    """

    inputs: TableInputs
    matrix: Array
    fit_seconds: float
    transform_seconds: float


def prepare(source: Source, settings: Settings, rows: Array | None) -> Prepared:
    """Fit the inputs to these rows, or to all. TableError names the row in the whole table."""
    begun = time.monotonic()
    try:
        inputs = TableInputs.fit(source, None, settings.seed, rows, settings.findings)
        fitted = time.monotonic()
        matrix = inputs.transform(source, rows)
    except TableError:
        if rows is not None:
            prepare(source, settings, None)  # the error with the number in the whole table
        raise
    n = len(matrix)
    return Prepared(inputs, matrix, (fitted - begun) / n, (time.monotonic() - fitted) / n)


def choose_rows(source: Source, task: Task, settings: Settings) -> tuple[Array | None, Prepared]:
    """The rows, in order, that there is time for, and their inputs; None for all rows.

    Speeds are measured first. If there is hardly time for that, the rows that were measured are
    taken.
    """
    n, limit, recipe = source.n_rows, settings.time_limit, settings.recipe
    if limit is None or n < LEAST_PILOTS * PILOT_ROWS:
        return None, prepare(source, settings, None)
    rng = np.random.default_rng(settings.seed)
    pilot = np.sort(rng.choice(n, PILOT_ROWS, replace=False))
    prepare(source, settings, pilot[:100])  # imports, whose time does not depend on the rows
    prepared = prepare(source, settings, pilot)
    if time.monotonic() - settings.begun > MOST_PREPARING * limit:
        rows = pilot
        if not is_fair(pilot, task.division, task.weight):
            rows = sample_rows(n, PILOT_ROWS, task.division, task.weight, rng)
        return rows, prepared if rows is pilot else prepare(source, settings, rows)
    some = task.rows(pilot)
    data = Data(prepared.matrix, some.t, some.weight)
    runner = get_engine(settings.engine, n_threads=settings.n_threads)
    architectures = some.architectures(prepared.inputs, recipe)
    division = some.division.for_speed(len(pilot))
    members = Members.draw(
        architectures,
        recipe,
        data,
        settings.n_members,
        settings.seed,
        division,
        seconds=limit / 10,
    )
    step, judging = measure(members, data, runner, limit / 10)
    speeds = Speeds(prepared.fit_seconds, prepared.transform_seconds + judging, step)
    seconds = limit - (settings.tune or 0) - (time.monotonic() - settings.begun)
    k = affordable_rows(n, seconds, speeds, recipe)
    drawn = None if k == n else sample_rows(n, k, task.division, task.weight, rng)
    return drawn, prepare(source, settings, drawn)


def warn_of_constants(prepared: Prepared, settings: Settings) -> None:
    """Warn of columns that are left out since they are the same in all training rows."""
    names = [
        column.name
        for column in prepared.inputs.table
        if column.kind == "ignore" and settings.findings[column.name].reading.kind != "ignore"
    ]
    if names:
        _warn(f"left out: {listed([shown(name) for name in names])} ({SAYS_NOTHING})", TableWarning)


def warn_of_leaks(prepared: Prepared, task: Task, y: Array, settings: Settings) -> None:
    """Warn of columns that give the target away, and of copies of rows that groups would hold out
    together.
    """
    inputs, matrix, seed = prepared.inputs, prepared.matrix, settings.seed
    classes = isinstance(task.target, ClassTarget)
    if y.ndim == 1:
        names = telling_columns(
            inputs, matrix, y, classes=classes, seed=seed, time_limit=settings.time_limit
        )
        if names:
            _warn(leak_message(names), TableWarning)
    if task.division.groups is None and task.division.times is None:
        share = share_of_copies(inputs, matrix)
        if share:
            _warn(copies_message(share), TableWarning)


def use_texts(prepared: Prepared, task: Task, y: Array, settings: Settings) -> Prepared:
    """The inputs without the texts that do not improve the out-of-fold score; a warning names them.

    A tenth of the time limit is for each training of the trial.
    """
    inputs, n = prepared.inputs, len(y)
    tried = candidates(inputs, settings.findings)
    if not tried:
        return prepared
    rows = np.arange(n)
    if n > TRIAL_ROWS:
        drawn = np.random.default_rng(settings.seed).choice(n, TRIAL_ROWS, replace=False)
        rows = np.sort(drawn)
    some, matrix = task.rows(rows), prepared.matrix[rows]
    score = some.score(y[rows])

    def train(inputs: TableInputs, X: Array, recipe: Recipe) -> Array:
        with _bar("texts", settings) as bar:
            bag = train_bag(
                some.architectures(inputs, recipe),
                Data(X, some.t, some.weight),
                min(TRIAL_MEMBERS, settings.n_members),
                recipe,
                score,
                division=some.division,
                seed=settings.seed,
                time_limit=None if settings.time_limit is None else settings.time_limit / 10,
                n_threads=settings.n_threads,
                engine=settings.engine,
                progress=bar,
            )
        if bag.stopped == "interrupted":
            raise KeyboardInterrupt
        return bag.oof

    recipe = settings.recipe.for_rows(n)
    trial = TextTrial(inputs, matrix, recipe, train, score, settings.seed)
    try:
        left_out = trial.choose(tried)
    except KeyboardInterrupt:
        left_out = tried
        _warn("Trial of free text interrupted by user; training without it follows.")
    names = [inputs.columns[i].name for i in left_out]
    warn_of_texts(names, NO_USE_OF_TEXT, 'kinds={column: "text"} or --text decides otherwise')
    inputs, matrix = leave_out(inputs, prepared.matrix, left_out)
    return replace(prepared, inputs=inputs, matrix=matrix)


def all_rows(source: Source, task: Task, prepared: Prepared) -> AllRows:
    """All rows of a table whose inputs were prepared from some of them; task: of all rows."""

    def read(rows: Array) -> Data:
        some = task.rows(rows)
        every = len(rows) == source.n_rows
        return Data(prepared.inputs.transform(source, None if every else rows), some.t, some.weight)

    return AllRows(source.n_rows, read, prepared.transform_seconds)


def fit_bag(
    prepared: Prepared,
    task: Task,
    y: Array,
    settings: Settings,
    everything: AllRows | None = None,
) -> tuple[Bag, list[Trial]]:
    """The bag for these inputs and targets, and what a search tried before, if one was asked for.

    everything: all rows of the table, if these are a sample.
    Warns of interrupts, of a search without time, and of networks that were lost.
    """
    inputs = prepared.inputs
    data, score = Data(prepared.matrix, task.t, task.weight), task.score(y)
    options: dict[str, Any] = {
        "division": task.division,
        "seed": settings.seed,
        "n_threads": settings.n_threads,
        "engine": settings.engine,
    }
    recipe = settings.recipe.for_rows(len(y))
    if any(inputs.directions(task.monotone)):
        recipe = replace(recipe, activations=(MONOTONE_ACTIVATION,))
    trials: list[Trial] = []
    if settings.tune is not None:
        with _bar("tuning", settings) as bar:
            trials, interrupted = search(
                lambda recipe: task.architectures(inputs, recipe),
                data,
                recipe,
                score,
                seconds=settings.tune,
                progress=bar,
                **options,
            )
        if interrupted:
            _warn("Search interrupted by user; training follows.")
        elif not trials:
            _warn(f"tune={settings.tune} is not enough for a search; nothing was tried")
        recipe = best_of(trials, recipe)

    def without(numbers: Sequence[int]) -> tuple[list[Architecture], Data]:
        places = inputs.places
        dropped = np.concatenate([places[i] for i in numbers])
        fewer = replace(data, X=np.delete(data.X, dropped, axis=1))
        return task.architectures(inputs.without(numbers), recipe), fewer

    left = None
    if settings.time_limit is not None:
        left = max(settings.time_limit - (time.monotonic() - settings.begun), 1e-3)
    with _bar("networks", settings) as bar:
        bag = train_bag(
            task.architectures(inputs, recipe),
            data,
            settings.n_members,
            recipe,
            score,
            columns=Columns(inputs.places, inputs.n_vectors, without),
            time_limit=left,
            everything=everything,
            progress=bar,
            **options,
        )
    _report(bag)
    return bag, trials


def warn_of_sample(n_rows: int, n: int, time_limit: float | None) -> None:
    """Warn that networks have learnt from so many of n rows, if these are not all."""
    if n_rows < n:
        _warn(f"time_limit={time_limit} is enough for only {n_rows} of the {n} rows")


def _report(bag: Bag) -> None:
    """Warn of an interrupt, and of members that stopped at NaN or infinity."""
    if bag.stopped == "interrupted":
        _warn("Training interrupted by user.")
    for member, place in bag.lost.items():
        _warn(
            f"network {member} of {bag.n_trained} stopped at NaN or infinity; the other networks "
            f"continue: {place}",
            RuntimeWarning,
        )


def _warn(message: str, kind: type[Warning] = UserWarning) -> None:
    warnings.warn(message, kind, stacklevel=users_line())


@contextmanager
def _bar(description: str, settings: Settings) -> Iterator[ProgressBar | None]:
    """A progress bar, if one is wanted."""
    bar = ProgressBar(description) if settings.verbose else None
    try:
        yield bar
    finally:
        if bar is not None:
            bar.close()
