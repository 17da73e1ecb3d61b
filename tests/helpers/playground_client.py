"""What the tests of the playground share: a tab's side of the socket, and programs run afresh."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from clearprop.playground.datasets import Table
from clearprop.playground.messages import pack
from clearprop.playground.security import Access
from clearprop.playground.server import create_app

PORT = 8765
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A binary message as the page reads it."""
    length = int.from_bytes(message[:4], "little")
    document, at, arrays = json.loads(message[4 : 4 + length]), 4 + length, {}
    for name, kind, shape in document["arrays"]:
        dtype = np.dtype(kind)
        n = int(np.prod(shape)) * dtype.itemsize
        arrays[name] = np.frombuffer(message[at : at + n], dtype).reshape(shape)
        at += n + -n % 8
    return document, arrays


class RefusedError(Exception):
    """The server answered with an error."""


class Tab:
    """One tab: asks, and keeps what comes by itself."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.number = socket, 0
        self.data: dict[str, Any] = {}
        self.frame: dict[str, Any] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.n_frames = 0

    def ask(self, command: str, file: bytes | None = None, **given: Any) -> dict[str, Any]:
        self.number += 1
        message = {"do": command, "id": self.number, **given}
        if file is None:
            self.socket.send_text(json.dumps(message))
        else:
            text = json.dumps(message).encode()
            self.socket.send_bytes(len(text).to_bytes(4, "little") + text + file)
        while True:
            document = self.receive()
            if document.get("id") == self.number:
                if document["type"] == "error":
                    raise RefusedError(document["message"])
                return document

    def receive(self) -> dict[str, Any]:
        """The next message; frames and data are kept."""
        event = self.socket.receive()
        if event["type"] == "websocket.close":
            raise WebSocketDisconnect(event["code"])
        if event.get("bytes") is None:
            return json.loads(event["text"])
        document, arrays = unpack(event["bytes"])
        if document["type"] == "data":
            self.data = {**document, "t": arrays["t"]}
        elif document["type"] == "frame":
            self.frame, self.arrays = document, arrays
            self.n_frames += 1
        elif "file" in arrays:
            document["file"] = arrays["file"].tobytes()
        return document

    def settle(self) -> None:
        """Until the run stands still and its frame is here."""
        self.ask("python", panel="training", part="train")  # a frame, now or after the reply
        n = self.n_frames
        self.ask("python", panel="training", part="train")
        while self.n_frames == n or self.frame["training"] or self.frame["replaying"]:
            self.receive()


@contextmanager
def served(table: Table | None = None) -> Iterator[tuple[TestClient, Access]]:
    """The application with a client that speaks to it as a browser on this machine does."""
    access = Access.to("127.0.0.1", PORT)
    app = create_app(access, table)
    with TestClient(app, base_url=ORIGIN) as client:
        yield client, access


@contextmanager
def tab(client: TestClient, access: Access) -> Iterator[Tab]:
    with client.websocket_connect(
        f"ws://{HOST}/socket?token={access.token}", headers={"origin": ORIGIN}
    ) as socket:
        yield Tab(socket)


def run_python(program: str, folder: Path | None = None) -> dict[str, Any]:
    """What a program of "copy as Python" prints, by name, from a process of its own."""
    code, printed, errors = _interpreter().run(program, folder)
    assert code == 0, f"{program}\n{errors}"
    lines = (line.split(" ", 1) for line in printed.splitlines())
    return {name: json.loads(value) for name, value in lines}


class _Interpreter:
    """An interpreter that has imported clearprop and forks for each program, which saves seconds.

    Each program has a process and a namespace of its own, as in a fresh interpreter.
    """

    SERVE = """
import json, os, signal, sys, traceback
# what takes most of the time of a start
import clearprop.playground.report, clearprop.tabular.plain, narwhals, pyarrow.csv

for line in sys.stdin:
    program, folder, printed, errors = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        for number, path in ((1, printed), (2, errors)):
            os.dup2(os.open(path, os.O_WRONLY), number)
        code = 0
        try:
            os.chdir(folder)
            exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitpid(child, 0)[1], flush=True)
"""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", self.SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        atexit.register(self.close)

    def close(self) -> None:
        """End it, with its pipes."""
        self.process.kill()
        self.process.communicate()

    def run(self, program: str, folder: Path | None) -> tuple[int, str, str]:
        """The exit status of a program, and what it wrote to standard output and error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with NamedTemporaryFile() as printed, NamedTemporaryFile() as errors:
            request = program, str(folder or Path.cwd()), printed.name, errors.name
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            status = self.process.stdout.readline()
            assert status, "the interpreter has ended"
            return int(status), printed.read().decode(), errors.read().decode()


@cache
def _interpreter() -> _Interpreter:
    return _Interpreter()


def number(value: Any) -> float:
    """A number of a message: NaN and infinity come as texts."""
    return float(value) if not isinstance(value, str) else float(value.replace("I", "i"))


def entries(numbers: dict[str, Any]) -> dict[str, Any]:
    """Every entry under its own name, as the page names them: W1.0.2."""
    found: dict[str, Any] = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, list):
            for i, entry in enumerate(value):
                walk(f"{name}.{i}", entry)
        else:
            found[name] = value

    for name, value in numbers.items():
        walk(name, value)
    return found


__all__ = ["HOST", "ORIGIN", "RefusedError", "Tab", "entries", "number", "pack", "run_python"]
__all__ += ["served", "tab", "unpack"]
