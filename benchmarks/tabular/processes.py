"""A worker process with so many threads and a time limit for each fit."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS", "CLEARPROP")
ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """Runs jobs one after another in a separate process, which a job beyond the limit ends."""

    def __init__(
        self, command: tuple[str, ...] = ("-m", "benchmarks.tabular.worker"), threads: int = 1
    ) -> None:
        self._command = (sys.executable, *command)
        self._threads = {f"{name}_NUM_THREADS": str(threads) for name in THREADS}
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def run(self, job: dict[str, Any], limit: float) -> dict[str, Any]:
        """The worker's answer, or {"error": …} after `limit` seconds or if the process dies."""
        process = self._started()
        if process.stdin is None:
            raise RuntimeError("the worker has no standard input")
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            self.stop()
            return {"error": f"no result within {limit:g} s"}
        if not line:
            code = process.wait()
            self.stop()
            return {"error": f"the process ended with code {code}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._lines = queue.Queue()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
                env=os.environ | self._threads,
            )
            threading.Thread(
                target=_read, args=(self._process.stdout, self._lines), daemon=True
            ).start()
        return self._process

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
            self._process = None


def _read(stream: Any, lines: queue.Queue[str]) -> None:
    try:
        for line in stream:
            lines.put(line)
    except ValueError:
        pass  # closed meanwhile
    lines.put("")
