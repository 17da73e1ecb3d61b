"""The server: four files of the page, and a socket for each tab.

The files are read when the server starts and served under their names; no other path exists. The
socket of a tab has its own session, which ends with the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from clearprop.playground.commands import perform
from clearprop.playground.datasets import Table
from clearprop.playground.messages import MAX_MESSAGE, pack, parse, to_json, unpack
from clearprop.playground.security import HEADERS, Access
from clearprop.playground.session import Session

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

MAX_SESSIONS = 32
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}
# Reasons for closing a socket, as the page shows them.
REFUSED, FULL = 4403, 4429


def create_app(access: Access, table: Table | None = None) -> Starlette:
    """The ASGI application. table: the table that the workshop starts with."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route, WebSocketRoute

    contents = read_files()
    sessions: set[Session] = set()

    def refuse(status: int, text: str) -> Response:
        return PlainTextResponse(text + "\n", status, headers=dict(HEADERS))

    async def page(request: Request) -> Response:
        if not access.allows_host(request.headers.get("host")):
            return refuse(421, "this server does not accept that host name")
        body, kind = contents[request.url.path]
        headers = {**HEADERS, "Content-Type": kind}
        token = request.query_params.get("token")
        if token is not None:
            if not access.allows_token(token):
                return refuse(403, "the token is wrong: use the address that was printed")
            headers["Set-Cookie"] = access.set_cookie()
            if request.url.path == "/":  # the token leaves the address; the part after # stays
                return Response(status_code=303, headers={**headers, "Location": "/"})
        return Response(body, headers=headers)

    async def converse(websocket: WebSocket) -> None:
        headers = websocket.headers
        allowed = access.allows_host(headers.get("host")) and access.allows_origin(
            headers.get("origin")
        )
        token = websocket.query_params.get("token") or access.token_of(headers.get("cookie"))
        if not allowed:
            await websocket.close(REFUSED)
            return
        await websocket.accept()  # only an accepted socket can tell the page why it is closed
        if not access.allows_token(token):
            await websocket.close(REFUSED, "the token is missing or wrong")
            return
        if len(sessions) >= MAX_SESSIONS:
            await websocket.close(FULL, "too many tabs are open")
            return
        outbox = Outbox(asyncio.get_running_loop())
        session = Session(outbox.put_frame, table)
        sessions.add(session)
        try:
            await _converse(websocket, session, outbox)
        finally:
            session.close()
            sessions.discard(session)

    async def nothing(request: Request, error: Exception) -> Response:
        return refuse(getattr(error, "status_code", 404), "there is nothing here")

    app = Starlette(
        routes=[
            *(Route(path, page, methods=["GET"]) for path in FILES),
            WebSocketRoute("/socket", converse),
        ],
        exception_handlers={404: nothing, 405: nothing},
    )
    app.state.sessions = sessions
    return app


def read_files() -> Mapping[str, tuple[bytes, str]]:
    """The page's files by path, with their types."""
    folder = resources.files("clearprop.playground") / "static"
    return {path: ((folder / name).read_bytes(), kind) for path, (name, kind) in FILES.items()}


class Outbox:
    """The messages for a tab: all replies in order, but only the newest frame.

    A slow tab thus gets fewer frames, and nothing piles up.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.replies: deque[str | bytes] = deque()
        self.frames: dict[bytes, bytes] = {}
        self.filled = asyncio.Event()

    def put_frame(self, message: bytes) -> None:
        """From any thread: replace the frame that has not been sent yet."""
        self.soon(self._frame, message)

    def put_reply(self, message: str | bytes) -> None:
        """From any thread: add a reply at the end."""
        self.soon(self._reply, message)

    def soon(self, function: Callable[..., object], *arguments: object) -> None:
        """From any thread: call it in the event loop, unless the loop has ended with the server."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *arguments)

    def _frame(self, message: bytes) -> None:
        self.frames[message[4:20]] = message  # messages begin with their type
        self.filled.set()

    def _reply(self, message: str | bytes) -> None:
        self.replies.append(message)
        self.filled.set()

    async def next(self) -> str | bytes:
        """The next message, when there is one."""
        while True:
            if self.replies:
                return self.replies.popleft()
            if self.frames:
                return self.frames.pop(next(iter(self.frames)))
            self.filled.clear()
            await self.filled.wait()


async def _converse(websocket: WebSocket, session: Session, outbox: Outbox) -> None:
    """Take commands one after another, send what there is, until the tab goes away."""
    sender = asyncio.create_task(_send(websocket, outbox))
    receiver = asyncio.create_task(_receive(websocket, session, outbox))
    _, pending = await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait({sender, receiver})
    for task in (sender, receiver):
        if not task.cancelled():
            task.exception()  # a tab that closes while it receives a message is not an error


async def _send(websocket: WebSocket, outbox: Outbox) -> None:
    while True:
        message = await outbox.next()
        if isinstance(message, bytes):
            await websocket.send_bytes(message)
        else:
            await websocket.send_text(message)


async def _receive(websocket: WebSocket, session: Session, outbox: Outbox) -> None:
    while True:
        event = await websocket.receive()
        if event["type"] != "websocket.receive":
            return
        await _answer(event.get("text"), event.get("bytes"), session, outbox)


async def _answer(text: str | None, data: bytes | None, session: Session, outbox: Outbox) -> None:
    """Have one message performed; the next one is not read before it is."""
    try:
        message, payload = (parse(text), b"") if text is not None else unpack(data or b"")
    except ValueError as error:
        outbox.put_reply(to_json({"type": "error", "id": None, "message": str(error)}))
        return
    number = message.get("id")
    if not isinstance(number, int):
        number = None
    done = asyncio.Event()

    def reply(answer: dict[str, Any]) -> None:
        error = answer.pop("error", None)
        if error is not None:
            outbox.put_reply(to_json({"type": "error", "id": number, "message": error}))
        elif "file" in answer:
            import numpy as np

            array = np.frombuffer(answer.pop("file"), dtype=np.uint8)
            outbox.put_reply(pack({"type": "reply", "id": number, **answer}, {"file": array}))
        else:
            outbox.put_reply(to_json({"type": "reply", "id": number, **answer}))
        outbox.soon(done.set)

    session.submit(lambda: perform(session, message, payload), reply)
    await done.wait()


def serve(access: Access, listener: socket.socket, table: Table | None = None) -> None:
    """Serve connections to the listening socket until interrupted."""
    import uvicorn

    config = uvicorn.Config(
        create_app(access, table),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        limit_concurrency=4 * MAX_SESSIONS,
    )
    uvicorn.Server(config).run(sockets=[listener])
