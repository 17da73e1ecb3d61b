"""The commands that a page can send: one table, with the types of their arguments.

A message {"do": name, "id": number, ...arguments} is answered by {"type": "reply", "id": number,
...} or {"type": "error", "id": number, "message": text}. No message from a page ends the session.
Every number in an answer was computed here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clearprop.playground import (
    datasets,
    exports,
    links,
    report,
    settings,
    state_file,
    workshop_code,
)
from clearprop.playground.runs import Run
from clearprop.playground.session import REPLAY_STEPS, Session
from clearprop.playground.stations import STATIONS, find_station
from clearprop.playground.stations.workshop import MAX_STEPS

SPEEDS = {"1": 1.0, "10": 10.0, "100": 100.0, "most": math.inf}


@dataclass(frozen=True)
class Command:
    """arguments: name → type. run: (session, arguments...) → the contents of the reply."""

    arguments: Mapping[str, type]
    run: Callable[..., dict[str, Any]]


def check_arguments(command: Command, given: Mapping[str, Any]) -> None:
    """Raise ValueError unless exactly the command's arguments are present, with the right types."""
    for name in given.keys() - command.arguments.keys():
        raise ValueError(f"there is no argument {name[:60]!r}")
    for name, kind in command.arguments.items():
        value = given.get(name)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            continue
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{name} must be of type {kind.__name__}; got {str(value)[:60]!r}")


def perform(session: Session, message: Mapping[str, Any], payload: bytes = b"") -> dict[str, Any]:
    """Run the command of a message in the session's thread; ValueError for an invalid message."""
    name = message.get("do")
    if not isinstance(name, str) or name not in COMMANDS:
        raise ValueError(f"there is no command {str(name)[:60]!r}")
    given = {key: value for key, value in message.items() if key not in ("do", "id")}
    if name in WITH_FILE:
        given["data"] = payload
    elif payload:
        raise ValueError(f"the command {name} takes no file")
    command = COMMANDS[name]
    check_arguments(command, given)
    return command.run(session, **given)


def _hello(session: Session) -> dict[str, Any]:
    stations = [
        {
            "key": s.key,
            "title": s.title,
            "slides": s.slides,
            "presets": list(s.presets),
            "settings": {name: k.describe() for name, k in settings.kinds(s.settings).items()},
        }
        for s in STATIONS.values()
    ]
    return {"stations": stations, "table": _table(session), **_state(session)}


def _table(session: Session) -> dict[str, Any]:
    return {"name": session.table.name, "columns": session.table.columns}


def _state(session: Session) -> dict[str, Any]:
    """Station, settings and link, and the station's document."""
    record = session.settings
    view = session.station.view(record) if session.station.view else {}
    return {
        "station": session.station.key,
        "settings": dataclasses.asdict(record),
        "link": session.link(),
        "view": view,
    }


def _open(session: Session, link: str) -> dict[str, Any]:
    session.open(*links.decode(link))
    return _state(session)


def _visit(session: Session, station: str) -> dict[str, Any]:
    session.visit(find_station(station))
    return _state(session)


def _set(session: Session, changes: dict[str, Any]) -> dict[str, Any]:
    session.change(changes)
    return _state(session)


def _preset(session: Session, title: str) -> dict[str, Any]:
    presets = session.station.presets
    if title not in presets:
        raise ValueError(f"there is no preset {title[:60]!r}; the presets are {list(presets)}")
    session.open(session.station, session.station.settings(**presets[title]))
    return _state(session)


def _act(session: Session, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    action = session.station.actions.get(name)
    if action is None:
        raise ValueError(f"this station has no action {name[:60]!r}")
    record = action(session.records[session.station.key], **arguments)
    session.records[session.station.key] = record
    return _state(session)


def _python(session: Session, panel: str, part: str) -> dict[str, Any]:
    run = session.stand_still()  # the program must print what the page shows
    asked = workshop_code.Asked(run, part, session.shown_example(), session.table.name)
    return {"python": workshop_code.python(asked, panel), "link": session.link()}


def _report(session: Session, part: str) -> dict[str, Any]:
    run = session.need_run()
    return {"report": report.report(run, part), "step": run.step}


def _export(session: Session, what: str) -> dict[str, Any]:
    run = session.need_run()
    if what not in exports.EXPORTS:
        raise ValueError(f"what must be one of {list(exports.EXPORTS)}; got {what[:60]!r}")
    name, write = exports.EXPORTS[what]
    return {"file": write(run), "name": name}


def _link(session: Session) -> dict[str, Any]:
    return {"link": session.link()}


# ---- the workshop --------------------------------------------------------------------------------


def _train(session: Session, speed: str) -> dict[str, Any]:
    if speed not in SPEEDS:
        raise ValueError(f"speed must be one of {list(SPEEDS)}; got {speed[:60]!r}")
    session.need_run()
    session.goal, session.speed, session.owed, session.clock = None, SPEEDS[speed], 1.0, 0.0
    return {}


def _pause(session: Session) -> dict[str, Any]:
    session.pause()
    session.publish_frame()
    return {"link": session.link()}


def _step(session: Session, unit: str) -> dict[str, Any]:
    run, place = session.need_run(), session.example
    session.pause()
    if unit == "batch":
        run.advance(1)
    elif unit == "epoch":
        run.advance_epoch()
    elif unit == "example":
        _step_example(session, run, place)
    else:
        raise ValueError(f"unit must be 'example', 'batch' or 'epoch'; got {unit[:60]!r}")
    session.publish_frame()
    return {"link": session.link()}


def _step_example(session: Session, run: Run, place: int | None) -> None:
    """The next example of the mini-batch; after the last example the step is taken."""
    following = 0 if place is None else place + 1
    if following < len(run.next_batch()):
        session.example = following
    else:
        run.advance(1)


def _seek(session: Session, step: int) -> dict[str, Any]:
    run = session.need_run()
    if not 0 <= step <= MAX_STEPS:
        raise ValueError(f"step must be from 0 to {MAX_STEPS}; got {step}")
    session.pause()
    run.rewind(step)
    if not run.replay(step, REPLAY_STEPS):  # the remaining steps follow between commands
        session.goal, session.clock = step, 0.0
    session.publish_frame()
    return _state(session)


def _edit(session: Session, name: str, value: float) -> dict[str, Any]:
    session.need_run().change(name, value)
    session.pause()
    session.publish_frame()
    return _state(session)


def _axes(session: Session, x: int, y: int) -> dict[str, Any]:
    run = session.need_run()
    for name, axis in (("x", x), ("y", y)):
        if not 0 <= axis < run.dataset.n_inputs:
            raise ValueError(f"{name} must be a feature from 0 to {run.dataset.n_inputs - 1}")
    session.axes = (x, y)
    session.show()
    return {}


def _load_table(session: Session, name: str, data: bytes) -> dict[str, Any]:
    session.need_run()
    table = datasets.read_upload(data, datasets.file_name(name))
    old = session.table
    session.table = table
    try:
        session.change({"data": "table", "target": table.columns[-1]})
    except ValueError:
        session.table = old
        raise
    return {"table": _table(session), **_state(session)}


def _save(session: Session) -> dict[str, Any]:
    return {"file": state_file.save(session.need_run(), session.table)}


def _load(session: Session, data: bytes) -> dict[str, Any]:
    record, table = state_file.load(data)
    old = session.table
    session.table = table or old
    try:
        session.open(STATIONS["workshop"], record)
    except ValueError:
        session.table = old
        raise
    return {"table": _table(session), **_state(session)}


WITH_FILE = ("load_table", "load")
COMMANDS: dict[str, Command] = {
    "hello": Command({}, _hello),
    "state": Command({}, _state),
    "open": Command({"link": str}, _open),
    "visit": Command({"station": str}, _visit),
    "set": Command({"changes": dict}, _set),
    "preset": Command({"title": str}, _preset),
    "act": Command({"name": str, "arguments": dict}, _act),
    "python": Command({"panel": str, "part": str}, _python),
    "report": Command({"part": str}, _report),
    "export": Command({"what": str}, _export),
    "link": Command({}, _link),
    "train": Command({"speed": str}, _train),
    "pause": Command({}, _pause),
    "step": Command({"unit": str}, _step),
    "seek": Command({"step": int}, _seek),
    "edit": Command({"name": str, "value": float}, _edit),
    "axes": Command({"x": int, "y": int}, _axes),
    "load_table": Command({"name": str, "data": bytes}, _load_table),
    "save": Command({}, _save),
    "load": Command({"data": bytes}, _load),
}
