"""A training run that can be stepped, changed, rewound to any step, and written as Python.

A run depends only on its settings, its data and its legs. A leg changes some settings or single
weights, and then trains for a number of steps, with a fresh optimiser and a fresh order of the
rows. Leg k equals `net.train(X, t, optimizer, batch_size=…, seed=seed + k, max_steps=…)` bit for
bit. A bounded number of snapshots after epochs lead back to any step: the nearest snapshot before
the step is restored, and the steps from there are taken again.
"""

from __future__ import annotations

import copy
import dataclasses
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from clearprop._typing import Array
from clearprop.engines.native import NativeEngine
from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.protocol import EpochPlan
from clearprop.jobs import Data, Job, Penalty
from clearprop.network import Network
from clearprop.optimizers import OPTIMIZERS, SGD, Optimizer
from clearprop.playground.datasets import Dataset
from clearprop.playground.scores import losses_and_scores
from clearprop.playground.stations.workshop import (
    MAX_LEGS,
    MAX_STEPS,
    PARAMETER,
    Leg,
    Workshop,
    check_change,
    parse_run,
    write_run,
)
from clearprop.row_orders import RowOrder

SNAPSHOT_BYTES = 32 * 2**20
MOST_SNAPSHOTS = 400
CURVE_POINTS = 1000
CURVE = ("step", "epoch", "loss.train", "loss.test", "score.train", "score.test")


@dataclass(frozen=True, order=True)
class Snapshot:
    """The state of a run after a whole epoch, or at the start of a leg."""

    step: int
    leg: int
    leg_step: int = field(compare=False)
    state: dict[str, Array] = field(compare=False)
    rng: Mapping[str, Any] = field(compare=False)


def network(settings: Workshop, dataset: Dataset) -> Network:
    """The network before training; ValueError for an output unit that does not suit the data."""
    wanted = why_not(settings.output, dataset.n_classes)
    if wanted:
        raise ValueError(wanted)
    n_outputs = dataset.n_classes if settings.output == "softmax" else 1
    return Network(
        [dataset.n_inputs, *settings.hidden, n_outputs],
        hidden=settings.activations,
        output=settings.output,
        dropout=settings.dropout,
        initializer=settings.initializer,
        seed=settings.seed,
    )


def why_not(output: str, n_classes: int) -> str:
    """Why an output unit does not suit this number of classes (0: a number); "" if it does."""
    if n_classes == 0 and output in ("logistic", "softmax"):
        return f"{output} outputs are for classes, but this target is numeric; choose linear"
    if n_classes > 2 and output == "logistic":
        return f"a logistic unit separates two classes, but there are {n_classes}; choose softmax"
    return ""


def optimizer(settings: Workshop) -> Optimizer:
    """The optimiser of the settings."""
    kind: Any = OPTIMIZERS[settings.optimizer]
    options: dict[str, float] = {"weight_decay": settings.weight_decay}
    if kind is SGD:
        options["momentum"] = settings.momentum
    return cast(Optimizer, kind(settings.learning_rate, **options))


class Run:
    """The run of `settings.run` on a data set, standing at one of its steps.

    settings: the settings with the changes of the legs up to here. legs: all recorded legs; `leg`
    and `leg_step` say where the run stands, and `step` counts from the start of the run.
    nonfinite: where NaN or infinity would have appeared in the next step.
    """

    def __init__(self, settings: Workshop, dataset: Dataset) -> None:
        self.start, self.dataset = settings, dataset
        self.legs = list(parse_run(settings.run))
        net = network(settings, dataset)
        self.architecture = net.architecture
        for leg in self.legs:
            for name, _ in leg.changes:
                self._place(net, name)
        self.data = Data.from_arrays(self.architecture, dataset.X, dataset.t)
        self.test: Data | None = None
        if len(dataset.t_test):
            self.test = Data.from_arrays(self.architecture, dataset.X_test, dataset.t_test)
        self.engine = NativeEngine(n_threads=1)
        self.snapshots: list[Snapshot] = []
        size = 3 * net.theta.nbytes
        self.most_snapshots = int(np.clip(SNAPSHOT_BYTES // size, 16, MOST_SNAPSHOTS))
        self.snapshot_stride = self.curve_stride = 1
        self.curve: list[tuple[float, ...]] = []
        self.before: list[Array] = []  # θ before the changes of each leg
        self.step = 0
        self._begin_leg(0, net.theta)

    # ---- where it stands ---------------------------------------------------------------------

    @property
    def n_steps(self) -> int:
        """The number of recorded steps; the run stands at one of them."""
        return sum(leg.n_steps for leg in self.legs)

    @property
    def epoch(self) -> float:
        """The number of passes over the training rows so far."""
        settings, epoch = self.start, 0.0
        for number, leg in enumerate(self.legs[: self.leg + 1]):
            settings = changed(settings, leg)
            steps = self.leg_step if number == self.leg else leg.n_steps
            epoch += steps / self._steps_per_epoch(settings.batch_size)
        return epoch

    @property
    def theta(self) -> Array:
        """A copy of θ here."""
        return self.engine.read(self.native, 0, only=("theta",))["theta"]

    @property
    def network(self) -> Network:
        """A copy of the network here."""
        return Network.from_theta(self.architecture, self.theta)

    @property
    def epoch_start(self) -> tuple[Array, int]:
        """θ at the start of the current epoch (of the last epoch, if it has just ended), and how
        many steps ago this was."""
        return self.before_epoch, self.offset or min(self.steps_per_epoch, self.leg_step)

    @property
    def legs_here(self) -> tuple[Leg, ...]:
        """The legs up to here; the last leg has the steps done so far."""
        here = Leg(self.legs[self.leg].changes, self.leg_step)
        return (*self.legs[: self.leg], here)

    @property
    def link_settings(self) -> Workshop:
        """The settings whose run ends here."""
        return dataclasses.replace(self.start, run=write_run(self.legs_here))

    def next_batch(self) -> Array:
        """The training rows of the next step."""
        order = self.order
        if self.offset == 0:
            order = copy.deepcopy(self.row_order).next()
        start = self.offset * self.settings.batch_size
        return order[start : start + self.settings.batch_size]

    # ---- moving ------------------------------------------------------------------------------

    def advance(self, n_steps: int) -> None:
        """Train from here; everything recorded after this point is discarded first."""
        self._forget_what_follows()
        n_steps = min(n_steps, MAX_STEPS - self.step)
        self._train(n_steps)
        self.legs[-1] = Leg(self.legs[-1].changes, self.leg_step)

    def advance_epoch(self) -> None:
        """Train to the end of the current epoch."""
        self.advance(self.steps_per_epoch - self.offset)

    def change(self, name: object, value: object) -> None:
        """Change a weight or a setting here; everything recorded after this point is discarded.

        Raises ValueError for an invalid name or value.
        """
        name, value = check_change(name, value)
        self._place(Network.from_theta(self.architecture, self.before[0]), name)
        if self.leg_step and len(self.legs) >= MAX_LEGS:
            raise ValueError(f"a run can be changed at most {MAX_LEGS} times; start a new run")
        self._forget_what_follows()
        if self.leg_step == 0:
            changes = dict(self.legs[self.leg].changes) | {name: value}
            self.legs[self.leg] = Leg(tuple(changes.items()))
            self.snapshots = [s for s in self.snapshots if s.leg < self.leg]
            self._begin_leg(self.leg, self.before[self.leg])
        else:
            self.legs.append(Leg(((name, value),)))
            self._begin_leg(self.leg + 1, self.theta)

    def rewind(self, step: int) -> None:
        """Go back to the nearest snapshot at or before a step; `replay` continues from there."""
        place = bisect_right(self.snapshots, step, key=lambda s: s.step) - 1
        # The epoch that ends here is trained again, to know its changes (see epoch_start).
        while place >= 0 and self.snapshots[place].leg_step and self.snapshots[place].step == step:
            place -= 1
        if place >= 0 and not self.snapshots[place].step <= self.step <= step:
            self._restore(self.snapshots[place])

    def replay(self, step: int, n_steps: int) -> bool:
        """Repeat up to n_steps recorded steps towards `step`; return whether it is reached."""
        step = min(step, self.n_steps)
        while self.step < step and n_steps > 0 and self.nonfinite is None:
            if self.leg_step == self.legs[self.leg].n_steps:
                self._begin_leg(self.leg + 1, self.theta)
                continue
            left = self.legs[self.leg].n_steps - self.leg_step
            taken = min(left, step - self.step, n_steps)
            self._train(taken)
            n_steps -= taken
        while (  # the changes at this step are part of it
            self.step == step
            and self.leg_step == self.legs[self.leg].n_steps
            and self.leg + 1 < len(self.legs)
        ):
            self._begin_leg(self.leg + 1, self.theta)
        if self.nonfinite is not None:  # recorded on another machine: it ends here
            self._forget_what_follows()
            return True
        return self.step >= step

    def seek(self, step: int) -> None:
        """Go to a recorded step, however long it takes."""
        self.rewind(step)
        while not self.replay(step, 10_000):
            pass

    # ---- inside ------------------------------------------------------------------------------

    def _place(self, net: Network, name: str) -> tuple[Array, Any] | None:
        """The place of a parameter in a network; None for a setting, otherwise ValueError."""
        match = PARAMETER.fullmatch(name)
        if match is None:
            return None
        layer, *index = (int(g) for g in match.groups() if g is not None)
        if layer <= len(net.W):
            array = (net.W if name.startswith("W") else net.b)[layer - 1]
            if all(i < n for i, n in zip(index, array.shape, strict=True)):
                return array, tuple(index)
        raise ValueError(f"this network has no parameter {name}")

    def _steps_per_epoch(self, batch_size: int) -> int:
        return -(-len(self.data) // batch_size)

    def _begin_leg(self, number: int, theta: Array) -> None:
        """Go to the start of a leg and apply its changes to θ and the settings."""
        self.before[number:] = [theta]
        settings = self.start
        for leg in self.legs[: number + 1]:
            settings = changed(settings, leg)
        net = Network.from_theta(self.architecture, theta.copy())
        for name, value in self.legs[number].changes:
            place = self._place(net, name)
            if place is not None:
                place[0][place[1]] = value
        self._start_engine(number, settings, net.theta)
        self._snapshot()
        self._record()

    def _start_engine(self, number: int, settings: Workshop, theta: Array) -> None:
        """Start like `Network.train`: the generator gives the dropout seed, then the row orders."""
        self.leg, self.leg_step, self.settings = number, 0, settings
        self.nonfinite: NonFinite | None = None
        self.rng = np.random.default_rng(settings.seed + number)
        self.dropout_seed = int(self.rng.integers(2**63))
        job = Job(
            self.architecture,
            theta,
            optimizer(settings),
            batch_size=settings.batch_size,
            penalty=Penalty(l1=settings.l1, l2=settings.l2),
            seed=self.dropout_seed,
        )
        self.native = self.engine.start([job], self.data)
        self.row_order = RowOrder(self.rng, np.arange(len(self.data)))
        self.steps_per_epoch = self._steps_per_epoch(settings.batch_size)
        self.rates = np.full(self.steps_per_epoch, settings.learning_rate)
        self.order, self.offset = self.row_order.index, 0
        self.before_epoch = theta

    def _train(self, n_steps: int) -> None:
        size = self.settings.batch_size
        while n_steps > 0 and self.nonfinite is None:
            if self.offset == 0:
                self.before_epoch = self.theta
                rng_state = self.rng.bit_generator.state
                self.order = self.row_order.next()
            k = min(n_steps, self.steps_per_epoch - self.offset)
            rows = self.order[self.offset * size : (self.offset + k) * size]
            result = self.engine.run_epochs(self.native, {0: EpochPlan(rows, self.rates[:k])})[0]
            if self.offset == 0 and result.n_steps == 0:  # as if the epoch had not started
                self.rng.bit_generator.state = rng_state
            self.nonfinite = result.nonfinite
            self.step += result.n_steps
            self.leg_step += result.n_steps
            self.offset = (self.offset + result.n_steps) % self.steps_per_epoch
            n_steps -= k
            if self.offset == 0 and self.nonfinite is None:
                epoch = self.leg_step // self.steps_per_epoch
                if epoch % self.snapshot_stride == 0:
                    self._snapshot()
                if epoch % self.curve_stride == 0:
                    self._record()

    def _snapshot(self) -> None:
        state = self.engine.read(self.native, 0)
        here = Snapshot(self.step, self.leg, self.leg_step, state, self.rng.bit_generator.state)
        place = bisect_left(self.snapshots, here)
        if place < len(self.snapshots) and self.snapshots[place] == here:
            return
        insort(self.snapshots, here)
        if len(self.snapshots) > self.most_snapshots + len(self.legs):
            self.snapshot_stride *= 2
            self.snapshots = [
                s
                for s in self.snapshots
                if s.leg_step == 0
                or s.leg_step // self._steps_in_epoch_of(s.leg) % self.snapshot_stride == 0
            ]

    def _steps_in_epoch_of(self, number: int) -> int:
        settings = self.start
        for leg in self.legs[: number + 1]:
            settings = changed(settings, leg)
        return self._steps_per_epoch(settings.batch_size)

    def _record(self) -> None:
        """Add a point to the curves if it is missing; drop every second point if there are many."""
        if self.curve and self.curve[-1][0] > self.step:
            return
        if self.curve and self.curve[-1][0] == self.step:
            self.curve.pop()  # weights may have been changed by hand
        self.curve.append((float(self.step), self.epoch, *losses_and_scores(self.network, self)))
        if len(self.curve) > CURVE_POINTS:
            self.curve_stride *= 2
            self.curve = [*self.curve[:-1:2], self.curve[-1]]

    def _restore(self, snapshot: Snapshot) -> None:
        settings = self.start
        for leg in self.legs[: snapshot.leg + 1]:
            settings = changed(settings, leg)
        self._start_engine(snapshot.leg, settings, snapshot.state["theta"])
        self.engine.restore(self.native, 0, snapshot.state)
        self.rng.bit_generator.state = snapshot.rng
        self.step, self.leg_step = snapshot.step, snapshot.leg_step

    def _forget_what_follows(self) -> None:
        if self.step == self.n_steps and self.leg == len(self.legs) - 1:
            return
        self.legs = list(self.legs_here)
        del self.before[self.leg + 1 :]
        self.snapshots = [s for s in self.snapshots if (s.step, s.leg) <= (self.step, self.leg)]
        self.curve = [point for point in self.curve if point[0] <= self.step]


def changed(settings: Workshop, leg: Leg) -> Workshop:
    """The settings after the changes of a leg."""
    changes = {name: value for name, value in leg.changes if not PARAMETER.fullmatch(name)}
    return dataclasses.replace(settings, **changes) if changes else settings
