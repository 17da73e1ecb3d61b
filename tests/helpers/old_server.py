"""The server of the page that it still has: `clearprop play` as it was, for its tests."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from clearprop.cli.output import UsageError, print_json
from clearprop.cli.parser import OneLineParser, _add_table, file_options

if TYPE_CHECKING:
    from clearprop.playground.datasets import Table

PORT = 8765


def main() -> None:
    """Serve until the process is ended."""
    from clearprop.playground.security import Access
    from clearprop.playground.server import serve

    parser = OneLineParser()
    _add_table(parser, nargs="?")
    parser.add_argument("--target")
    arguments = parser.parse_args()
    table, fragment = None, ""
    if arguments.table is not None:
        table, target = _read(arguments.table, arguments.target, file_options(arguments))
        fragment = "#" + urlencode({"station": "workshop", "data": "table", "target": target})
    listener = _listen("127.0.0.1", 0)
    port = int(listener.getsockname()[1])
    access = Access.to("127.0.0.1", port)
    print_json({"address": f"http://127.0.0.1:{port}/?token={access.token}{fragment}"})
    sys.stdout.flush()
    serve(access, listener, table)


def _read(path: str, target: str | None, options: dict[str, Any]) -> tuple[Table, str]:
    """The table with its target column, by default the last one. Raises TableError."""
    from clearprop.playground.datasets import MAX_BYTES, Table
    from clearprop.tables.files import read_table
    from clearprop.tables.files.kinds import HEAD_BYTES, kind_of
    from clearprop.tables.frames import TableError, unknown_name

    frame, text = read_table(path, **options)
    columns = tuple(frame.column_names)
    if target is not None and target not in columns:
        raise TableError(unknown_name(target, columns))
    source = None
    as_it_is = options["header"] and not any(options[name] for name in options if name != "header")
    if text and as_it_is and os.path.isfile(path) and os.path.getsize(path) <= MAX_BYTES:
        with open(path, "rb") as file:
            source = file.read()
        if kind_of(source[:HEAD_BYTES]) != "text":  # a saved state keeps plain CSV
            source = None
    return Table(os.path.basename(path), columns, frame, source), target or columns[-1]


def _listen(host: str, port: int | None) -> socket.socket:
    """A socket at the requested port, or at 8765 if it is free, or at any free port.

    It accepts connections from now on: a browser that connects before the server runs will wait.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (port,) if port is not None else (PORT, 0):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            failure = error
            continue
        return listener
    raise UsageError(f"port {port}: {failure.strerror}")


if __name__ == "__main__":
    main()
