"""A session: the state of one browser tab. One thread owns it, runs its commands, and trains.

Commands come through a queue and are answered in order. Between them, while training is on, the
thread trains for a fiftieth of a second at a time and publishes a frame. Sessions share nothing, so
there are no locks.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.playground import links, pictures
from clearprop.playground import settings as settings_
from clearprop.playground.datasets import Dataset, Table, dataset_from_settings
from clearprop.playground.messages import pack
from clearprop.playground.report import Example, example
from clearprop.playground.runs import Run, why_not
from clearprop.playground.stations import STATIONS, Station
from clearprop.playground.stations.workshop import DURING, MAX_STEPS, Leg, Workshop, write_run

SLICE = 1 / 50  # seconds of training between two frames
REPLAY_STEPS = 2000  # steps of a recorded run between two looks at the queue

Reply = Callable[[dict[str, Any]], None]


@dataclass
class QueuedCommand:
    """One queued command: what to do, and where to send the reply."""

    work: Callable[[], dict[str, Any]]
    reply: Reply


class Session:
    """The state of a tab. publish: receives frames and messages, in the session's thread.

    Methods named like commands are called in the session's own thread, by `submit`.
    """

    def __init__(self, publish: Callable[[bytes], None], table: Table | None = None) -> None:
        self.publish = publish
        self.table = table or Table()
        self.station = next(iter(STATIONS.values()))
        self.records: dict[str, Any] = {key: s.settings() for key, s in STATIONS.items()}
        self.run: Run | None = None
        self.made: tuple[tuple[Any, ...], Dataset] | None = None
        self.axes = (0, 1)
        self.example: int | None = None  # the place of the inspected example in the next mini-batch
        self.speed: float | None = None  # epochs per second while training; inf for full speed
        self.goal: int | None = None  # the step that the replay of a run is heading for
        self.owed = 0.0  # steps due at a limited speed
        self.clock = 0.0
        self.inbox: queue.SimpleQueue[QueuedCommand | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="playground session", daemon=True)
        self.thread.start()

    # ---- from other threads ------------------------------------------------------------------

    def submit(self, work: Callable[[], dict[str, Any]], reply: Reply) -> None:
        """Run a command in the session's thread, which also calls `reply`."""
        self.inbox.put(QueuedCommand(work, reply))

    def close(self) -> None:
        """End the thread, and with it the training; returns at once."""
        self.inbox.put(None)

    # ---- the thread --------------------------------------------------------------------------

    def _work(self) -> None:
        with np.errstate(all="ignore"):  # the page shows a network that breaks; no warnings
            self._serve()

    def _serve(self) -> None:
        while True:
            try:
                job = self.inbox.get(timeout=self._patience())
            except queue.Empty:
                try:
                    self._slice()
                except Exception as error:  # a bug of ours must not end the session
                    self.pause()
                    self.publish(pack({"type": "error", "message": told(error)}))
                continue
            if job is None:
                return
            try:
                answer = job.work()
            except (ValueError, TypeError) as error:
                answer = {"error": str(error)}
            except Exception as error:  # a bug of ours must not end the session
                answer = {"error": told(error)}
            job.reply(answer)

    def _patience(self) -> float | None:
        """How long to wait for a command: forever, unless there is something to train."""
        if self.speed is None and self.goal is None:
            return None
        return max(0.0, self.clock - time.monotonic())

    def _slice(self) -> None:
        run, start = self.run, time.monotonic()
        if run is None:
            self.speed = self.goal = None
            return
        try:
            if self.goal is not None:
                if run.replay(self.goal, REPLAY_STEPS):
                    self.goal = None
            elif self.speed == float("inf"):
                while time.monotonic() < start + SLICE and run.nonfinite is None:
                    run.advance_epoch()
            else:
                self.owed += (self.speed or 0) * run.steps_per_epoch * SLICE
                whole = int(self.owed)
                self.owed -= whole
                run.advance(whole)
            if run.nonfinite is not None or run.step >= MAX_STEPS:
                self.speed = None
        finally:
            self.clock = start + (0.0 if self.goal is not None else SLICE)
        self.publish_frame()

    def publish_frame(self) -> None:
        if self.run is not None and self.station.key == "workshop":
            moving = self.speed is not None or self.goal is not None
            status = {
                "training": self.speed is not None,
                "replaying": self.goal is not None,
                "link": "" if moving else self.link(),
            }
            self.publish(pictures.frame(self.run, self.axes, status, self.shown_example()))

    def shown_example(self) -> Example | None:
        """The inspected example, if any."""
        if self.run is None or self.example is None:
            return None
        return example(self.run, self.example)

    # ---- what commands do --------------------------------------------------------------------

    @property
    def settings(self) -> Any:
        """The current settings of the open station, without the run so far."""
        if self.station.key == "workshop" and self.run is not None:
            return dataclasses.replace(self.run.settings, run="")
        return self.records[self.station.key]

    def open(self, station: Station, record: Any) -> None:
        """Go to a station; the workshop's settings start a new run and replay it to its end."""
        self.pause()
        if station.key == "workshop":
            self._begin(record)
        self.station = station
        self.records[station.key] = record
        self.show()

    def visit(self, station: Station) -> None:
        """Go to a station as it was left."""
        self.pause()
        if station.key == "workshop" and self.run is None:
            self._begin(self.records["workshop"])
        self.station = station
        self.show()

    def pause(self) -> None:
        """Stop training at the current step."""
        self.speed = self.goal = self.example = None

    def stand_still(self) -> Run:
        """Stop training, finish a replay, and publish the frame of the current step."""
        run = self.need_run()
        if self.goal is not None:
            run.seek(self.goal)
        self.speed = self.goal = None
        self.publish_frame()
        return run

    def change(self, changes: dict[str, Any]) -> None:
        """Change settings of the station. The run continues if it can, or else starts again."""
        old = self.settings
        if not isinstance(old, Workshop):
            self.records[self.station.key] = settings_.change(old, changes)
            return
        run = self.need_run()
        if "run" in changes:
            raise ValueError("run is the result of training and cannot be set")
        if run.step and set(changes) <= set(DURING):
            self.example = None
            for name, value in changes.items():
                run.change(name, value)
            self.publish_frame()
            return
        record = suited(settings_.change(old, changes), self._dataset)
        if set(changes) <= set(DURING):  # weights set by hand before the first step stay
            record = settings_.change(record, {"run": write_run((Leg(run.legs[0].changes),))})
        self.open(self.station, record)

    def need_run(self) -> Run:
        """The run of the workshop; ValueError in another station."""
        if self.station.key != "workshop" or self.run is None:
            raise ValueError("this command is for the workshop; open it first")
        return self.run

    def show(self) -> None:
        """Publish everything that the page needs to redraw the workshop."""
        if self.run is not None and self.station.key == "workshop":
            self.publish(pictures.data(self.run, self.axes))
            self.publish_frame()

    def link(self) -> str:
        """The link to the current view."""
        if self.station.key == "workshop" and self.run is not None:
            return links.encode(self.station, self.run.link_settings)
        return links.encode(self.station, self.settings)

    def _begin(self, record: Workshop) -> None:
        run = Run(record, self._dataset(record))
        if len(run.dataset.features) <= max(self.axes):
            self.axes = (0, min(1, run.dataset.n_inputs - 1))
        self.run = run
        self.goal = run.n_steps if run.n_steps else None
        self.clock = 0.0

    def _dataset(self, record: Workshop) -> Dataset:
        """The data of the settings, made again only if the settings have changed."""
        key = (id(self.table.frame), *(getattr(record, name) for name in DATA))
        if self.made is None or self.made[0] != key:
            self.made = key, dataset_from_settings(record, self.table)
        return self.made[1]


DATA = (
    *("data", "n", "noise", "classes", "test_share", "data_seed", "points"),
    *("target", "kinds", "scaling"),
)


def told(error: Exception) -> str:
    """A bug of ours as a one-line message."""
    return f"{type(error).__name__}: {error}"


def suited(record: Workshop, dataset_of: Callable[[Workshop], Dataset]) -> Workshop:
    """The settings, with an output unit that suits the data."""
    n_classes = dataset_of(record).n_classes
    if not why_not(record.output, n_classes):
        return record
    return settings_.change(record, {"output": "softmax" if n_classes else "linear"})
