"""`clearprop play`: the playground in the browser, or as a file for a web server."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from clearprop.cli.output import UsageError, note, print_json
from clearprop.cli.parser import file_options


def play(arguments: argparse.Namespace) -> int:
    """Run the command, and return 0."""
    from clearprop.playground import page_file

    table = arguments.table or ""
    link = None if os.path.exists(table) else page_file.LINK.search(table)
    if arguments.target is not None and (link or arguments.table is None):
        raise UsageError("--target names a column of TABLE, but TABLE is missing")
    payload: dict[str, Any] = {}
    if link:
        payload = {"link": link[1]}
    elif arguments.table is not None:
        payload = _table(arguments)
    if arguments.lessons is not None:
        payload["lessons"] = _lessons(arguments.lessons)
    text = page_file.page_text(payload)
    if arguments.write is not None:
        try:
            path = page_file.write_site(Path(arguments.write), text)
        except FileExistsError as error:
            raise UsageError(str(error)) from None
    else:
        path = page_file.write_page(text)
    start = payload.get("link", "")
    address = path.resolve().as_uri() + (f"#{start}" if start else "")
    if arguments.json:
        print_json({"file": str(path), "address": address})
    elif arguments.write is not None:
        print(f"{path} is the playground, whole: any web server or browser can open it")
    else:
        print(f"The playground is the file {path}")
    if (
        arguments.write is None
        and not arguments.no_browser
        and not page_file.open_in_browser(path, start)
    ):
        note("there is no browser here: open the file in one", arguments.quiet)
    return 0


def _lessons(path: str) -> Any:
    """The lessons of a file; the page checks what they hold, and names a fault with its lesson."""
    try:
        with open(path, encoding="utf-8") as file:
            lessons = json.load(file)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: the lessons are not JSON: {error}") from None
    if not isinstance(lessons, dict | list):
        raise UsageError(f"{path}: the lessons must be a JSON object, or a list of objects")
    return lessons


def _table(arguments: argparse.Namespace) -> dict[str, Any]:
    """The table and the link to it. Raises TableError."""
    from clearprop.playground.page_file import link_of
    from clearprop.playground.start import frame_columns, table_payload
    from clearprop.tables.files import read_table
    from clearprop.tables.frames import TableError, unknown_name

    frame, _ = read_table(arguments.table, **file_options(arguments))
    columns = frame_columns(frame)
    target = arguments.target or list(columns)[-1]
    if target not in columns:
        raise TableError(unknown_name(target, tuple(columns)))
    table = table_payload(os.path.basename(arguments.table), columns, target)
    if "sampledFrom" in table:
        n = table["text"].count("\n") - 1
        whole = table["sampledFrom"]
        note(f"the page gets a sample of {n:,} of the {whole:,} rows", arguments.quiet)
    return {"link": link_of("workshop", [("data", "table"), ("target", target)]), "table": table}
