"""Attempts at a truth table: networks trained side by side from many starts, until one is right.

Training uses the coordinates in which it works best: bits −1 and +1, and tanh hidden units. A
network of bits 0 and 1 with logistic units is the same function in other coordinates, since 2x − 1
and tanh(z) = 2σ(2z) − 1 convert one into the other; see `to_signs` and `from_signs`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.activations import sigmoid
from clearprop.architecture import Architecture, fully_connected
from clearprop.circuits.gates import all_bits
from clearprop.circuits.learning.hardening import BitLayer, harden, hidden_units, network_layers
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data, Job
from clearprop.network import Network
from clearprop.optimizers import Adam
from clearprop.progress import ProgressBar
from clearprop.propagation import forward_propagation
from clearprop.training import train

OPTIMIZER = Adam(0.05, beta_2=0.99)
TURN = 50  # steps between two looks at the rows; twice as many after ten turns
STEEPER = 1.3  # the factor by which hidden weights grow if rounding their units spoils a row
UNSEEN = 1.0  # seconds before progress is shown


@dataclass(frozen=True)
class Outcome:
    """How attempts ended.

    theta: θ of the best attempt, in the coordinates of training. number: its number. n_wrong: its
    number of wrong rows. n_right: the number of attempts that were right at the end. n_steps: the
    steps of each attempt. stopped: "found", "steps", "time_limit" or "interrupted".
    """

    theta: Array
    number: int
    n_wrong: int
    n_right: int
    n_steps: int
    seconds: float
    stopped: str


@dataclass(frozen=True)
class Goal:
    """What an attempt must reach.

    table: int8 (2^n, K), −1 where it does not matter. margin: how far the z of an output must be on
    the right side of 0. saturated: whether the table must also hold with rounded hidden units.
    """

    table: Array
    margin: float
    saturated: bool


def start(architecture: Architecture, rng: np.random.Generator, *, along: bool) -> Array:
    """The start of an attempt, θ: W ~ N(0, 1/fan-in), and b likewise.

    along: the first hidden layer looks along one direction instead. Its weights are the same random
    signs for every unit, with a little noise, and its thresholds are evenly spaced. Functions that
    count (parity, sums) are close to such a start, and hard to find from others.
    """
    parameters = []
    for number, layer in enumerate(architecture.dense):
        out, k = layer.n_out, layer.n_in
        W, b = rng.normal(size=(out, k)) / np.sqrt(k), rng.normal(size=out) / np.sqrt(k)
        if along and number == 0 and layer.activation is not None:
            W = rng.choice([-1.0, 1.0], k) + 0.3 * W
            b = k * ((2 * np.arange(out) + 1) / out - 1)
        parameters.append({"W": W, "b": b})
    return architecture.pack(parameters, np.dtype(np.float64))


def attempt(
    architecture: Architecture,
    starts: Sequence[Array],
    goal: Goal,
    n_steps: int,
    *,
    deadline: float | None = None,
    progress: str = "",
    n_threads: int | None = None,
) -> Outcome:
    """Train from all starts until one attempt reaches the goal, or n_steps are done.

    Entries that do not matter have no gradient. Rows without any other entry are left out; in the
    other rows, the target of such an entry is the network's own output, updated after every turn.
    If rounding the hidden units spoils a row, training continues with steeper hidden units.
    deadline: a value of time.monotonic(). progress: the name of the bar on the terminal, "" for
    none. Ctrl-C ends training with the best network so far.
    """
    began = time.monotonic()
    search = _Search(architecture, starts, goal)
    bar = _Bar(progress, n_steps)
    done, stopped = 0, ""
    try:
        while not stopped:
            if search.look():
                stopped = "found"
            elif done >= n_steps:
                stopped = "steps"
            elif deadline is not None and time.monotonic() >= deadline:
                stopped = "time_limit"
            else:
                turn = TURN if done < 10 * TURN else 2 * TURN
                loss = search.turn(turn, n_threads)
                done += turn
                bar(done, loss)
    except KeyboardInterrupt:
        stopped = "interrupted"
    finally:
        bar.close()
    seconds = time.monotonic() - began
    return replace(search.best, n_steps=done, seconds=seconds, stopped=stopped)


class _Search:
    """The attempts under way, and the best network so far."""

    def __init__(self, architecture: Architecture, starts: Sequence[Array], goal: Goal) -> None:
        self.architecture, self.goal = architecture, goal
        self.X = 2.0 * all_bits(architecture.n_inputs) - 1
        self.data, self.rows = _data(self.X, goal.table, len(starts))
        self.free = goal.table < 0
        self.states = [_fresh(theta) for theta in starts]
        self.z: list[Array] = []
        self.rank = (len(self.X) + 1, np.inf)
        self.best = Outcome(starts[0], 0, len(self.X), 0, 0, 0.0, "")

    def look(self) -> bool:
        """Whether an attempt has reached the goal; keeps the best, and steepens units if needed."""
        goal, reached = self.goal, []
        self.z = [
            forward_propagation(self.architecture, s.theta, self.X).z[-1] for s in self.states
        ]
        for number, (state, z) in enumerate(zip(self.states, self.z, strict=True)):
            n_wrong, margin = score(z, goal.table)
            rank = (n_wrong, -margin)
            if n_wrong == 0 and margin >= goal.margin:
                if not goal.saturated or self._is_hard(state.theta):
                    reached.append((rank, number))
                else:
                    self.states[number] = _fresh(_steeper(self.architecture, state.theta))
            if rank < self.rank:
                self._keep(rank, number, state.theta)
        if reached:
            rank, number = min(reached)
            self._keep(rank, number, self.states[number].theta)
            self.best = replace(self.best, n_right=len(reached))
        return bool(reached)

    def turn(self, n_steps: int, n_threads: int | None) -> float:
        """Train each attempt on all its rows at once; the least loss."""
        if self.free.any():
            for t, z in zip(self.data.t.reshape(-1, *self.free.shape), self.z, strict=False):
                t[self.free] = sigmoid(z)[self.free]
        jobs = [  # one epoch over the rows, n_steps times
            Job(
                self.architecture,
                s.theta,
                OPTIMIZER,
                epochs=1,
                batch_size=len(own),
                rows=np.tile(own, n_steps),
                shuffle=None,
            )
            for s, own in zip(self.states, self.rows, strict=True)
        ]
        states = [TrainingState(s.engine_state) for s in self.states]
        self.states = train(jobs, self.data, states=states, n_threads=n_threads)
        if any(s.history.stopped == "interrupted" for s in self.states):
            raise KeyboardInterrupt
        return min(s.history.loss[-1] for s in self.states)

    def _keep(self, rank: tuple[int, float], number: int, theta: Array) -> None:
        self.rank = rank
        self.best = replace(self.best, theta=theta, number=number, n_wrong=rank[0])

    def _is_hard(self, theta: Array) -> bool:
        layers = [BitLayer(p["W"], p["b"], -1.0) for p in self.architecture.unpack(theta)]
        return harden(layers, self.X, self.goal.table).ok


def _fresh(theta: Array) -> TrainingState:
    return TrainingState({**OPTIMIZER.init(theta), "theta": theta, "n_steps": np.asarray(0)})


def _data(X: Array, table: Array, n: int) -> tuple[Data, list[Array]]:
    """The data that n attempts share, and the rows of each; their own rows if entries are free."""
    matters = np.flatnonzero((table >= 0).any(axis=1))
    t = np.maximum(table, 0).astype(np.float64)
    if (table[matters] >= 0).all():
        return Data(X, t), [matters] * n
    rows = [matters + i * len(X) for i in range(n)]
    return Data(np.tile(X, (n, 1)), np.tile(t, (n, 1))), rows


def score(z: Array, table: Array) -> tuple[int, float]:
    """The number of rows with a wrong output, and the least z on the right side of 0."""
    right = np.where(table < 0, np.inf, np.where(table == 1, z, -z)).min(axis=1)
    return int((~(right > 0)).sum()), float(right.min())


def _steeper(architecture: Architecture, theta: Array) -> Array:
    """θ with the weights and biases of the hidden layers STEEPER times as large."""
    theta = theta.copy()
    for p in architecture.unpack(theta)[:-1]:
        p["W"][...] *= STEEPER
        p["b"][...] *= STEEPER
    return theta


def signed_architecture(sizes: Sequence[int]) -> Architecture:
    """The architecture of a network in the coordinates of training."""
    return fully_connected(sizes, "tanh", "logistic")


def from_signs(architecture: Architecture, theta: Array, hidden: Sequence[str]) -> Network:
    """The same function as a network of bits 0 and 1; hidden: "logistic" or "tanh" by layer."""
    parameters, zero_one = [], True
    for p, name in zip(architecture.unpack(theta), [*hidden, ""], strict=True):
        W, b = p["W"], p["b"]
        if zero_one:  # the layer reads 0 or 1: W(2h − 1) + b
            W, b = 2 * W, b - W.sum(axis=1)
        zero_one = name == "logistic"
        if zero_one:  # tanh(z) = 2σ(2z) − 1
            W, b = 2 * W, 2 * b
        parameters.append({"W": W, "b": b})
    result = fully_connected(architecture.sizes, list(hidden), "logistic")
    return Network.from_theta(result, result.pack(parameters, np.dtype(np.float64)))


def to_signs(network: Network) -> tuple[Architecture, Array]:
    """The inverse of `from_signs`: the same function in the coordinates of training."""
    parameters, zero_one = [], True
    for layer, name in zip(network_layers(network), [*hidden_units(network), ""], strict=True):
        half = 0.5 if name == "logistic" else 1.0
        W, b = half * layer.W, half * layer.b
        if zero_one:
            W = W / 2
            b = b + W.sum(axis=1)
        zero_one = name == "logistic"
        parameters.append({"W": W, "b": b})
    architecture = signed_architecture(network.sizes)
    return architecture, architecture.pack(parameters, np.dtype(np.float64))


class _Bar:
    """A progress bar that appears after UNSEEN seconds."""

    def __init__(self, name: str, n_steps: int) -> None:
        self.bar = ProgressBar(name) if name else None
        self.n_steps = n_steps
        self.began = time.monotonic()

    def __call__(self, done: int, loss: float) -> None:
        seconds = time.monotonic() - self.began
        if self.bar is not None and seconds > UNSEEN:
            total = max(self.n_steps, done)
            self.bar(EpochReport(0, done, total, done, loss, None, {}, 0, seconds, "", _none))

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _none() -> Array:
    return np.empty(0)
