"""A progress bar for training: rate, loss and time left, only on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from clearprop.history import EpochReport


class ProgressBar:
    """A callback that shows epochs per second, losses and the time left, for one job or many.

    It is shown on standard error if that is a terminal; otherwise nothing is printed, so that piped
    output stays plain. Use it as ``net.train(..., callbacks=[cp.ProgressBar()])``, or in the
    `callbacks` of an estimator.
    """

    def __init__(self, description: str = "training", file: TextIO | None = None) -> None:
        self.description, self.file = description, file
        self._progress: Any = None
        self._tasks: dict[int, Any] = {}

    def __call__(self, report: EpochReport) -> None:
        file = sys.stderr if self.file is None else self.file
        if not file.isatty():
            return
        if self._progress is None:
            self._progress = _start(file)
        if report.job not in self._tasks:
            name = self.description + (f" {report.job}" if report.job else "")
            self._tasks[report.job] = self._progress.add_task(
                name, total=report.n_epochs, completed=report.epoch - 1, losses=""
            )
        losses = f"loss {report.loss:.4g}"
        if report.validation_loss is not None:
            losses += f" · validation {report.validation_loss:.4g}"
        task = self._tasks[report.job]
        self._progress.update(task, total=report.n_epochs, completed=report.epoch, losses=losses)
        if report.stopping:
            self._progress.stop_task(task)
            if all(t.stop_time is not None for t in self._progress.tasks):
                self.close()

    def close(self) -> None:
        """End the display; called automatically when the last job ends."""
        if self._progress is not None:
            self._progress.stop()
            self._progress, self._tasks = None, {}


def _start(file: TextIO) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.3g} epochs/s")

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
        console=Console(file=file),
        transient=False,
    )
    progress.start()
    return progress
